"""SSM Run Command and the agents' registration (AWS Systems Manager API reference; the agent's source)."""

import json
import random
import re
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from e2e.twin.cloud import answers
from e2e.twin.cloud.agent import Agents
from e2e.twin.cloud.commands import Budgets, Command, Invocation
from e2e.twin.cloud.errors import AwsError
from e2e.twin.cloud.faults import ONLINE, CloudFaults, NoFaults
from e2e.twin.cloud.fleet import Fleet, InstanceView, UnknownInstanceError
from e2e.twin.cloud.managed import describe_instance_information
from e2e.twin.cloud.paging import BadTokenError, page

VISIBLE_AFTER_SECONDS = 0.4
"""Platform seconds after a send in which no reader knows the invocation (field record: 12 of 12 first polls)."""
DELIVERED_AFTER_SECONDS = 0.6
"""Platform seconds after a send until the machine gets the command."""
_DEFAULT_DELIVERY_SECONDS = 3600
_DEFAULT_EXECUTION_SECONDS = 3600
_SHORTEST_EXECUTION_SECONDS = 5
_LONGEST_EXECUTION_SECONDS = 172_800
_LARGEST_DOCUMENT = 64 * 1024
_DOCUMENT = "AWS-RunShellScript"
_DOCUMENT_PARAMETERS = ("commands", "workingDirectory", "executionTimeout")
_DEFAULT_PAGE = 50
_STORED_PARAMETER = re.compile(r"\{\{\s*ssm(-secure)?:[^}]*\}\}")
_PLACEHOLDER = re.compile(r"\{\{\s*(workingDirectory|executionTimeout)\s*\}\}")


@dataclass
class SystemsManager:
    """Takes commands, hands them to the agents of the fleet, and tells what became of them."""

    fleet: Fleet
    region: str
    account: str
    seed: int = 0
    faults: CloudFaults = field(default_factory=NoFaults)
    _agents: Agents = field(init=False)
    _random: random.Random = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _invocations: dict[str, dict[str, Invocation]] = field(default_factory=dict)
    _commands: dict[str, Command] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Set up the agents and the source of ids."""
        self._agents = Agents(self.fleet, self.region)
        self._random = random.Random(self.seed)  # noqa: S311 (reproducible ids, not secrets)

    def operations(self) -> dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        """Return the operations by their API names."""
        return {
            "SendCommand": self.send_command,
            "GetCommandInvocation": self.get_command_invocation,
            "ListCommandInvocations": self.list_command_invocations,
            "ListCommands": self.list_commands,
            "CancelCommand": self.cancel_command,
            "DescribeInstanceInformation": self.describe_instance_information,
            "GetConnectionStatus": self.get_connection_status,
        }

    def stop(self) -> None:
        """Kill what runs."""
        self._agents.stop()

    def describe_instance_information(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """List the machines that SSM manages.

        Raises:
            AwsError: InvalidFilterKey, InvalidNextToken.
        """
        return describe_instance_information(self.fleet, self.faults, request)

    def send_command(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Take a command; it runs later.

        Raises:
            AwsError: another document, misspelt or oversized parameters, an instance that takes no commands.
        """
        document = request["DocumentName"].rpartition("/")[2]
        if document != _DOCUMENT:
            raise AwsError("InvalidDocument", f"Document with name {request['DocumentName']} does not exist.")
        parameters = _checked_parameters(request.get("Parameters", {}))
        instance_ids = self._instances_for(request)
        delivery = request.get("TimeoutSeconds", _DEFAULT_DELIVERY_SECONDS)
        execution = execution_seconds(parameters)
        now = self.fleet.clock.now()
        with self._lock:
            command_id = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        command = Command(
            command_id=command_id,
            instance_ids=tuple(instance_ids),
            given_instance_ids=tuple(request.get("InstanceIds", [])),
            targets=tuple(request.get("Targets", [])),
            document_name=document,
            document_version=request.get("DocumentVersion", "$DEFAULT"),
            parameters=parameters,
            comment=request.get("Comment", ""),
            requested_at=now,
            expires_after=now + timedelta(seconds=delivery + execution),
            delivery_seconds=delivery,
            execution_seconds=execution,
            max_concurrency=request.get("MaxConcurrency", "50"),
            max_errors=request.get("MaxErrors", "0"),
        )
        clock = self.fleet.clock
        budgets = Budgets(
            visible=clock.wall(VISIBLE_AFTER_SECONDS),
            delivered=clock.wall(DELIVERED_AFTER_SECONDS),
            delivery=clock.real(delivery),
            execution=clock.real(execution),
        )
        invocations = {
            instance_id: self.faults.invocation(command, instance_id, budgets) for instance_id in instance_ids
        }
        with self._lock:
            self._commands[command_id] = command
            self._invocations[command_id] = invocations
        for invocation in invocations.values():
            self._agents.give(invocation)
        return {"Command": answers.command(command, list(invocations.values()), now)}

    def get_command_invocation(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Tell what became of a command on one instance, with its output once it has ended.

        Raises:
            AwsError: InvocationDoesNotExist, also shortly after the send; InvalidPluginName.
        """
        invocation = self._invocations.get(request["CommandId"], {}).get(request["InstanceId"])
        if invocation is None or not invocation.shows():
            raise AwsError("InvocationDoesNotExist", "An error occurred (InvocationDoesNotExist)")
        if request.get("PluginName", answers.PLUGIN) not in {answers.PLUGIN, "0.awsrunShellScript"}:
            raise AwsError("InvalidPluginName", "The plugin name isn't valid.")
        return answers.invocation(invocation, self.fleet.clock.now())

    def list_command_invocations(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """List invocations, newest command first; empty shortly after a send.

        Raises:
            AwsError: InvalidNextToken.
        """
        now = self.fleet.clock.now()
        found = [
            invocation
            for command in self._matching(request, now)
            for invocation in self._invocations[command.command_id].values()
            if request.get("InstanceId") in {None, invocation.instance_id} and invocation.shows()
        ]
        wanted = _filter_value(request, "Status")
        if wanted is not None:
            found = [invocation for invocation in found if invocation.state(now).status == wanted]
        chosen, token = _page(found, request, lambda one: f"{one.command.command_id}/{one.instance_id}")
        details = request.get("Details", False)
        rows = [answers.invocation_row(invocation, now, details=details) for invocation in chosen]
        return {"CommandInvocations": rows} | ({"NextToken": token} if token else {})

    def list_commands(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """List commands, newest first, with their comments: how a lost send is found again.

        Raises:
            AwsError: InvalidNextToken.
        """
        now = self.fleet.clock.now()
        found = self._matching(request, now)
        wanted = _filter_value(request, "Status")
        rows = [
            answers.command(command, list(self._invocations[command.command_id].values()), now) for command in found
        ]
        rows = [row for row in rows if wanted in {None, row["Status"]}]
        chosen, token = _page(rows, request, lambda row: str(row["CommandId"]))
        return {"Commands": chosen} | ({"NextToken": token} if token else {})

    def cancel_command(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Cancel a command where it has not ended; best effort, as the real one.

        Raises:
            AwsError: InvalidCommandId, InvalidInstanceId, DuplicateInstanceId.
        """
        invocations = self._invocations.get(request["CommandId"])
        if invocations is None:
            raise AwsError("InvalidCommandId", "The specified command ID isn't valid. Verify the ID and try again.")
        chosen = request.get("InstanceIds") or list(invocations)
        _refuse_duplicates(chosen)
        for instance_id in chosen:
            if instance_id not in invocations:
                raise AwsError("InvalidInstanceId", f"The command was not sent to {instance_id}.")
        for instance_id in chosen:
            invocations[instance_id].cancel(self.fleet.clock.now())
        return {}

    def get_connection_status(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Tell whether Session Manager could connect: a hint, no proof."""
        target = request["Target"]
        try:
            connected = self.faults.ping_status(self.fleet.view(target)) == ONLINE
        except UnknownInstanceError:
            connected = False
        return {"Target": target, "Status": "connected" if connected else "notconnected"}

    def _instances_for(self, request: Mapping[str, Any]) -> list[str]:
        ids = request.get("InstanceIds", [])
        targets = request.get("Targets", [])
        if bool(ids) == bool(targets):
            raise AwsError("ValidationException", "Give either InstanceIds or Targets.")
        _refuse_duplicates(ids)
        if targets:
            managed = [view for view in self.fleet.views() if self.faults.ping_status(view) is not None]
            return [view.instance_id for view in managed if all(_targeted(view, target) for target in targets)]
        for instance_id in ids:
            if not self._takes_commands(instance_id):
                raise AwsError(
                    "InvalidInstanceId", f"Instances [[{instance_id}]] not in a valid state for account {self.account}"
                )
        return list(ids)

    def _takes_commands(self, instance_id: str) -> bool:
        try:
            return self.faults.ping_status(self.fleet.view(instance_id)) is not None
        except UnknownInstanceError:
            return False

    def _matching(self, request: Mapping[str, Any], now: datetime) -> list[Command]:
        with self._lock:
            commands = list(reversed(self._commands.values()))
        wanted_id = request.get("CommandId")
        instance_id = request.get("InstanceId")
        after, before = (_moment(_filter_value(request, key)) for key in ("InvokedAfter", "InvokedBefore"))
        document = _filter_value(request, "DocumentName")
        stage = _filter_value(request, "ExecutionStage")

        def matches(command: Command) -> bool:
            return (
                wanted_id in {None, command.command_id}
                and (instance_id is None or instance_id in command.instance_ids)
                and (after is None or command.requested_at > after)
                and (before is None or command.requested_at < before)
                and document in {None, command.document_name}
                and (stage is None or stage == self._stage(command, now))
            )

        return [command for command in commands if matches(command)]

    def _stage(self, command: Command, now: datetime) -> str:
        ended = all(one.state(now).terminal for one in self._invocations[command.command_id].values())
        return "Complete" if ended else "Executing"


def execution_seconds(parameters: Mapping[str, list[str]]) -> int:
    """Return the execution timeout that the agent uses: out of range silently becomes 3600."""
    text = "".join(parameters.get("executionTimeout", []))
    seconds = int(text) if text.isdigit() else _DEFAULT_EXECUTION_SECONDS
    in_range = _SHORTEST_EXECUTION_SECONDS <= seconds <= _LONGEST_EXECUTION_SECONDS
    return seconds if in_range else _DEFAULT_EXECUTION_SECONDS


def _checked_parameters(parameters: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return the parameters as they reach the agent, placeholders filled in."""
    for name in parameters:
        if name not in _DOCUMENT_PARAMETERS:
            raise AwsError("InvalidParameters", f"Parameter {name} is not defined in document {_DOCUMENT}.")
    if not parameters.get("commands"):
        raise AwsError("InvalidParameters", f"Document {_DOCUMENT} requires parameter commands.")
    for name in ("workingDirectory", "executionTimeout"):
        if len(parameters.get(name, [""])) != 1:
            raise AwsError("InvalidParameters", f"Parameter {name} takes exactly one value.")
    timeout = parameters.get("executionTimeout", ["3600"])[0]
    if not re.fullmatch(r"[0-9]{1,6}", timeout):
        raise AwsError("InvalidParameters", f"Parameter executionTimeout has the value {timeout}, which is no number.")
    if len(json.dumps(parameters).encode()) > _LARGEST_DOCUMENT:
        raise AwsError("MaxDocumentSizeExceeded", "The size limit of a document is 64 KB.")
    for command in parameters["commands"]:
        if _STORED_PARAMETER.search(command):
            raise AwsError("InvalidParameters", "Parameters that are fetched from Parameter Store do not exist here.")
    plain = {"workingDirectory": "", "executionTimeout": "3600"}
    plain |= {name: parameters[name][0] for name in plain if name in parameters}
    filled = [_PLACEHOLDER.sub(lambda match: plain[match[1]], command) for command in parameters["commands"]]
    return {**parameters, "commands": filled}


def _refuse_duplicates(ids: Sequence[str]) -> None:
    if len(set(ids)) != len(ids):
        raise AwsError("DuplicateInstanceId", "You can't specify an instance ID in more than one association.")


def _targeted(view: InstanceView, target: Mapping[str, Any]) -> bool:
    key, values = target.get("Key", ""), target.get("Values", [])
    if key.lower() == "instanceids":
        return view.instance_id in values
    if key.startswith("tag:"):
        return view.tags.get(key.removeprefix("tag:")) in values
    if key == "tag-key":
        return any(value in view.tags for value in values)
    raise AwsError("ValidationException", f"Target key {key} is not known.")


def _filter_value(request: Mapping[str, Any], key: str) -> str | None:
    return next((str(one["value"]) for one in request.get("Filters", []) if one["key"] == key), None)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise AwsError("ValidationException", f"{text} is no date.") from error


def _page(items: list[Any], request: Mapping[str, Any], key: Callable[[Any], str]) -> tuple[list[Any], str | None]:
    try:
        return page(items, key, request.get("MaxResults", _DEFAULT_PAGE), request.get("NextToken"))
    except BadTokenError as error:
        raise AwsError("InvalidNextToken", "The specified token isn't valid.") from error

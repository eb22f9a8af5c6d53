"""Sends a command exactly once, and finds out whether it was accepted when the answer is lost."""

from collections.abc import Callable, Iterator

from e2e.hosts.aws_clients import AwsClients
from e2e.hosts.aws_errors import Certainty, aws_failures, certainty, error_code, translate
from e2e.hosts.command import Command
from e2e.hosts.errors import InstanceIdRefused, SendUnconfirmed, Throttled, aws_command

DOCUMENT = "AWS-RunShellScript"


class Sender:
    """Sends commands; ``gaps`` starts a fresh series of waits, ``lookup_seconds`` bounds the search for a lost one."""

    def __init__(
        self,
        clients: AwsClients,
        *,
        gaps: Callable[[], Iterator[float]],
        lookup_seconds: float,
        monotonic: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._clients = clients
        self._gaps = gaps
        self._lookup_seconds = lookup_seconds
        self._monotonic = monotonic
        self._sleep = sleep
        self.commands_sent = 0

    def send(self, command: Command, *, idempotent: bool) -> None:
        """Send ``command`` and note its id.

        A refusal by throttling, or a request that never left, is tried again until the command's own deadline. After
        a lost answer the command is looked up; only an ``idempotent`` one is sent a second time, once.

        Raises:
            InstanceIdRefused: AWS did not take one of the ids, so the command ran nowhere.
            SendUnconfirmed: the answer was lost and the command is not listed.
            HostAccessError: it was refused for another reason.
        """
        deadline = command.started + command.times.wall_deadline_seconds
        gaps = self._gaps()
        may_repeat = idempotent
        while True:
            command.checkpoint()
            try:
                answer = self._clients.ssm_sender().send_command(
                    DocumentName=DOCUMENT,
                    InstanceIds=list(command.invocations),
                    Comment=command.comment,
                    TimeoutSeconds=command.times.delivery_seconds,
                    Parameters={
                        "commands": [command.text],
                        "executionTimeout": [str(command.times.execution_seconds)],
                    },
                    MaxConcurrency="100%",
                    MaxErrors="100%",
                )
            except aws_failures() as error:
                if error_code(error) == "InvalidInstanceId":
                    raise InstanceIdRefused(
                        "SendCommand: InvalidInstanceId", repro=self._repro_managed(command)
                    ) from error
                failure = translate(error, what="SendCommand", repro=self._repro_list(command))
                sure = certainty(error)
                if sure is Certainty.UNKNOWN:
                    self.commands_sent += 1
                    if self._found_by_nonce(command):
                        return
                    if not may_repeat:
                        raise SendUnconfirmed(
                            f"{failure.detail}; no command with nonce {command.nonce} is listed",
                            repro=self._repro_list(command),
                        ) from error
                    may_repeat = False
                elif not (isinstance(failure, Throttled) or (sure is Certainty.NEVER_SENT and failure.may_get_better)):
                    raise failure from error
                if self._monotonic() >= deadline:
                    raise failure from error
                self._sleep(min(next(gaps), max(0.0, deadline - self._monotonic())))
                continue
            self.commands_sent += 1
            command.command_id = answer["Command"]["CommandId"]
            command.accepted_at = answer["Command"].get("RequestedDateTime")
            return

    def _found_by_nonce(self, command: Command) -> bool:
        """Look for the command by its nonce for a while: a list can lag behind a send."""
        give_up = self._monotonic() + self._lookup_seconds
        gaps = self._gaps()
        while True:
            command.checkpoint()
            try:
                for page in (
                    self._clients.ssm()
                    .get_paginator("list_commands")
                    .paginate(InstanceId=next(iter(command.invocations)), PaginationConfig={"MaxItems": 200})
                ):
                    for listed in page["Commands"]:
                        if listed.get("Comment", "").endswith(command.nonce):
                            command.command_id = listed["CommandId"]
                            command.accepted_at = listed.get("RequestedDateTime")
                            command.how_confirmed = "nonce"
                            return True
            except aws_failures() as error:
                failure = translate(error, what="ListCommands", repro=self._repro_list(command))
                if not failure.may_get_better:
                    raise SendUnconfirmed(
                        f"the answer to SendCommand was lost and cannot be looked up: {failure.detail}",
                        repro=self._repro_list(command),
                        cause=failure.cause,
                    ) from error
            if self._monotonic() >= give_up:
                return False
            self._sleep(next(gaps))

    def _repro_list(self, command: Command) -> str:
        return aws_command(
            ("ssm", "list-commands", "--query", f"Commands[?ends_with(Comment, '{command.nonce}')]"),
            self._clients.region,
        )

    def _repro_managed(self, command: Command) -> str:
        return aws_command(
            (
                "ssm",
                "describe-instance-information",
                "--filters",
                "Key=InstanceIds,Values=" + ",".join(command.invocations),
            ),
            self._clients.region,
        )

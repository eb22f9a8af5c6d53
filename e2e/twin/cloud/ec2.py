"""EC2, as far as finding, tagging and ending machines goes."""

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from e2e.twin.cloud.errors import AwsError
from e2e.twin.cloud.fleet import Fleet, InstanceView, UnknownInstanceError
from e2e.twin.cloud.paging import BadTokenError, page

_STATE_CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48}
_INSTANCE_ID = re.compile(r"i-([0-9a-f]{8}|[0-9a-f]{17})")
_SMALLEST_PAGE = 5
_LARGEST_PAGE = 1000
_IMAGE_ID = "ami-0123456789abcdef0"


@dataclass(frozen=True)
class ElasticComputeCloud:
    """Answers from the fleet."""

    fleet: Fleet
    region: str
    account: str

    def operations(self) -> dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        """Return the operations by their API names."""
        return {
            "DescribeInstances": self.describe_instances,
            "TerminateInstances": self.terminate_instances,
            "DescribeTags": self.describe_tags,
            "CreateTags": self.create_tags,
            "GetConsoleOutput": self.get_console_output,
        }

    def describe_instances(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """List instances; a terminated one stays listed.

        Raises:
            AwsError: an unknown id or filter, ids together with a page size, or a bad token.
        """
        _refuse_dry_run(request)
        ids = request.get("InstanceIds", [])
        views = self._chosen(ids) if ids else self.fleet.views()
        for condition in request.get("Filters", []):
            views = [view for view in views if _instance_matches(view, condition)]
        if ids and "MaxResults" in request:
            raise AwsError(
                "InvalidParameterCombination", "The parameter instancesSet cannot be used with the parameter maxResults"
            )
        chosen, token = _page(views, request, lambda view: view.instance_id)
        answer: dict[str, Any] = {"Reservations": [self._reservation(view) for view in chosen]}
        return answer | ({"NextToken": token} if token else {})

    def terminate_instances(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """End instances; all ids are looked at before any is ended.

        Raises:
            AwsError: an unknown id.
        """
        _refuse_dry_run(request)
        changes = []
        for view in self._chosen(request["InstanceIds"]):
            self.fleet.terminate(view.instance_id)
            changes.append(
                {
                    "InstanceId": view.instance_id,
                    "PreviousState": _state(view.state),
                    "CurrentState": _state(self.fleet.state(view.instance_id)),
                }
            )
        return {"TerminatingInstances": changes}

    def describe_tags(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """List the tags of all instances.

        Raises:
            AwsError: an unknown filter or a bad token.
        """
        _refuse_dry_run(request)
        rows = [
            {"ResourceId": view.instance_id, "ResourceType": "instance", "Key": key, "Value": value}
            for view in self.fleet.views()
            for key, value in sorted(view.tags.items())
        ]
        fields = {"resource-id": "ResourceId", "resource-type": "ResourceType", "key": "Key", "value": "Value"}
        for condition in request.get("Filters", []):
            field = fields.get(condition.get("Name", ""))
            if field is None:
                raise _unknown_filter(condition)
            rows = [row for row in rows if _any_like(condition, [row[field]])]
        chosen, token = _page(rows, request, lambda row: f"{row['ResourceId']}/{row['Key']}")
        return {"Tags": chosen} | ({"NextToken": token} if token else {})

    def create_tags(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Add or replace tags.

        Raises:
            AwsError: an unknown id.
        """
        _refuse_dry_run(request)
        tags = {tag["Key"]: tag.get("Value", "") for tag in request["Tags"]}
        for view in self._chosen(request["Resources"]):
            self.fleet.tag(view.instance_id, tags)
        return {}

    def get_console_output(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the serial console, base64.

        Raises:
            AwsError: an unknown id.
        """
        _refuse_dry_run(request)
        (view,) = self._chosen([request["InstanceId"]])
        text = self.fleet.console(view.instance_id)
        return {
            "InstanceId": view.instance_id,
            "Output": base64.b64encode(text.encode()).decode(),
            "Timestamp": self.fleet.clock.now(),
        }

    def _chosen(self, ids: Iterable[str]) -> list[InstanceView]:
        for instance_id in ids:
            if not _INSTANCE_ID.fullmatch(instance_id):
                raise AwsError("InvalidInstanceID.Malformed", f'Invalid id: "{instance_id}"')
        views, missing = [], []
        for instance_id in ids:
            try:
                views.append(self.fleet.view(instance_id))
            except UnknownInstanceError:
                missing.append(instance_id)
        if missing:
            many = len(missing) > 1
            raise AwsError(
                "InvalidInstanceID.NotFound",
                f"The instance ID{'s' if many else ''} '{', '.join(missing)}' do{'' if many else 'es'} not exist",
            )
        return views

    def _reservation(self, view: InstanceView) -> dict[str, Any]:
        number = view.instance_id.removeprefix("i-")
        return {
            "ReservationId": f"r-{number}",
            "OwnerId": self.account,
            "Groups": [],
            "Instances": [self._instance(view, number)],
        }

    def _instance(self, view: InstanceView, number: str) -> dict[str, Any]:
        described: dict[str, Any] = {
            "InstanceId": view.instance_id,
            "ImageId": _IMAGE_ID,
            "InstanceType": "t3.medium",
            "State": _state(view.state),
            "StateTransitionReason": "User initiated" if view.state_reason else "",
            "LaunchTime": view.launched_at,
            "Placement": {"AvailabilityZone": f"{self.region}a", "Tenancy": "default"},
            "Architecture": "x86_64",
            "Tags": [{"Key": key, "Value": value} for key, value in sorted(view.tags.items())],
        }
        if view.state_reason:
            code, _, _message = view.state_reason.partition(":")
            described["StateReason"] = {"Code": code, "Message": view.state_reason}
        if view.state in {"pending", "running"}:
            described["PrivateIpAddress"] = view.private_address
            described["IamInstanceProfile"] = {
                "Arn": f"arn:aws:iam::{self.account}:instance-profile/staging-host",
                "Id": f"AIPA{number[:16].upper()}",
            }
        return described


def _refuse_dry_run(request: Mapping[str, Any]) -> None:
    if request.get("DryRun"):
        raise AwsError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)


def _state(name: str) -> dict[str, Any]:
    return {"Code": _STATE_CODES[name], "Name": name}


def _page(items: list[Any], request: Mapping[str, Any], key: Callable[[Any], str]) -> tuple[list[Any], str | None]:
    size = request.get("MaxResults", _LARGEST_PAGE)
    if not _SMALLEST_PAGE <= size <= _LARGEST_PAGE:
        raise AwsError(
            "InvalidParameterValue", f"Value ( {size} ) for parameter maxResults is invalid. Expecting a value from 5."
        )
    try:
        return page(items, key, size, request.get("NextToken"))
    except BadTokenError as error:
        raise AwsError("InvalidNextToken", f"The token '{error}' is invalid") from error


def _instance_matches(view: InstanceView, condition: Mapping[str, Any]) -> bool:
    name = condition.get("Name", "")
    if name.startswith("tag:"):
        value = view.tags.get(name.removeprefix("tag:"))
        return value is not None and _any_like(condition, [value])
    if name == "tag-key":
        return _any_like(condition, view.tags)
    if name == "instance-state-name":
        return _any_like(condition, [view.state])
    if name == "instance-id":
        return _any_like(condition, [view.instance_id])
    raise _unknown_filter(condition)


def _any_like(condition: Mapping[str, Any], values: Iterable[str]) -> bool:
    """Tell whether a value is like a wanted one; ``*`` and ``?`` are wildcards, a bracket is only a bracket."""
    wanted = [pattern.replace("[", "[[]") for pattern in condition.get("Values", [])]
    return any(fnmatchcase(value, pattern) for value in values for pattern in wanted)


def _unknown_filter(condition: Mapping[str, Any]) -> AwsError:
    return AwsError("InvalidParameterValue", f"The filter '{condition.get('Name', '')}' is invalid")

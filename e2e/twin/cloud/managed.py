"""DescribeInstanceInformation: which machines SSM manages, and whether their agents are online."""

from collections.abc import Mapping
from typing import Any

from e2e.twin.cloud.errors import AwsError
from e2e.twin.cloud.faults import CloudFaults
from e2e.twin.cloud.fleet import Fleet, InstanceView
from e2e.twin.cloud.paging import BadTokenError, page

_DEFAULT_PAGE = 10
_AGENT_VERSION = "3.3.40.0"


def describe_instance_information(fleet: Fleet, faults: CloudFaults, request: Mapping[str, Any]) -> dict[str, Any]:
    """List the registered machines; stopped and terminated ones are left out.

    Raises:
        AwsError: InvalidFilterKey, InvalidNextToken.
    """
    conditions = [(one["Key"], one["Values"]) for one in request.get("Filters", [])]
    conditions += [(one["key"], one["valueSet"]) for one in request.get("InstanceInformationFilterList", [])]
    pings = [(view, faults.ping_status(view)) for view in fleet.views()]
    rows = [_row(view, ping) for view, ping in pings if ping is not None and _matches_all(view, ping, conditions)]
    try:
        chosen, token = page(
            rows, lambda row: str(row["InstanceId"]), request.get("MaxResults", _DEFAULT_PAGE), request.get("NextToken")
        )
    except BadTokenError as error:
        raise AwsError("InvalidNextToken", "The specified token isn't valid.") from error
    return {"InstanceInformationList": chosen} | ({"NextToken": token} if token else {})


def _row(view: InstanceView, ping: str) -> dict[str, Any]:
    return {
        "InstanceId": view.instance_id,
        "PingStatus": ping,
        "LastPingDateTime": view.registered_at,
        "AgentVersion": _AGENT_VERSION,
        "IsLatestVersion": False,
        "PlatformType": "Linux",
        "PlatformName": "Ubuntu",
        "PlatformVersion": "22.04",
        "ResourceType": "EC2Instance",
        "IPAddress": view.private_address,
        "ComputerName": f"ip-{view.private_address.replace('.', '-')}",
        "SourceId": view.instance_id,
        "SourceType": "AWS::EC2::Instance",
    }


def _matches_all(view: InstanceView, ping: str, conditions: list[tuple[str, list[str]]]) -> bool:
    return all(_matches(view, ping, key, values) for key, values in conditions)


def _matches(view: InstanceView, ping: str, key: str, values: list[str]) -> bool:
    if key.startswith("tag:"):
        return view.tags.get(key.removeprefix("tag:")) in values
    known = {
        "InstanceIds": view.instance_id,
        "PingStatus": ping,
        "PlatformTypes": "Linux",
        "AgentVersion": _AGENT_VERSION,
        "ResourceType": "EC2Instance",
    }
    if key == "tag-key":
        return any(value in view.tags for value in values)
    if key not in known:
        raise AwsError("InvalidFilterKey", f"The specified key {key} isn't valid.")
    return known[key] in values

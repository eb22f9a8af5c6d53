"""Commands and invocations as SSM writes them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from e2e.twin.cloud.commands import Command, Invocation, InvocationState
from e2e.twin.cloud.output import standard_error, standard_output, summary

PLUGIN = "aws:runShellScript"
"""The plugin of the one document that runs here."""
_NO_CLOUD_WATCH = {"CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": False}
_PLUGIN_STATUS = {"Delayed": "Pending", "Cancelling": "InProgress"}
"""Plugins know fewer states than invocations."""


def invocation(one: Invocation, now: datetime) -> dict[str, Any]:
    """Return the answer of GetCommandInvocation; no output before the end."""
    state = one.state(now)
    return {
        "CommandId": one.command.command_id,
        "InstanceId": one.instance_id,
        "Comment": one.command.comment,
        "DocumentName": one.command.document_name,
        "DocumentVersion": one.command.document_version,
        "PluginName": PLUGIN,
        "ResponseCode": state.response_code,
        "ExecutionStartDateTime": _stamp(state.started_at),
        "ExecutionElapsedTime": _duration(state.elapsed_seconds),
        "ExecutionEndDateTime": _stamp(state.ended_at if state.started_at else None),
        "Status": state.status,
        "StatusDetails": state.details,
        "StandardOutputContent": standard_output(state.stdout),
        "StandardOutputUrl": "",
        "StandardErrorContent": standard_error(state.stderr),
        "StandardErrorUrl": "",
        "CloudWatchOutputConfig": dict(_NO_CLOUD_WATCH),
    }


def invocation_row(one: Invocation, now: datetime, *, details: bool) -> dict[str, Any]:
    """Return a row of ListCommandInvocations, with the plugin's shortened output where ``details`` are asked for."""
    state = one.state(now)
    return {
        "CommandId": one.command.command_id,
        "InstanceId": one.instance_id,
        "InstanceName": "",
        "Comment": one.command.comment,
        "DocumentName": one.command.document_name,
        "DocumentVersion": one.command.document_version,
        "RequestedDateTime": one.command.requested_at,
        "Status": state.status,
        "StatusDetails": state.details,
        "TraceOutput": "",
        "StandardOutputUrl": "",
        "StandardErrorUrl": "",
        "CommandPlugins": [_plugin(state)] if details else [],
        "ServiceRole": "",
        "CloudWatchOutputConfig": dict(_NO_CLOUD_WATCH),
    }


def _plugin(state: InvocationState) -> dict[str, Any]:
    plugin: dict[str, Any] = {
        "Name": PLUGIN,
        "Status": _PLUGIN_STATUS.get(state.status, state.status),
        "StatusDetails": state.details,
        "ResponseCode": state.response_code,
        "Output": summary(state.stdout, state.stderr),
        "StandardOutputUrl": "",
        "StandardErrorUrl": "",
        "OutputS3BucketName": "",
        "OutputS3KeyPrefix": "",
    }
    if state.started_at is not None:
        plugin["ResponseStartDateTime"] = state.started_at
    if state.ended_at is not None:
        plugin["ResponseFinishDateTime"] = state.ended_at
    return plugin


def command(one: Command, invocations: Sequence[Invocation], now: datetime) -> dict[str, Any]:
    """Return a command as SendCommand and ListCommands do, its status drawn from its invocations."""
    states = [invocation.state(now) for invocation in invocations]
    status, details = _overall(states)
    return {
        "CommandId": one.command_id,
        "DocumentName": one.document_name,
        "DocumentVersion": one.document_version,
        "Comment": one.comment,
        "ExpiresAfter": one.expires_after,
        "Parameters": {name: list(values) for name, values in one.parameters.items()},
        "InstanceIds": list(one.given_instance_ids),
        "Targets": [dict(target) for target in one.targets],
        "RequestedDateTime": one.requested_at,
        "Status": status,
        "StatusDetails": details,
        "OutputS3BucketName": "",
        "OutputS3KeyPrefix": "",
        "MaxConcurrency": one.max_concurrency,
        "MaxErrors": one.max_errors,
        "TargetCount": len(states),
        "CompletedCount": sum(state.terminal for state in states),
        "ErrorCount": sum(state.status in {"Failed", "TimedOut"} for state in states),
        "DeliveryTimedOutCount": sum(state.details == "DeliveryTimedOut" for state in states),
        "ServiceRole": "",
        "CloudWatchOutputConfig": dict(_NO_CLOUD_WATCH),
        "TimeoutSeconds": one.delivery_seconds,
    }


def _overall(states: Sequence[InvocationState]) -> tuple[str, str]:
    """Return the command's status; that of a command which reached no instance was not seen live."""
    if not states:
        return "Success", "NoInstancesInTag"
    if all(state.status == "Pending" for state in states):
        return "Pending", "Pending"
    for status in ("Cancelling", "Pending", "InProgress"):
        if any(state.status == status for state in states):
            overall = "Cancelling" if status == "Cancelling" else "InProgress"
            return overall, overall
    for status in ("Failed", "TimedOut", "Cancelled"):
        worst = [state for state in states if state.status == status]
        if worst:
            return status, worst[0].details
    return "Success", "Success"


def _stamp(moment: datetime | None) -> str:
    return "" if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _duration(seconds: float | None) -> str:
    """Write seconds as the service does: ``PT0.5S``, ``PT2M3S``, ``PT1H0.271S``."""
    if seconds is None:
        return ""
    milliseconds = round(seconds * 1000)
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    text = "PT" + (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "")
    return f"{text}{rest / 1000:g}S"

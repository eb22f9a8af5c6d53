"""The online gate of the concierge, by version, as pure functions (docs/platform.md, gate logic).

Nothing here reads a database or a clock. :func:`judge_register` and :func:`judge_heartbeat` are told what was reported
and what the platform knows, and say what is to be done; the registry does it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from e2e.contract import Contract

MODEL_MISSING = "model_missing"
MCP_SERVER_MISSING = "mcp_server_missing"
DEGRADE_AT_ERROR_RATE = 0.5
RECOVER_BELOW_ERROR_RATE = 0.1


@dataclass(frozen=True, slots=True)
class GatePolicy:
    """What one version of the gate looks at.

    Attributes:
        version: its name, the day it went live.
        unreported_presence_passes: an absent ``mcp_server_present`` (older runtimes) is let through.
    """

    version: str
    checks_model: bool = True
    checks_presence: bool = False
    unreported_presence_passes: bool = False
    checks_tools: bool = False


POLICIES: dict[str, GatePolicy] = {
    policy.version: policy
    for policy in (
        GatePolicy("2026-06-15"),
        GatePolicy("2026-06-18", checks_presence=True),
        GatePolicy("2026-06-18b", checks_presence=True, unreported_presence_passes=True),
        GatePolicy("2026-06-20", checks_presence=True, unreported_presence_passes=True, checks_tools=True),
    )
}
DEFAULT_GATE = "2026-06-20"


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What a heartbeat says that the gate cares about. None and an empty list of tools are different answers."""

    mcp_server_present: bool | None = None
    loaded_mcp_tools: tuple[str, ...] | None = None
    error_rate: float = 0.0
    wedged: bool = False
    manages_own_status: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """What the platform knows of a workspace when its heartbeat is judged.

    ``declared_lookup_error`` is set where the declared plugins could not be read.
    """

    workspace_id: str
    kind: str
    status: str
    has_model: bool = True
    management_plugin_declared: bool = True
    declared_lookup_error: str | None = None
    register_failed_recently: bool = False


@dataclass(frozen=True, slots=True)
class Fail:
    """The row becomes ``failed``: from every status, with ``error`` as its sample error."""

    reason: str
    error: str
    line: str


@dataclass(frozen=True, slots=True)
class Degrade:
    """The row becomes ``degraded`` if it is ``online``."""

    line: str | None


@dataclass(frozen=True, slots=True)
class BringOnline:
    """The row becomes ``online`` if it is still ``origin``."""

    origin: str
    line: str | None


Effect = Fail | Degrade | BringOnline


def missing_identity(policy: GatePolicy, *, has_model: bool, presence: bool | None) -> str | None:
    """Return what the concierge lacks to be let online, the model first, or None."""
    if policy.checks_model and not has_model:
        return MODEL_MISSING
    passes = presence is True or (presence is None and policy.unreported_presence_passes)
    return MCP_SERVER_MISSING if policy.checks_presence and not passes else None


def judge_register(
    policy: GatePolicy, contract: Contract, *, workspace_id: str, has_model: bool, presence: bool | None
) -> Fail | None:
    """Judge the registration of a ``kind=platform`` workspace: refused with a :class:`Fail`, or None."""
    reason = missing_identity(policy, has_model=has_model, presence=presence)
    if reason is None:
        return None
    lack = "a seeded MODEL secret" if reason == MODEL_MISSING else contract.legacy_binary_path
    error = f"platform agent registered without {lack}; refusing online"
    return Fail(reason, error, f"Registry register: {error} (workspace={workspace_id})")


def judge_heartbeat(policy: GatePolicy, contract: Contract, standing: Standing, beat: Heartbeat) -> list[Effect]:
    """Judge one heartbeat, after its columns were written and ``provisioning`` was flipped to ``online``.

    The effects are meant one after the other. Every branch looks at the status *before* the first of them, and the way
    back from ``degraded`` does not look at the tools: with tools absent the row flaps on alternate heartbeats.
    """
    denial = _denial(policy, contract, standing, beat)
    return [denial] if denial is not None else list(_transitions(policy, contract, standing, beat))


def _denial(policy: GatePolicy, contract: Contract, standing: Standing, beat: Heartbeat) -> Fail | None:
    if standing.kind != "platform":
        return None
    reason = missing_identity(policy, has_model=standing.has_model, presence=beat.mcp_server_present)
    if reason is None:
        return None
    lack = "no seeded MODEL workspace_secret" if reason == MODEL_MISSING else f"{contract.legacy_binary_path} missing"
    error = f"platform agent heartbeat denied: {lack}; refusing to mark online (RCA #2970 FAIL-CLOSED)"
    return Fail(reason, error, f"Heartbeat: {error} (workspace={standing.workspace_id})")


def _transitions(policy: GatePolicy, contract: Contract, standing: Standing, beat: Heartbeat) -> Iterator[Effect]:
    if standing.status == "online":
        if standing.kind == "platform" and policy.checks_tools and beat.mcp_server_present is True:
            lack = _tools_lack(contract, standing, beat)
            if lack is not None:
                yield Degrade(f"Heartbeat: {lack} marking degraded (core#3082) (workspace={standing.workspace_id})")
        too_many_errors = beat.error_rate >= DEGRADE_AT_ERROR_RATE and not beat.manages_own_status
        if beat.wedged or too_many_errors or standing.register_failed_recently:
            yield Degrade(None)
    elif standing.status == "degraded":
        calm = beat.error_rate < RECOVER_BELOW_ERROR_RATE and not beat.wedged and not beat.manages_own_status
        if calm and not standing.register_failed_recently:
            yield BringOnline("degraded", None)
    elif standing.status in _RECOVERIES:
        how = _RECOVERIES[standing.status]
        line = f"Heartbeat: transitioned {standing.workspace_id} from {standing.status} to online ({how})"
        yield BringOnline(standing.status, line if how else None)


_RECOVERIES = {
    "provisioning": "heartbeat received",
    "awaiting_agent": "heartbeat received",
    "failed": "late heartbeat after provision-timeout",
    "offline": "",
}


def _tools_lack(contract: Contract, standing: Standing, beat: Heartbeat) -> str | None:
    if beat.loaded_mcp_tools is None:
        return (
            f"platform agent runtime did not report {contract.loaded_mcp_tools_field} on a "
            f"{contract.runtime_present_field}=true heartbeat; cannot verify "
            f"{contract.create_workspace.required_tool} tool is loaded —"
        )
    if standing.declared_lookup_error is not None:
        return f"platform agent declared management MCP lookup failed: {standing.declared_lookup_error};"
    if standing.management_plugin_declared and contract.required_tool_id not in beat.loaded_mcp_tools:
        return "platform agent management MCP declared but not loaded;"
    return None

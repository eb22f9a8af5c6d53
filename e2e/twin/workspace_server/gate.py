"""The online gate of the concierge, by version, as pure functions (docs/platform.md, gate logic).

Nothing here reads a database or a clock. :func:`judge_register` and :func:`judge_heartbeat` are told what was reported
and what the platform knows, and say what is to be done; the registry does it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

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
        tools_grace_seconds: platform seconds for which the tools may be missing before the row is degraded, counted
            from the first heartbeat without them; a degraded row then stays degraded. None: no grace and no memory, so
            that the row flaps.
        required_tool: the verb that must be loaded; None stands for the one that the delivery contract requires.
        keeps_tools: the reported tools are persisted and returned by the tenant API.
        reconciles_on_denial: a denial for lack of the server starts the plugin reconcile (core #33).
        verifies_online: a concierge stays ``provisioning`` until its tools were seen, and the reconcile looks into the
            settings file.
    """

    version: str
    checks_model: bool = True
    checks_presence: bool = False
    unreported_presence_passes: bool = False
    checks_tools: bool = False
    tools_grace_seconds: float | None = None
    required_tool: str | None = None
    keeps_tools: bool = False
    reconciles_on_denial: bool = False
    verifies_online: bool = False

    def required_tool_id(self, contract: Contract) -> str:
        """Return the id under which the runtime must report the required tool."""
        return contract.tool_id(self.required_tool_name(contract))

    def required_tool_name(self, contract: Contract) -> str:
        """Return the required verb."""
        return self.required_tool or contract.create_workspace.required_tool


def _policies() -> tuple[GatePolicy, ...]:
    model = GatePolicy("2026-06-15")
    presence = replace(model, version="2026-06-18", checks_presence=True)
    lenient = replace(presence, version="2026-06-18b", unreported_presence_passes=True)
    tools = replace(lenient, version="2026-06-20", checks_tools=True)
    grace = replace(tools, version="2026-06-22", tools_grace_seconds=90.0)
    # The grace grew and the deadlock of the delivery was broken on 2026-06-24: both are in the next version.
    verb = replace(
        grace,
        version="2026-06-25",
        tools_grace_seconds=180.0,
        required_tool="provision_workspace",
        keeps_tools=True,
        reconciles_on_denial=True,
    )
    verified = replace(verb, version="2026-06-26", verifies_online=True)
    return (model, presence, lenient, tools, grace, verb, verified)


POLICIES: dict[str, GatePolicy] = {policy.version: policy for policy in _policies()}
"""The versions of the gate by name, oldest first; each is the one before it and a change."""

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

    ``declared_lookup_error`` is set where the declared plugins could not be read. ``tools_missing_for`` is how long (in
    platform seconds) the heartbeats up to this one have lacked the tools, for versions that keep that in mind.
    """

    workspace_id: str
    kind: str
    status: str
    has_model: bool = True
    management_plugin_declared: bool = True
    declared_lookup_error: str | None = None
    register_failed_recently: bool = False
    tools_missing_for: float = 0.0


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


@dataclass(frozen=True, slots=True)
class Hold:
    """The row stays what it is, ``provisioning``, and the log says what for."""

    line: str


Effect = Fail | Degrade | BringOnline | Hold


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


def lacking_tools(policy: GatePolicy, contract: Contract, standing: Standing, beat: Heartbeat) -> str | None:
    """Say what the concierge's report of its tools lacks, or None: also where this version does not look at them."""
    applies = policy.checks_tools and standing.kind == "platform" and beat.mcp_server_present is True
    if not applies:
        return None
    if beat.loaded_mcp_tools is None:
        return (
            f"platform agent runtime did not report {contract.loaded_mcp_tools_field} on a "
            f"{contract.runtime_present_field}=true heartbeat; cannot verify "
            f"{policy.required_tool_name(contract)} tool is loaded —"
        )
    if standing.declared_lookup_error is not None:
        return f"platform agent declared management MCP lookup failed: {standing.declared_lookup_error};"
    if standing.management_plugin_declared and policy.required_tool_id(contract) not in beat.loaded_mcp_tools:
        return "platform agent management MCP declared but not loaded;"
    return None


def judge_heartbeat(policy: GatePolicy, contract: Contract, standing: Standing, beat: Heartbeat) -> list[Effect]:
    """Judge one heartbeat, after its columns were written and ``provisioning`` was flipped to ``online``.

    Versions that verify do not flip a concierge. The effects are meant one after the other; every branch looks at the
    status *before* the first of them. Before versions with a grace the way back from ``degraded`` does not look at the
    tools: with tools absent the row flaps on alternate heartbeats.
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
    lack = lacking_tools(policy, contract, standing, beat)
    if lack is not None and _is_verified_first(policy, standing):
        yield Hold(f"Heartbeat: platform {standing.workspace_id} warming, holding provisioning ({lack.rstrip(' ;—')})")
        return
    degraded_for_tools = lack is not None and _grace_is_over(policy, standing)
    if degraded_for_tools:
        yield Degrade(f"Heartbeat: {lack} marking degraded (core#3082) (workspace={standing.workspace_id})")
    if standing.status == "online":
        too_many_errors = beat.error_rate >= DEGRADE_AT_ERROR_RATE and not beat.manages_own_status
        if beat.wedged or too_many_errors or standing.register_failed_recently:
            yield Degrade(None)
    elif standing.status == "degraded":
        calm = beat.error_rate < RECOVER_BELOW_ERROR_RATE and not beat.wedged and not beat.manages_own_status
        if calm and not standing.register_failed_recently and not degraded_for_tools:
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


def _is_verified_first(policy: GatePolicy, standing: Standing) -> bool:
    return policy.verifies_online and standing.status in _RECOVERIES


def _grace_is_over(policy: GatePolicy, standing: Standing) -> bool:
    """Say whether missing tools degrade: at once, but of an online row only, in versions that know no grace."""
    if policy.tools_grace_seconds is None:
        return standing.status == "online"
    return standing.status in ("online", "degraded") and standing.tools_missing_for >= policy.tools_grace_seconds

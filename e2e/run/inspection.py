"""One look at a concierge that is there already, with a diagnosis. It creates nothing and posts nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from e2e.clients.control_plane import ControlPlane, Organisation
from e2e.clients.errors import PlatformError
from e2e.clients.tenant import Tenant, WorkspaceRow
from e2e.contract import Contract
from e2e.evidence.masking import Masker
from e2e.hosts.access import HostAccess, HostRef, require_success
from e2e.hosts.errors import HostAccessError
from e2e.probes.look import HostLook, LaunchRequest, Look, LookLimits, LookRequest, ProbeOutputError, parse_look
from e2e.probes.program import probe_program
from e2e.run.evaluate import standing_after_failure
from e2e.run.look_facts import summarise
from e2e.run.plan import DELIVERY, EXECUTION, HANDSHAKE, LAUNCH_EXECUTION
from e2e.run.platform_time import PlatformTime
from e2e.run.target import Connection
from e2e.scenario.model import DEFAULT_FORBIDDEN_STANDING
from e2e.verdict.causes import cause_named
from e2e.verdict.classes import code_of, first_code
from e2e.verdict.findings import Findings, look_seen
from e2e.verdict.rules import RULES

AccessFor = Callable[[str], HostAccess]
"""Makes the way to the hosts of the tenant with this slug."""


class InspectionError(Exception):
    """The concierge could not be looked at; ``cause`` is the id why."""

    def __init__(self, cause: str, message: str) -> None:
        super().__init__(message)
        self.cause = cause

    @property
    def code(self) -> int:
        """The exit code of the cause's class."""
        return code_of(cause_named(self.cause).cause_class)


@dataclass(frozen=True, slots=True)
class Inspection:
    """What one look brought: the row, the projected facts, what failed, and the causes that fit, best first."""

    slug: str
    row: WorkspaceRow
    hosts: tuple[HostRef, ...]
    facts: dict[str, Any]
    failures: tuple[str, ...]
    causes: tuple[str, ...]

    @property
    def code(self) -> int:
        """0 where it is online and nothing is wrong; else the code of the causes, 5 where none is known."""
        if self.causes:
            return first_code([code_of(cause_named(cause).cause_class) for cause in self.causes])
        if self.row.status == "online" and not self.failures and self.facts["concierge"] is not None:
            return 0
        return code_of("UNKNOWN", platform_published_failure=self.row.status == "failed")

    def document(self) -> dict[str, Any]:
        """Return the inspection as JSON holds it."""
        return {
            "slug": self.slug,
            "concierge": {"id": self.row.id, "name": self.row.name, "status": self.row.status, "url": self.row.url},
            "last_sample_error": self.row.last_sample_error,
            "hosts": [{"instance_id": host.instance_id, "name": host.name_tag} for host in self.hosts],
            "look": self.facts,
            "failures": list(self.failures),
            "causes": [{"id": cause, "meaning": cause_named(cause).meaning} for cause in self.causes],
            "code": self.code,
        }


def slug_of_instances(
    instance_ids: Sequence[str], names: Callable[[Sequence[str]], dict[str, str]], rows: Sequence[Organisation]
) -> str:
    """Return the one tenant whose slug the Name tags of these machines carry. ``names`` asks EC2 for the tags.

    Raises:
        InspectionError: a machine is not there, carries no tenant's slug, or they belong to several tenants.
    """
    tags = names(instance_ids)
    found: set[str] = set()
    for instance_id in instance_ids:
        tag = tags.get(instance_id)
        if tag is None:
            raise InspectionError("not-a-staging-target", f"{instance_id}: no such machine, or it has no Name tag")
        slugs = [row.slug for row in rows if tag == f"tenant-{row.slug}" or tag.startswith(f"ws-tenant-{row.slug}-")]
        if not slugs:
            raise InspectionError("not-a-staging-target", f"{instance_id}: {tag} names no tenant of this control plane")
        found.add(max(slugs, key=len))
    if len(found) != 1:
        raise InspectionError(
            "not-a-staging-target", f"the machines belong to several tenants: {', '.join(sorted(found))}"
        )
    return found.pop()


def inspect_concierge(
    connection: Connection,
    control_plane: ControlPlane,
    slug: str,
    access_for: AccessFor,
    contract: Contract,
    masker: Masker,
    *,
    instance_ids: Sequence[str] = (),
    launch: bool = False,
) -> Inspection:
    """Look once at the concierge of the tenant ``slug``; with ``launch`` its management server is started beside it.

    ``instance_ids`` restricts the look to these of the tenant's machines.

    Raises:
        InspectionError: there is nothing to look at, or the way to it is broken.
    """
    time = PlatformTime(connection.speed, frozenset())
    try:
        row = _concierge(connection, control_plane, slug, masker, time.real(30.0, "request"))
        access = access_for(slug)
        hosts = access.reach(lambda: None)
    except (PlatformError, HostAccessError) as error:
        raise InspectionError(error.cause, str(error).splitlines()[0]) from error
    if instance_ids:
        hosts = tuple(host for host in hosts if host.instance_id in instance_ids)
    looks, failures = _look(access, hosts, contract, row.id, time, launch=launch)
    facts = summarise(Look(tuple(looks)), contract, DEFAULT_FORBIDDEN_STANDING, asked=launch)
    return Inspection(slug, row, hosts, facts, tuple(failures), fitting_causes(facts, row.status))


def fitting_causes(facts: dict[str, Any], status: str) -> tuple[str, ...]:
    """Return the causes whose evidence one look shows, the most specific first.

    While the row is online no refusal stands: the log may hold some of before the plugin landed.
    """
    look = look_seen({"number": 1, "trigger": "inspect", "evidence": "look", **facts})
    standing = () if status == "online" else standing_after_failure(look.refusals, (), None, None)
    references = {"standing": ("standing",)} if standing else {}
    findings = Findings(looks=(look,), standing=standing, statuses=(status,), references=references)
    return tuple(rule.cause for rule in RULES if rule.match(findings) is not None)


def _concierge(
    connection: Connection, control_plane: ControlPlane, slug: str, masker: Masker, timeout: float
) -> WorkspaceRow:
    organisation = control_plane.organisation(slug)
    if organisation is None:
        raise InspectionError("org-vanished", f"the control plane lists no tenant {slug}")
    token = control_plane.admin_token(slug)
    if token is None:
        raise InspectionError("tenant-half-wired", f"{slug} has no admin token yet (instance {organisation.status})")
    masker.add(token, "tenant-admin-token")
    tenant = Tenant(connection.tenants, slug, organisation.id, token, timeout=timeout)
    try:
        roots = [row for row in tenant.workspaces() if row.kind == "platform" and row.parent_id is None]
    finally:
        tenant.close()
    if len(roots) != 1:
        raise InspectionError("two-concierges" if roots else "no-concierge", f"{slug} has {len(roots)} platform roots")
    return roots[0]


def _look(
    access: HostAccess,
    hosts: Sequence[HostRef],
    contract: Contract,
    concierge_id: str,
    time: PlatformTime,
    *,
    launch: bool,
) -> tuple[list[HostLook], list[str]]:
    call = contract.create_workspace
    asked = LaunchRequest(
        tool_names=call.tool_names,
        arguments=call.arguments("e2e-cncrg-inspect"),
        call=False,
        handshake_seconds=time.real(HANDSHAKE, "handshake"),
        call_seconds=time.real(60.0, "request"),
    )
    limits = LookLimits(docker_seconds=time.real(20.0, "process"))
    request = LookRequest(contract, concierge_id, launch=asked if launch else None, limits=limits)
    budget = LAUNCH_EXECUTION if launch else EXECUTION
    execution = time.real(budget, "command")
    looks: list[HostLook] = []
    failures: list[str] = []
    try:
        answers = access.run(
            probe_program(),
            hosts,
            argument=request.argument(),
            delivery_seconds=DELIVERY,
            execution_seconds=budget,
            wall_deadline_seconds=time.real(DELIVERY, "command") + execution,
            program_seconds=max(execution - 1.0, 1.0),
            comment="inspect",
            idempotent=not launch,
        )
    except HostAccessError as error:
        raise InspectionError(error.cause, str(error).splitlines()[0]) from error
    for instance_id, answer in answers.items():
        try:
            if isinstance(answer, HostAccessError):
                raise answer
            looks.append(parse_look(require_success(answer).stdout, instance_id))
        except (HostAccessError, ProbeOutputError) as error:
            failures.append(f"{instance_id}: {str(error).splitlines()[0]}")
    return looks, failures

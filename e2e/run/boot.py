"""From nothing to a concierge that is there: provisioned, tenant ready, concierge found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from e2e.clients.control_plane import Organisation
from e2e.clients.errors import PlatformError, Refused, Rejected, Unavailable
from e2e.clients.tenant import Tenant, WorkspaceRow
from e2e.run.context import Run
from e2e.run.stages import Established
from e2e.run.waiting import Deadline, Observed

CREATE_TRIES = 6
"""How often a create call is sent whose answer was lost while the list shows that it did not act."""


@dataclass(slots=True)
class BootResult:
    """What the boot stages found; a field is None until its stage is established."""

    organisation: Organisation | None = None
    organisation_entry: str | None = None
    tenant: Tenant | None = None
    concierge: WorkspaceRow | None = None
    build: Mapping[str, Any] = field(default_factory=dict)


def create_organisation(run: Run, result: BootResult) -> Organisation:
    """Create the tenant; the intent is on disk, synced, before the first request leaves.

    A lost answer is looked up by the exact slug and name before anything is sent again; a slug that is taken after a
    lost answer may be taken by that very call. A call that was refused created nothing, and nothing is to be removed.

    Raises:
        PlatformError: the control plane refused, or gave no usable answer after several tries.
    """
    entry = run.ledger.intent("organisation", run.slug, display_name=run.organisation_name)
    result.organisation_entry = entry
    run.journal.write("create_intent", {"kind": "organisation", "slug": run.slug, "entry": entry})
    last: PlatformError | None = None
    for _ in range(CREATE_TRIES):
        try:
            organisation = run.control_plane.create_organisation(
                run.slug, run.organisation_name, f"e2e-runner:{run.slug}"
            )
        except (Refused, Rejected, Unavailable) as error:
            if not isinstance(error, Unavailable) and not (error.status == 409 and last is not None):
                if last is None:
                    run.ledger.gone(entry, f"never created: {error}")
                    result.organisation_entry = None
                raise
            last = error
            run.journal.say(f"create: {error}")
            run.pacing.pause(run.time.wall(10.0))
            found = _created_after_all(run)
            if found is None:
                continue
            organisation = found
        run.ledger.created(entry, organisation.id)
        run.journal.write("created", {"kind": "organisation", "slug": run.slug, "id": organisation.id})
        run.journal.say(f"created tenant {run.slug}")
        return organisation
    raise last or Unavailable("control-plane-unavailable", "POST /cp/admin/orgs")


def _created_after_all(run: Run) -> Organisation | None:
    try:
        row = run.control_plane.organisation(run.slug)
    except PlatformError:
        return None
    return row if row is not None and row.name == run.organisation_name else None


def provisioned(run: Run, result: BootResult, deadline: Deadline) -> Established:
    """Create the tenant and wait until its row says ``running``; ``failed`` is believed once it has settled."""
    result.organisation = create_organisation(run, result)
    settle = run.time.wall(run.limits.settle)
    failed_since: list[float] = []

    def look() -> Observed[Organisation]:
        try:
            row = run.control_plane.organisation(run.slug)
        except Refused:
            raise
        except PlatformError as error:
            return Observed(f"control plane: {error}", cause=error.cause)
        status = row.status if row else "not listed"
        if row is not None and status == "running":
            return Observed("running", value=row)
        if row is not None and status == "failed":
            failed_since.append(run.pacing.monotonic())
            if failed_since[-1] - failed_since[0] >= settle:
                return Observed(
                    "failed", gave_up=f"the org failed and stayed so: {row.last_error}", cause="provisioning-failed"
                )
            return Observed(f"failed, settling: {row.last_error}")
        failed_since.clear()
        return Observed(f"instance_status {status or 'not there yet'}")

    row = run.poll("provisioned", look, deadline)
    reference = run.journal.write("organisation", {"slug": row.slug, "id": row.id, "instance_status": row.status})
    return Established(f"the org of {run.slug} is running", (reference,))


def tenant_ready(run: Run, result: BootResult, deadline: Deadline) -> Established:
    """Wait for the admin token, for ``/health`` 200 twice in a row, and for a JSON list of workspaces."""
    organisation = result.organisation
    if organisation is None:
        raise Unavailable("control-plane-unavailable", "no organisation")

    def token() -> Observed[Tenant]:
        try:
            secret = run.control_plane.admin_token(run.slug)
        except Refused:
            raise
        except PlatformError as error:
            return Observed(f"admin token: {error}", cause=error.cause)
        if secret is None:
            return Observed("no admin token yet")
        run.masker.add(secret, "tenant-admin-token")
        tenant = Tenant(run.connection.tenants, run.slug, organisation.id, secret, timeout=run.request_timeout)
        return Observed("has an admin token", value=tenant)

    tenant = run.poll("tenant_ready", token, deadline)
    result.tenant = tenant
    healthy = 0

    def ready() -> Observed[int]:
        nonlocal healthy
        try:
            status = tenant.health()
        except PlatformError as error:
            healthy = 0
            return Observed(str(error), cause=error.cause)
        healthy = healthy + 1 if status == 200 else 0
        if healthy < 2:
            return Observed(f"/health {status}")
        try:
            count = len(tenant.workspaces())
        except Refused:
            raise
        except PlatformError as error:
            return Observed(str(error), cause=error.cause)
        return Observed("ready", value=count)

    count = run.poll("tenant_ready", ready, deadline)
    build = result.build = _buildinfo(tenant)
    reference = run.journal.write("tenant_ready", {"workspaces": count, "buildinfo": build})
    return Established(f"healthy, build {build.get('git_sha', 'unknown')}", (reference,))


def _buildinfo(tenant: Tenant) -> dict[str, Any]:
    """Return which build runs, or nothing where the tenant does not say: provenance, and no condition of anything."""
    try:
        return tenant.buildinfo()
    except PlatformError:
        return {}


def concierge_found(run: Run, result: BootResult, deadline: Deadline) -> Established:
    """Wait for exactly one workspace of kind ``platform`` without a parent; two of them are given up at once."""
    tenant = result.tenant
    if tenant is None:
        raise Unavailable("tenant-half-wired", "no tenant")

    def look() -> Observed[WorkspaceRow]:
        try:
            roots = [row for row in tenant.workspaces() if row.kind == "platform" and row.parent_id is None]
        except Refused:
            raise
        except PlatformError as error:
            return Observed(str(error), cause=error.cause)
        if len(roots) > 1:
            names = ", ".join(row.id for row in roots)
            return Observed("two concierges", gave_up=f"{len(roots)} platform roots: {names}", cause="two-concierges")
        return Observed("found", value=roots[0]) if roots else Observed("no platform root yet")

    row = run.poll("concierge_found", look, deadline)
    result.concierge = row
    reference = run.journal.write(
        "concierge", {"id": row.id, "name": row.name, "runtime": row.runtime, "status": row.status}
    )
    return Established(f"{row.name} ({row.id}), runtime {row.runtime}", (reference,))

"""Notices that the platform was redeployed under a run: what was proven before and after is not one platform."""

from collections.abc import Mapping, Sequence
from typing import Any

from e2e.clients.errors import PlatformError
from e2e.clients.tenant import Tenant
from e2e.run.context import Run
from e2e.verdict.findings import LookSeen


def note_redeploy(run: Run, tenant: Tenant, before: Mapping[str, Any], looks: Sequence[LookSeen]) -> None:
    """Write down that the tenant's build, or the container it runs in, is another one than at the beginning.

    ``before`` is what ``/buildinfo`` said when the tenant became ready. What cannot be asked any more, or was never
    told, says nothing.
    """
    changes = [*_build(tenant, before), *_containers(looks)]
    if changes:
        detail = "; ".join(changes)
        run.journal.write("platform_moved", {"detail": detail})
        run.journal.say(f"the platform moved under the run: {detail}")


def _build(tenant: Tenant, before: Mapping[str, Any]) -> list[str]:
    try:
        now = tenant.buildinfo()
    except PlatformError:
        return []
    was, build = before.get("git_sha"), now.get("git_sha")
    return [f"/buildinfo said {was}, and now says {build}"] if was and build and was != build else []


def _containers(looks: Sequence[LookSeen]) -> list[str]:
    seen = [str(look.registry["container_id"]) for look in looks if look.registry and look.registry.get("container_id")]
    lives = list(dict.fromkeys(seen))
    return [f"the tenant's container was {lives[0][:12]}, and then {lives[-1][:12]}"] if len(lives) > 1 else []

"""What all parts of the control plane share."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from e2e.twin.background import Background
from e2e.twin.clock import PlatformClock
from e2e.twin.cloud.fleet import InstanceView
from e2e.twin.database import Database, Row, timestamp
from e2e.twin.faults.plan import FaultPlan, FaultSwitch
from e2e.twin.gateway import TenantDoor
from e2e.twin.hosts.host import Host
from e2e.twin.identities import Identities
from e2e.twin.wire import RefusedError


class Machines(Protocol):
    """The cloud's machines, as the control plane orders them. Implemented by ``e2e.twin.cloud.fleet.Fleet``."""

    def launch(
        self,
        *,
        name_tag: str,
        tags: Mapping[str, str],
        boot_seconds: float,
        registration_seconds: float,
        on_running: Callable[[Host], None],
    ) -> str:
        """Order a machine and return its instance id; times are platform seconds."""

    def terminate(self, instance_id: str) -> None:
        """End a machine; safe to repeat."""

    def view(self, instance_id: str) -> InstanceView:
        """Return what is known of the machine now."""


class Image(Protocol):
    """A runtime image. Implemented by ``e2e.twin.images.catalogue.Image``."""

    @property
    def name(self) -> str:
        """The image's name in the twin's catalogue."""

    @property
    def template(self) -> str:
        """The template that it is an image of."""

    @property
    def reference(self) -> str:
        """What ``docker inspect`` shows as the image's name."""

    @property
    def digest(self) -> str:
        """``sha256:…``, computed from the content."""

    def build_rootfs(self, rootfs: Path) -> None:
        """Fill an empty folder with the image's content."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """The tokens of one control plane."""

    admin: str
    shared: str
    template_repository: str


@dataclass(frozen=True, slots=True)
class Estate:
    """One control plane: its database, machines, images and clocks.

    ``hosts_folder`` has one folder per machine; ``url`` is where tenants reach the control plane.
    """

    database: Database
    clock: PlatformClock
    machines: Machines
    images: Mapping[str, Image]
    identities: Identities
    secrets: Secrets
    faults: FaultPlan
    gate: str
    seed: int
    url: str
    gateway_url: str
    hosts_folder: Path
    archive: Callable[[str, str, str], bytes | None]
    background: Background = field(default_factory=Background)
    launching: threading.RLock = field(default_factory=threading.RLock)

    @property
    def switch(self) -> FaultSwitch:
        """Where the parts of the control plane ask for their faults."""
        return FaultSwitch(self.faults)

    def org(self, slug: str) -> Row | None:
        """Return the organisation's row, or None."""
        return self.database.row("SELECT * FROM orgs WHERE slug = ?", slug)

    def org_or_404(self, slug: str) -> Row:
        """Return the organisation's row.

        Raises:
            RefusedError: 404 with exactly the two keys that are the authoritative absence.
        """
        row = self.org(slug)
        if row is None:
            raise RefusedError(404, "org not found", slug=slug)
        return row

    def org_by_id(self, org_id: str) -> Row | None:
        """Return the organisation's row, or None."""
        return self.database.row("SELECT * FROM orgs WHERE id = ?", org_id)

    def tenant_door(self, *, slug: str = "", org_id: str = "") -> TenantDoor | None:
        """Return where a tenant listens, found by slug or by id; None for no such tenant.

        The port of a machine that is gone may belong to anybody by now, so nobody is sent there.
        """
        row = self.org(slug) if slug else self.org_by_id(org_id)
        if row is None:
            return None
        up = bool(row["instance_id"]) and self.machines.view(row["instance_id"]).state == "running"
        return TenantDoor(row["id"], row["tenant_url"] if up else "")

    def record_boot_event(self, org_id: str, stage: str, message: str = "") -> None:
        """Write down how far the organisation's boot is."""
        self.database.execute(
            "INSERT INTO boot_events (org_id, stage, message, at) VALUES (?, ?, ?, ?)",
            org_id,
            stage,
            message,
            timestamp(self.clock.now()),
        )

    def launch_for(self, org_id: str, launch: Callable[[], str], record: Callable[[str], None]) -> str | None:
        """Launch a machine for an organisation and record it, or return None if that is being purged or gone.

        Launch and record are one step against a purge, so that no machine is born behind its back.
        """
        with self.launching:
            row = self.org_by_id(org_id)
            if row is None or row["purging"] or self.background.stopping.is_set():
                return None
            instance_id = launch()
            record(instance_id)
            return instance_id

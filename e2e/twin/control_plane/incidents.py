"""What may happen to an organisation that has come up: each incident once, some time after that, by the fault plan."""

import hashlib
import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

from e2e.twin.control_plane.estate import Estate
from e2e.twin.control_plane.pins import pinned_image, set_pin
from e2e.twin.control_plane.purge import purge
from e2e.twin.control_plane.tenant_container import redeployed_container, source_digest
from e2e.twin.database import Row
from e2e.twin.faults.plan import Fault
from e2e.twin.hosts.container import Container, ContainerError
from e2e.twin.hosts.host import Host, HostGoneError
from e2e.twin.wire import RefusedError

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 0.01
"""Wall seconds between two looks at the fault plan."""
_SOMEBODY = "api-token-0b5e7a11"
"""Who moves pins besides us: the control plane names its callers so."""

Incident = Callable[[Estate, Row, Host, Container], None]


def schedule_incidents(estate: Estate, org: Row, host: Host, container: Container) -> None:
    """Begin to wait for every incident of the plan; ``container`` is the tenant's on ``host``."""
    for name, happen in _INCIDENTS.items():
        if estate.switch.is_planned(name):
            _schedule(estate, org, name, lambda happen=happen: happen(estate, org, host, container))  # type: ignore[misc]


def _schedule(estate: Estate, org: Row, name: str, happen: Callable[[], None]) -> None:
    came_up = time.monotonic()

    def wait_and_happen() -> None:
        while not _is_due(estate, estate.switch.current(name), came_up):
            if estate.background.stopping.wait(_LOOK_SECONDS):
                return
        row = estate.org_by_id(org["id"])
        if row is None or row["purging"]:
            return
        estate.switch.acts(name, org["slug"])
        try:
            happen()
        except (HostGoneError, ContainerError, OSError, RefusedError) as error:
            # The organisation was being taken down meanwhile: then nothing is left to happen to.
            _log.info("%s did not come to pass for %s: %s", name, org["slug"], error)

    estate.background.start(f"{name}-{org['id'][:8]}", wait_and_happen)


def _is_due(estate: Estate, fault: Fault | None, came_up: float) -> bool:
    if fault is None:
        return False
    return time.monotonic() - came_up >= estate.clock.wall(fault.parameters["seconds"])


def _vanish(estate: Estate, org: Row, _host: Host, _container: Container) -> None:
    purge(estate, org["slug"])


def _move_pin(estate: Estate, _org: Row, _host: Host, _container: Container) -> None:
    for template in sorted({image.template for image in estate.images.values()}):
        pinned = pinned_image(estate, template)
        others = [image for image in estate.images.values() if image.template == template and image != pinned]
        if others:
            set_pin(estate, template, others[0].digest, _SOMEBODY)


def _redeploy(estate: Estate, org: Row, host: Host, container: Container) -> None:
    """Replace the tenant's container by one of another build, as ``redeploy-fleet`` does; its data stays."""
    build = hashlib.sha256(f"the build after {source_digest()}".encode()).hexdigest()
    with tempfile.TemporaryDirectory(dir=estate.hosts_folder.parent) as folder:
        with suppress(ContainerError):
            container.stop()
        kept = Path(folder) / "app"
        shutil.copytree(container.rootfs / "app", kept, symlinks=True)
        host.remove_container(container.name)
        host.run_container(redeployed_container(estate, org, container.name, build, kept))


def _rotate_log(_estate: Estate, _org: Row, _host: Host, container: Container) -> None:
    """Rename the log under the engine's feet: it goes on writing to the old file, and reads the new, empty one."""
    container.log_path.rename(container.log_path.with_suffix(".1"))
    container.log_path.touch(mode=0o600)


_INCIDENTS: Mapping[str, Incident] = MappingProxyType(
    {
        "org-vanished": _vanish,
        "pin-moved": _move_pin,
        "platform-moved": _redeploy,
        "log-unreadable": _rotate_log,
    }
)

"""``python -m e2e.twin.workspace_server CONFIGURATION``: serve one tenant until told to stop."""

import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from e2e.contract import load_contract
from e2e.twin.background import Background
from e2e.twin.clock import PlatformClock
from e2e.twin.database import Database
from e2e.twin.faults.plan import FaultSwitch
from e2e.twin.identities import Identities
from e2e.twin.listener import Listener, PortBusyError, bind_loopback, url_of
from e2e.twin.workspace_server.configuration import TenantConfiguration
from e2e.twin.workspace_server.gate import POLICIES
from e2e.twin.workspace_server.log import RegistryLog
from e2e.twin.workspace_server.routes import application
from e2e.twin.workspace_server.schema import SCHEMA
from e2e.twin.workspace_server.sweeps import start_sweeps
from e2e.twin.workspace_server.tenant import Tenant


def main(arguments: list[str]) -> int:
    """Serve the tenant that the file ``arguments[0]`` describes; ends with 0 on SIGTERM and SIGINT."""
    configuration = TenantConfiguration.read(Path(arguments[0]))
    log = RegistryLog(sys.stdout)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    port_file = Path(configuration.port_file)
    # A restarted server comes back where its agents know it.
    port = int(port_file.read_text(encoding="ascii")) if port_file.exists() else 0
    try:
        listening = bind_loopback(port)
    except PortBusyError as error:
        log(f"workspace-server: {error}")
        return 1
    tenant = open_tenant(configuration, log, url_of(listening))
    listener = Listener(application(tenant), listening)
    listener.start()
    start_sweeps(tenant)
    announce(port_file, listener.port)
    log(f"workspace-server: org={configuration.org_slug} gate={configuration.gate} listening on :{listener.port}")
    stop.wait()
    tenant.background.stop()
    listener.stop()
    tenant.database.close()
    return 0


def open_tenant(configuration: TenantConfiguration, log: Callable[[str], None], own_url: str) -> Tenant:
    """Put the tenant together; its database is made where it is missing."""
    return Tenant(
        configuration=configuration,
        contract=load_contract(),
        gate=POLICIES[configuration.gate],
        database=Database(Path(configuration.database), SCHEMA),
        clock=PlatformClock(configuration.speed),
        log=log,
        faults=FaultSwitch(configuration.faults),
        identities=Identities(configuration.seed),
        background=Background(),
        own_url=own_url,
    )


def announce(port_file: Path, port: int) -> None:
    """Write the port where the control plane looks for it, in one step."""
    fresh = port_file.with_suffix(".fresh")
    fresh.write_text(str(port), encoding="ascii")
    fresh.replace(port_file)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

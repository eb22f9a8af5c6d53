"""The whole embedded staging in one object: it is started, says where it is, and is stopped without a trace."""

import os
import secrets
import shutil
import socket
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from e2e.twin.clock import PlatformClock
from e2e.twin.cloud.endpoint import AwsEndpoint
from e2e.twin.cloud.fleet import Fleet
from e2e.twin.cloud.planned_faults import PlannedFaults
from e2e.twin.control_plane import routes
from e2e.twin.control_plane.estate import Estate, Secrets
from e2e.twin.control_plane.pins import set_pin
from e2e.twin.control_plane.schema import SCHEMA
from e2e.twin.database import Database
from e2e.twin.faults.plan import Fault, FaultPlan, acts_in
from e2e.twin.gateway import Gateway
from e2e.twin.identities import Identities
from e2e.twin.images.catalogue import Image
from e2e.twin.listener import Listener, PortBusyError, bind_loopback, url_of
from e2e.twin.plugins.archive import plugin_archive
from e2e.twin.warden import Warden

TENANT_DOMAIN = "staging.twin.invalid"
"""Under a top level domain that never resolves (RFC 2606): a client that looks a tenant up by name fails at once."""

FAULT_TRACE = "fault-trace.jsonl"
REGION = "us-east-2"
ACCOUNT = "111122223333"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a twin is started with. ``image`` is one of ``images``; ports of 0 are chosen by the system."""

    images: Mapping[str, Image]
    image: str
    gate: str
    faults: tuple[Fault, ...]
    seed: int
    speed: float
    control_plane_port: int = 0
    gateway_port: int = 0
    aws_port: int = 0


@dataclass(frozen=True, slots=True)
class Connections:
    """Where a running twin is, and the credentials for it: the line of ``twin serve --json``."""

    control_plane_url: str
    admin_token: str
    tenant_url: str
    tenant_domain: str
    aws_endpoint_url: str
    aws_access_key_id: str
    aws_secret_access_key: str
    aws_region: str
    aws_account: str
    speed: float
    image: str
    gate: str
    pid: int


class Staging:
    """One embedded staging. Everything it has on the machine is under one folder and in one process tree."""

    def __init__(self, settings: Settings) -> None:
        """Bind the ports and make the sandbox; nothing answers yet.

        Raises:
            PortBusyError: a port that was asked for is taken.
        """
        self._settings = settings
        self._clean_up = ExitStack()
        with ExitStack() as undo:
            control_plane_socket = undo.enter_context(bind_loopback(settings.control_plane_port))
            gateway_socket = undo.enter_context(bind_loopback(settings.gateway_port))
            self.sandbox = Path(tempfile.mkdtemp(prefix="molecule-twin-"))
            self._clean_up.callback(Warden(self.sandbox).dismiss)
            self._clean_up.callback(shutil.rmtree, self.sandbox, ignore_errors=True)
            undo.push(self._clean_up.__exit__)
            self.sandbox.chmod(0o711)
            self._build(control_plane_socket, gateway_socket)
            undo.pop_all()

    def start(self) -> Connections:
        """Answer on all ports, and return where they are."""
        settings, estate = self._settings, self._estate
        return Connections(
            control_plane_url=self._control_plane.start(),
            admin_token=estate.secrets.admin,
            tenant_url=self._gateway.start(),
            tenant_domain=TENANT_DOMAIN,
            aws_endpoint_url=self._aws.start(),
            aws_access_key_id=self._access_key_id,
            aws_secret_access_key=self._secret_access_key,
            aws_region=REGION,
            aws_account=ACCOUNT,
            speed=settings.speed,
            image=settings.image,
            gate=settings.gate,
            pid=os.getpid(),
        )

    def stop(self) -> Mapping[str, int]:
        """End all machines and ports and remove the sandbox; nothing is left when this returns.

        Returns how often each fault of the settings has acted. One that is an image or a gate acts by being there.
        """
        self._estate.background.stopping.set()
        self._control_plane.ask_to_stop()
        self._gateway.ask_to_stop()
        acted = acts_in(self.sandbox / FAULT_TRACE, self._settings.faults)
        self._clean_up.close()
        return acted

    def _build(self, control_plane_socket: socket.socket, gateway_socket: socket.socket) -> None:
        settings, clean_up = self._settings, self._clean_up
        clock = PlatformClock(settings.speed)
        hosts_folder = self.sandbox / "hosts"
        fleet = Fleet(clock, hosts_folder, settings.seed)
        clean_up.callback(fleet.close)
        database = Database(self.sandbox / "control-plane.sqlite", SCHEMA)
        clean_up.callback(database.close)
        identities = Identities(settings.seed)
        trace = self.sandbox / FAULT_TRACE
        trace.touch()
        trace.chmod(0o666)  # the agent, who is another user, writes to it as well
        self._estate = Estate(
            database=database,
            clock=clock,
            machines=fleet,
            images=settings.images,
            identities=identities,
            secrets=Secrets(
                admin=identities.new_token("cp_admin"),
                shared=identities.new_token("cp_shared"),
                template_repository=identities.new_token("gitea"),
            ),
            faults=FaultPlan(settings.faults, time.monotonic(), settings.speed, str(trace)),
            gate=settings.gate,
            seed=settings.seed,
            url=url_of(control_plane_socket),
            gateway_url=url_of(gateway_socket),
            hosts_folder=hosts_folder,
            archive=plugin_archive,
        )
        image = settings.images[settings.image]
        set_pin(self._estate, image.template, image.digest, "twin-serve")
        self._control_plane = Listener(routes.application(self._estate), control_plane_socket)
        clean_up.callback(self._control_plane.stop)
        self._gateway = Listener(
            Gateway(self._estate, clock, TENANT_DOMAIN, self._estate.switch).application(), gateway_socket
        )
        clean_up.callback(self._gateway.stop)
        self._access_key_id = f"AKIATWIN{secrets.token_hex(6).upper()}"
        self._secret_access_key = secrets.token_urlsafe(30)
        try:
            self._aws = AwsEndpoint(
                fleet,
                clock,
                region=REGION,
                account=ACCOUNT,
                access_key_id=self._access_key_id,
                secret_access_key=self._secret_access_key,
                faults=PlannedFaults(self._estate.switch, clock, account=ACCOUNT, seed=settings.seed),
                port=settings.aws_port,
                seed=settings.seed,
            )
        except (OSError, OverflowError) as error:
            raise PortBusyError(settings.aws_port, str(error)) from error
        clean_up.callback(self._aws.stop)
        clean_up.callback(self._estate.background.stop)
        # The machines go first: what runs on them talks to everything above. (Above, their close is for a start that
        # fails half way; a second close does nothing.)
        clean_up.callback(fleet.close)

"""Assembles one run: its twin or its live target, its bundle and ledger, the spine, and the verdict at the end."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psutil

from e2e.clients.control_plane import ControlPlane
from e2e.evidence.bundle import Bundle
from e2e.evidence.events import EventLog
from e2e.evidence.masking import Masker
from e2e.hosts.aws import AwsAccess, aws_access
from e2e.hosts.aws_clients import AwsCredentials
from e2e.hosts.client_pool import Lease
from e2e.hosts.polling import PollTimes
from e2e.ledger.ledger import Ledger
from e2e.ledger.pointer import state_folder
from e2e.run.context import Run
from e2e.run.hold import SETTLE_WINDOW
from e2e.run.journal import Journal, write_crash
from e2e.run.naming import expiry, new_slug, organisation_name
from e2e.run.neighbours import LOOK_EVERY, WAIT_FOR_ROOM, require_thaw, wait_for_room
from e2e.run.order import RunFacts, RunOrder
from e2e.run.plan import RUN_DEADLINE, Limits
from e2e.run.platform_time import PlatformTime
from e2e.run.private_twin import PrivateTwin
from e2e.run.result import RunResult
from e2e.run.safety import require_account
from e2e.run.spine import Spine
from e2e.run.target import Connection, TargetError, TargetRefusal
from e2e.run.unrun import refusal_of_target, refused_run
from e2e.run.verdict import conclude
from e2e.run.waiting import Deadline, Interrupted, Interruption
from e2e.scenario.model import LIVE_TARGETS
from e2e.verdict.environment import Environment

if TYPE_CHECKING:
    from e2e.verdict.document import Judged


def run_scenario(order: RunOrder) -> RunResult:
    """Boot, prove, tear down and judge one scenario. What goes wrong on the way is in the verdict.

    Raises:
        OSError: the bundle cannot be written, so that no verdict can be given.
    """
    masker = order.masker()
    bundle = Bundle.create(order.folder, masker=masker)
    with EventLog(order.folder / "events.jsonl", order.run_id, now=_now, masker=masker) as events:
        journal = Journal(events, lambda line: order.say(f"[{order.scenario.name}] {masker.mask(line)}"))
        demanded = order.demanded()
        journal.write("demanded", demanded)
        twin: PrivateTwin | None = None
        connection: Connection | None = None
        outcome = RunFacts(None, None, None, None)
        refusal: Judged | None = None
        try:
            twin = _start_twin(order)
            connection = order.attached or _connection(twin, order.interruption)
            with _lease(order, connection) as lease:
                outcome = _on_target(order, connection, lease, masker, bundle, journal)
        except TargetRefusal as error:
            refusal = refusal_of_target(journal, error)
        except TargetError as error:
            _target_unusable(journal, str(error))
        except Interrupted:
            journal.write("interrupted", {"detail": "before anything was created"})
        except Exception as error:  # noqa: BLE001 - the border: a crash of ours is a verdict of its own
            write_crash(journal, error)
        finally:
            if twin is not None:
                _end(twin, journal, ready=connection is not None)
    if journal.lost is not None:
        raise journal.lost
    return refused_run(order, bundle, refusal) if refusal is not None else conclude(order, demanded, outcome, bundle)


def _end(twin: PrivateTwin, journal: Journal, *, ready: bool) -> None:
    """End the twin and write it down; one that was ready and ended by itself took the whole run with it."""
    died = twin.exit_code
    code = twin.stop()
    journal.write("twin_ended", {"exit_code": code, "faults_acted": dict(twin.faults_acted)})
    if died is not None and ready:
        _target_unusable(journal, f"the twin ended by itself during the run, with code {died}")


def _target_unusable(journal: Journal, error: str) -> None:
    journal.write("target_unusable", {"error": error})
    journal.say(f"the target cannot be used: {error}")


def _on_target(
    order: RunOrder, connection: Connection, lease: Lease, masker: Masker, bundle: Bundle, journal: Journal
) -> RunFacts:
    masker.add(connection.admin_token, "control-plane-admin-token")
    if connection.aws_keys is not None:
        masker.add(connection.aws_keys.secret_access_key, "aws-secret-access-key")
    time = PlatformTime(connection.speed, order.scenario.exact)
    slug = new_slug(order.run_id)
    created = _now()
    control_plane = ControlPlane(
        connection.control_plane_url, connection.admin_token, timeout=time.real(30.0, "request"), pace=order.pace
    )
    access = _access(lease, connection, control_plane, slug, journal)
    try:
        _admit(order, connection, control_plane, access, time, journal)
    except BaseException:
        control_plane.close()
        raise
    ledger = Ledger.open(
        order.folder,
        run_id=order.run_id,
        session_id=order.session_id,
        state_folder=state_folder(order.environment.state_dir),
        owner_pid=os.getpid(),
        owner_started=psutil.Process().create_time(),
        slug=slug,
        control_plane_url=connection.control_plane_url,
        now=_now,
        masker=masker,
    )
    run = Run(
        run_id=order.run_id,
        slug=slug,
        organisation_name=organisation_name(slug, order.run_id, expiry(created)),
        scenario=order.scenario,
        contract=order.contract,
        connection=connection,
        control_plane=control_plane,
        time=time,
        pacing=order.interruption,
        journal=journal,
        bundle=bundle,
        ledger=ledger,
        masker=masker,
        now=_now,
        deadline=Deadline.after(order.interruption, time.run_cap(RUN_DEADLINE)),
        limits=_limits(order.environment),
    )
    spine = Spine(run, access)
    try:
        spine.boot_and_prove()
        spine.collect()
    finally:
        journal.keep_going()
        try:
            spine.tear_down(keep=_keep(order, spine))
        finally:
            spine.close()
            control_plane.close()
            closed = ledger.close()
    return RunFacts(slug, connection, access.commands_sent, closed)


def _admit(
    order: RunOrder,
    connection: Connection,
    control_plane: ControlPlane,
    access: AwsAccess,
    time: PlatformTime,
    journal: Journal,
) -> None:
    """Make sure that a run may begin on a platform that is shared, before anything is created there.

    Raises:
        TargetRefusal: it may not.
        Interrupted: the run was asked to stop.
    """
    if order.policy.target not in LIVE_TARGETS:
        return
    require_thaw(order.neighbours.freezes)
    require_account(connection.aws_account, access.account)
    wait_for_room(
        order.neighbours.max_live,
        control_plane.organisations,
        seconds=time.wall(WAIT_FOR_ROOM),
        every=time.wall(LOOK_EVERY),
        pacing=order.interruption,
        say=journal.say,
    )
    journal.write("admitted", {"account": connection.aws_account, "max_live": order.neighbours.max_live})


def _limits(environment: Environment) -> Limits:
    settle = environment.settle_seconds
    return Limits(environment.caps, SETTLE_WINDOW if settle is None else settle)


def _keep(order: RunOrder, spine: Spine) -> bool:
    if order.policy.keep == "always":
        return True
    established = all(spine.book.established(name) for name in order.scenario.demanded if name != "torn_down")
    return order.policy.keep == "on-failure" and not established


def _lease(order: RunOrder, connection: Connection) -> Lease:
    """Share the AWS clients with every run of the session that is the same caller at the same place."""
    keys = connection.aws_keys
    return order.aws.lease(
        (connection.aws_region,),
        endpoint_url=connection.aws_endpoint_url,
        credentials=AwsCredentials(keys.access_key_id, keys.secret_access_key.reveal()) if keys is not None else None,
        poll=_poll_times(connection),
    )


def _access(
    lease: Lease, connection: Connection, control_plane: ControlPlane, slug: str, journal: Journal
) -> AwsAccess:
    def audit(record: Mapping[str, object]) -> None:
        journal.write("command", record)

    return aws_access(
        slug=slug,
        clients=lease.clients,
        control_plane_instance_id=lambda: control_plane.tenant_instance(slug),
        poll=_poll_times(connection),
        audit=audit,
    )


def _poll_times(connection: Connection) -> PollTimes:
    return PollTimes.live() if connection.aws_endpoint_url is None else PollTimes.embedded()


def _start_twin(order: RunOrder) -> PrivateTwin | None:
    if order.attached is not None:
        return None
    arguments = ["--speed", f"{order.policy.speed:g}"]
    if order.scenario.twin is not None:
        arguments += order.scenario.twin.arguments()
    return PrivateTwin(arguments, order.folder / "twin.log")


def _connection(twin: PrivateTwin | None, interruption: Interruption) -> Connection:
    if twin is None:
        raise TargetError("there is no twin to talk to")
    return twin.connection(interruption)


def _now() -> datetime:
    return datetime.now(UTC)

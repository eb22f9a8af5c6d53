"""One session: one policy, any number of runs, one receipt, one exit code."""

import json
import os
import secrets
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from e2e.clients.pace import LIVE_REQUESTS_PER_SECOND, RequestPace
from e2e.contract import Contract, load_contract
from e2e.evidence.files import write_atomic
from e2e.hosts.client_pool import ClientPool
from e2e.ledger.pointer import state_folder
from e2e.probes.registry_texts import UnknownLogTextError, means
from e2e.report.summary import summary_markdown, verdict_lines
from e2e.run.live_target import staging_connection
from e2e.run.neighbours import MAX_LIVE, Neighbourhood
from e2e.run.order import RunOrder
from e2e.run.result import RunResult
from e2e.run.target import Connection, TargetError, connection_of_twin
from e2e.run.unrun import NOTHING_LIVE, crashed_run, nothing_live_run, skipped_run
from e2e.run.waiting import Interruption
from e2e.scenario.model import LIVE_TARGETS, Scenario
from e2e.verdict.classes import INTERRUPTED, UNPROVEN, first_code
from e2e.verdict.environment import ConfigurationError, Environment, parse_environment
from e2e.verdict.policy import Policy, choose_policy, scenario_refusals
from e2e.verdict.receipt import RECEIPT_NAME, RunLine, receipt_document, session_code

AVAILABLE_TARGETS = frozenset({"local", "staging"})
"""The targets that this version can boot on."""
LATEST = "latest"
"""The name of the link that points at the newest session."""


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """What the command line asks of a session; None leaves the choice to environment and policy."""

    out: Path
    session_id: str | None = None
    nonce: str = ""
    target: str | None = None
    twin: Path | None = None
    speed: float | None = None
    keep: str | None = None
    require_live: bool = False
    rehearse: bool = False
    max_live: int = MAX_LIVE
    freeze: str | None = None


@dataclass(frozen=True, slots=True)
class SessionResult:
    """How a session ended: its code, its folder, and the lines that people read last."""

    code: int
    folder: Path
    runs: tuple[RunLine, ...]
    lines: tuple[str, ...]


def open_session(options: SessionOptions, environ: Mapping[str, str], say: Callable[[str], None]) -> "Session":
    """Choose the policy and open the session; nothing is created before all of it is known to be good.

    Raises:
        ConfigurationError: environment or options contradict each other or make no sense.
    """
    environment = parse_environment(environ)
    connection = _attached(options.twin) if options.twin is not None else None
    policy = choose_policy(
        environment,
        target_flag=_target_flag(options, environment),
        require_live_flag=options.require_live,
        rehearse_flag=options.rehearse,
        speed_flag=connection.speed if connection is not None else options.speed,
        keep_flag=options.keep,
        loaded_modules=sys.modules,
    )
    problems = [
        *_attached_problems(options, policy, connection),
        *(_session_id_problems(options.out, environment.run_id) if options.session_id is None else ()),
    ]
    if policy.target not in AVAILABLE_TARGETS and not policy.skipped and not policy.nothing_live:
        problems.append(f"target {policy.target} is not built yet in this version; use --target local")
    if problems:
        raise ConfigurationError(problems)
    if policy.target in LIVE_TARGETS and not policy.skipped:
        connection = staging_connection(environment, policy, environ)
    return Session(options, environment, policy, load_contract(), connection, say)


def _target_flag(options: SessionOptions, environment: Environment) -> str | None:
    """Return the target that is asked for; a twin to attach to can only be the local one."""
    if options.twin is not None and options.target is None and environment.target is None:
        return "local"
    return options.target


def _attached(path: Path) -> Connection:
    try:
        return connection_of_twin(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, TargetError) as error:
        raise ConfigurationError(
            (f"--twin {path}: {error}; give a file with the line of `twin serve --json`",)
        ) from error


def _attached_problems(options: SessionOptions, policy: Policy, connection: Connection | None) -> list[str]:
    problems = []
    if connection is None:
        if policy.target == "local" and policy.keep != "never":
            problems.append(
                f"keep {policy.keep} is in vain: the twin of a run ends with the run; serve one with"
                " `concierge-e2e twin serve --json > FILE` and attach with --twin FILE"
            )
        return problems
    if policy.target != "local":
        problems.append(f"--twin attaches to a twin, which is target local, not {policy.target}")
    if options.speed is not None and options.speed != connection.speed:
        problems.append(f"--speed {options.speed:g} is in vain: the twin runs at {connection.speed:g}; leave it out")
    return problems


def _session_id_problems(out: Path, run_id: str | None) -> list[str]:
    if run_id is None:
        return []
    if run_id == LATEST:
        return [f"E2E_RUN_ID={run_id} is the name of the link to the newest session; choose another"]
    folder = out / run_id
    if folder.is_dir() and not any(folder.iterdir()):
        return []
    if folder.exists() or folder.is_symlink():
        return [f"{folder} is there already: a session is never written over; choose another E2E_RUN_ID or --out"]
    return []


class Session:
    """Runs scenarios and keeps the account of what was demanded and what was observed; safe to use from threads."""

    def __init__(
        self,
        options: SessionOptions,
        environment: Environment,
        policy: Policy,
        contract: Contract,
        connection: Connection | None,
        say: Callable[[str], None],
    ) -> None:
        self.policy = policy
        self.environment = environment
        self.contract = contract
        self.connection = connection
        self.say = say
        self.interruption = Interruption()
        self.started = datetime.now(UTC)
        self.session_id = options.session_id or environment.run_id or new_session_id(self.started)
        self.nonce = options.nonce or secrets.token_hex(16)
        freezes = tuple(place for place in (options.freeze, environment.freeze) if place)
        self._neighbours = Neighbourhood(options.max_live, freezes)
        self._pace = RequestPace(LIVE_REQUESTS_PER_SECOND) if policy.live else None
        self.folder = options.out / self.session_id
        self._demanded: list[Path] = []
        self._not_applicable: list[Path] = []
        self._results: list[RunResult] = []
        self._objections: list[str] = []
        self._lock = threading.Lock()
        self._numbers: dict[str, int] = {}
        self._aws = ClientPool()

    def prepare(self) -> None:
        """Make the folders that the session writes to, before anything is created elsewhere.

        Raises:
            ConfigurationError: one of them cannot be written.
        """
        folders = [(self.folder, "--out")]
        if not (self.policy.skipped or self.policy.nothing_live):
            folders.append((state_folder(self.environment.state_dir), "E2E_STATE_DIR"))
        for folder, name in folders:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ConfigurationError((f"{name}: {folder} cannot be made: {error.strerror}",)) from error
            if not os.access(folder, os.W_OK | os.X_OK):
                raise ConfigurationError((f"{name}: {folder} cannot be written",))
        if (self.folder / RECEIPT_NAME).exists():
            raise ConfigurationError((f"{self.folder} has a receipt already; choose another E2E_RUN_ID or --out",))

    def refusals(self, scenario: Scenario, *, named: bool) -> tuple[str, ...]:
        """Return why a scenario must not be run as asked. ``named``: the file itself was, not merely its folder."""
        if self.policy.target not in scenario.targets:
            targets = ", ".join(scenario.targets)
            problem = f"{scenario.path}: is for {targets}, not for target {self.policy.target}; name another --target"
            return (problem,) if named else ()
        problems = list(scenario_refusals(self.policy, scenario))
        problems += _unknown_texts(scenario)
        if self.connection is not None and scenario.twin is not None:
            problems.append(f"{scenario.path}: needs a twin of its own (`twin:`); run it without --twin")
        return tuple(problems)

    def demand(self, path: Path) -> None:
        """Note that a scenario file must be run; one that is noted already, also as not applicable, is left alone."""
        if path.resolve() not in {known.resolve() for known in (*self._demanded, *self._not_applicable)}:
            self._demanded.append(path)

    def not_applicable(self, path: Path) -> None:
        """Note that a scenario file is not for this target; it is printed, not demanded."""
        self._not_applicable.append(path)
        self.say(f"{path}: not applicable to target {self.policy.target}")

    def object_to(self, line: str) -> None:
        """Note what keeps the session as a whole from being green, whatever its runs are worth (code 5)."""
        self._objections.append(line)

    @property
    def others(self) -> tuple[Path, ...]:
        """The scenario files that were collected and are not for this target."""
        return tuple(self._not_applicable)

    @property
    def concerned(self) -> bool:
        """Whether any scenario was collected for this session."""
        return bool(self._demanded or self._not_applicable)

    def interrupt(self) -> None:
        """Ask every run to stop; their teardowns still run."""
        self.interruption.request()

    def next_run_id(self, scenario: Scenario) -> str:
        """Return the id of the next run of a scenario in this session."""
        with self._lock:
            number = self._numbers[scenario.name] = self._numbers.get(scenario.name, 0) + 1
        return f"{self.session_id}.{scenario.name}.{number}"

    def run_scenario(self, scenario: Scenario) -> RunResult:
        """Boot, prove and tear down one scenario; whatever goes wrong is in the result.

        Raises:
            Interrupted: the session was asked to stop before this run began.
        """
        self.interruption.pause(0.0)
        run_id = self.next_run_id(scenario)
        order = RunOrder(
            run_id=run_id,
            session_id=self.session_id,
            scenario=scenario,
            policy=self.policy,
            environment=self.environment,
            contract=self.contract,
            folder=self.folder / run_id,
            attached=self.connection,
            interruption=self.interruption,
            say=self.say,
            neighbours=self._neighbours,
            pace=self._pace,
            aws=self._aws,
        )
        try:
            result = self._run(order)
        except Exception as error:  # noqa: BLE001 - the border: a crash of ours is a result of its own
            result = crashed_run(order, error)
        with self._lock:
            self._results.append(result)
        return result

    def finish(self) -> SessionResult:
        """Write the receipt, point ``latest`` at this session, and return what people read last.

        Raises:
            OSError: the receipt cannot be written.
        """
        runs = tuple(result.line for result in self._results)
        interrupted = self.interruption.requested
        code = session_code(
            [str(path) for path in self._demanded],
            runs,
            rehearsal=self.policy.rehearse,
            require_live=self.policy.require_live,
            not_applicable=[str(path) for path in self._not_applicable],
            interrupted=interrupted,
        )
        if self._objections:
            code = first_code((code, UNPROVEN))
        if interrupted:
            code = first_code((code, UNPROVEN if self.policy.require_live else INTERRUPTED))
        document = receipt_document(
            session_id=self.session_id,
            nonce=self.nonce,
            policy=self.policy.as_document(),
            demanded=[str(path) for path in self._demanded],
            not_applicable=[str(path) for path in self._not_applicable],
            runs=runs,
            code=code,
            started=self.started.isoformat(),
            ended=datetime.now(UTC).isoformat(),
            remarks=self._remarks(),
        )
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomic(
            self.folder / "summary.md", summary_markdown(document, [r.verdict for r in self._results]).encode()
        )
        write_atomic(self.folder / RECEIPT_NAME, (json.dumps(document, indent=2) + "\n").encode())
        try:
            _point_latest(self.folder)
        except OSError as error:
            self.say(f"{self.folder.parent / LATEST} cannot be pointed at this session: {error.strerror}")
        lines = [line for result in self._results for line in verdict_lines(result.verdict, str(result.folder))]
        return SessionResult(code, self.folder, runs, (*lines, *self._remarks()))

    def _remarks(self) -> tuple[str, ...]:
        """Return what explains a code that the runs alone do not explain."""
        remarks = []
        if self.interruption.requested:
            remarks.append("interrupted: the session was asked to stop")
        if self.policy.rehearse:
            remarks.append(f"a rehearsal: {NOTHING_LIVE}")
        run = {result.line.path for result in self._results}
        remarks += [f"{path}: demanded and not run" for path in map(str, self._demanded) if path not in run]
        if not self.concerned:
            remarks.append("no scenario was collected: nothing was proven")
        return (*remarks, *self._objections)

    def _run(self, order: RunOrder) -> RunResult:
        from e2e.run.scenario_run import run_scenario

        if self.policy.skipped:
            return skipped_run(order)
        return nothing_live_run(order) if self.policy.nothing_live else run_scenario(order)


def _unknown_texts(scenario: Scenario) -> list[str]:
    """Return a problem for each forbidden text that no known log line holds: such a check would never fire."""
    problems = []
    for text in scenario.registry_log.forbid_standing:
        try:
            means(text)
        except UnknownLogTextError as error:
            problems.append(f"{scenario.path}: registry_log.forbid_standing: {error}")
    return problems


def new_session_id(now: datetime) -> str:
    """Return a session id that sorts by time and does not collide."""
    return f"{now.strftime('%Y%m%dT%H%M%SZ')}-{secrets.token_hex(3)}"


def _point_latest(folder: Path) -> None:
    link = folder.parent / LATEST
    temporary = folder.parent / f".{LATEST}-{os.getpid()}-{secrets.token_hex(4)}"
    temporary.symlink_to(folder.name, target_is_directory=True)
    try:
        temporary.replace(link)
    except OSError:
        temporary.unlink()
        raise

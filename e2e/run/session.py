"""One session: one policy, any number of runs, one receipt, one exit code."""

import json
import os
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from e2e.contract import Contract, load_contract
from e2e.evidence.files import write_atomic
from e2e.report.summary import summary_markdown, verdict_lines
from e2e.run.result import RunResult
from e2e.run.target import Connection, TargetError, connection_of_twin
from e2e.run.waiting import Interruption
from e2e.scenario.model import Scenario
from e2e.verdict.environment import ConfigurationError, Environment, parse_environment
from e2e.verdict.policy import Policy, choose_policy
from e2e.verdict.receipt import RECEIPT_NAME, RunLine, receipt_document, session_code

AVAILABLE_TARGETS = frozenset({"local"})
"""The targets that this version can boot on."""


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
    policy = choose_policy(
        environment,
        target_flag=options.target,
        require_live_flag=options.require_live,
        rehearse_flag=options.rehearse,
        speed_flag=options.speed,
        keep_flag=options.keep,
    )
    if policy.target not in AVAILABLE_TARGETS and not policy.skipped and not policy.nothing_live:
        raise ConfigurationError((f"target {policy.target} is not built yet in this version; use --target local",))
    connection = _attached(options.twin) if options.twin is not None else None
    return Session(options, environment, policy, load_contract(), connection, say)


def _attached(path: Path) -> Connection:
    try:
        return connection_of_twin(path.read_text(encoding="utf-8"))
    except (OSError, TargetError) as error:
        raise ConfigurationError(
            (f"--twin {path}: {error}; give a file with the line of `twin serve --json`",)
        ) from error


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
        self.folder = options.out / self.session_id
        self._demanded: list[Path] = []
        self._not_applicable: list[Path] = []
        self._results: list[RunResult] = []
        self._lock = threading.Lock()
        self._numbers: dict[str, int] = {}

    def demand(self, path: Path) -> None:
        """Note that a scenario file must be run."""
        self._demanded.append(path)

    def not_applicable(self, path: Path) -> None:
        """Note that a scenario file is not for this target; it is printed, not demanded."""
        self._not_applicable.append(path)
        self.say(f"{path}: not applicable to target {self.policy.target}")

    def interrupt(self) -> None:
        """Ask every run to stop; their teardowns still run."""
        self.interruption.request()

    def next_run_id(self, scenario: Scenario) -> str:
        """Return the id of the next run of a scenario in this session."""
        with self._lock:
            number = self._numbers[scenario.name] = self._numbers.get(scenario.name, 0) + 1
        return f"{self.session_id}.{scenario.name}.{number}"

    def run_scenario(self, scenario: Scenario) -> RunResult:
        """Boot, prove and tear down one scenario; whatever goes wrong is in the result."""
        from e2e.run.order import RunOrder
        from e2e.run.scenario_run import run_scenario

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
        )
        result = run_scenario(order)
        with self._lock:
            self._results.append(result)
        return result

    def finish(self) -> SessionResult:
        """Write the receipt, point ``latest`` at this session, and return what people read last."""
        runs = tuple(result.line for result in self._results)
        code = session_code(
            [str(path) for path in self._demanded],
            runs,
            rehearsal=self.policy.rehearse,
            require_live=self.policy.require_live,
            not_applicable=[str(path) for path in self._not_applicable],
            interrupted=self.interruption.requested,
        )
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
        )
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomic(
            self.folder / "summary.md", summary_markdown(document, [r.verdict for r in self._results]).encode()
        )
        write_atomic(self.folder / RECEIPT_NAME, (json.dumps(document, indent=2) + "\n").encode())
        _point_latest(self.folder)
        lines = tuple(line for result in self._results for line in verdict_lines(result.verdict, str(result.folder)))
        return SessionResult(code, self.folder, runs, lines)


def new_session_id(now: datetime) -> str:
    """Return a session id that sorts by time and does not collide."""
    return f"{now.strftime('%Y%m%dT%H%M%SZ')}-{secrets.token_hex(3)}"


def _point_latest(folder: Path) -> None:
    link = folder.parent / "latest"
    temporary = folder.parent / f".latest-{os.getpid()}-{secrets.token_hex(4)}"
    temporary.symlink_to(folder.name, target_is_directory=True)
    temporary.replace(link)

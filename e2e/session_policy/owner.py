"""Owner of the one session of a pytest process: its policy, its account, its runs, its receipt."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NoReturn, Protocol

import pytest

from e2e.run.ahead import BootsAhead
from e2e.run.result import RunResult
from e2e.run.session import Session, SessionOptions, SessionResult, new_session_id, open_session
from e2e.run.stopping import StopSignals
from e2e.run.waiting import Interrupted
from e2e.scenario.model import LIVE_TARGETS, Scenario
from e2e.session_policy.account import Account
from e2e.session_policy.hooks import RequireLive
from e2e.session_policy.refusals import pytest_refusals
from e2e.verdict.classes import CONFIG_WRONG, OK, UNPROVEN
from e2e.verdict.environment import ConfigurationError

SUFFIXES: Final = (".yaml", ".yml")
"""How the name of a scenario file ends."""
PROGRESS: Final = pytest.StashKey[int]()
"""The descriptor of the way to the terminal, which capturing does not touch."""
_SESSION_ID: Final = "concierge_e2e_session_id"
_REQUIRE_LIVE: Final = "concierge_e2e_require_live"
_CODE: Final = "concierge_e2e_code"
_ACCOUNT: Final = "concierge_e2e_account"


class ScenarioSource(Protocol):
    """A scenario file that was collected."""

    path: Path

    def scenario(self) -> Scenario:
        """Return the scenario."""
        ...


class SessionOwner:
    """Owns the one session of a pytest process: its policy, its account, its runs, its receipt.

    ``environ`` is what the environment said before any conftest could change it.
    """

    def __init__(self, config: pytest.Config, environ: Mapping[str, str]) -> None:
        self._config = config
        self._environ = environ
        self.account = Account()
        self._guard: RequireLive | None = None
        self._worker: dict[str, Any] | None = getattr(config, "workerinput", None)
        self._session: Session | None = None
        self._ahead: BootsAhead | None = None
        self._signals = StopSignals(lambda _: self._stop())
        self._shared_session_id: str | None = None
        self._refused = False
        self.deselected: set[Path] = set()
        self.worker_codes: list[int | None] = []
        self.violations: list[str] = []
        self.ended = False
        self.result: SessionResult | None = None

    def session(self) -> Session:
        """Return the session, choosing its policy on first use; bad configuration ends pytest with 2."""
        if self._session is None:
            option = self._config.option
            options = SessionOptions(
                out=Path(option.e2e_out),
                session_id=option.e2e_session_id,
                nonce=option.e2e_nonce,
                target=option.e2e_target,
                twin=Path(option.e2e_twin) if option.e2e_twin else None,
                speed=option.e2e_speed,
                keep=option.e2e_keep,
                require_live=option.e2e_require_live or bool((self._worker or {}).get(_REQUIRE_LIVE)),
                rehearse=option.e2e_rehearse,
                max_live=option.e2e_max_live,
                freeze=option.e2e_freeze,
            )
            if self._worker is not None:
                session_id = f"{self._worker[_SESSION_ID]}-{self._worker['workerid']}"
                options = replace(options, session_id=session_id)
            try:
                self._session = open_session(options, self._environ, self._say)
            except ConfigurationError as error:
                self.refuse(str(error))
        return self._session

    def choose(self, *, optimised: int) -> None:
        """Choose the policy where it is known to be asked for, and under require-live set the guard.

        ``optimised`` is ``sys.flags.optimize``. A session that could prove nothing ends here with 2.
        """
        option, worker = self._config.option, self._worker or {}
        asked = option.e2e_require_live or worker.get(_REQUIRE_LIVE) or "E2E_REQUIRE_LIVE" in self._environ
        live = LIVE_TARGETS.intersection((option.e2e_target, self._environ.get("E2E_TARGET")))
        if not asked and not (live and "CI" in self._environ):
            return
        if self.session().policy.require_live:
            refusals = pytest_refusals(self._config, self._environ, optimised=optimised)
            if refusals:
                self.refuse("\n".join(refusals))
            self._guard = RequireLive(self._config, self.account)
            self._config.pluginmanager.register(self._guard, "concierge-e2e-require-live")

    def tell_worker(self, workerinput: dict[str, Any]) -> None:
        """Tell an xdist worker under which name its session belongs to this one, and what is demanded."""
        workerinput[_SESSION_ID] = self.shared_session_id()
        workerinput[_REQUIRE_LIVE] = self._session is not None and self._session.policy.require_live

    def hear_worker(self, workeroutput: Mapping[str, Any]) -> None:
        """Take the code and the account of an xdist worker; one that died has none."""
        self.worker_codes.append(workeroutput.get(_CODE))
        if _ACCOUNT in workeroutput:
            self.account.add(workeroutput[_ACCOUNT])

    def refuse(self, problem: str) -> NoReturn:
        """End pytest with the code for bad configuration; no receipt is written, for nothing was run."""
        self._refused = True
        pytest.exit(problem, returncode=CONFIG_WRONG)

    def header(self) -> list[str]:
        """Return the policy in a line, if it is chosen already."""
        return [f"concierge-e2e: {self._session.policy.header}"] if self._session is not None else []

    def shared_session_id(self) -> str:
        """Return the name that the sessions of all xdist workers begin with."""
        if self._shared_session_id is None:
            given = self._config.option.e2e_session_id or self._environ.get("E2E_RUN_ID")
            self._shared_session_id = str(given) if given else new_session_id(datetime.now(UTC))
        return self._shared_session_id

    def begin(self, files: Sequence[ScenarioSource]) -> None:
        """Start the runs, a few at a time, in the order of the files; an xdist worker starts them one by one later."""
        if not files and self._session is None:
            return
        session = self.session()
        if self._worker is None:
            self._demand_what_is_not_collected(session, {file.path for file in files})
        if not files:
            return
        try:
            session.prepare()
        except ConfigurationError as error:
            self.refuse(str(error))
        self._signals.hold()
        self._ahead = BootsAhead(session, jobs=self._config.option.e2e_jobs)
        for file in files if self._worker is None else ():
            self._ahead.begin(file.scenario())

    def outcome(self, file: ScenarioSource) -> RunResult:
        """Wait for the run of a file and return its result.

        Raises:
            KeyboardInterrupt: the session was asked to stop, and every run has torn down.
        """
        if self._ahead is None:
            raise RuntimeError("an item runs, and no boot was begun")
        try:
            return self._ahead.result(file.scenario())
        except Interrupted as interrupted:
            raise KeyboardInterrupt(str(interrupted)) from interrupted

    def finish(self, *, stop: bool) -> int:
        """Wait for every run, write the receipt and return the code that is due; ``stop``: ask the runs to stop first.

        Where no scenario was collected this is a pytest session of others, and only require-live has a say in it.
        """
        if self._session is None or self._refused:
            return OK
        require_live = self._session.policy.require_live
        if self._ahead is not None and self.result is None:
            if stop:
                self._stop()
            self._ahead.wait()
            self._signals.release()
        if self._guard is not None:
            self._guard.excuse(self._session.others)
            self.violations = self._guard.violations()
        if self._config.pluginmanager.hasplugin("dsession"):
            codes = [code for code in self.worker_codes if code is not None]
            due = next((code for code in codes if code != OK), UNPROVEN if require_live and not codes else OK)
            return UNPROVEN if self.violations and due == OK else due
        ours = self._session.concerned or (require_live and self._worker is None) or self._config.option.e2e_nonce
        if self.result is None and ours:
            for line in self.violations:
                self._session.object_to(line)
            self.result = self._session.finish()
        if self._worker is not None:
            self._config.workeroutput[_ACCOUNT] = self.account.document()  # type: ignore[attr-defined]
            if self.result is not None:
                self._config.workeroutput[_CODE] = self.result.code  # type: ignore[attr-defined]
        return self.result.code if self.result is not None else OK

    def fallback(self) -> int:
        """Return the code of a session that ended without coming to its end: under require-live it proved nothing."""
        demanded = self._session is not None and self._session.policy.require_live
        return UNPROVEN if demanded and not self.ended else OK

    def _demand_what_is_not_collected(self, session: Session, collected: set[Path]) -> None:
        """Demand the files that are named and gave no item; under require-live also those that were deselected."""
        missing = set(self.deselected) - collected if session.policy.require_live else set()
        here = self._config.invocation_params.dir
        named = {here / str(argument).partition("::")[0] for argument in self._config.args}
        files = {path for path in named if path.suffix in SUFFIXES and path.is_file()}
        for path in sorted(missing | (files - self.deselected - collected)):
            session.demand(path)

    def _stop(self) -> None:
        """Ask the runs to stop. Called from a signal handler: it must not wait for anything."""
        if self._session is not None:
            again = self._session.interruption.requested
            self._session.interrupt()
            self._say("still tearing down" if again else "interrupted: tearing down what was created")

    def _say(self, line: str) -> None:
        descriptor = self._config.stash.get(PROGRESS, None)
        if descriptor is None:
            return
        try:
            os.write(descriptor, (line + "\n").encode())
        except BrokenPipeError:
            # `run` is gone, and nobody is left to read the receipt: what was begun is torn down, and no more is begun.
            if self._session is not None and self._config.option.e2e_progress_fd is not None:
                self._session.interrupt()
        except OSError:
            return

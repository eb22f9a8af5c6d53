"""``concierge-e2e run``: starts one pytest process with our plugin and believes only its receipt."""

import json
import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from e2e.cli.output import say

if TYPE_CHECKING:
    from e2e.run.session import Session, SessionOptions
    from e2e.scenario.model import Scenario
    from e2e.scenario.problems import Problem

EPILOG = """\b
Examples:
  concierge-e2e run                                   # scenarios/fresh_boot.yaml on the local twin
  concierge-e2e run scenarios/faults --target local   # every red proof
"""


@click.command(epilog=EPILOG)
@click.argument("scenario", nargs=-1, type=click.Path(path_type=Path))
@click.option("--target", metavar="T", default=None, help="local, docker or staging (default: by the policy).")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("e2e-runs"),
    show_default=True,
    help="Folder for sessions.",
)
@click.option("--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="Boot this many files at once.")
@click.option(
    "--keep", type=click.Choice(["never", "on-failure", "always"]), default=None, help="Keep the tenant afterwards."
)
@click.option("--require-live", is_flag=True, help="Fail where nothing live is proven.")
@click.option("--rehearse", is_flag=True, help="Run an embedded target under require-live; never ends 0.")
@click.option("--speed", type=click.FloatRange(min=0.01), default=None, help="Platform seconds per wall second.")
@click.option(
    "--twin",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="Attach to a running twin: a file with the line of `twin serve --json`.",
)
@click.option(
    "--max-live",
    type=click.IntRange(min=1),
    default=6,
    show_default=True,
    help="On staging: wait while so many tenants of ours are alive.",
)
@click.option("--freeze", metavar="FILE|URL", default=None, help="On staging: boot nothing while this is there.")
@click.option("--json", "as_json", is_flag=True, help="Print the receipt as JSON.")
def run(
    scenario: tuple[Path, ...],
    target: str | None,
    out: Path,
    jobs: int,
    keep: str | None,
    require_live: bool,
    rehearse: bool,
    speed: float | None,
    twin: Path | None,
    max_live: int,
    freeze: str | None,
    as_json: bool,
) -> None:
    """Boot a fresh concierge for each SCENARIO file or folder, prove it, and tear it down.

    Exit codes: 0 proven; 1 product; 2 configuration; 3 infrastructure; 4 leak; 5 unproven; 70 harness; 130 interrupted.
    """
    from e2e.cli.pytest_process import StopRequests, pytest_arguments, run_pytest
    from e2e.contract import scenarios_folder
    from e2e.run.session import SessionOptions
    from e2e.scenario.problems import ScenarioError
    from e2e.verdict.classes import CONFIG_WRONG, UNPROVEN
    from e2e.verdict.environment import ConfigurationError

    options = SessionOptions(
        out=out,
        nonce=secrets.token_hex(16),
        target=target,
        twin=twin,
        speed=speed,
        keep=keep,
        require_live=require_live,
        rehearse=rehearse,
        max_live=max_live,
        freeze=freeze,
    )
    with StopRequests() as stop:
        try:
            session, files = _prepared(options, scenario or (scenarios_folder() / "fresh_boot.yaml",))
        except (ConfigurationError, ScenarioError) as error:
            say(str(error), err=True)
            sys.exit(CONFIG_WRONG)
        if not files:
            say("no scenario file (*.yaml) in what was named: nothing was proven", err=True)
            sys.exit(UNPROVEN)
        for line in (session.policy.header, *session.policy.missing, *session.environment.notes):
            say(line, err=True)
        values = (
            ("out", out), ("session-id", session.session_id), ("nonce", session.nonce), ("jobs", jobs),
            ("target", target), ("twin", twin), ("speed", speed), ("keep", keep),
            ("max-live", max_live), ("freeze", freeze),
        )  # fmt: skip
        switches = [name for name, on in (("require-live", require_live), ("rehearse", rehearse)) if on]
        arguments = pytest_arguments(files, values, switches, session.folder)
        status = None if stop.asked else run_pytest(arguments, session.folder, stop)
        sys.exit(_believe(session, files, status, stopped=stop.asked, as_json=as_json))


def _prepared(options: "SessionOptions", paths: Sequence[Path]) -> "tuple[Session, list[Path]]":
    """Return the session and its scenario files once all of them can be run as asked.

    Raises:
        ConfigurationError: options, environment and scenarios do not fit each other.
        ScenarioError: files are missing or are no scenarios; all problems of all files.
    """
    from e2e.run.session import open_session
    from e2e.scenario.loader import load_scenario
    from e2e.scenario.problems import ScenarioError
    from e2e.scenario.selection import collect_scenario_files, named_directly
    from e2e.verdict.environment import ConfigurationError

    session = open_session(options, os.environ, lambda _: None)
    files = collect_scenario_files(paths)
    problems: list[Problem] = []
    refusals: list[str] = []
    loaded: list[Scenario] = []
    for file in files:
        if "[" in str(file.absolute()) or "::" in str(file.absolute()):
            refusals.append(f"{file.absolute()}: pytest takes no path with '[' or '::' in it; rename it")
        try:
            loaded.append(load_scenario(file))
            refusals += session.refusals(loaded[-1], named=named_directly(file, paths))
        except ScenarioError as error:
            problems += error.problems
    if problems:
        raise ScenarioError(problems)
    if not refusals:
        refusals = _refused_by_the_twin(loaded)
    if refusals:
        raise ConfigurationError(refusals)
    if files:
        session.prepare()
    return session, files


def _refused_by_the_twin(scenarios: "Sequence[Scenario]") -> list[str]:
    """Return what the twin does not have of what scenarios ask of it, such as a fault of that name."""
    from e2e.run.private_twin import refusals_of_twins

    asked = [(scenario.path, scenario.twin.arguments()) for scenario in scenarios if scenario.twin is not None]
    if not asked:
        return []
    answers = refusals_of_twins([arguments for _, arguments in asked])
    return [f"{path}: twin: {answer}" for (path, _), answer in zip(asked, answers, strict=True) if answer is not None]


def _believe(session: "Session", files: Sequence[Path], status: int | None, *, stopped: bool, as_json: bool) -> int:
    """Read the receipt that this very session wrote, print what it says, and return its code; without one it is 70.

    ``status`` is how pytest ended, None if it was not started.
    """
    from e2e.verdict.classes import CONFIG_WRONG, HARNESS_FAILED, INTERRUPTED, OK, UNPROVEN
    from e2e.verdict.receipt import ReceiptError, code_of_receipt, read_receipt

    folder = session.folder
    try:
        receipt = read_receipt(folder, session.nonce)
        _require_account_of(receipt, files)
        texts = [text for line in receipt["runs"] for text in _lines(line)]
        texts += [f"{path}: not applicable to target {session.policy.target}" for path in receipt["not_applicable"]]
        texts += receipt["remarks"]
    except (ReceiptError, OSError, ValueError, KeyError, TypeError) as error:
        if stopped and not any(folder.glob("*/ledger.jsonl")):
            say("interrupted before anything was created", err=True)
            return UNPROVEN if session.policy.require_live else INTERRUPTED
        if status == CONFIG_WRONG:
            say(_last_line(folder / "pytest.log"), err=True)
            return CONFIG_WRONG
        say(f"error: HARNESS receipt-missing: {error} (pytest ended with {status})", err=True)
        say(f"  next:   less {folder / 'pytest.log'}", err=True)
        return HARNESS_FAILED
    if as_json:
        say(json.dumps(receipt, indent=2))
    code = code_of_receipt(receipt)
    if code == OK and status != OK:
        texts.append(f"error: HARNESS harness-crashed: pytest ended with {status}, and its receipt says 0")
        code = HARNESS_FAILED
    for text in (*texts, f"session: {folder} ends with {code}"):
        say(text, err=as_json)
    return code


def _require_account_of(receipt: Mapping[str, Any], files: Sequence[Path]) -> None:
    """Make sure that the receipt speaks of every file that was asked for.

    Raises:
        ReceiptError: it does not.
    """
    from e2e.verdict.receipt import ReceiptError

    told = {Path(path).resolve() for path in (*receipt["demanded"], *receipt["not_applicable"])}
    silent = [str(file) for file in files if file.resolve() not in told]
    if silent:
        raise ReceiptError(f"the receipt does not speak of {', '.join(silent)}")


def _lines(line: Mapping[str, Any]) -> list[str]:
    """Return what a line of the receipt and the verdict that it points to say."""
    from e2e.report.summary import PROGRAM, verdict_lines

    if line["verdict"] is None:
        cause = f"  cause:  {line['cause_class']} {line['cause']}, and no verdict was written"
        return [f"{line['scenario']}: {line['outcome']}", cause]
    path = Path(line["verdict"])
    program = os.environ.get("CONCIERGE_E2E_PROGRAM", PROGRAM)
    return verdict_lines(json.loads(path.read_text(encoding="utf-8")), str(path.parent), program)


def _last_line(path: Path) -> str:
    lines = [line for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip("! ")]
    return lines[-1].strip("! ") if lines else f"pytest said nothing; see {path}"

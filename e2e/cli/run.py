"""``concierge-e2e run``: starts one pytest process with our plugin and believes only its receipt."""

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import click

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
    as_json: bool,
) -> None:
    """Boot a fresh concierge for each SCENARIO file or folder, prove it, and tear it down.

    Exit codes: 0 proven; 1 product; 2 configuration; 3 infrastructure; 4 leak; 5 unproven; 70 harness; 130 interrupted.
    """
    from e2e.contract import scenarios_folder
    from e2e.run.session import SessionOptions, new_session_id, open_session
    from e2e.scenario.loader import load_scenario
    from e2e.scenario.problems import ScenarioError
    from e2e.scenario.selection import collect_scenario_files
    from e2e.verdict.classes import CONFIG_WRONG
    from e2e.verdict.environment import ConfigurationError

    options = SessionOptions(
        out=out, target=target, twin=twin, speed=speed, keep=keep, require_live=require_live, rehearse=rehearse
    )
    paths = scenario or (scenarios_folder() / "fresh_boot.yaml",)
    try:
        session = open_session(options, os.environ, lambda _: None)
        files = collect_scenario_files(paths)
        loaded = [load_scenario(path) for path in files]
        _refuse_unusable(loaded, paths, session.policy.target, attached=twin is not None)
    except (ConfigurationError, ScenarioError) as error:
        click.echo(str(error), err=True)
        sys.exit(CONFIG_WRONG)
    session_id = session.environment.run_id or new_session_id(datetime.now(UTC))
    folder = out / session_id
    if (folder / "session.json").exists():
        click.echo(f"{folder}: this session has a receipt already; choose another E2E_RUN_ID", err=True)
        sys.exit(CONFIG_WRONG)
    click.echo(session.policy.header, err=True)
    for note in session.environment.notes:
        click.echo(note, err=True)
    nonce = secrets.token_hex(16)
    arguments = _pytest_arguments(options, files, jobs=jobs, session_id=session_id, nonce=nonce, folder=folder)
    sys.exit(_believe(folder, nonce, _pytest(arguments, folder), as_json=as_json))


def _refuse_unusable(scenarios: Sequence[Any], paths: Sequence[Path], target: str, *, attached: bool) -> None:
    """Refuse what cannot be run as asked before anything is created.

    Raises:
        ConfigurationError: a file named itself is not for the target, or wants a twin of its own while attached.
    """
    from e2e.verdict.environment import ConfigurationError

    named = {path.resolve() for path in paths if path.is_file()}
    problems = []
    for scenario in scenarios:
        if target not in scenario.targets and scenario.path.resolve() in named:
            targets = ", ".join(scenario.targets)
            problems.append(f"{scenario.path}: is for {targets}, not for target {target}; name another --target")
        if attached and scenario.twin is not None:
            problems.append(f"{scenario.path}: needs a twin of its own (`twin:`); run it without --twin")
    if problems:
        raise ConfigurationError(problems)


def _pytest_arguments(
    options: Any, files: Sequence[Path], *, jobs: int, session_id: str, nonce: str, folder: Path
) -> list[str]:
    arguments = [
        "-p", "e2e.pytest_plugin", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(Path.cwd()),
        "--import-mode=importlib", "--color=no", "-rA", f"--junitxml={folder / 'junit.xml'}", "--e2e-progress-fd=2",
        f"--e2e-out={options.out}", f"--e2e-session-id={session_id}", f"--e2e-nonce={nonce}", f"--e2e-jobs={jobs}",
    ]  # fmt: skip
    for name in ("target", "twin", "speed", "keep"):
        value = getattr(options, name)
        if value is not None:
            arguments.append(f"--e2e-{name}={value}")
    if options.require_live:
        arguments.append("--e2e-require-live")
    if options.rehearse:
        arguments.append("--e2e-rehearse")
    return [*arguments, *(str(path) for path in files)]


def _pytest(arguments: Sequence[str], folder: Path) -> int:
    """Run pytest in a process of its own and return its exit status, which decides nothing.

    Progress comes through a descriptor of its own; pytest's own output goes to ``pytest.log`` in the session's folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    read, write = os.pipe()
    passed = [argument.replace("--e2e-progress-fd=2", f"--e2e-progress-fd={write}") for argument in arguments]
    with (folder / "pytest.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *passed],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=(write,),
            env=environment,
        )
        os.close(write)
        reader = threading.Thread(
            target=_show_progress, args=(os.fdopen(read, "r", encoding="utf-8", errors="replace"),)
        )
        reader.start()
        previous = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT,)}
        previous[signal.SIGTERM] = signal.signal(signal.SIGTERM, lambda *_: process.send_signal(signal.SIGTERM))
        try:
            return process.wait()
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
            reader.join()


def _show_progress(lines: IO[str]) -> None:
    with lines:
        for line in lines:
            click.echo(line.rstrip("\n"), err=True)


def _believe(folder: Path, nonce: str, status: int, *, as_json: bool) -> int:
    """Read the receipt that this very session wrote, print what it says, and return its code; without one it is 70."""
    from e2e.report.summary import PROGRAM, verdict_lines
    from e2e.verdict.classes import CONFIG_WRONG, HARNESS_FAILED
    from e2e.verdict.receipt import ReceiptError, code_of_receipt, read_receipt

    program = os.environ.get("CONCIERGE_E2E_PROGRAM", PROGRAM)
    try:
        receipt = read_receipt(folder, nonce)
        verdicts = [json.loads(Path(line["verdict"]).read_text(encoding="utf-8")) for line in receipt["runs"]]
    except (ReceiptError, OSError, ValueError) as error:
        if status == CONFIG_WRONG:
            click.echo(_last_line(folder / "pytest.log"), err=True)
            return CONFIG_WRONG
        click.echo(f"error: HARNESS receipt-missing: {error} (pytest ended with {status})", err=True)
        click.echo(f"  next:   less {folder / 'pytest.log'}", err=True)
        return HARNESS_FAILED
    if as_json:
        click.echo(json.dumps(receipt, indent=2))
    for line, verdict in zip(receipt["runs"], verdicts, strict=True):
        for text in verdict_lines(verdict, str(Path(line["verdict"]).parent), program):
            click.echo(text, err=as_json)
    code = code_of_receipt(receipt)
    click.echo(f"session: {folder} ends with {code}", err=as_json)
    return code


def _last_line(path: Path) -> str:
    lines = [line for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip("! ")]
    return lines[-1].strip("! ") if lines else f"pytest said nothing; see {path}"

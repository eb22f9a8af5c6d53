"""Runs the lanes of ``scripts/test``: each prints one line; the first that fails is shown whole; pytest comes last."""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

CONTENT = "e2e/twin/images/content"
IMAGE_TYPES = ["mypy", "--config-file=", "--strict", "--python-version=3.11", "--warn-unreachable"]
OVERLAYS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in ROOT.glob(f"{CONTENT}/*/app/*/*.py")
    if not path.is_relative_to(ROOT / CONTENT / "base")
)
"""The modules of the image content that stand in for others of the same name, so each is checked alone."""

LANES: dict[str, list[list[str]]] = {
    "lint": [["ruff", "check", "."]],
    "format": [["ruff", "format", "--check", "."]],
    "types": [["mypy", "e2e", "tests", "scripts/lanes.py"]],
    "image-types": [
        [*IMAGE_TYPES, "-p", "molecule_runtime", "-p", "molecule_mcp_server"],
        *([*IMAGE_TYPES, path] for path in OVERLAYS),
    ],
    "imports": [["lint-imports", "--no-cache"]],
    "dependencies": [["deptry", "e2e"]],
    "secrets": [["python", "scripts/secret-scan"]],
    "scenarios": [["concierge-e2e", "lint", "scenarios"], ["concierge-e2e", "contract", "check"]],
    "packaging": [["python", "scripts/packaging.py"]],
}
"""Each lane and its commands; every program is one of the virtual environment."""


_ADDED = {"image-types": {"MYPYPATH": f"{CONTENT}/base/app"}}
"""What a lane's commands find in their environment beside everybody's."""


def main() -> int:
    """Run the lanes and return the exit code: 0 all green, 1 a lane is red, 2 only a part was run."""
    parser = argparse.ArgumentParser(prog="scripts/test", description=__doc__)
    parser.add_argument("--without", default="", metavar="LANE,…", help=f"leave out: {', '.join(LANES)}, pytest")
    parser.add_argument("pytest", nargs="*", help="arguments for pytest, after --")
    options = parser.parse_args()
    left_out = {name for name in options.without.split(",") if name}
    unknown = left_out - set(LANES) - {"pytest"}
    if unknown:
        parser.error(f"no such lane: {', '.join(sorted(unknown))}")
    runs = [_run(name, command) for name, commands in LANES.items() if name not in left_out for command in commands]
    if not all(runs):
        print("RED: pytest is not run before the lanes above are green", flush=True)
        return 1
    partial = bool(left_out or options.pytest)
    if partial:
        print(
            f"PARTIAL: left out {', '.join(sorted(left_out)) or 'a part of pytest'}; this is not what CI checks",
            flush=True,
        )
    if "pytest" in left_out:
        return 2
    red = _pytest(options.pytest)
    return red or (2 if partial else 0)


def _environment() -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("E2E_", "MOLECULE_", "AWS_", "PYTEST_"))
    }
    return kept | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE": "", "MYPYPATH": ""}


def _run(lane: str, command: list[str]) -> bool:
    began = time.monotonic()
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        cwd=ROOT,
        env=_environment() | _ADDED.get(lane, {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=600,
    )
    seconds = time.monotonic() - began
    print(f"{'ok ' if done.returncode == 0 else 'RED'} {lane:<14} {seconds:5.1f} s  {' '.join(command)}", flush=True)
    if done.returncode != 0:
        print(done.stdout, flush=True)
    return done.returncode == 0


def _pytest(arguments: list[str]) -> int:
    command = [str(BIN / "python"), "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", *arguments]
    return subprocess.run(command, cwd=ROOT, env=_environment(), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

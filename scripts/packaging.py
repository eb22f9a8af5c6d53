"""Builds the wheel, installs it into a clean environment and uses it from an empty folder: what users get must work."""

import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CARRIED = (
    "e2e/py.typed",
    "e2e/_bundled/contracts/mcp-plugin-delivery.contract.json",
    "e2e/_bundled/contracts/scenario.schema.json",
    "e2e/_bundled/scenarios/fresh_boot.yaml",
    "e2e/_bundled/scenarios/faults/runtime-ignores-plugin-mcp.yaml",
    "e2e/twin/images/content/base/app/entrypoint.sh",
)
"""Files without which an installed harness does not work."""


def main() -> int:
    """Build, install, use; return 0 if all of it works."""
    with tempfile.TemporaryDirectory(prefix="concierge-packaging-") as name:
        folder = Path(name)
        _run([sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(folder), str(ROOT)], folder)
        wheel = next(folder.glob("*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            missing = [path for path in CARRIED if path not in archive.namelist()]
        if missing:
            print(f"the wheel lacks {', '.join(missing)}")
            return 1
        clean, empty = folder / "clean", folder / "empty"
        empty.mkdir()
        _run([sys.executable, "-m", "venv", str(clean)], folder)
        pip = [str(clean / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, "--require-hashes", "--only-binary=:all:", "-r", str(ROOT / "locks/run.txt")], folder)
        _run([*pip, "--no-deps", "--no-index", str(wheel)], folder)
        command = str(clean / "bin/concierge-e2e")
        for arguments in (["--version"], ["lint"], ["contract", "check"], ["run", "--out", str(empty / "runs")]):
            _run([command, *arguments], empty)
    return 0


def _run(command: Sequence[str], folder: Path) -> None:
    names = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV")
    environment = {name: value for name, value in os.environ.items() if name not in names}
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode != 0:
        print(done.stdout)
        sys.exit(f"{' '.join(command)} ended with {done.returncode}")


if __name__ == "__main__":
    sys.exit(main())

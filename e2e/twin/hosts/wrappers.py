"""The small programs on a host's and in a container's PATH: interpreter wrappers, `docker`, `gosu`."""

import shlex
import sys
from pathlib import Path

PACKAGE_ROOT = Path(__file__).resolve().parents[3]
"""The folder that holds the package; the host-side programs import it with the standard library alone."""


def base_interpreter() -> str:
    """Return the interpreter that a virtual environment was made from: it starts faster and sees no packages."""
    return str(getattr(sys, "_base_executable", None) or sys.executable)


def host_side_program(module: str) -> list[str]:
    """Return the command that runs ``main(argv)`` of ``module`` in the isolated base interpreter."""
    code = f"import sys; sys.path.append({str(PACKAGE_ROOT)!r}); from {module} import main; main(sys.argv[1:])"
    return [base_interpreter(), "-I", "-S", "-c", code]


def _write(path: Path, *lines: str) -> None:
    path.write_text("#!/bin/sh\n" + "\n".join(lines) + "\n", encoding="utf-8")
    path.chmod(0o755)


def install_on_host(binaries: Path) -> None:
    """Put ``python3`` and ``docker`` into the host's folder of programs."""
    binaries.mkdir(parents=True, exist_ok=True)
    _write(binaries / "python3", f'exec {shlex.quote(base_interpreter())} -S -E "$@"')
    _write(
        binaries / "docker",
        f'exec {shlex.join([*host_side_program("e2e.twin.hosts.engine.cli"), str(binaries.parent)])} "$@"',
    )


def install_in_container(rootfs: Path, agent_uid: int | None) -> None:
    """Put ``python3``, ``python`` (the twin's own interpreter) and ``gosu`` where the image content has none."""
    binaries = rootfs / "usr/local/bin"
    binaries.mkdir(parents=True, exist_ok=True)
    for name in ("python3", "python"):
        if not (binaries / name).exists():
            _write(binaries / name, f'exec {shlex.quote(sys.executable)} "$@"')
    if not (binaries / "gosu").exists():
        agent = "" if agent_uid is None else str(agent_uid)
        command = [*host_side_program("e2e.twin.hosts.gosu"), agent, str(rootfs)]
        _write(binaries / "gosu", f'exec {shlex.join(command)} "$@"')

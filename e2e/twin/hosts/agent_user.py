"""Whether the agent can have a user of its own on this machine, found out by trying."""

import os
import subprocess
import sys
from pathlib import Path

AGENT_ID = 1000
"""uid and gid of the user ``agent`` in the platform's images (docs/platform.md, image)."""
_PATIENCE_SECONDS = 10.0


def agent_user(folder: Path, *, interpreter: str = sys.executable, package_root: Path | None = None) -> int | None:
    """Return 1000 if a process of that uid can really do the agent's work here, else ``None``.

    Really: as root, start ``interpreter`` as uid and gid 1000, let it import this package and step into ``folder``
    (where the hosts live). ``None`` also where the twin is not root; then everything runs as the twin's own user.
    """
    if os.geteuid() != 0:
        return None
    root = package_root or Path(__file__).resolve().parents[3]
    program = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); import e2e.twin; os.stat(os.path.join(sys.argv[2], '.'))"
    )
    try:
        trial = subprocess.run(
            [interpreter, "-I", "-B", "-c", program, str(root), str(folder)],
            user=AGENT_ID,
            group=AGENT_ID,
            extra_groups=[],
            cwd="/",
            env={},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return AGENT_ID if trial.returncode == 0 else None

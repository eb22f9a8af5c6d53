"""Runs on a host to read one piece of a spool that an earlier answer left there. Standard library only.

Standard input is JSON: ``folders`` and ``prefix`` say where spools are, ``pieces`` maps the random name of each spool
to ``[offset, bytes, is_last]``. One command may go to several hosts; each finds its own. The last piece removes the
spool, whatever becomes of the answer.
"""

import json
import os
import stat
import sys
from typing import Any

NOT_HERE = 3
"""The exit code where none of the spools is on this host, or not as we left it."""


def read_piece(request: "dict[str, Any]") -> "bytes | None":
    """Return the piece that is wanted of the spool on this host, or None."""
    for folder in request["folders"]:
        for name, (offset, size, is_last) in request["pieces"].items():
            path = os.path.join(folder, request["prefix"] + name)  # noqa: PTH118
            try:
                number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
            except OSError:
                continue
            with os.fdopen(number, "rb") as file:
                found = os.fstat(number)
                ours = found.st_uid == os.getuid() and stat.S_IMODE(found.st_mode) == 0o600
                if not (ours and stat.S_ISREG(found.st_mode)):
                    continue
                file.seek(int(offset))
                piece = file.read(int(size))
            if is_last:
                os.unlink(path)  # noqa: PTH108
            return piece
    return None


if __name__ == "__main__":
    content = read_piece(json.load(sys.stdin))
    if content is None:
        sys.exit(NOT_HERE)
    sys.stdout.buffer.write(content)
    sys.stdout.flush()

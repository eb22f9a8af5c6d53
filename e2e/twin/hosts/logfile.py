"""The log of a container: lines of output, each stamped when it came."""

from __future__ import annotations

import os

from e2e.twin.hosts.records import timestamp

_LONGEST_LINE = 1 << 20


class LogFile:
    """Appends whole lines ``<time> <o|e> <text>``; a line that was not ended is written when its stream ends."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open ``path`` for appending, readable by the twin's own user alone."""
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._unfinished = {"o": b"", "e": b""}

    def feed(self, stream: str, data: bytes) -> None:
        """Take ``data`` of stream ``o`` or ``e``; empty data ends the stream."""
        *lines, rest = (self._unfinished[stream] + data).split(b"\n")
        if rest and (not data or len(rest) > _LONGEST_LINE):
            lines.append(rest)
            rest = b""
        self._unfinished[stream] = rest
        if lines:
            stamp = f"{timestamp()} {stream} ".encode()
            os.write(self._descriptor, b"".join(stamp + line + b"\n" for line in lines))

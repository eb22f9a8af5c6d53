# ruff: noqa: N818 - their names leave the host as what went wrong
"""The docker command line, with a time and a size for everything."""

import os
import shutil
import subprocess
import threading
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin"
LINE_BYTES = 64 * 1024


class DockerMissing(Exception):
    """There is no docker on this host."""


class DockerFailed(Exception):
    """A docker command ended with an error."""


class DockerTimedOut(Exception):
    """A docker command did not end in time."""


class OutputTooLarge(Exception):
    """A docker command printed more than it may."""


class Docker:
    """Runs docker commands; ``seconds`` is what one of them may take."""

    def __init__(self, seconds: float) -> None:
        found = shutil.which("docker", path=os.environ.get("PATH") or _PATH) or shutil.which("docker", path=_PATH)
        if found is None:
            raise DockerMissing
        self.program = found
        self.seconds = seconds

    def output(self, *arguments: str, limit: int, given: bytes = b"") -> bytes:
        """Return what a command prints on standard output.

        Raises:
            DockerFailed, DockerTimedOut, OutputTooLarge: it did not do what it should.
        """
        code, content = self.attempt(*arguments, limit=limit, given=given)
        if code != 0:
            raise DockerFailed
        return content

    def attempt(self, *arguments: str, limit: int, given: bytes = b"") -> "tuple[int, bytes]":
        """Return the exit code and the output of a command, whatever the code.

        Raises:
            DockerTimedOut, OutputTooLarge: it did not do what it should.
        """
        with self._started(arguments, given, subprocess.DEVNULL) as (process, expired):
            content = process.stdout.read(limit + 1) if process.stdout else b""
            if len(content) > limit:
                process.kill()
                raise OutputTooLarge
            code = process.wait()
            if expired.is_set():
                raise DockerTimedOut
        return code, content

    def lines(self, *arguments: str) -> "Iterator[bytes]":
        """Return the lines of a command's output, standard error among them, each cut at 64 KiB.

        Raises:
            DockerFailed, DockerTimedOut: after the last line, if the command did not end well.
        """
        with self._started(arguments, b"", subprocess.STDOUT) as (process, expired):
            stream = process.stdout
            while stream is not None:
                line = stream.readline(LINE_BYTES)
                if not line:
                    break
                whole = line
                while not whole.endswith(b"\n"):
                    whole = stream.readline(LINE_BYTES)
                    if not whole:
                        break
                yield line
            code = process.wait()
            if expired.is_set():
                raise DockerTimedOut
            if code != 0:
                raise DockerFailed

    @contextmanager
    def _started(
        self, arguments: "Sequence[str]", given: bytes, errors: int
    ) -> "Iterator[tuple[subprocess.Popen[bytes], threading.Event]]":
        process = subprocess.Popen(
            [self.program, *arguments],
            stdin=subprocess.PIPE if given else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            process.kill()

        timer = threading.Timer(self.seconds, expire)
        timer.daemon = True
        timer.start()
        try:
            if process.stdin is not None:
                _feed(process.stdin, given)
            yield process, expired
        finally:
            timer.cancel()
            if process.poll() is None:
                process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _feed(stream: "IO[bytes]", given: bytes) -> None:
    try:
        stream.write(given)
        stream.close()
    except BrokenPipeError:
        pass  # it ended without reading; its exit code says why


def environment(container: "dict[str, Any]") -> "dict[str, str]":
    """Return the environment a container was made with."""
    pairs = ((container.get("Config") or {}).get("Env")) or []
    return dict(pair.split("=", 1) for pair in pairs if isinstance(pair, str) and "=" in pair)


def container_name(container: "dict[str, Any]") -> str:
    """Return a container's name without the leading slash."""
    return str(container.get("Name") or "").lstrip("/")


def working_directory(container: "dict[str, Any]") -> str:
    """Return the folder a container's programs start in."""
    folder: str | None = (container.get("Config") or {}).get("WorkingDir")
    return folder or "/"

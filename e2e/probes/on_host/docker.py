"""The docker command line, with a time and a size for everything."""

import os
import shutil
import subprocess
import threading
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

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

    def read_streams(self, *arguments: str, readers: "tuple[Callable[[bytes], bool], Callable[[bytes], bool]]") -> None:
        """Hand every line of a command's output and of its errors to a reader each, cut at 64 KiB.

        Each reader is called from a thread of its own and says whether it wants more.

        Raises:
            DockerFailed, DockerTimedOut: after the last line, if the command did not end well.
        """
        with self._started(arguments, b"", subprocess.PIPE) as (process, expired):
            enough = threading.Event()
            threads = [
                threading.Thread(target=_read_lines, args=(stream, reader, enough), daemon=True)
                for stream, reader in zip((process.stdout, process.stderr), readers, strict=True)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            if enough.is_set():
                process.kill()
            code = process.wait()
            if process.stderr is not None:
                process.stderr.close()
            if expired.is_set():
                raise DockerTimedOut
            if code != 0 and not enough.is_set():
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


def _read_lines(stream: "IO[bytes]", reader: "Callable[[bytes], bool]", enough: threading.Event) -> None:
    while True:
        line = stream.readline(LINE_BYTES)
        if not line:
            return
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = stream.readline(LINE_BYTES)
        if not reader(line):
            enough.set()
            stream.close()  # the command gets a broken pipe, or is killed when the other stream has ended
            return


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

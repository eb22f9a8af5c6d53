"""The docker command line, with a time and a size for everything."""

import os
import selectors
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

LineReader = Callable[[bytes], bool]
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
        content = bytearray()

        def take(chunk: bytes) -> bool:
            content.extend(chunk)
            return len(content) <= limit

        with self._started(arguments, given, subprocess.DEVNULL) as command:
            if not command.pump((take,)):
                raise OutputTooLarge
            return command.exit_code(), bytes(content)

    def read_streams(self, *arguments: str, readers: "tuple[LineReader, LineReader]") -> None:
        """Hand every line of a command's output and of its errors to a reader each, cut at 64 KiB.

        A reader says whether it wants more; when one does not, the command is ended.

        Raises:
            DockerFailed, DockerTimedOut: after the last line, if the command did not end well.
        """
        output, errors = (_Lines(reader) for reader in readers)
        with self._started(arguments, b"", subprocess.PIPE) as command:
            if command.pump((output.take, errors.take)) and output.end() and errors.end() and command.exit_code() != 0:
                raise DockerFailed

    @contextmanager
    def _started(self, arguments: "Sequence[str]", given: bytes, errors: int) -> "Iterator[_Command]":
        process = subprocess.Popen(
            [self.program, *arguments],
            stdin=subprocess.PIPE if given else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            bufsize=0,
        )
        try:
            if process.stdin is not None:
                with suppress(BrokenPipeError):  # it ended without reading; its exit code says why
                    process.stdin.write(given)
                process.stdin.close()
            yield _Command(process, time.monotonic() + self.seconds)
        finally:
            process.kill()
            process.wait()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()


class _Command:
    """A docker command under way. It is never waited for beyond its deadline, whoever still holds its output."""

    def __init__(self, process: "subprocess.Popen[bytes]", deadline: float) -> None:
        self._process = process
        self._deadline = deadline

    def pump(self, takers: "tuple[Callable[[bytes], bool], ...]") -> bool:
        """Hand what comes on output and errors to the takers until both end; False if a taker had enough."""
        with selectors.DefaultSelector() as selector:
            for stream, taker in zip((self._process.stdout, self._process.stderr), takers, strict=False):
                if stream is not None:
                    selector.register(stream, selectors.EVENT_READ, taker)
            while selector.get_map():
                ready = selector.select(max(0.0, self._deadline - time.monotonic()))
                if not ready:
                    raise DockerTimedOut
                for key, _ in ready:
                    chunk = os.read(key.fd, 65536)
                    if not chunk:
                        selector.unregister(key.fileobj)
                    elif not key.data(chunk):
                        return False
        return True

    def exit_code(self) -> int:
        """Return how the command ended.

        Raises:
            DockerTimedOut: it closed its output and did not end.
        """
        try:
            return self._process.wait(max(0.1, self._deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise DockerTimedOut from None


class _Lines:
    """Makes lines of chunks; a line longer than 64 KiB is handed over without its end."""

    def __init__(self, reader: "LineReader") -> None:
        self._reader = reader
        self._line = b""

    def take(self, chunk: bytes) -> bool:
        """Take a chunk and return whether another may come."""
        *complete, rest = chunk.split(b"\n")
        for piece in complete:
            line, self._line = self._line + piece, b""
            if not self._reader(line[:LINE_BYTES] + b"\n"):
                return False
        self._line = (self._line + rest)[:LINE_BYTES]
        return True

    def end(self) -> bool:
        """Hand over the last line if it did not end, and return True."""
        if self._line:
            self._reader(self._line)
        return True


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

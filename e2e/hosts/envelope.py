"""The envelope: how a program travels to a host and how its answer comes back intact, or not at all.

SSM hands back text: cut at 24,000 bytes, mixed with whatever a profile or a motd printed, and only the last
command's exit code. So a program goes out encoded inside one shell text, and its answer comes back between two
random markers, with lengths and hashes of both streams. Anything less than a whole envelope is a typed error and is
never parsed. The host is not trusted: sizes, decompression and nesting are capped whatever the header declares.

Inside the markers, one item per line::

    <marker>:BEGIN
    {"version": 1, "exit_code": 0, "ended": "exit", "stdout_bytes": …, "stdout_sha256": …, …}
    <base64 of zlib of stdout followed by stderr, in lines>
    <marker>:END <sha256 of the lines between>

An answer larger than SSM carries comes in parts: the header then names a spool on the host, the length and the hash of
the whole compressed body; the body is its beginning, and the rest is read from the spool (see e2e.hosts.chunks).
"""

import base64
import binascii
import hashlib
import json
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from e2e.hosts import shell
from e2e.hosts.errors import ExecutionTimedOut, OutputCorrupt, OutputTruncated

SSM_OUTPUT_BYTES = 24_000
"""Standard output that GetCommandInvocation returns at most (AWS: GetCommandInvocation, StandardOutputContent)."""

SSM_PARAMETER_BYTES = 60_000
"""What a command may weigh: AWS refuses a document with parameters over 64 KB, and JSON adds a little."""

SSM_TRUNCATION_NOTE = "--output truncated--"
"""What the agent puts at the end of output it cut."""

_MARKER = re.compile(r"^E2E-[0-9a-f]{32}$")
_HASH = re.compile(r"^[0-9a-f]{64}$")
_SPOOL_NAME = re.compile(r"[0-9a-f]{32}", re.ASCII)
_HEADER_CHARACTERS = 2_000
SPOOL_PREFIX = ".e2e-spool-"
"""What the name of a spool on a host begins with."""
_BOOTSTRAP = "import base64,sys,zlib;exec(zlib.decompress(base64.b64decode(sys.argv[1])).decode())"
_PYTHONS = (
    "python3",
    "/usr/bin/python3",
    "/usr/local/bin/python3",
    "/usr/libexec/platform-python",
)

Ended = Literal["exit", "signal"]


@dataclass(frozen=True, slots=True)
class EnvelopeLimits:
    """What is accepted from a host at most, in bytes (``text_bytes``: what SSM will carry).

    ``spool_seconds`` is how long (wall time) a host keeps what did not fit, in one of ``spool_folders`` that is memory.
    """

    text_bytes: int = SSM_OUTPUT_BYTES - 1_000
    stdout_bytes: int = 4 * 1024 * 1024
    stderr_bytes: int = 16 * 1024
    spool_seconds: int = 180
    spool_folders: tuple[str, ...] = ("/dev/shm", "/run")  # noqa: S108 - memory, and only files that did not exist


DEFAULT_LIMITS = EnvelopeLimits()


@dataclass(frozen=True, slots=True)
class Enveloped:
    """An intact answer. ``seconds`` and ``clock`` (ISO 8601, UTC) are the host's own."""

    exit_code: int
    ended: Ended
    stdout: bytes
    stderr: bytes
    stderr_cut: bool
    seconds: float
    clock: str


@dataclass(frozen=True, slots=True)
class Spool:
    """Where the rest of an answer lies on its host: its random name, and how many bytes of it are missing here."""

    name: str
    missing_bytes: int


@dataclass(frozen=True, slots=True)
class Opened:
    """An envelope whose text is intact; ``spool`` is None where it holds everything."""

    spool: Spool | None
    header: "_Header"
    beginning: bytes

    def complete(self, rest: bytes = b"") -> Enveloped:
        """Return what the envelope holds together with the ``rest`` from the spool.

        Raises:
            OutputCorrupt: the whole is not what the header declares.
        """
        header, packed = self.header, self.beginning + rest
        if self.spool is not None and hashlib.sha256(packed).hexdigest() != header.packed_sha256:
            raise OutputCorrupt("the parts together do not have the declared hash")
        streams = _inflate(packed, header.stdout_bytes + header.stderr_bytes)
        stdout, stderr = streams[: header.stdout_bytes], streams[header.stdout_bytes :]
        for stream, expected in ((stdout, header.stdout_sha256), (stderr, header.stderr_sha256)):
            if hashlib.sha256(stream).hexdigest() != expected:
                raise OutputCorrupt("the content does not have the declared hash")
        return Enveloped(
            header.exit_code, header.ended, stdout, stderr, header.stderr_cut, header.seconds, header.clock
        )


class ProgramTooLargeError(ValueError):
    """The program does not fit into one SSM command."""


def new_marker(token: str) -> str:
    """Return the marker made of ``token``, 32 random hexadecimal digits.

    Raises:
        ValueError: the token is something else.
    """
    marker = f"E2E-{token}"
    if not _MARKER.match(marker):
        raise ValueError("an envelope marker needs 32 hexadecimal digits")
    return marker


def wrap(
    script: bytes,
    argument: bytes,
    marker: str,
    *,
    program_seconds: float = 60.0,
    limits: EnvelopeLimits = DEFAULT_LIMITS,
) -> str:
    """Return the shell text that runs a Python ``script`` with ``argument`` as its standard input.

    The text finds Python by itself, gives the program ``program_seconds`` of the host's wall time, and always ends
    with 0: only the envelope says what happened inside.

    Raises:
        ProgramTooLargeError: the text would be refused by SSM.
        ValueError: the marker is not one of ours.
    """
    if not _MARKER.match(marker):
        raise ValueError("not an envelope marker")
    parameters = {
        "marker": marker,
        "program": script,
        "argument": argument,
        "seconds": program_seconds,
        "text_limit": limits.text_bytes,
        "stream_limit": limits.stdout_bytes,
        "error_limit": limits.stderr_bytes,
        "spool_seconds": limits.spool_seconds,
        "spool_folders": limits.spool_folders,
        "spool_prefix": SPOOL_PREFIX,
    }
    source = f"ENVELOPE_PARAMETERS = {parameters!r}\n" + _runner_source()
    payload = base64.b64encode(zlib.compress(source.encode("utf-8"), 9)).decode("ascii")
    find = " ".join(shell.quote(python) for python in _PYTHONS)
    text = shell.script(
        shell.line("payload=%s", payload),
        shell.line("bootstrap=%s", _BOOTSTRAP),
        "python=",
        "for candidate in " + find + "; do",
        '  if command -v "$candidate" >/dev/null 2>&1; then python=$candidate; break; fi',
        "done",
        shell.line("if [ -z \"$python\" ]; then printf '\\n%%s\\n' %s; exit 0; fi", f"{marker}:NO-PYTHON"),
        '"$python" -I -S -c "$bootstrap" "$payload"',
        shell.line('code=$?; if [ "$code" -ne 0 ]; then printf \'\\n%%s:%%s\\n\' %s "$code"; fi', f"{marker}:FAILED"),
        "exit 0",
    )
    if len(text.encode("utf-8")) > SSM_PARAMETER_BYTES:
        raise ProgramTooLargeError(f"{len(text)} bytes of shell text; SSM takes {SSM_PARAMETER_BYTES}")
    return text


def open_envelope(text: str, marker: str, limits: EnvelopeLimits = DEFAULT_LIMITS) -> Opened:
    """Return the envelope in ``text``, which may be the beginning of an answer only.

    Raises:
        OutputTruncated: the end is missing, or the host held the answer back because SSM would have cut it.
        OutputCorrupt: there is no envelope, there are two, or this one is damaged or lies about itself.
        ExecutionTimedOut: the host ended the program because its time was over.
    """
    header_line, body_lines = _open(text, marker)
    header = _Header.read(header_line)
    if header.ended == "too-large":
        raise OutputTruncated("the host held the answer back, it is larger than it may be or has no place to wait")
    if header.ended == "timeout":
        raise ExecutionTimedOut(f"the host ended the program after {header.seconds:.1f} s")
    if header.stdout_bytes > limits.stdout_bytes or header.stderr_bytes > limits.stderr_bytes:
        raise OutputCorrupt("the header declares more than is accepted")
    try:
        beginning = base64.b64decode("".join(body_lines).encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise OutputCorrupt("the body is damaged") from error
    if header.spool is None:
        return Opened(None, header, beginning)
    # zlib adds a thousandth to what it cannot compress, and a few bytes.
    ceiling = (header.stdout_bytes + header.stderr_bytes) * 1001 // 1000 + 64
    missing = header.packed_bytes - len(beginning)
    if header.packed_bytes > ceiling or missing <= 0:
        raise OutputCorrupt("the header declares an impossible rest")
    return Opened(Spool(header.spool, missing), header, beginning)


def unwrap(text: str, marker: str, limits: EnvelopeLimits = DEFAULT_LIMITS) -> Enveloped:
    """Return what the envelope in ``text`` holds, where nothing of it may lie elsewhere.

    Raises:
        OutputTruncated: as :func:`open_envelope`, or the rest waits in a spool on the host.
        OutputCorrupt, ExecutionTimedOut: as :func:`open_envelope`.
    """
    opened = open_envelope(text, marker, limits)
    if opened.spool is not None:
        raise OutputTruncated(f"{opened.spool.missing_bytes} bytes of the answer are still on the host")
    return opened.complete()


def _open(text: str, marker: str) -> tuple[str, list[str]]:
    """Return the header line and the body lines between the two markers."""
    begin, end = f"{marker}:BEGIN", f"{marker}:END "
    lines = text.split("\n")
    begins = [index for index, content in enumerate(lines) if content == begin]
    ends = [index for index, content in enumerate(lines) if content.startswith(end)]
    was_cut = text.rstrip().endswith(SSM_TRUNCATION_NOTE) or len(text.encode("utf-8", "replace")) >= SSM_OUTPUT_BYTES
    if not begins:
        if any(content == f"{marker}:NO-PYTHON" for content in lines):
            raise OutputCorrupt("no Python 3 was found on the host")
        failed = [content for content in lines if re.fullmatch(re.escape(marker) + r":FAILED:[0-9]{1,3}", content)]
        if failed:
            raise OutputCorrupt(f"the envelope's own program ended with {failed[0].rpartition(':')[2]}")
        if was_cut:
            raise OutputTruncated("noise filled the output before the envelope began")
        raise OutputCorrupt(f"no envelope in {len(text)} characters of output")
    if len(begins) > 1 or len(ends) > 1:
        raise OutputCorrupt("two envelopes came back, so the command ran twice")
    if not ends:
        kind = OutputTruncated if was_cut else OutputCorrupt
        raise kind(f"the envelope begins and does not end, {len(text)} characters came")
    inside = lines[begins[0] + 1 : ends[0]]
    if not inside or ends[0] < begins[0]:
        raise OutputCorrupt("the envelope is empty")
    if lines[ends[0]] != end + hashlib.sha256("\n".join(inside).encode("utf-8", "replace")).hexdigest():
        raise OutputCorrupt("the envelope does not have the hash it ends with")
    return inside[0], inside[1:]


@dataclass(frozen=True, slots=True)
class _Header:
    exit_code: int
    ended: Any
    stdout_bytes: int
    stderr_bytes: int
    stdout_sha256: str
    stderr_sha256: str
    stderr_cut: bool
    seconds: float
    clock: str
    spool: str | None = None
    packed_bytes: int = 0
    packed_sha256: str = ""

    @classmethod
    def read(cls, text: str) -> "_Header":
        """Read the header, believing nothing of it."""
        document = _flat_object(text)
        if document.get("version") != 1 or isinstance(document.get("version"), bool):
            raise OutputCorrupt("the header has another version")
        ended, cut, seconds, clock = (document.get(key) for key in ("ended", "stderr_cut", "seconds", "clock"))
        if ended not in {"exit", "signal", "timeout", "too-large"}:
            raise OutputCorrupt("the header does not say how the program ended")
        if not isinstance(cut, bool) or not isinstance(clock, str) or len(clock) > 64:
            raise OutputCorrupt("the header has a field of the wrong type")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= 1e7:
            raise OutputCorrupt("the header has no believable duration")
        exit_code = _count(document, "exit_code")
        if exit_code > 255:
            raise OutputCorrupt("the header has an impossible exit code")
        spool = document.get("spool")
        if spool is not None and not (isinstance(spool, str) and _SPOOL_NAME.fullmatch(spool)):
            raise OutputCorrupt("the header's spool is not a name of ours")
        return cls(
            exit_code,
            ended,
            _count(document, "stdout_bytes"),
            _count(document, "stderr_bytes"),
            _digest(document, "stdout_sha256"),
            _digest(document, "stderr_sha256"),
            cut,
            float(seconds),
            clock,
            spool,
            0 if spool is None else _count(document, "packed_bytes"),
            "" if spool is None else _digest(document, "packed_sha256"),
        )


def _flat_object(text: str) -> dict[str, Any]:
    """Parse one JSON object without nesting and without repeated keys."""
    if len(text) > _HEADER_CHARACTERS:
        raise OutputCorrupt("the header is too long")
    if text.count("{") + text.count("[") > 1:
        raise OutputCorrupt("the header is nested")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        document = dict(pairs)
        if len(document) != len(pairs):
            raise ValueError("repeated key")
        return document

    try:
        document = json.loads(text, object_pairs_hook=unique)
    except ValueError as error:
        raise OutputCorrupt("the header is not JSON") from error
    if not isinstance(document, dict):
        raise OutputCorrupt("the header is not an object")
    return document


def _count(document: dict[str, Any], key: str) -> int:
    value = document.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise OutputCorrupt(f"the header's {key} is not a count")
    return value


def _digest(document: dict[str, Any], key: str) -> str:
    value = document.get(key)
    if not isinstance(value, str) or not _HASH.match(value):
        raise OutputCorrupt(f"the header's {key} is not a hash")
    return value


def _inflate(packed: bytes, expected: int) -> bytes:
    """Decompress ``packed`` to exactly ``expected`` bytes, and never to more."""
    try:
        engine = zlib.decompressobj()
        content = engine.decompress(packed, expected + 1)
    except zlib.error as error:
        raise OutputCorrupt("the body is damaged") from error
    if len(content) != expected:
        raise OutputCorrupt("the body does not have the declared length")
    if not engine.eof or engine.unused_data or engine.unconsumed_tail:
        raise OutputCorrupt("the body does not end where it should")
    return content


def _runner_source() -> str:
    return Path(__file__).with_name("on_host_runner.py").read_text(encoding="utf-8")

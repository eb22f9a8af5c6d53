"""Answers larger than SSM carries: the same bytes come back, or a typed error does."""

import ast
import base64
import hashlib
import json
import os
import random
import re
import stat
import subprocess
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from e2e.hosts import on_host_reader, on_host_runner
from e2e.hosts.chunks import ChunkReader, piece_bytes
from e2e.hosts.command import Output
from e2e.hosts.envelope import (
    DEFAULT_LIMITS,
    SPOOL_PREFIX,
    SSM_OUTPUT_BYTES,
    Enveloped,
    EnvelopeLimits,
    new_marker,
    open_envelope,
    unwrap,
    wrap,
)
from e2e.hosts.errors import HostAccessError, OutputCorrupt, OutputTruncated, Throttled
from e2e.hosts.status import Outcome, Reading

MARKER = new_marker("0123456789abcdef" * 2)
MEMORY = Path("/dev/shm")
GOOD = Reading(Outcome.SUCCEEDED, "Success", "Success", 0)
EDGES = [base + more for base in (17_000, 24_000, 48_000, 72_000) for more in (-1, 0, 1)]
SMALL = EnvelopeLimits(text_bytes=2_000, spool_seconds=60)
NOT_SAVED = [HealthCheck.function_scoped_fixture]


def cut_as_the_agent_does(text: str) -> str:
    content = text.encode()
    if len(content) < SSM_OUTPUT_BYTES:
        return text
    return content[: SSM_OUTPUT_BYTES - 20].decode("utf-8", "replace") + "--output truncated--"


class Host:
    """One machine in this process: what travels is unpacked and done by the very code that runs on hosts."""

    def __init__(self, limits: EnvelopeLimits) -> None:
        self.limits = limits
        self.texts: list[str] = []
        self.disturb: Callable[[bytes], bytes] = lambda piece: piece
        self.around: Callable[[str], str] = lambda text: text
        self.made: list[Path] = []

    def left(self) -> list[Path]:
        """Return the spools of this host that are still there."""
        return [path for path in self.made if path.exists()]

    def answer(self, stdout: bytes, stderr: bytes = b"", **lies: Any) -> str:
        """Return what a program that printed this comes to, with lies in the header."""
        return self.printed({"marker": MARKER, **parameters(self.limits)}, stdout, stderr, 0, lies)

    def execute(self, text: str, instance_ids: Sequence[str]) -> Mapping[str, Output | HostAccessError]:
        """Take a command that reads a piece."""
        self.texts.append(text)
        payload = re.search(r"^payload=(.*)$", text, re.MULTILINE)
        assert payload
        source = zlib.decompress(base64.b64decode(payload[1].strip("'"))).decode()
        given_ = ast.literal_eval(source.partition("\n")[0].removeprefix("ENVELOPE_PARAMETERS = "))
        piece = on_host_reader.read_piece(json.loads(given_["argument"]))
        code = on_host_reader.NOT_HERE if piece is None else 0
        printed = self.printed(given_, self.disturb(piece or b""), b"", code, {})
        return {one: Output("c2", printed, GOOD) for one in instance_ids}

    def printed(self, given_: Any, stdout: bytes, stderr: bytes, code: int, lies: Mapping[str, Any]) -> str:
        on_host_runner.PARAMETERS.clear()
        on_host_runner.PARAMETERS.update(given_)
        header = {
            "version": 1,
            "exit_code": code,
            "ended": "exit",
            "stdout_bytes": len(stdout),
            "stdout_sha256": hashlib.sha256(stdout).hexdigest(),
            "stderr_bytes": len(stderr),
            "stderr_sha256": hashlib.sha256(stderr).hexdigest(),
            "stderr_cut": False,
            "seconds": 0.1,
            "clock": "2026-06-20T12:00:00+00:00",
        }
        text = on_host_runner.enveloped(header, stdout + stderr)
        self.made += [MEMORY / (SPOOL_PREFIX + name) for name in re.findall(r'"spool": "([0-9a-f]{32})"', text)]
        if lies:
            _, begin, head, *body, _end, _ = text.split("\n")
            inside = "\n".join([json.dumps({**json.loads(head), **lies}), *body])
            text = f"\n{begin}\n{inside}\n{MARKER}:END {hashlib.sha256(inside.encode()).hexdigest()}\n"
        return cut_as_the_agent_does(self.around(text))

    def bring_home(self, text: str) -> Enveloped | HostAccessError:
        tokens = (f"{number:032x}" for number in range(1, 10_000))
        reader = ChunkReader(self.execute, lambda: new_marker(next(tokens)), self.limits)
        try:
            return reader.complete({"i-1": open_envelope(text, MARKER, self.limits)})["i-1"]
        except HostAccessError as error:
            return error


def parameters(limits: EnvelopeLimits) -> dict[str, Any]:
    """Return what a command brings with it beside its program."""
    source = wrap(b"", b"", MARKER, limits=limits)
    payload = re.search(r"^payload=(.*)$", source, re.MULTILINE)
    assert payload
    text = zlib.decompress(base64.b64decode(payload[1].strip("'"))).decode().partition("\n")[0]
    return dict(ast.literal_eval(text.removeprefix("ENVELOPE_PARAMETERS = ")))


@pytest.fixture
def host() -> Iterator[Host]:
    made = Host(DEFAULT_LIMITS)
    yield made
    for path in made.left():
        path.unlink()


@pytest.fixture
def small() -> Iterator[Host]:
    made = Host(SMALL)
    yield made
    for path in made.left():
        path.unlink()


contents = st.one_of(
    st.tuples(st.sampled_from(EDGES), st.integers(0, 2**32)).map(lambda one: random.Random(one[1]).randbytes(one[0])),
    st.tuples(st.sampled_from(EDGES), st.sampled_from(["x", "é", "漢", "🙂"])).map(
        lambda one: (one[1] * one[0]).encode()[: one[0]]
    ),
    st.tuples(st.integers(0, 90_000), st.integers(0, 2**32)).map(lambda one: random.Random(one[1]).randbytes(one[0])),
    st.tuples(st.sampled_from(EDGES), st.integers(0, 2**32), st.binary(max_size=50)).map(
        lambda one: random.Random(one[1]).randbytes(one[0] // 2) + one[2] * 400
    ),
)


@settings(max_examples=60, deadline=None, suppress_health_check=NOT_SAVED)
@given(content=contents, errors=st.binary(max_size=100))
def test_any_bytes_of_any_size_come_back_as_they_were(host: Host, content: bytes, errors: bytes) -> None:
    home = host.bring_home(host.answer(content, errors))
    assert isinstance(home, Enveloped), home
    assert (home.stdout, home.stderr) == (content, errors)
    assert host.left() == []


@settings(max_examples=60, deadline=None, suppress_health_check=NOT_SAVED)
@given(content=contents, before=st.text(max_size=900), times=st.integers(0, 40), after=st.text(max_size=300))
def test_noise_around_never_changes_what_comes_back(
    host: Host, content: bytes, before: str, times: int, after: str
) -> None:
    host.around = lambda text: before * times + text + after
    home = host.bring_home(host.answer(content))
    assert isinstance(home, HostAccessError) or home.stdout == content
    if len((before * times + after).encode("utf-8", "replace")) < 900:
        assert isinstance(home, Enveloped), home


LIES = st.dictionaries(
    st.sampled_from(["spool", "packed_bytes", "packed_sha256", "stdout_bytes", "stdout_sha256", "ended", "version"]),
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-5, 10**12),
        st.text(max_size=40),
        st.sampled_from(["../" * 10 + "aa", "0" * 32, "\u0660" * 32, "a" * 64, "exit", "signal"]),
    ),
    min_size=1,
)


@settings(max_examples=120, deadline=None, suppress_health_check=NOT_SAVED)
@given(lies=LIES, size=st.sampled_from([10, 3_000, 9_000]))
def test_a_header_that_lies_about_its_parts_gets_the_same_bytes_or_an_error(
    small: Host, lies: dict[str, Any], size: int
) -> None:
    content = random.Random(size).randbytes(size)
    home = small.bring_home(small.answer(content, **lies))
    assert isinstance(home, HostAccessError) or home.stdout == content
    for text in small.texts:
        assert ".." not in text


def test_the_parts_together_must_have_the_hash_that_was_declared(small: Host) -> None:
    home = small.bring_home(small.answer(random.Random(1).randbytes(9_000), packed_sha256="0" * 64))
    assert isinstance(home, OutputCorrupt)
    assert "the parts together" in str(home)


@settings(max_examples=60, deadline=None, suppress_health_check=NOT_SAVED)
@given(data=st.data())
def test_a_piece_that_was_changed_is_never_put_in(small: Host, data: st.DataObject) -> None:
    content = random.Random(1).randbytes(9_000)
    first = small.answer(content)
    wrong = data.draw(st.integers(0, 5))
    change = data.draw(st.sampled_from([lambda _: b"", lambda one: one + b"x", lambda one: one[:-1], _flipped]))
    counter = iter(range(1000))
    small.disturb = lambda piece: change(piece) if next(counter) == wrong else piece
    home = small.bring_home(first)
    assert isinstance(home, OutputCorrupt)


def _flipped(piece: bytes) -> bytes:
    return bytes([piece[0] ^ 1]) + piece[1:]


def test_the_beginning_comes_at_once_and_the_rest_in_as_few_pieces_as_fit(host: Host) -> None:
    content = random.Random(2).randbytes(60_000)
    first = host.answer(content)
    opened = open_envelope(first, MARKER)
    assert opened.spool is not None
    assert len(opened.beginning) > 16_000
    home = host.bring_home(first)
    assert isinstance(home, Enveloped)
    assert len(host.texts) == -(-opened.spool.missing_bytes // piece_bytes(DEFAULT_LIMITS)) == 3


def test_a_text_with_parts_elsewhere_is_not_taken_for_the_whole(host: Host) -> None:
    text = host.answer(random.Random(3).randbytes(30_000))
    with pytest.raises(OutputTruncated, match="still on the host"):
        unwrap(text, MARKER)


def test_a_spool_is_private_in_memory_and_gone_after_the_last_piece(host: Host) -> None:
    first, second = (host.answer(random.Random(4).randbytes(30_000)) for _ in range(2))
    assert len({path.name for path in host.left()}) == 2  # random, not derived from the content
    for path in host.left():
        found = path.lstat()
        assert stat.S_ISREG(found.st_mode)
        assert stat.S_IMODE(found.st_mode) == 0o600
        assert found.st_uid == os.getuid()
    for text in (first, second):
        assert isinstance(host.bring_home(text), Enveloped)
    assert host.left() == []


def test_a_spool_that_nobody_reads_removes_itself() -> None:
    host = Host(EnvelopeLimits(text_bytes=2_000, spool_seconds=1))
    text = host.answer(random.Random(5).randbytes(3_000))
    assert len(host.left()) == 1
    give_up = time.monotonic() + 15
    while host.left() and time.monotonic() < give_up:
        time.sleep(0.02)
    home = host.bring_home(text)
    assert isinstance(home, OutputTruncated)
    assert "gone" in str(home)


def test_a_spool_whose_reaper_was_killed_is_removed_by_the_next_one(small: Host) -> None:
    old, young = MEMORY / f"{SPOOL_PREFIX}{'d' * 32}", MEMORY / f"{SPOOL_PREFIX}{'e' * 32}"
    for path in (old, young):
        path.write_bytes(b"left behind")
    os.utime(old, (time.time() - 1_000, time.time() - 1_000))
    small.answer(random.Random(6).randbytes(3_000))
    assert not old.exists()
    assert young.exists()


def test_without_memory_to_put_it_in_an_answer_is_held_back(tmp_path: Path) -> None:
    host = Host(EnvelopeLimits(text_bytes=2_000, spool_folders=(str(tmp_path), "/nowhere")))
    home = host.bring_home(host.answer(random.Random(7).randbytes(3_000)))
    assert isinstance(home, OutputTruncated)
    assert list(tmp_path.iterdir()) == []


def test_a_link_or_an_open_file_in_place_of_the_spool_is_not_read(small: Host, tmp_path: Path) -> None:
    for change in ("link", "open"):
        text = small.answer(random.Random(8).randbytes(3_000))
        (path,) = small.left()
        if change == "link":
            other = tmp_path / "other"
            other.write_bytes(path.read_bytes())
            other.chmod(0o600)
            path.unlink()
            path.symlink_to(other)
        else:
            path.chmod(0o644)
        home = small.bring_home(text)
        assert isinstance(home, OutputTruncated)
        path.unlink()


def test_two_hosts_that_name_the_same_spool_are_not_believed(small: Host) -> None:
    opened = open_envelope(small.answer(random.Random(9).randbytes(3_000)), MARKER, SMALL)
    reader = ChunkReader(small.execute, lambda: MARKER, SMALL)
    results = reader.complete({"i-1": opened, "i-2": opened})
    assert isinstance(results["i-1"], Enveloped)
    assert isinstance(results["i-2"], OutputCorrupt)


def test_a_command_that_is_refused_in_the_middle_is_the_answer(small: Host) -> None:
    def refused(_text: str, _ids: Sequence[str]) -> Mapping[str, Output | HostAccessError]:
        raise Throttled("SendCommand: ThrottlingException")

    opened = open_envelope(small.answer(random.Random(10).randbytes(3_000)), MARKER, SMALL)
    result = ChunkReader(refused, lambda: MARKER, SMALL).complete({"i-1": opened})["i-1"]
    assert isinstance(result, Throttled)
    assert result.instance_id == "i-1"


@pytest.mark.parametrize("size", [17_000, 23_999, 24_000, 24_001, 70_000])
def test_a_real_shell_and_a_real_program_give_the_same(host: Host, size: int) -> None:
    content = random.Random(size).randbytes(size)
    echo = b"import sys\nsys.stdout.buffer.write(sys.stdin.buffer.read())\n"

    def really(text: str, instance_ids: Sequence[str] = ("i-1",)) -> Mapping[str, Output | HostAccessError]:
        host.texts.append(text)
        done = subprocess.run(
            ["sh"], input=text.encode(), env={"PATH": "/usr/bin:/bin"}, capture_output=True, check=True
        )
        return {one: Output("c", cut_as_the_agent_does(done.stdout.decode()), GOOD) for one in instance_ids}

    if size > 40_000:  # more than a command carries to the host: made there
        echo = b"import random,sys\nsys.stdout.buffer.write(random.Random(%d).randbytes(%d))\n" % (size, size)
        text = really(wrap(echo, b"", MARKER))["i-1"]
    else:
        text = really(wrap(echo, content, MARKER))["i-1"]
    assert isinstance(text, Output)
    markers = (new_marker(f"{number:032x}") for number in range(100))
    home = ChunkReader(really, lambda: next(markers), DEFAULT_LIMITS).complete(
        {"i-1": open_envelope(text.text, MARKER)}
    )
    assert isinstance(home["i-1"], Enveloped)
    assert home["i-1"].stdout == content

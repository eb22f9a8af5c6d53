"""The envelope: any bytes in, the same bytes out, or a typed error. Never anything in between."""

import base64
import hashlib
import json
import random
import shutil
import subprocess
import tempfile
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2e.hosts.envelope import (
    SSM_OUTPUT_BYTES,
    Enveloped,
    EnvelopeLimits,
    ProgramTooLargeError,
    new_marker,
    unwrap,
    wrap,
)
from e2e.hosts.errors import ExecutionTimedOut, HostAccessError, OutputCorrupt, OutputTruncated

MARKER = new_marker("0123456789abcdef" * 2)
ECHO = b"import sys\nsys.stdout.buffer.write(sys.stdin.buffer.read())\n"
SHELLS = [shell for shell in ("dash", "bash", "sh") if shutil.which(shell, path="/bin:/usr/bin")]


def run(text: str, shell: str = "sh", path: str = "/usr/bin:/bin", **more: Any) -> str:
    done = subprocess.run([shell], input=text.encode(), env={"PATH": path}, capture_output=True, check=False, **more)
    assert done.returncode == 0
    return str(done.stdout.decode("utf-8", "replace"))


def packed(stdout: bytes = b"", stderr: bytes = b"", body: bytes | None = None, **lies: Any) -> str:
    """Return an envelope made by hand, with lies in the header."""
    header = {
        "version": 1,
        "exit_code": 0,
        "ended": "exit",
        "stdout_bytes": len(stdout),
        "stdout_sha256": hashlib.sha256(stdout).hexdigest(),
        "stderr_bytes": len(stderr),
        "stderr_sha256": hashlib.sha256(stderr).hexdigest(),
        "stderr_cut": False,
        "seconds": 0.1,
        "clock": "2026-06-20T12:00:00+00:00",
        **lies,
    }
    content = base64.b64encode(zlib.compress(stdout + stderr) if body is None else body).decode()
    return sealed(f"{json.dumps(header)}\n{content}")


def sealed(inside: str) -> str:
    """Return lines between the markers, with the hash that belongs to them."""
    return f"\n{MARKER}:BEGIN\n{inside}\n{MARKER}:END {hashlib.sha256(inside.encode()).hexdigest()}\n"


@pytest.mark.parametrize("shell", SHELLS)
def test_a_program_runs_and_its_bytes_come_back(shell: str) -> None:
    content = bytes(range(256)) * 3
    program = ECHO + b"sys.stderr.write('to the other stream')\nsys.exit(42)\n"
    answer = unwrap(run(wrap(program, content, MARKER), shell), MARKER)
    assert (answer.exit_code, answer.stdout, answer.stderr) == (42, content, b"to the other stream")
    assert answer.seconds < 30


@pytest.mark.parametrize("shell", SHELLS)
def test_noise_before_and_after_does_not_matter(shell: str) -> None:
    text = wrap(ECHO, b"content", MARKER)
    noisy = run(
        "echo 'Welcome to Ubuntu'; printf no-newline\n" + text.replace("exit 0\n", "echo after\nexit 0\n"), shell
    )
    assert unwrap(noisy, MARKER).stdout == b"content"


def test_the_shell_text_gives_ssm_nothing_to_interpolate() -> None:
    text = wrap(b"x = {{'a'}}\n'{{ssm:secret}}'\n", b"{{ global }}", MARKER)
    assert "{{" not in text
    assert "}}" not in text


def test_a_host_without_python_says_so() -> None:
    text = wrap(ECHO, b"", MARKER).replace(
        "/usr/bin/python3 /usr/local/bin/python3 /usr/libexec/platform-python", "/none"
    )
    with pytest.raises(OutputCorrupt, match="no Python"):
        unwrap(run(text, "/bin/sh", path="/nowhere"), MARKER)


def test_a_runner_that_fails_says_so() -> None:
    text = wrap(ECHO, b"", MARKER)
    broken = text.replace("payload='", "payload='AAAA").replace("payload=e", "payload=AAAAe")
    with pytest.raises(OutputCorrupt, match="ended with 1"):
        unwrap(run(broken), MARKER)


def test_a_program_too_large_for_one_command_is_refused_here() -> None:
    noise = random.Random(1).randbytes(70_000)
    with pytest.raises(ProgramTooLargeError):
        wrap(noise, b"", MARKER)


def test_a_program_that_does_not_end_is_ended_with_all_it_started() -> None:
    program = (
        b"import os, subprocess, sys, time\n"
        b"child = subprocess.Popen(['sleep', '300'], start_new_session=True)\n"
        b"print(child.pid, flush=True)\nopen(sys.stdin.read(), 'w').write(str(child.pid))\ntime.sleep(300)\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        note = Path(folder) / "pid"
        text = run(wrap(program, str(note).encode(), MARKER, program_seconds=1.0))
        with pytest.raises(ExecutionTimedOut, match="the host ended the program"):
            unwrap(text, MARKER)
        pid = int(note.read_text())
    state = Path(f"/proc/{pid}/stat")
    assert not state.exists() or state.read_text().split()[2] in "ZX"


def test_a_program_killed_by_a_signal_is_told_from_one_that_exits() -> None:
    answer = unwrap(run(wrap(b"import os\nos.kill(os.getpid(), 9)\n", b"", MARKER)), MARKER)
    assert (answer.ended, answer.exit_code) == ("signal", 137)


def test_a_background_child_that_keeps_the_output_open_does_not_hold_the_answer_back() -> None:
    program = b"import subprocess\nsubprocess.Popen(['sleep', '20'])\nprint('done')\n"
    assert unwrap(run(wrap(program, b"", MARKER), timeout=10), MARKER).stdout == b"done\n"


@pytest.mark.parametrize("size", [0, 1, 12_000, 16_000, 17_200, 17_500, 23_999, 24_000, 24_001, 60_000])
def test_without_a_place_for_the_rest_sizes_around_the_limit_come_back_whole_or_not_at_all(size: int) -> None:
    """What SSM would cut is held back on the host, whatever it compresses to. With a place: see test_chunks.py."""
    limits = EnvelopeLimits(spool_folders=())
    content = random.Random(size).randbytes(size)
    program = b"import random,sys\nsys.stdout.buffer.write(random.Random(%d).randbytes(%d))\n" % (size, size)
    text = run(wrap(program, b"", MARKER, limits=limits))
    assert len(text.encode()) < SSM_OUTPUT_BYTES
    if len(base64.b64encode(zlib.compress(content, 9))) < 22_500:
        assert unwrap(text, MARKER, limits).stdout == content
    else:
        with pytest.raises(OutputTruncated, match="held the answer back"):
            unwrap(text, MARKER, limits)


def cut_as_the_agent_does(text: str) -> str:
    content = text.encode()
    if len(content) < SSM_OUTPUT_BYTES:
        return text
    return content[: SSM_OUTPUT_BYTES - 20].decode("utf-8", "replace") + "--output truncated--"


@pytest.mark.parametrize("noise", [1_000, 5_000, 22_000, 23_999, 24_000, 24_001, 40_000])
@pytest.mark.parametrize("letter", ["x", "é", "漢"])
def test_noise_that_fills_the_output_is_a_truncation(noise: int, letter: str) -> None:
    text = cut_as_the_agent_does(letter * noise + packed(random.Random(1).randbytes(2_000)))
    if len(text.encode()) < SSM_OUTPUT_BYTES - 100:
        assert len(unwrap(text, MARKER).stdout) == 2_000
    else:
        with pytest.raises(OutputTruncated):
            unwrap(text, MARKER)


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=400),
    st.binary(max_size=100),
    st.text(max_size=80),
    st.text(max_size=80),
)
def test_any_bytes_come_back_as_they_were_whatever_stands_around(
    stdout: bytes, stderr: bytes, before: str, after: str
) -> None:
    answer = unwrap(before + packed(stdout, stderr) + after, MARKER)
    assert (answer.stdout, answer.stderr) == (stdout, stderr)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.data())
def test_an_envelope_cut_anywhere_is_an_error(stdout: bytes, data: st.DataObject) -> None:
    whole = packed(stdout).rstrip("\n")
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    for text in (cut, cut + "\n", cut + "--output truncated--"):
        with pytest.raises(OutputCorrupt):
            unwrap(text, MARKER)


@settings(max_examples=300, deadline=None)
@given(st.binary(min_size=1, max_size=300), st.data())
def test_one_changed_character_is_an_error_or_changes_nothing(stdout: bytes, data: st.DataObject) -> None:
    whole = packed(stdout)
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = whole[:place] + data.draw(st.characters(exclude_categories=["Cs"])) + whole[place + 1 :]
    try:
        answer = unwrap(changed, MARKER)
    except HostAccessError:
        return
    assert answer == unwrap(whole, MARKER)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=500))
def test_text_without_an_envelope_is_an_error_and_never_another_exception(text: str) -> None:
    with pytest.raises(HostAccessError):
        unwrap(text, MARKER)
    with pytest.raises(HostAccessError):
        unwrap(sealed(text), MARKER)


def test_two_envelopes_mean_that_the_command_ran_twice() -> None:
    with pytest.raises(OutputCorrupt, match="twice"):
        unwrap(packed(b"a") + packed(b"a"), MARKER)


def test_an_envelope_of_another_command_is_none() -> None:
    with pytest.raises(OutputCorrupt, match="no envelope"):
        unwrap(packed(b"a"), new_marker("f" * 32))


def test_the_truncation_note_inside_an_intact_envelope_is_content() -> None:
    assert unwrap(packed(b"--output truncated--"), MARKER).stdout == b"--output truncated--"


@pytest.mark.parametrize(
    "lies",
    [
        {"version": 2},
        {"version": True},
        {"exit_code": -1},
        {"exit_code": 256},
        {"exit_code": "0"},
        {"exit_code": True},
        {"ended": "well"},
        {"ended": None},
        {"ended": ["exit"]},
        {"stdout_bytes": 5},
        {"stdout_bytes": 3},
        {"stdout_bytes": -1},
        {"stdout_bytes": 4.0},
        {"stdout_bytes": 10**9},
        {"stderr_bytes": 1},
        {"stdout_sha256": "0" * 64},
        {"stdout_sha256": "é" * 64},
        {"stdout_sha256": None},
        {"stderr_sha256": "0" * 64},
        {"stderr_cut": 1},
        {"seconds": -1},
        {"seconds": "1"},
        {"seconds": float("nan")},
        {"seconds": float("inf")},
        {"clock": 3},
        {"clock": "x" * 100},
        {"nested": {"a": 1}},
        {"long": "x" * 3000},
    ],
)
def test_a_header_that_lies_is_never_believed(lies: dict[str, Any]) -> None:
    with pytest.raises(OutputCorrupt):
        unwrap(packed(b"four", **lies), MARKER)


def test_a_header_with_repeated_keys_is_refused() -> None:
    with pytest.raises(OutputCorrupt):
        inside = packed(b"four").split("\n", 2)[2].rsplit("\n", 2)[0]
        unwrap(sealed(inside.replace('"version": 1', '"version": 1, "exit_code": 7')), MARKER)


def test_a_deeply_nested_header_is_refused_without_recursion() -> None:
    with pytest.raises(OutputCorrupt):
        unwrap(sealed("[" * 1900 + "\nAAAA"), MARKER)


def test_a_decompression_bomb_costs_no_more_than_was_declared() -> None:
    bomb = zlib.compress(bytes(50_000_000), 9)
    text = packed(b"four", body=bomb)
    tracemalloc.start()
    with pytest.raises(OutputCorrupt):
        unwrap(text, MARKER)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000
    with pytest.raises(OutputCorrupt, match="more than is accepted"):
        unwrap(packed(b"four", body=bomb, stdout_bytes=200_000_000), MARKER)


def test_content_after_the_end_of_the_body_is_refused() -> None:
    with pytest.raises(OutputCorrupt):
        unwrap(packed(b"four", body=zlib.compress(b"four") + b"more"), MARKER)


def test_limits_are_the_readers_not_the_hosts() -> None:
    limits = EnvelopeLimits(stdout_bytes=10)
    with pytest.raises(OutputCorrupt):
        unwrap(packed(b"x" * 11), MARKER, limits)
    with pytest.raises(OutputTruncated):
        unwrap(run(wrap(ECHO, b"x" * 11, MARKER, limits=limits)), MARKER, limits)


def test_much_error_output_is_cut_and_said_so() -> None:
    answer: Enveloped = unwrap(run(wrap(b"import sys\nsys.stderr.write('x' * 100000)\n", b"", MARKER)), MARKER)
    assert answer.stderr_cut is True
    assert len(answer.stderr) == EnvelopeLimits().stderr_bytes


def test_a_marker_is_random_and_of_one_shape() -> None:
    for token in ("", "xyz", "0" * 31, "0" * 33, "A" * 32):
        with pytest.raises(ValueError, match="marker"):
            new_marker(token)
    with pytest.raises(ValueError, match="marker"):
        wrap(ECHO, b"", "; reboot")

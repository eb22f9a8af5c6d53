"""Runs on the host, as the inner side of the envelope. Standard library only, Python >= 3.10.

The source of this file travels inside the shell text that SSM runs; it is never imported by the harness. It starts
the program it was given, waits no longer than it may, and prints what came of it as one envelope.
"""

import base64
import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
import zlib
from datetime import datetime, timezone
from typing import IO, Any, cast

# The harness fills these in: see e2e.hosts.envelope.
PARAMETERS: dict[str, Any] = globals().get("ENVELOPE_PARAMETERS", {})

_LINE = 1000
_REAPER = """\
(
  second=0
  while [ -e "$1" ] && [ "$second" -lt "$2" ]; do sleep 1; second=$((second + 1)); done
  rm -f -- "$1"
) &
"""
_BOOT = "import os; exec(compile(os.fdopen(%d,'rb').read(),'<program>','exec'),{'__name__':'__main__'})"


def _private_file() -> IO[bytes]:
    """Return a file that has no name: in memory where the kernel can, else unlinked at once."""
    try:
        return os.fdopen(os.memfd_create("envelope"), "w+b")
    except (AttributeError, OSError):
        import tempfile

        return cast("IO[bytes]", tempfile.TemporaryFile())


def _filled(content: bytes) -> IO[bytes]:
    file = _private_file()
    file.write(content)
    file.flush()
    file.seek(0)
    return file


def _sweep(marker: str) -> None:
    """End whatever the program left behind, by the marker in its environment; SIGKILL reaches no grandchild."""
    needle = ("E2E_ENVELOPE=" + marker).encode()
    own = {os.getpid(), os.getppid()}
    for name in os.listdir("/proc") if os.path.isdir("/proc") else []:  # noqa: PTH112, PTH208
        if not name.isdigit() or int(name) in own:
            continue
        try:
            with open("/proc/" + name + "/environ", "rb") as file:  # noqa: PTH123
                if needle in file.read():
                    os.kill(int(name), signal.SIGKILL)
        except OSError:
            continue


def _read(file: IO[bytes], limit: int) -> tuple[bytes, bool]:
    file.seek(0)
    content = file.read(limit + 1)
    return content[:limit], len(content) > limit


def run_program() -> "tuple[dict[str, Any], bytes]":
    """Start the program, wait for it, and return the header and the two streams, one after the other."""
    marker = str(PARAMETERS["marker"])
    program, argument, out, err = (
        _filled(PARAMETERS["program"]),
        _filled(PARAMETERS["argument"]),
        _private_file(),
        _private_file(),
    )
    started, ended = time.monotonic(), "exit"
    child = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _BOOT % program.fileno()],
        stdin=argument,
        stdout=out,
        stderr=err,
        pass_fds=(program.fileno(),),
        env={**os.environ, "E2E_ENVELOPE": marker},
    )
    # A timer instead of wait(timeout): that one polls, and is up to 50 ms late.
    late = threading.Event()

    def end() -> None:
        late.set()
        child.kill()

    timer = threading.Timer(float(PARAMETERS["seconds"]), end)
    timer.daemon = True
    timer.start()
    code = child.wait()
    timer.cancel()
    if late.is_set():
        ended, code = "timeout", 124
        _sweep(marker)
    if code < 0:
        ended, code = "signal", 128 - code
    stdout, out_over = _read(out, int(PARAMETERS["stream_limit"]))
    stderr, err_over = _read(err, int(PARAMETERS["error_limit"]))
    header = {
        "version": 1,
        "exit_code": code,
        "ended": "too-large" if out_over else ended,
        "stdout_bytes": len(stdout),
        "stdout_sha256": hashlib.sha256(stdout).hexdigest(),
        "stderr_bytes": len(stderr),
        "stderr_sha256": hashlib.sha256(stderr).hexdigest(),
        "stderr_cut": err_over,
        "seconds": round(time.monotonic() - started, 3),
        "clock": datetime.now(timezone.utc).isoformat(),  # noqa: UP017
    }
    return header, stdout + stderr


def _is_tmpfs(folder: str) -> bool:
    try:
        with open("/proc/self/mounts", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            mounts = [line.split() for line in file]
    except OSError:
        return False
    return any(mount[1] == folder and mount[2] == "tmpfs" for mount in mounts if len(mount) > 2)


def _remove_old(folder: str, prefix: str, seconds: float) -> None:
    """Remove spools of ours whose time is over although their reaper did not come to it (killed, out of memory)."""
    for name in os.listdir(folder):  # noqa: PTH208
        if not name.startswith(prefix):
            continue
        path = os.path.join(folder, name)  # noqa: PTH118
        try:
            found = os.lstat(path)
            if stat.S_ISREG(found.st_mode) and found.st_uid == os.getuid() and time.time() - found.st_mtime > seconds:
                os.unlink(path)  # noqa: PTH108
        except OSError:
            continue


def spool(content: bytes) -> str:
    """Put ``content`` where a later command can read it, and return its random name; empty if there is no such place.

    The place is memory (tmpfs), the file is ours alone (0600), and a detached process removes it when its time is over
    or ends when a reader has removed it. That process lives in a session of its own and holds none of our streams.
    """
    seconds, prefix = int(PARAMETERS["spool_seconds"]), str(PARAMETERS["spool_prefix"])
    name = os.urandom(16).hex()
    for folder in PARAMETERS["spool_folders"]:
        if not _is_tmpfs(folder):
            continue
        path = os.path.join(folder, prefix + name)  # noqa: PTH118
        try:
            _remove_old(folder, prefix, seconds)
            number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        except OSError:
            continue
        try:
            with os.fdopen(number, "wb") as file:
                # The reaper first: a file that nobody will remove is never filled.
                started = subprocess.call(
                    ["/bin/sh", "-c", _REAPER, "reaper", path, str(seconds)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    cwd="/",
                    env={"PATH": "/usr/bin:/bin"},
                    start_new_session=True,
                )
                if started == 0:
                    file.write(content)
                    file.flush()
                    return name
        except OSError:  # no process to be had, or memory is full
            pass
        os.unlink(path)  # noqa: PTH108
    return ""


def _lines(packed: bytes) -> "list[str]":
    body = base64.b64encode(packed).decode("ascii")
    return [body[start : start + _LINE] for start in range(0, len(body), _LINE)]


def enveloped(header: "dict[str, Any]", streams: bytes) -> str:
    """Return the envelope. What would be cut by SSM stays behind in a spool, or is held back; the header says which."""
    marker, limit = str(PARAMETERS["marker"]), int(PARAMETERS["text_limit"])
    packed = zlib.compress(streams, 9)

    def text(head: "dict[str, Any]", content: "list[str]") -> str:
        inside = "\n".join([json.dumps(head, sort_keys=True), *content])
        end = marker + ":END " + hashlib.sha256(inside.encode()).hexdigest()
        return "\n".join(["", marker + ":BEGIN", inside, end, ""])

    whole = text(header, _lines(packed))
    if len(whole) <= limit:
        return whole
    if header["ended"] != "too-large":
        head = {
            **header,
            "packed_bytes": len(packed),
            "packed_sha256": hashlib.sha256(packed).hexdigest(),
            "spool": "0" * 32,
        }
        room = (limit - len(text(head, []))) * _LINE // (_LINE + 1) - 1
        here = max(0, room) // 4 * 3
        head["spool"] = spool(packed[here:])
        if head["spool"]:
            return text(head, _lines(packed[:here]))
    return text({**header, "ended": "too-large", "encoded_bytes": len(whole)}, [])


if __name__ == "__main__":
    sys.stdout.write(enveloped(*run_program()))
    sys.stdout.flush()

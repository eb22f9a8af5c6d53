"""Runs on the host, as the inner side of the envelope. Standard library only, Python >= 3.10.

The source of this file travels inside the shell text that SSM runs; it is never imported by the harness. It starts
the program it was given, waits no longer than it may, and prints what came of it as one envelope.
"""

import base64
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import zlib
from datetime import datetime, timezone
from typing import IO, Any, cast

# The harness fills these in: see e2e.hosts.envelope.
PARAMETERS: dict[str, Any] = globals().get("ENVELOPE_PARAMETERS", {})

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


def enveloped(header: "dict[str, Any]", streams: bytes) -> str:
    """Return the envelope. What would be cut by SSM is held back as a whole, and the header says so."""
    marker, limit = str(PARAMETERS["marker"]), int(PARAMETERS["text_limit"])
    body = base64.b64encode(zlib.compress(streams, 9)).decode("ascii")
    lines = [body[start : start + 1000] for start in range(0, len(body), 1000)]

    def text(head: "dict[str, Any]", content: "list[str]") -> str:
        inside = "\n".join([json.dumps(head, sort_keys=True), *content])
        end = marker + ":END " + hashlib.sha256(inside.encode()).hexdigest()
        return "\n".join(["", marker + ":BEGIN", inside, end, ""])

    whole = text(header, lines)
    if len(whole) > limit:
        whole = text({**header, "ended": "too-large", "encoded_bytes": len(whole)}, [])
    return whole


if __name__ == "__main__":
    sys.stdout.write(enveloped(*run_program()))
    sys.stdout.flush()

"""Finding and ending processes by descent and by marker."""

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable

from e2e.twin.hosts.processes import descendants, kill_all, marked

Eventually = Callable[[Callable[[], bool]], None]
_LEAVES_A_CHILD = "setsid sleep 600 & wait"


def _start(marker: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(["sh", "-c", _LEAVES_A_CHILD], env={**os.environ, "TEST_MARK": marker})


def test_a_child_in_a_session_of_its_own_is_found_by_its_marker(eventually: Eventually) -> None:
    marker = str(uuid.uuid4())
    with _start(marker) as process:
        eventually(lambda: len(marked(f"TEST_MARK={marker}")) == 2)
        assert kill_all(lambda: marked(f"TEST_MARK={marker}"))
        assert process.wait() == -signal.SIGKILL
    assert marked(f"TEST_MARK={marker}") == []


def test_a_marker_is_a_whole_variable_and_not_a_part_of_one(eventually: Eventually) -> None:
    marker = str(uuid.uuid4())
    with _start(marker + "-longer"):
        eventually(lambda: len(marked(f"TEST_MARK={marker}-longer")) == 2)
        assert marked(f"TEST_MARK={marker}") == []
        kill_all(lambda: marked(f"TEST_MARK={marker}-longer"))


def test_descendants_reach_over_generations(eventually: Eventually) -> None:
    marker = str(uuid.uuid4())
    with _start(marker) as process:
        eventually(lambda: len(descendants(process.pid)) == 1)
        assert process.pid in descendants(os.getpid())
        kill_all(lambda: marked(f"TEST_MARK={marker}"))


def test_we_are_never_among_the_marked() -> None:
    program = "import sys; from e2e.twin.hosts.processes import marked; sys.exit(bool(marked('TEST_MARK=own')))"
    environment = {**os.environ, "TEST_MARK": "own"}
    assert subprocess.run([sys.executable, "-c", program], env=environment, check=False).returncode == 0


def test_killing_gives_up_on_what_does_not_go_away() -> None:
    never_gone = 2**22 + 1
    assert not kill_all(lambda: [never_gone], within=0.02)

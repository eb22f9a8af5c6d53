"""Finding and ending processes by descent and by marker."""

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

from e2e.twin.hosts.processes import descendants, kill_all, marked

Eventually = Callable[[Callable[[], bool]], None]
Start = Callable[..., "subprocess.Popen[bytes]"]
_LEAVES_A_CHILD = ["sh", "-c", "setsid sleep 600 & wait"]


def _marked(marker: str) -> list[int]:
    return marked(f"TEST_MARK={marker}", folder="")


def _environment(marker: str) -> dict[str, str]:
    return {**os.environ, "TEST_MARK": marker}


def test_a_child_in_a_session_of_its_own_is_found_by_its_marker(start: Start, eventually: Eventually) -> None:
    marker = str(uuid.uuid4())
    process = start(_LEAVES_A_CHILD, env=_environment(marker))
    eventually(lambda: len(_marked(marker)) == 2)
    assert kill_all(lambda: _marked(marker))
    assert process.wait() == -signal.SIGKILL
    assert _marked(marker) == []


def test_a_marker_is_a_whole_variable_and_not_a_part_of_one(start: Start, eventually: Eventually) -> None:
    marker = str(uuid.uuid4())
    start(["sleep", "600"], env=_environment(f"{marker}-longer"))
    eventually(lambda: len(_marked(f"{marker}-longer")) == 1)
    assert _marked(marker) == []


def test_an_equal_marker_of_another_folder_is_somebody_elses(
    tmp_path: Path, start: Start, eventually: Eventually
) -> None:
    process = start(["sleep", "600"], env={"PATH": f"{tmp_path}/one/bin:/bin", "TEST_MARK": "same"})
    eventually(lambda: marked("TEST_MARK=same", folder=f"{tmp_path}/one/") == [process.pid])
    assert marked("TEST_MARK=same", folder=f"{tmp_path}/two/") == []


def test_descendants_reach_over_generations(start: Start, eventually: Eventually) -> None:
    marker = str(uuid.uuid4())
    process = start(_LEAVES_A_CHILD, env=_environment(marker))
    eventually(lambda: len(descendants(process.pid)) == 1)
    assert process.pid in descendants(os.getpid())
    kill_all(lambda: _marked(marker))


def test_we_are_never_among_the_marked() -> None:
    program = (
        "import sys; from e2e.twin.hosts.processes import marked; sys.exit(bool(marked('TEST_MARK=x', folder='')))"
    )
    marker = _environment("x")
    assert subprocess.run([sys.executable, "-c", program], env=marker, check=False).returncode == 0


def test_killing_gives_up_on_what_does_not_go_away() -> None:
    never_gone = 2**22 + 1
    assert not kill_all(lambda: [never_gone], within=0.02)

"""Running scripts the way the agent does."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from e2e.twin.cloud.shell import Interrupt, Script, ShellResult, run_script
from e2e.twin.hosts.processes import kill_all, marked

Eventually = Callable[[Callable[[], bool]], None]
_ID = "5a9ad9a4-2f4c-4a3b-9c55-0d6c8e5f0a11"


@pytest.fixture
def interrupt() -> Iterator[Interrupt]:
    """An interrupt that nobody sets unless the test does."""
    with Interrupt() as interrupt:
        yield interrupt


def _script(folder: Path, text: str, *, budget: float = 20.0, directory: Path | None = None) -> Script:
    environment = {"PATH": f"{folder}/bin:/usr/bin:/bin", "SSM_COMMAND_ID": f"{_ID}-{os.getpid()}"}
    return Script(text, environment, folder / "orchestration", folder, directory, budget)


def _run(folder: Path, text: str, *, budget: float = 20.0) -> ShellResult:
    with Interrupt() as interrupt:
        return run_script(_script(folder, text, budget=budget), interrupt)


def _left() -> list[int]:
    return marked(f"SSM_COMMAND_ID={_ID}-{os.getpid()}", folder="")


def test_output_errors_and_exit_code_come_back_apart(tmp_path: Path) -> None:
    assert _run(tmp_path, "printf out; printf err >&2; exit 5") == ShellResult("exit", 5, b"out", b"err")


def test_the_environment_is_poor_and_there_is_no_input(tmp_path: Path) -> None:
    result = _run(tmp_path, "env; cat")
    names = {line.split(b"=")[0] for line in result.stdout.splitlines()}
    assert names == {b"PATH", b"SSM_COMMAND_ID", b"PWD"}


def test_a_shebang_is_honoured_and_without_one_it_is_sh(tmp_path: Path) -> None:
    assert _run(tmp_path, "#!/usr/bin/env python3\nprint(6 * 7)").stdout == b"42\n"
    assert _run(tmp_path, "#!/bin/cat\nsecond line").stdout == b"#!/bin/cat\nsecond line"
    assert b"_script.sh" in _run(tmp_path, 'echo "$0"').stdout


def test_it_runs_in_a_folder_of_its_own_that_is_gone_afterwards(tmp_path: Path) -> None:
    result = _run(tmp_path, "pwd; ls; touch trace")
    assert result.stdout.decode().split() == [str(tmp_path / "orchestration"), "_script.sh"]
    assert list(tmp_path.iterdir()) == []


def test_a_working_directory_can_be_given(tmp_path: Path, interrupt: Interrupt) -> None:
    (tmp_path / "elsewhere").mkdir()
    result = run_script(_script(tmp_path, "pwd", directory=tmp_path / "elsewhere"), interrupt)
    assert result.stdout == f"{tmp_path}/elsewhere\n".encode()


def test_a_working_directory_that_is_not_there_is_an_error_and_leaves_nothing(
    tmp_path: Path, interrupt: Interrupt
) -> None:
    with pytest.raises(FileNotFoundError):
        run_script(_script(tmp_path, "pwd", directory=tmp_path / "absent"), interrupt)
    assert list(tmp_path.iterdir()) == []


def test_binary_output_is_kept_as_it_is(tmp_path: Path) -> None:
    assert _run(tmp_path, r"printf '\377\000\342\202'").stdout == b"\xff\x00\xe2\x82"


def test_endless_output_is_read_but_not_kept(tmp_path: Path) -> None:
    result = _run(tmp_path, "head -c 3000000 /dev/zero")
    assert (result.ended_by, result.exit_code, len(result.stdout)) == ("exit", 0, 65536)


def test_at_the_end_of_its_budget_the_whole_family_is_killed(tmp_path: Path) -> None:
    result = _run(tmp_path, "echo begun; setsid sleep 600 & sleep 600", budget=0.3)
    assert (result.ended_by, result.exit_code, result.stdout) == ("timeout", 137, b"begun\n")
    assert _left() == []


def test_a_background_child_that_keeps_the_output_open_uses_up_the_budget(tmp_path: Path) -> None:
    result = _run(tmp_path, "sleep 600 & echo done", budget=0.3)
    assert (result.ended_by, result.stdout) == ("timeout", b"done\n")
    assert _left() == []


def test_a_background_child_that_lets_go_of_the_output_lives_on(tmp_path: Path) -> None:
    result = _run(tmp_path, "setsid sleep 600 >/dev/null 2>&1 & echo done")
    assert (result.ended_by, result.exit_code) == ("exit", 0)
    assert len(_left()) == 1
    kill_all(_left)


def test_a_script_that_closes_its_output_is_waited_for(tmp_path: Path) -> None:
    assert _run(tmp_path, "exec >&- 2>&-; sleep 0.1; exit 3").exit_code == 3
    assert _run(tmp_path, "exec >&- 2>&-; sleep 600", budget=0.2).ended_by == "timeout"


def test_an_interrupt_ends_it_at_once(tmp_path: Path, interrupt: Interrupt, eventually: Eventually) -> None:
    results: list[ShellResult] = []
    thread = threading.Thread(target=lambda: results.append(run_script(_script(tmp_path, "sleep 600"), interrupt)))
    begun = time.monotonic()
    thread.start()
    eventually(lambda: bool(_left()))
    interrupt.set()
    thread.join()
    assert results[0].ended_by == "cancel"
    assert results[0].exit_code == 137
    assert time.monotonic() - begun < 20
    assert _left() == []


def test_setting_a_closed_interrupt_does_nothing() -> None:
    with Interrupt() as interrupt:
        pass
    interrupt.set()

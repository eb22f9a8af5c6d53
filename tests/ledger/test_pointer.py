"""What is still open is found again, and so is whether its owner lives."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from e2e.ledger import LedgerPointer, open_ledgers, owner_alive, pointer_path, state_folder
from e2e.ledger.pointer import remove_pointer, write_pointer


@pytest.fixture
def pointer() -> LedgerPointer:
    return LedgerPointer(
        run_id="s.fresh-boot.1",
        session_id="s",
        ledger="/somewhere/ledger.jsonl",
        owner_pid=os.getpid(),
        owner_started=psutil.Process().create_time(),
        slug="e2e-boot-1",
        control_plane_url="http://127.0.0.1:1",
        opened="2026-06-20T12:00:00+00:00",
    )


def test_a_pointer_comes_back_as_it_was(tmp_path: Path, pointer: LedgerPointer) -> None:
    write_pointer(tmp_path, pointer)
    assert open_ledgers(tmp_path).pointers == (pointer,)
    remove_pointer(tmp_path, pointer.run_id)
    remove_pointer(tmp_path, pointer.run_id)
    assert open_ledgers(tmp_path).pointers == ()


def test_a_damaged_pointer_is_reported_and_hides_no_other(tmp_path: Path, pointer: LedgerPointer) -> None:
    write_pointer(tmp_path, pointer)
    for name, text in (("torn", '{"run_id": '), ("other", '{"a": 1}'), ("list", "[]")):
        pointer_path(tmp_path, name).write_text(text)
    found = open_ledgers(tmp_path)
    assert found.pointers == (pointer,)
    assert [path.stem for path in found.damaged] == ["list", "other", "torn"]


def test_an_owner_that_runs_is_alive(pointer: LedgerPointer) -> None:
    assert owner_alive(pointer)


def test_a_process_id_in_other_hands_is_not_the_owner(pointer: LedgerPointer) -> None:
    assert not owner_alive(replace(pointer, owner_started=pointer.owner_started - 60))


def test_an_owner_that_ended_is_dead(pointer: LedgerPointer) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert not owner_alive(replace(pointer, owner_pid=ended.pid))


def test_the_state_folder_is_the_configured_one_or_the_users_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert state_folder(tmp_path) == tmp_path
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    assert state_folder(None).name == "concierge-e2e"

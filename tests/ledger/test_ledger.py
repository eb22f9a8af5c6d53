"""The ledger is on the disk before anything is created, and stays open until absence is proven."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from e2e.evidence import Masker
from e2e.ledger import Ledger, LedgerError, open_ledgers, pointer_path, read_ledger

NOW = datetime(2026, 6, 20, 12, 0, tzinfo=UTC)


def open_ledger(root: Path, *, masker: Masker | None = None) -> Ledger:
    (root / "bundle").mkdir(exist_ok=True)
    return Ledger.open(
        root / "bundle",
        run_id="s1.fresh-boot.1",
        session_id="s1",
        state_folder=root / "state",
        owner_pid=os.getpid(),
        owner_started=12.5,
        slug="e2e-boot-0a1b2c3d-00000000",
        control_plane_url="http://127.0.0.1:1",
        now=lambda: NOW,
        masker=masker,
    )


def pointer(root: Path) -> Path:
    return pointer_path(root / "state", "s1.fresh-boot.1")


def test_an_open_ledger_is_pointed_to_from_the_state_folder(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    (found,) = open_ledgers(tmp_path / "state").pointers
    assert found.ledger == str(tmp_path / "bundle" / "ledger.jsonl")
    assert (found.run_id, found.session_id, found.slug) == ("s1.fresh-boot.1", "s1", "e2e-boot-0a1b2c3d-00000000")
    assert (found.owner_pid, found.owner_started, found.control_plane_url) == (os.getpid(), 12.5, "http://127.0.0.1:1")
    ledger.close()


def test_an_intent_can_be_read_before_anything_is_created(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    entry = ledger.intent("org", "e2e-boot-1", expires="soon")
    (read,) = read_ledger(ledger.path).entries
    assert (read.id, read.kind, read.name, read.state, read.identity) == (entry, "org", "e2e-boot-1", "intended", None)
    assert read.data == {"expires": "soon"}
    ledger.close()


def test_the_pointer_goes_only_when_everything_is_proven_gone(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    org, workspace = ledger.intent("org", "a"), ledger.intent("workspace", "b")
    ledger.created(org, "id-1")
    ledger.gone(org, "two lists and EC2 without it")
    ledger.gone(workspace, "never created: the create call was refused and no row has the name")
    assert pointer(tmp_path).exists()
    assert ledger.close() is True
    assert not pointer(tmp_path).exists()
    state = read_ledger(ledger.path)
    assert state.closed
    assert state.leftovers == ()
    assert [entry.proof is not None for entry in state.entries] == [True, True]


LEAVE: dict[str, Callable[[Ledger, str], object]] = {
    "intended": lambda ledger, entry: None,
    "created": lambda ledger, entry: ledger.created(entry, "id-1"),
    "unproven": lambda ledger, entry: ledger.unproven(entry, "the control plane did not answer"),
    "kept": lambda ledger, entry: ledger.mark_kept(entry, until="2026-06-21T00:00:00Z"),
}


@pytest.mark.parametrize("state", LEAVE)
def test_whatever_may_still_be_there_keeps_the_pointer(tmp_path: Path, state: str) -> None:
    ledger = open_ledger(tmp_path)
    gone, entry = ledger.intent("org", "a"), ledger.intent("org", "b")
    ledger.gone(gone, "not listed")
    LEAVE[state](ledger, entry)
    assert ledger.close() is False
    assert pointer(tmp_path).exists()
    read = read_ledger(ledger.path)
    assert not read.closed
    assert [left.state for left in read.leftovers] == [state]


def test_a_ledger_without_entries_closes(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    assert ledger.close() is True
    assert ledger.close() is True
    assert not pointer(tmp_path).exists()


def test_what_was_gone_and_turns_up_again_is_open_again(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    entry = ledger.intent("instance", "tenant-a")
    ledger.gone(entry, "no instance with the tag")
    ledger.created(entry, "i-late")
    assert ledger.close() is False
    assert ledger.entries()[0].identity == "i-late"


def test_steps_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    entry = ledger.intent("org", "a")
    ledger.created(entry, "id-1")
    ledger.created(entry, "id-1")
    with pytest.raises(LedgerError, match="it cannot also be id-2"):
        ledger.created(entry, "id-2")
    with pytest.raises(LedgerError, match="cannot be gone without a proof"):
        ledger.gone(entry, "  ")
    for step in (ledger.created, ledger.gone, ledger.unproven, ledger.mark_kept):
        arguments = ("org-9",) if step == ledger.mark_kept else ("org-9", "x")
        with pytest.raises(LedgerError, match="no entry 'org-9'"):
            step(*arguments)
    ledger.close()
    with pytest.raises(LedgerError, match="is closed"):
        ledger.intent("org", "late")
    assert read_ledger(ledger.path).damage == ()


def test_a_bundle_has_one_ledger(tmp_path: Path) -> None:
    open_ledger(tmp_path).close()
    with pytest.raises(FileExistsError):
        open_ledger(tmp_path)


def test_without_a_state_folder_nothing_may_be_created(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file is in the way")
    with pytest.raises(OSError, match="state"):
        open_ledger(tmp_path)


def test_a_run_id_cannot_lead_out_of_the_state_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is no file name"):
        Ledger.open(
            tmp_path,
            run_id="../../x",
            session_id="s",
            state_folder=tmp_path,
            owner_pid=1,
            owner_started=0,
            slug="a",
            control_plane_url="",
            now=lambda: NOW,
        )
    assert list(tmp_path.iterdir()) == []


def test_secrets_do_not_reach_the_ledger(tmp_path: Path) -> None:
    masker = Masker()
    masker.add("swordfish-4711", "token")
    ledger = open_ledger(tmp_path, masker=masker)
    ledger.unproven(ledger.intent("org", "a", note="swordfish-4711"), "it said swordfish-4711")
    ledger.close()
    assert b"swordfish" not in ledger.path.read_bytes()


STEPS = st.lists(
    st.tuples(st.sampled_from(["intent", "created", "gone", "unproven", "kept"]), st.integers(0, 3)), max_size=12
)


@settings(deadline=None, max_examples=120)
@given(STEPS, st.data())
def test_a_ledger_cut_at_any_byte_never_claims_more_than_was_acknowledged(
    steps: list[tuple[str, int]], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ledger = open_ledger(Path(folder))
        sizes = [ledger.path.stat().st_size]
        states = [ledger.entries()]
        for what, which in steps:
            known = [entry.id for entry in ledger.entries()]
            if what == "intent":
                ledger.intent("org", f"name-{which}", number=which)
            elif which < len(known):
                entry = known[which]
                match what:
                    case "created":
                        ledger.created(entry, f"id-of-{entry}")
                    case "gone":
                        ledger.gone(entry, "proof")
                    case "unproven":
                        ledger.unproven(entry, "reason")
                    case _:
                        ledger.mark_kept(entry, until="later")
            sizes.append(ledger.path.stat().st_size)
            states.append(ledger.entries())
        assert read_ledger(ledger.path).entries == ledger.entries()
        whole = ledger.path.read_bytes()
        ledger.close()
        cut = data.draw(st.integers(0, len(whole)))
        path = Path(folder) / "cut.jsonl"
        path.write_bytes(whole[:cut])
        read = read_ledger(path)
    acknowledged = [state for size, state in zip(sizes, states, strict=True) if size <= cut]
    assert read.entries == (acknowledged[-1] if acknowledged else ())
    assert not read.closed
    assert len(read.damage) == bool(whole[:cut].rpartition(b"\n")[2])


OWNER = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from e2e.ledger import Ledger
root = Path(sys.argv[1])
ledger = Ledger.open(root, run_id="r", session_id="s", state_folder=root / "state", owner_pid=os.getpid(),
                     owner_started=1, slug="a", control_plane_url="", now=lambda: datetime.now(UTC))
print(ledger.intent("org", "a"), flush=True)
sys.stdin.read()
"""


def test_an_intent_survives_the_kill_of_its_owner(tmp_path: Path) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, stdin=subprocess.PIPE
    )
    assert owner.stdout is not None
    with owner:
        entry = owner.stdout.readline().decode().strip()
        owner.send_signal(signal.SIGKILL)
    (found,) = open_ledgers(tmp_path / "state").pointers
    state = read_ledger(Path(found.ledger))
    assert [left.id for left in state.leftovers] == [entry]
    assert not state.closed

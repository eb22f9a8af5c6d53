"""The journal: events and lines, and a teardown that no full disk stops."""

from collections.abc import Mapping

import pytest

from e2e.run.journal import Journal, write_crash


class Disk:
    """A sink that can be full."""

    def __init__(self) -> None:
        self.full = False
        self.events: list[tuple[str, Mapping[str, object]]] = []

    def write(self, kind: str, data: Mapping[str, object]) -> int:
        if self.full:
            raise OSError(28, "No space left on device")
        self.events.append((kind, data))
        return len(self.events)


@pytest.fixture
def disk() -> Disk:
    return Disk()


def test_a_line_for_people_is_an_event_as_well(disk: Disk) -> None:
    said: list[str] = []
    journal = Journal(disk, said.append)
    assert journal.write("hello", {"a": 1}) == "events.jsonl#seq=1"
    journal.say("it goes on")
    assert disk.events[-1] == ("said", {"line": "it goes on"})
    assert said == ["it goes on"]


def test_a_full_disk_stops_a_run(disk: Disk) -> None:
    disk.full = True
    with pytest.raises(OSError, match="No space"):
        Journal(disk, lambda _: None).write("hello", {})


def test_a_full_disk_does_not_stop_a_teardown_and_is_not_forgotten(disk: Disk) -> None:
    said: list[str] = []
    journal = Journal(disk, said.append)
    journal.keep_going()
    assert journal.lost is None
    disk.full = True
    assert journal.write("teardown", {}) == "events.jsonl#lost"
    journal.say("still here")
    assert said == ["still here"]
    assert journal.lost is not None


def test_a_crash_is_written_with_the_end_of_its_traceback(disk: Disk) -> None:
    said: list[str] = []
    nothing: dict[str, int] = {}
    with pytest.raises(KeyError) as caught:
        nothing["nothing"]
    write_crash(Journal(disk, said.append), caught.value)
    kind, data = disk.events[0]
    assert kind == "harness_crashed"
    assert data["error"] == "KeyError: 'nothing'"
    assert "test_journal" in str(data["traceback"])
    assert said == ["the harness crashed: KeyError: 'nothing'"]

"""The faults of the concierge: each is there, and each is asked for where it acts."""

from pathlib import Path

import pytest

import e2e.twin
from e2e.twin.faults.kinds import FaultKind
from e2e.twin.faults.plan import gate_of, image_of, parse_fault
from e2e.twin.faults.runtime import FAULTS
from e2e.twin.images import catalogue
from e2e.twin.workspace_server.gate import POLICIES

TWIN = Path(e2e.twin.__file__).parent
IMAGES = [kind for kind in FAULTS if kind.image is not None]
BEHAVIOURS = [kind for kind in FAULTS if kind.image is None]


def _named(kind: FaultKind) -> str:
    return kind.name


def _asked_for(name: str) -> set[str]:
    """The files of the twin that ask for a fault by its name."""
    wanted = f'("{name}"'
    files = (path for path in TWIN.rglob("*.py") if "faults" not in path.relative_to(TWIN).parts[:1])
    return {path.name for path in files if wanted in path.read_text(encoding="utf-8")}


@pytest.mark.parametrize("kind", IMAGES, ids=_named)
def test_a_fault_that_is_an_image_names_one_of_the_catalogue(kind: FaultKind) -> None:
    faults = [parse_fault(kind.name)]

    assert image_of(faults, None) in catalogue(light_mcp=True)
    assert gate_of(faults, None) in {None, *POLICIES}


@pytest.mark.parametrize("kind", BEHAVIOURS, ids=_named)
def test_a_fault_that_is_a_behaviour_is_asked_for_somewhere(kind: FaultKind) -> None:
    assert _asked_for(kind.name)
    assert kind.gate is None


def test_a_fault_that_nobody_asks_for_is_found_out() -> None:
    assert not _asked_for("no-such-fault")


def test_parameters_are_numbers_with_defaults_that_the_command_line_can_change() -> None:
    given = {kind.name: dict(parse_fault(kind.name).parameters) for kind in FAULTS if kind.parameters}

    assert given == {
        "settings-entry-not-launchable": {"entry": 2},
        "mcp-handshake-timeout": {"seconds": 90},
        "heartbeat-stopped": {"beats": 2},
        "llm-unavailable": {"status": 503},
    }
    assert parse_fault("heartbeat-stopped:beats=5").parameters == {"beats": 5.0}

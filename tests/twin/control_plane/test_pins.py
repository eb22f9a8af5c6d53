"""Pins, and the image that a machine really runs."""

from dataclasses import replace
from typing import Any

import pytest

from e2e.twin.control_plane.pins import pinned_image, running_image
from e2e.twin.faults.plan import Fault, FaultPlan

STALE_DIGEST = "sha256:" + "b" * 64


@pytest.fixture
def stale(office: Any, tmp_path: Any) -> Any:
    """The estate of a control plane whose machines are not told of the newest pin."""
    pinned: Any = pinned_image(office.estate, "claude-code")
    assert pinned is not None
    previous = replace(pinned, name="claude-code-previous", digest=STALE_DIGEST)
    plan = FaultPlan((Fault("stale-image"),), 0.0, 1.0, str(tmp_path / "trace"))
    return replace(office.estate, images={**office.estate.images, previous.name: previous}, faults=plan)


def test_a_machine_runs_what_is_pinned(office: Any) -> None:
    assert running_image(office.estate, "claude-code") is pinned_image(office.estate, "claude-code") is not None


def test_a_machine_that_was_not_told_of_the_pin_runs_the_image_of_before(stale: Any, tmp_path: Any) -> None:
    running, pinned = running_image(stale, "claude-code"), pinned_image(stale, "claude-code")

    assert running is not None
    assert pinned is not None
    assert running.digest == STALE_DIGEST != pinned.digest
    assert '"fault": "stale-image"' in (tmp_path / "trace").read_text()


def test_where_nothing_is_pinned_nothing_runs(stale: Any, tmp_path: Any) -> None:
    assert running_image(stale, "codex") is None
    assert not (tmp_path / "trace").exists()

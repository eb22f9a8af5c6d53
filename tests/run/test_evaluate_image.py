"""What the looks saw is judged: the running image against the demanded one."""

from typing import Any

import pytest

from e2e.run.evaluate import Window, judge_looks
from e2e.run.looks import HostLooks
from e2e.run.stages import StageBook
from e2e.scenario.model import PROOF_NAMES, Boot, Scenario

DEMANDED = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64
IMAGE = f"registry.invalid/claude-code@{DEMANDED}"


def image_stage(make_stage: Any, hosts: Any, seen: object, image: str = IMAGE) -> Any:
    """Take one look at a concierge whose container runs on ``seen``, judge it, and return the stage's end."""
    stage = make_stage(boot=Boot(image=image))
    hosts.concierge["image"] = seen
    book = StageBook(stage.run.journal, stage.run.pacing)
    for name in ("provisioned", "tenant_ready", "concierge_found"):
        book.record(name, "established", "there", evidence=("x",))
    looks = HostLooks(stage.run, hosts)
    looks.reach_in_background(book)
    looks.take("hold over", launch=None)
    judge_looks(stage.run, book, looks, Window(False, None, None, ()))
    looks.close()
    return stage.ends()["image_running"]


def test_a_demanded_digest_that_runs_is_proven_by_the_look(make_stage: Any, hosts: Any) -> None:
    end = image_stage(make_stage, hosts, {"kind": "manifest", "digest": DEMANDED})
    assert (end["state"], end["evidence"]) == ("established", ["evidence/look-1.json#image"])
    assert "manifest" in end["last_observation"]


def test_another_digest_than_the_demanded_one_is_a_stale_image(make_stage: Any, hosts: Any) -> None:
    end = image_stage(make_stage, hosts, {"kind": "manifest", "digest": OTHER})
    assert (end["state"], end["cause"]) == ("refuted", "stale-image")
    assert DEMANDED in end["last_observation"]
    assert OTHER in end["last_observation"]


@pytest.mark.parametrize(
    "seen",
    [
        None,
        {"kind": "manifest", "digest": None},
        {"kind": "image-id", "digest": DEMANDED},
        {"kind": "image-id", "digest": OTHER},
    ],
)
def test_an_image_that_was_not_seen_or_only_by_another_kind_of_digest_is_missing(
    seen: object, make_stage: Any, hosts: Any
) -> None:
    end = image_stage(make_stage, hosts, seen)
    assert (end["state"], end["cause"]) == ("expired", None)


def test_where_the_pin_decides_the_running_digest_is_noted(make_stage: Any, hosts: Any) -> None:
    end = image_stage(make_stage, hosts, {"kind": "manifest", "digest": OTHER}, "pinned")
    assert end["state"] == "established"
    assert OTHER in end["last_observation"]


def test_a_digest_in_a_scenario_is_a_demanded_proof_and_a_pin_is_none(scenario: Scenario) -> None:
    assert scenario.demanded == PROOF_NAMES
    named = Scenario("x", "x", ("local",), scenario.path, boot=Boot(image=IMAGE))
    assert named.demanded == ("image_running", *PROOF_NAMES)

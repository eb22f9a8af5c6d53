"""A platform that is redeployed under a run is noticed, and what nobody told says nothing."""

from typing import Any

import pytest

from e2e.run.redeploy import note_redeploy
from e2e.verdict.findings import LookSeen


def look(container_id: object) -> LookSeen:
    registry = {"container_id": container_id} if container_id != "unseen" else None
    return LookSeen(1, "x", "evidence/look-1.json", None, None, None, registry, None, None)


def moved(stage: Any, before: dict[str, Any], *containers: object) -> list[str]:
    note_redeploy(stage.run, stage.tenant, before, [look(one) for one in containers])
    return [str(data["detail"]) for data in stage.data("platform_moved")]


def test_the_same_build_in_the_same_container_is_no_event(make_stage: Any) -> None:
    assert moved(make_stage(), {"git_sha": "abc123"}, "c1", "unseen", "c1", None) == []


def test_another_build_is_a_platform_that_moved(make_stage: Any) -> None:
    assert moved(make_stage(), {"git_sha": "older"}) == ["/buildinfo said older, and now says abc123"]


def test_another_container_of_the_tenant_is_a_platform_that_moved(make_stage: Any) -> None:
    (detail,) = moved(make_stage(), {}, "a" * 64, "b" * 64)
    assert detail == f"the tenant's container was {'a' * 12}, and then {'b' * 12}"


@pytest.mark.parametrize("answer", [(404, {}), (500, {}), (200, {}), (200, b"<html>")])
def test_a_build_that_is_not_told_any_more_says_nothing(answer: Any, make_stage: Any, platform: Any) -> None:
    platform.answers["GET /buildinfo"] = lambda _: answer
    assert moved(make_stage(), {"git_sha": "older"}) == []

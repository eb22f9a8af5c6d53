"""What stands between the callers and the control plane."""

import time
from collections.abc import Callable
from typing import Any

import pytest

ORDER = {"slug": "e2e-one", "name": "E2E e2e-one", "owner_user_id": "me"}


@pytest.mark.parametrize(("fault", "status"), [("", 503), (":status=502", 502)])
def test_a_control_plane_that_is_down_answers_everybody_alike(
    make_office: Callable[..., Any], fault: str, status: int
) -> None:
    office = make_office(f"control-plane-unavailable{fault}")
    answers = [
        office.call("GET", "/health"),
        office.admin("POST", "/cp/admin/orgs", ORDER),
        office.tenant("POST", "/cp/workspaces/provision", {}),
    ]
    assert [answer[0] for answer in answers] == [status] * 3
    assert office.acted("control-plane-unavailable") == 3
    bodies = {body for _, body in answers}
    assert bodies == {b""} if status == 503 else all(body.startswith(b"<html>") for body in bodies)
    assert office.machines.launched == []


def test_a_hiccup_is_empty_and_passes(make_office: Callable[..., Any]) -> None:
    office = make_office("control-plane-hiccup:seconds=200")
    assert office.admin("POST", "/cp/admin/orgs", ORDER) == (503, b"")
    began = time.monotonic()
    office.until(lambda: office.call("GET", "/health")[0] == 200)
    assert time.monotonic() - began >= 0.19
    assert office.admin("GET", "/cp/admin/orgs") == (200, {"orgs": []})
    assert office.call("GET", "/health")[0] == 200


def test_a_create_may_be_carried_out_although_its_answer_is_a_503(make_office: Callable[..., Any]) -> None:
    office = make_office("control-plane-hiccup:seconds=50,acted=1")
    assert office.admin("POST", "/cp/admin/orgs", ORDER) == (503, b"")
    office.until(lambda: office.call("GET", "/health")[0] == 200)
    (org,) = office.admin("GET", "/cp/admin/orgs")[1]["orgs"]
    assert org["slug"] == "e2e-one"
    assert office.admin("POST", "/cp/admin/orgs", ORDER)[0] == 409

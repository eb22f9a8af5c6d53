"""The control plane's admin API, spoken to over real HTTP."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from e2e.clients.control_plane import Absence, ControlPlane, Organisation, parse_time
from e2e.clients.errors import NotReady, PlatformError, Refused, Rejected, Unavailable
from e2e.evidence import Secret

TOKEN = "cp-admin-4711-swordfish"
SLUG = "e2e-boot-0123abcd-89ef4567"
ROW = {"id": "o-1", "slug": SLUG, "name": "E2E", "instance_status": "running", "created_at": "2026-06-20T12:00:00Z"}
ORGS, PURGES = "/cp/admin/orgs?limit=500", "/cp/admin/purges?limit=500"
TOKEN_PATH, TENANT_PATH = f"/cp/admin/orgs/{SLUG}/admin-token", f"/cp/admin/tenants/{SLUG}"
EVENTS = f"{TENANT_PATH}/boot-events?limit=1"
PURGE = {"slug": SLUG, "org_id": "o-1", "last_step": "completed", "completed_at": "2026-06-20T12:10:00Z"}


@pytest.fixture
def control_plane(platform: Any) -> Iterator[ControlPlane]:
    """Return a client of the server."""
    client = ControlPlane(platform.url, Secret(TOKEN), timeout=2.0)
    yield client
    client.close()


def test_an_organisation_is_created_with_exactly_one_authorised_request(
    platform: Any, control_plane: ControlPlane
) -> None:
    platform.answers(ROW, status=201)
    created = control_plane.create_organisation(SLUG, "E2E", "e2e-runner:x")
    assert created == Organisation("o-1", SLUG, "E2E", "running", None, "2026-06-20T12:00:00Z")
    (seen,) = platform.requests
    assert (seen.method, seen.path) == ("POST", "/cp/admin/orgs")
    assert seen.json() == {"slug": SLUG, "name": "E2E", "owner_user_id": "e2e-runner:x"}
    assert seen.headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("how", ["reset", "cut", "hang", "garbage"])
def test_a_create_whose_answer_is_lost_is_not_sent_again(how: str, platform: Any) -> None:
    platform.breaks_off(how)
    client = ControlPlane(platform.url, Secret(TOKEN), timeout=0.3)
    with pytest.raises(Unavailable) as caught:
        client.create_organisation(SLUG, "E2E", "x")
    client.close()
    assert caught.value.cause == "control-plane-unavailable"
    assert len(platform.requests) == 1


def test_a_create_on_a_connection_that_went_stale_is_sent_once(platform: Any, control_plane: ControlPlane) -> None:
    platform.answers({"orgs": []}, Connection="close")
    control_plane.organisations()
    platform.breaks_off("reset")
    with pytest.raises(Unavailable):
        control_plane.create_organisation(SLUG, "E2E", "x")
    assert [seen.method for seen in platform.requests] == ["GET", "POST"]


@pytest.mark.parametrize(
    ("status", "error", "cause"),
    [
        (400, Rejected, "control-plane-unavailable"),
        (401, Refused, "control-plane-unauthorized"),
        (403, Refused, "control-plane-unauthorized"),
        (404, NotReady, "control-plane-unavailable"),
        (409, Rejected, "control-plane-unavailable"),
        (500, Unavailable, "control-plane-unavailable"),
        (503, Unavailable, "control-plane-unavailable"),
    ],
)
def test_a_create_that_is_refused_says_why_and_is_not_repeated(
    status: int, error: type[PlatformError], cause: str, platform: Any, control_plane: ControlPlane
) -> None:
    platform.answers({"error": "slug taken"}, status=status)
    with pytest.raises(error, match=f"POST /cp/admin/orgs: HTTP {status}: slug taken") as caught:
        control_plane.create_organisation(SLUG, "E2E", "x")
    assert caught.value.cause == cause
    assert len(platform.requests) == 1


@pytest.mark.parametrize("answer", [b"<html>", b"", {}, {"slug": SLUG}, [], "created", None, [ROW]])
def test_a_create_answer_without_an_id_is_no_answer(answer: object, platform: Any, control_plane: ControlPlane) -> None:
    platform.answers(answer)
    with pytest.raises(Unavailable, match="no organisation id"):
        control_plane.create_organisation(SLUG, "E2E", "x")


def test_organisations_are_listed_and_found_by_their_exact_slug(platform: Any, control_plane: ControlPlane) -> None:
    other = ROW | {"slug": SLUG + "x", "instance_status": "", "last_error": "no capacity"}
    platform.answers({"orgs": [other, ROW | {"last_error": ""}]}, at=ORGS)
    assert [row.slug for row in control_plane.organisations()] == [SLUG + "x", SLUG]
    first = control_plane.organisations()[0]
    assert (first.status, first.last_error) == (None, "no capacity")
    assert control_plane.organisations()[1].last_error is None
    found = control_plane.organisation(SLUG)
    assert found is not None
    assert found.slug == SLUG
    assert control_plane.organisation(SLUG[:-1]) is None


@pytest.mark.parametrize("answer", [{}, [], {"orgs": None}, {"orgs": [{}]}, {"orgs": ["x"]}, {"orgs": [None]}])
def test_a_list_that_is_none_is_unavailable(answer: object, platform: Any, control_plane: ControlPlane) -> None:
    platform.answers(answer)
    with pytest.raises(Unavailable, match="no list of orgs"):
        control_plane.organisations()


@pytest.mark.parametrize("answer", [b"<html>", b"garbage"])
def test_a_page_is_not_a_list(answer: bytes, platform: Any, control_plane: ControlPlane) -> None:
    platform.answers(answer)
    with pytest.raises(NotReady) as caught:
        control_plane.organisations()
    assert caught.value.cause == "control-plane-unavailable"


def test_the_admin_token_is_a_secret_and_none_before_there_is_one(platform: Any, control_plane: ControlPlane) -> None:
    platform.answers({"error": "not provisioned"}, at=TOKEN_PATH, status=404)
    assert control_plane.admin_token(SLUG) is None
    platform.answers({"admin_token": "tenant-4711"}, at=TOKEN_PATH)
    token = control_plane.admin_token(SLUG)
    assert token is not None
    assert token.reveal() == "tenant-4711"
    assert "4711" not in repr(token)


@pytest.mark.parametrize(
    "answer", [{}, [], "token", None, {"admin_token": None}, {"admin_token": ""}, {"admin_token": 1}]
)
def test_an_answer_without_a_token_is_a_fault_of_the_control_plane_and_not_ours(
    answer: object, platform: Any, control_plane: ControlPlane
) -> None:
    platform.answers(answer)
    with pytest.raises(Unavailable) as caught:
        control_plane.admin_token(SLUG)
    assert caught.value.cause == "control-plane-unavailable"


def test_a_page_in_place_of_a_token_is_not_taken_for_not_yet(platform: Any, control_plane: ControlPlane) -> None:
    platform.answers(b"<html></html>")
    with pytest.raises(NotReady, match="a page where JSON is due"):
        control_plane.admin_token(SLUG)


def test_the_tenants_instance_is_known_or_not(platform: Any, control_plane: ControlPlane) -> None:
    platform.answers({"instance_id": "i-1"}, {"instance_id": ""}, {}, at=TENANT_PATH)
    assert [control_plane.tenant_instance(SLUG) for _ in range(3)] == ["i-1", None, None]
    platform.answers({"error": "no such tenant"}, at=TENANT_PATH, status=404)
    assert control_plane.tenant_instance(SLUG) is None
    platform.answers([], at=TENANT_PATH)
    with pytest.raises(Unavailable, match="not an object"):
        control_plane.tenant_instance(SLUG)


def test_a_diagnosis_comes_back_as_it_is(platform: Any, control_plane: ControlPlane) -> None:
    platform.answers({"anything": [1]}, at=f"{TENANT_PATH}/diagnostics")
    assert control_plane.diagnostics(SLUG) == {"anything": [1]}


@pytest.mark.parametrize("status", [200, 202, 404])
def test_a_purge_names_the_slug_twice_and_returns_its_status(
    status: int, platform: Any, control_plane: ControlPlane
) -> None:
    platform.answers({}, status=status)
    assert control_plane.delete_tenant(SLUG, timeout=1.0) == status
    (seen,) = platform.requests
    assert (seen.method, seen.path, seen.json()) == ("DELETE", TENANT_PATH, {"confirm": SLUG})


@pytest.mark.parametrize(("status", "error"), [(401, Refused), (409, Rejected), (500, Unavailable)])
def test_a_purge_that_is_refused_is_an_error(
    status: int, error: type[PlatformError], platform: Any, control_plane: ControlPlane
) -> None:
    platform.answers({"error": "no"}, status=status)
    with pytest.raises(error):
        control_plane.delete_tenant(SLUG, timeout=1.0)


def gone(platform: Any, *, purges: object, orgs: object = ()) -> None:
    platform.answers({"orgs": list(orgs) if isinstance(orgs, tuple) else orgs}, at=ORGS)
    platform.answers({"error": "org not found", "slug": SLUG}, at=EVENTS, status=404)
    platform.answers({"purges": purges}, at=PURGES)


def test_absence_is_list_exact_404_and_receipt(platform: Any, control_plane: ControlPlane) -> None:
    gone(platform, purges=[PURGE | {"slug": "other"}, PURGE])
    assert control_plane.absence(SLUG, "o-1") == Absence(True, True, "gone")
    assert control_plane.absence(SLUG, None) == Absence(True, True, "gone")


def test_a_purged_row_in_the_list_is_no_presence(platform: Any, control_plane: ControlPlane) -> None:
    gone(platform, purges=[PURGE], orgs=(ROW | {"instance_status": "purged"},))
    assert control_plane.absence(SLUG, "o-1").gone


def test_an_organisation_that_is_listed_is_not_gone(platform: Any, control_plane: ControlPlane) -> None:
    gone(platform, purges=[PURGE], orgs=(ROW,))
    assert control_plane.absence(SLUG, "o-1") == Absence(False, False, "still listed, instance_status=running")


@pytest.mark.parametrize(
    "receipt",
    [
        PURGE | {"slug": "other"},
        PURGE | {"org_id": "o-2"},
        PURGE | {"last_step": "terminate"},
        PURGE | {"completed_at": None},
        {},
    ],
    ids=["other slug", "other org", "not completed", "no time", "empty"],
)
def test_without_its_own_completed_receipt_the_absence_is_said_to_lack_it(
    receipt: dict[str, Any], platform: Any, control_plane: ControlPlane
) -> None:
    gone(platform, purges=[receipt])
    assert control_plane.absence(SLUG, "o-1") == Absence(True, False, "gone, but no completed purge receipt")


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"events": []}, 200),
        (b"<html>404</html>", 404),
        (b"", 404),
        ({"error": "not found"}, 404),
        ({"error": "org not found", "slug": "other"}, 404),
        ({"error": "org not found", "slug": SLUG}, 500),
    ],
)
def test_anything_but_the_exact_404_proves_no_absence(
    answer: object, status: int, platform: Any, control_plane: ControlPlane
) -> None:
    gone(platform, purges=[PURGE])
    platform.answers(answer, at=EVENTS, status=status)
    absence = control_plane.absence(SLUG, "o-1")
    assert absence == Absence(False, False, f"boot-events answers HTTP {status}, not the exact 404")


@pytest.mark.parametrize("purges", [None, {}, "none", ["x"]])
def test_receipts_that_cannot_be_read_prove_nothing(purges: object, platform: Any, control_plane: ControlPlane) -> None:
    gone(platform, purges=purges)
    with pytest.raises(Unavailable, match="no list"):
        control_plane.absence(SLUG, "o-1")
    platform.answers([], at=PURGES)
    with pytest.raises(Unavailable, match="no list"):
        control_plane.absence(SLUG, "o-1")


def test_a_slug_cannot_lead_to_another_path(platform: Any, control_plane: ControlPlane) -> None:
    control_plane.tenant_instance("../orgs?x=1")
    assert platform.requests[0].path == "/cp/admin/tenants/..%2Forgs%3Fx%3D1"


def test_one_client_serves_several_threads(platform: Any, control_plane: ControlPlane) -> None:
    platform.answers({"orgs": [ROW]})
    found: list[Organisation | None] = []
    threads = [threading.Thread(target=lambda: found.append(control_plane.organisation(SLUG))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [row.id if row else None for row in found] == ["o-1"] * 8


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-06-20T12:00:00Z", datetime(2026, 6, 20, 12, tzinfo=UTC)),
        ("2026-06-20T14:00:00+02:00", datetime(2026, 6, 20, 12, tzinfo=UTC)),
        ("2026-06-20T12:00:00", None),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_a_time_without_a_zone_is_no_time(text: str | None, time: datetime | None) -> None:
    assert parse_time(text) == time

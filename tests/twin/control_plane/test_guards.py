"""Who is let in."""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic admin"}])
def test_without_the_admins_token_nobody_is_the_admin(office: Any, headers: dict[str, str]) -> None:
    assert office.call("GET", "/cp/admin/orgs", None, headers) == (401, {"error": "unauthorized"})


def test_the_tokens_of_admin_and_tenants_are_not_the_same(office: Any) -> None:
    assert office.tenant("GET", "/cp/admin/orgs")[0] == 401
    assert office.admin("POST", "/cp/workspaces/provision", {})[0] == 401


def test_a_token_that_was_rotated_is_refused_and_tenants_go_on(make_office: Callable[..., Any]) -> None:
    office = make_office("control-plane-unauthorized")
    assert office.admin("GET", "/cp/admin/orgs") == (401, {"error": "unauthorized"})
    assert office.tenant("POST", "/cp/workspaces/provision", {})[0] == 400
    assert office.call("GET", "/health")[0] == 200
    assert office.acted("control-plane-unauthorized") == 1

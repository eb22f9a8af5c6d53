"""Where tenants are found."""

from typing import Any

import pytest


def door(office: Any, state: str) -> str:
    """Return the url of the tenant whose machine is in ``state``."""
    created = office.create()
    office.estate.database.execute("UPDATE orgs SET tenant_url = 'http://127.0.0.1:1'")
    office.machines.states[office.org("e2e-one")["instance_id"]] = state
    found = office.estate.tenant_door(slug="e2e-one")
    assert found == office.estate.tenant_door(org_id=created["id"])
    return str(found.url)


def test_a_tenant_is_found_where_it_listens(office: Any) -> None:
    assert door(office, "running") == "http://127.0.0.1:1"


@pytest.mark.parametrize("state", ["pending", "shutting-down", "terminated"])
def test_nobody_is_sent_to_the_port_of_a_machine_that_does_not_run(office: Any, state: str) -> None:
    assert door(office, state) == ""


def test_nobody_has_no_door(office: Any) -> None:
    assert office.estate.tenant_door(slug="nobody") is None
    assert office.estate.tenant_door(org_id="nobody") is None

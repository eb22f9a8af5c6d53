"""What one look at an existing concierge means, and which tenant a machine belongs to."""

from typing import Any

import pytest

from e2e.clients.control_plane import Organisation
from e2e.run.inspection import InspectionError, fitting_causes, slug_of_instances

WIRED = {"state": "ok", "entry_present": True, "command": "molecule-mcp", "command_resolves": True}
DENIED = {"position": 3, "time": None, "core": "heartbeat_denied_mcp", "reason": "platform_agent_mcp_server_missing"}


def facts(**changes: Any) -> dict[str, Any]:
    sound = {
        "concierge": {"incarnation": {}}, "settings": WIRED, "presence": "true", "launch": None,
        "registry": {"refusals": []},
    }  # fmt: skip
    return {**sound, **changes}


def test_nothing_fits_a_sound_concierge() -> None:
    assert fitting_causes(facts(), "online") == ()


def test_the_bug_of_june_is_named_from_one_look() -> None:
    ignored = facts(presence="false", registry={"refusals": [DENIED]})
    assert fitting_causes(ignored, "failed")[0] == "runtime-ignores-plugin-mcp"


def test_a_refusal_of_before_the_plugin_landed_stands_no_more_once_it_is_online() -> None:
    assert fitting_causes(facts(registry={"refusals": [DENIED]}), "online") == ()


def test_what_was_not_seen_is_no_cause() -> None:
    assert fitting_causes(facts(concierge=None, settings=None, presence=None, registry=None), "failed") == ()


ROWS = [Organisation("1", slug, slug, "running", None, None) for slug in ("acme", "acme-two", "other")]


def slug_of(**tags: str) -> str:
    return slug_of_instances(sorted(tags) or ["i-1"], lambda _: tags, ROWS)


def test_machines_lead_to_their_tenant_by_the_longest_slug() -> None:
    assert slug_of(a="tenant-acme") == "acme"
    assert slug_of(a="tenant-acme-two", b="ws-tenant-acme-two-1f2e") == "acme-two"


@pytest.mark.parametrize(
    ("tags", "word"),
    [
        ({}, "no Name tag"),
        ({"a": "bastion"}, "names no tenant"),
        ({"a": "tenant-stranger"}, "names no tenant"),
        ({"a": "tenant-acme", "b": "tenant-other"}, "several tenants"),
    ],
)
def test_machines_of_strangers_or_of_several_tenants_are_not_looked_into(tags: dict[str, str], word: str) -> None:
    with pytest.raises(InspectionError, match=word) as refused:
        slug_of(**tags)
    assert refused.value.code == 2

"""``inspect`` looks at a concierge that is there, and neither creates nor starts anything unless it is asked to."""

from typing import Any

import pytest


@pytest.mark.twin
def test_a_sound_concierge_is_seen_and_nothing_is_wrong_with_it(twin: Any, command: Any, kept: dict[str, Any]) -> None:
    ended = command("inspect", "--slug", kept["slug"], "--twin", twin.file, "--json")
    document = ended.document()
    assert (ended.code, document["code"], document["causes"]) == (0, 0, [])
    assert document["concierge"]["status"] == "online"
    assert document["look"]["settings"]["entry_present"] is True
    assert document["look"]["launch"] is None
    assert document["look"]["concierge"]["provenance"]["image"] == kept["provenance"]["image"]


@pytest.mark.twin
def test_with_launch_the_tools_are_listed_and_no_workspace_is_made(
    twin: Any, command: Any, kept: dict[str, Any]
) -> None:
    before = command("inspect", "--slug", kept["slug"], "--json", environment=twin.staging).document()
    ended = command("inspect", "--slug", kept["slug"], "--launch", "--json", environment=twin.staging)
    assert "create_workspace" in ended.document()["look"]["launch"]["tools"]
    assert ended.code == 0
    assert ended.document()["hosts"] == before["hosts"]


@pytest.mark.twin
def test_a_machine_leads_to_its_tenant_and_what_was_not_looked_at_is_not_called_sound(
    twin: Any, command: Any, kept: dict[str, Any]
) -> None:
    hosts = command("inspect", "--slug", kept["slug"], "--twin", twin.file, "--json").document()["hosts"]
    (tenant_host,) = (host["instance_id"] for host in hosts if host["name"] == f"tenant-{kept['slug']}")
    ended = command("inspect", "--instance", tenant_host, "--twin", twin.file)
    assert kept["slug"] in ended.out
    assert "not seen" in ended.out
    assert ended.code == 5
    concierge_host = kept["incarnation"]["instance_id"]
    assert command("inspect", "--instance", concierge_host, "--twin", twin.file).code == 0


@pytest.mark.twin
@pytest.mark.parametrize(
    ("where", "cause", "code"),
    [(("--slug", "nobody"), "org-vanished", 3), (("--instance", "i-00000000000000001"), "not-a-staging-target", 2)],
)
def test_what_is_not_there_is_said_with_its_cause(
    where: tuple[str, str], cause: str, code: int, twin: Any, command: Any
) -> None:
    ended = command("inspect", *where, "--twin", twin.file)
    assert (ended.code, ended.err.startswith(f"{cause}: ")) == (code, True)


@pytest.mark.parametrize("arguments", [(), ("--slug", "a", "--instance", "i-1")])
def test_exactly_one_way_to_name_the_concierge_is_needed(arguments: tuple[str, ...], command: Any) -> None:
    ended = command("inspect", *arguments)
    assert (ended.code, "--slug S or --instance ID" in ended.err) == (2, True)


def test_a_file_that_is_no_twins_line_is_refused(command: Any) -> None:
    ended = command("inspect", "--slug", "a", "--twin", __file__)
    assert (ended.code, "--twin" in ended.err) == (2, True)

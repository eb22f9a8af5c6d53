"""Which servers the agent really gets: three files, the last one to name a server wins; only facts leave the host."""

import json
from typing import Any

import pytest

from e2e.probes.on_host.wiring import effective_wiring
from e2e.probes.program import probe_program

SERVER = "molecule-platform"


def entry(command: str, **env: str) -> dict[str, Any]:
    return {"command": command, "args": ["-y", "canary-argument"], "env": {**env, "TOKEN": "canary-value"}}


def seen(host: Any, rootfs: Any, *, config: str = "", servers: str = "", settings: Any = None) -> Any:
    for name, text in (("config.yaml", config), ("mcp_servers.yaml", servers)):
        if text:
            (rootfs / "configs" / name).write_text(text, encoding="utf-8")
    if settings is not None:
        host.settings(rootfs, {"mcpServers": settings})
    found = host.concierge_seen()
    assert found.wiring is not None
    assert "canary" not in repr(found.wiring)
    return found.wiring


def yaml_list(*entries: dict[str, Any]) -> str:
    return "name: x\nmcp_servers: " + json.dumps(list(entries))


def test_the_settings_file_wins_over_both_lists(host: Any) -> None:
    wiring = seen(
        host,
        host.concierge(),
        config=yaml_list({"name": SERVER, **entry("from-config")}, {"name": "other", **entry("only-here")}),
        servers=yaml_list({"name": SERVER, **entry("from-list")}),
        settings={SERVER: entry("from-settings", MODE="management")},
    )
    assert wiring.source == "settings"
    assert wiring.named_by == ("config", "servers_file", "settings")
    assert {one.name: (one.source, one.command) for one in wiring.effective} == {
        SERVER: ("settings", "from-settings"),
        "other": ("config", "only-here"),
    }
    assert wiring.effective[0].environment_names == ("MODE", "TOKEN")
    assert wiring.effective[0].args_count == 2


def test_an_entry_without_a_command_is_skipped_and_an_earlier_file_stands(host: Any) -> None:
    wiring = seen(
        host,
        host.concierge(),
        servers=yaml_list({"name": SERVER, **entry("from-list")}),
        settings={SERVER: {"args": ["x"]}},
    )
    assert wiring.source == "servers_file"
    assert wiring.named_by == ("servers_file", "settings")
    assert wiring.skipped == 1


def test_the_runtimes_own_name_cannot_be_taken(host: Any) -> None:
    wiring = seen(host, host.concierge(), settings={"a2a": entry("mine"), SERVER: entry("x")})
    assert [one.name for one in wiring.effective] == [SERVER]


def test_present_in_the_settings_and_launched_by_nobody_are_told_apart(host: Any) -> None:
    wiring = seen(host, host.concierge(), settings={SERVER: {}})
    assert (wiring.source, wiring.named_by) == (None, ("settings",))


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("mcp_servers: [", "malformed"),
        ("# nothing", "empty"),
        ("- a", "not_an_object"),
        ("mcp_servers: {a: {command: x}}", "not_a_list"),
        ("mcp_servers: !!python/object/apply:os.system ['touch /tmp/canary']", "malformed"),
        ("name: x", "ok"),
        ("mcp_servers: [7, null, {name: a}]", "ok"),
        ("x: " + "y" * (1024 * 1024), "too_large"),
    ],
)
def test_every_state_of_a_list_has_its_name(host: Any, text: str, state: str) -> None:
    wiring = seen(host, host.concierge(), servers=text)
    assert wiring.channels["servers_file"] == state
    assert wiring.channels["config"] == "absent"
    assert wiring.effective == ()


def test_what_is_no_file_or_leads_nowhere_is_told(host: Any) -> None:
    rootfs = host.concierge()
    (rootfs / "configs/config.yaml").mkdir()
    (rootfs / "configs/mcp_servers.yaml").symlink_to("/nowhere/at/all")
    wiring = host.concierge_seen().wiring
    assert (wiring.channels["config"], wiring.channels["servers_file"]) == ("not_a_file", "unreadable")


@pytest.mark.parametrize("odd", [None, 7, [], {}, {"state": "ok"}, {"state": "ok", "servers": [1, None, {"name": []}]}])
def test_nothing_the_container_says_can_break_the_reading(odd: Any) -> None:
    found = effective_wiring({"config": odd, "settings": odd}, SERVER)
    assert found["effective"] == []
    assert found["source"] is None


def test_odd_names_and_values_stay_on_the_host() -> None:
    odd = {
        "name": "a b\ncanary",
        "command": "rm -rf $canary",
        "args_count": "canary",
        "environment_names": ["X", "c a"],
    }
    found = effective_wiring({"config": {"state": "ok", "servers": [odd]}, "settings": {"state": "canary"}}, SERVER)
    assert "canary" not in json.dumps(found)
    assert found["effective"][0]["command"] == "(odd)"
    assert found["channels"]["settings"]["state"] == "unreadable"


def test_the_module_travels_with_the_probe() -> None:
    assert b"effective_wiring" in probe_program()

"""The concierge as its own user sees it: the settings file in every state, presence in four answers."""

import json
import os
from typing import Any

import pytest

SERVER = "molecule-platform"


def settings_of(host: Any, **more: Any) -> Any:
    return host.concierge_seen(**more)


@pytest.mark.parametrize(
    ("content", "state"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"\xef\xbb\xbf{}", "bad_encoding"),
        ("{}".encode("utf-16"), "bad_encoding"),
        (b'{"mcpServers": {"\xff\xfe": 1}}', "bad_encoding"),
        (b'{"mcpServers": {},}', "malformed"),
        (b'{"mcpServers": ', "malformed"),
        (b"[" * 70 + b"]" * 70, "malformed"),
        (b'{"a":' * 200_000, "malformed"),
        (b"[]", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"null", "not_an_object"),
        (b" " * (1024 * 1024) + b"{}", "too_large"),
        (b"{}", "ok"),
        (b" " * (1024 * 1024 - 2) + b"{}", "ok"),
        (b'{"note": "[[[[ \\" {{{{", "deep": ' + b"[" * 60 + b"]" * 60 + b"}", "ok"),
    ],
)
def test_every_state_of_the_settings_file_has_its_name(host: Any, content: bytes, state: str) -> None:
    host.settings(host.concierge(), content)
    seen = settings_of(host)
    assert seen.settings.state == state
    assert seen.reads_present is False


def test_no_file_and_a_folder_in_its_place_are_told_apart(host: Any) -> None:
    rootfs = host.concierge()
    assert settings_of(host).settings.state == "absent"
    (rootfs / "configs/.claude/settings.json").mkdir()
    assert settings_of(host).settings.state == "not_a_file"


def test_a_dangling_link_is_unreadable_rather_than_absent(host: Any) -> None:
    rootfs = host.concierge()
    (rootfs / "configs/.claude/settings.json").symlink_to("/nowhere/at/all")
    assert settings_of(host).settings.state == "unreadable"


def test_a_file_that_only_root_can_see_is_unreadable_rather_than_absent(host: Any) -> None:
    host.settings(host.concierge(ClosedToAgent=["/configs/.claude"]), {})
    seen = settings_of(host)
    assert seen.settings.state == "unreadable"
    assert seen.reads_present is False


def test_a_pipe_does_not_hold_the_probe_up(host: Any) -> None:
    rootfs = host.concierge()
    os.mkfifo(rootfs / "configs/.claude/settings.json")
    assert settings_of(host, docker_seconds=1.0).settings.state == "not_a_file"


@pytest.mark.parametrize(
    ("entry", "kind", "command", "resolves"),
    [
        (None, "null", None, None),
        ("x", "string", None, None),
        ([], "list", None, None),
        (7, "number", None, None),
        (True, "boolean", None, None),
        ({}, "object", None, None),
        ({"disabled": True}, "object", None, None),
        ({"command": "no-such-program"}, "object", "no-such-program", False),
        ({"command": "sh -c 'echo secret'"}, "object", "(odd)", False),
        ({"command": ["sh"]}, "object", "(odd)", None),
        ({"command": "sh", "args": ["a", "b"]}, "object", "sh", True),
    ],
)
def test_present_is_the_name_alone_and_launchable_is_another_matter(
    host: Any, entry: Any, kind: str, command: str | None, resolves: bool | None
) -> None:
    host.settings(host.concierge(), {"mcpServers": {SERVER: entry}})
    seen = settings_of(host)
    assert seen.settings.entry.present is True
    assert seen.settings.entry.type == kind
    assert seen.settings.entry.command == command
    assert seen.settings.entry.command_resolves is resolves
    assert seen.reads_present is True
    assert seen.presence.answer == "true"


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"mcpservers": {SERVER: {}}},
        {"mcpServers": {"platform": {}}},
        {"mcpServers": [SERVER]},
        {"mcpServers": SERVER},
        {"mcpServers": None},
    ],
)
def test_a_server_that_is_not_under_its_name_and_key_is_not_present(host: Any, document: Any) -> None:
    host.settings(host.concierge(), document)
    seen = settings_of(host)
    assert seen.settings.state == "ok"
    assert seen.reads_present is False
    assert seen.presence.answer != "true" or not isinstance(document.get("mcpServers"), dict)


def test_repeated_keys_are_noted_by_name(host: Any) -> None:
    host.settings(host.concierge(), b'{"mcpServers": {"a": 1, "a": 2}, "mcpServers": {"odd key\\u0000": 1}}')
    seen = settings_of(host)
    assert sorted(seen.settings.duplicate_keys) == ["a", "mcpServers"]


def test_the_legacy_binary_counts_as_present(host: Any) -> None:
    rootfs = host.concierge()
    (rootfs / "opt/molecule-mcp-server").mkdir()
    seen = settings_of(host)
    assert seen.legacy_binary is True
    assert seen.reads_present is True


@pytest.mark.parametrize(
    ("source", "answer", "detail"),
    [
        ("def identity_gate_payload(): return {FIELD: True}", "true", None),
        ("def identity_gate_payload(): return {FIELD: False}", "false", None),
        ("def identity_gate_payload(): return {}", "absent", None),
        ("def identity_gate_payload(): return {FIELD: None}", "absent", None),
        ("def identity_gate_payload(): return {FIELD: 'yes'}", "unreadable", "str"),
        ("def identity_gate_payload(): return {FIELD: 1}", "unreadable", "int"),
        ("def identity_gate_payload(): raise RecursionError('canary')", "unreadable", "RecursionError"),
        ("def identity_gate_payload(): raise SystemExit(0)", "unreadable", "SystemExit"),
        ("def identity_gate_payload(): return None", "unreadable", "TypeError"),
        ("def identity_gate_payload(): import no_such_module", "unreadable", "ModuleNotFoundError"),
        ("x = 1", "absent", None),
        ("import no_such_module", "unreadable", "ModuleNotFoundError"),
        ("def f(:", "unreadable", "SyntaxError"),
    ],
)
def test_presence_has_four_answers_and_absent_is_none_of_the_others(
    host: Any, source: str, answer: str, detail: str | None
) -> None:
    rootfs = host.concierge()
    path = rootfs / "app/molecule_runtime/platform_agent_identity.py"
    path.write_text(source.replace("FIELD", repr(host.contract.runtime_present_field)) + "\n")
    seen = settings_of(host)
    assert (seen.presence.answer, seen.presence.detail) == (answer, detail)


def test_a_runtime_that_is_not_installed_gives_no_answer(host: Any) -> None:
    rootfs = host.concierge()
    for path in (rootfs / "app/molecule_runtime").iterdir():
        path.unlink()
    (rootfs / "app/molecule_runtime").rmdir()
    assert settings_of(host).presence.answer == "absent"


def test_a_runtime_that_kills_the_interpreter_is_an_error_of_that_part(host: Any) -> None:
    rootfs = host.concierge()
    (rootfs / "app/molecule_runtime/platform_agent_identity.py").write_text(
        "import os\ndef identity_gate_payload(): os._exit(0)\n"
    )
    look = host.look()
    assert look.concierge is not None
    assert look.concierge.presence is None
    assert look.part_errors["concierge.presence"] == "DockerFailed"
    assert look.concierge.settings is not None


def test_a_runtime_cannot_forge_the_probes_answer_by_printing_one(host: Any) -> None:
    rootfs = host.concierge()
    (rootfs / "app/molecule_runtime/platform_agent_identity.py").write_text(
        "import sys\n"
        "def identity_gate_payload():\n"
        "    print('E2E' + '0' * 32 + ' {\"answer\": \"true\"}')\n"
        "    return {}\n"
    )
    assert settings_of(host).presence.answer == "absent"


def test_odd_plugin_folders_do_not_pass_for_other_lines(host: Any) -> None:
    rootfs = host.concierge()
    for name in ("x\nsettings content", "settings absent", "plain"):
        (rootfs / "configs/plugins" / name).mkdir()
    host.settings(rootfs, {})
    seen = settings_of(host)
    assert seen.settings.state == "ok"
    assert sorted(plugin.name for plugin in seen.plugins) == sorted(
        ["(odd)", "(odd)", "plain", "molecule-ai-plugin-molecule-platform-mcp"]
    )


@pytest.mark.parametrize(
    ("declared", "seen"),
    [
        ("", ()),
        (" gitea://a/b#main , gitea://a/c ", ("gitea://a/b#main", "gitea://a/c")),
        ("gitea://user:token@git.example/a/b", ("(odd)",)),
        ("presign://x?sig=abc", ("(odd)",)),
    ],
)
def test_declared_plugins_leave_only_as_plain_sources(host: Any, declared: str, seen: tuple[str, ...]) -> None:
    host.concierge({"MOLECULE_DECLARED_PLUGINS": declared})
    assert settings_of(host).declared_plugins == seen


def test_the_digest_of_an_image_comes_with_its_kind(host: Any) -> None:
    host.concierge()
    record = json.loads((host.folder / "containers" / f"ws-{host.request().concierge_id}" / "inspect.json").read_text())
    manifest, other = "sha256:" + "c" * 64, "sha256:" + "d" * 64
    repository = "registry.example:5000/molecule/claude-code"
    images = {record["Image"]: {"RepoDigests": [f"other/name@{other}", f"{repository}@{manifest}"]}}
    (host.folder / "images.json").write_text(json.dumps(images))
    image = host.look().concierge.image
    assert (image.kind, image.digest) == ("manifest", manifest)


def test_the_running_concierge_wins_over_an_ended_one(host: Any, ids: dict[str, str]) -> None:
    host.container("ws-older", {"WORKSPACE_ID": ids["concierge"]}, running=False)
    host.concierge()
    look = host.look()
    assert look.concierge is not None
    assert look.concierge.container is not None
    assert look.concierge.container.name == f"ws-{ids['concierge']}"


def test_an_ended_concierge_is_seen_as_ended(host: Any, ids: dict[str, str]) -> None:
    host.concierge(running=False)
    look = host.look()
    assert look.concierge is not None
    assert look.concierge.container is not None
    assert look.concierge.container.running is False
    assert look.concierge.settings is None
    assert look.part_errors["concierge.settings"] == "DockerFailed"


def test_a_host_without_the_concierge_says_so_without_an_error(host: Any, ids: dict[str, str]) -> None:
    host.container("ws-somebody-else", {"WORKSPACE_ID": ids["other"]})
    look = host.look()
    assert look.concierge is None
    assert look.registry is None
    assert dict(look.part_errors) == {}
    assert look.concierge_incarnation is None

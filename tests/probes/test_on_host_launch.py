"""The management server as the runtime would start it: listed, checked, called, and ended."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from e2e.probes.on_host.launch import takes

Ask = Callable[..., Any]


@pytest.fixture
def launched(host: Any, launch_request: Ask) -> Callable[..., Any]:
    def run(*, call: bool = True, variables: dict[str, str] | None = None, **more: Any) -> Any:
        rootfs = host.concierge()
        host.wired(rootfs, **(variables or {}))
        return host.concierge_seen(launch_request(call=call, **more)).launch

    return run


def test_a_good_server_is_listed_checked_and_called(launched: Any) -> None:
    seen = launched()
    assert (seen.source, seen.launched, seen.phase, seen.trouble, seen.exit_code) == ("settings", True, "done", None, 0)
    assert (seen.server_name, seen.server_version, seen.protocol) == ("molecule-platform", "1.0.0", "2024-11-05")
    assert seen.tool_names == ("create_workspace", "list_workspaces")
    assert (seen.tool.name, seen.tool.takes_arguments) == ("create_workspace", True)
    assert seen.tool.required == ("name",)
    assert seen.call.succeeded
    assert (seen.call.status, seen.call.workspace_id) == ("provisioning", "7a1b6c1e-0000-4000-8000-0123456789ab")


def test_a_look_that_asks_for_no_call_makes_none(launched: Any) -> None:
    seen = launched(call=False)
    assert (seen.phase, seen.call) == ("listed", None)
    assert seen.tool.takes_arguments is True


def test_the_other_name_of_the_capability_is_reported_as_it_is(launched: Any) -> None:
    assert launched(variables={"FAKE_TOOL": "provision_workspace"}).tool.name == "provision_workspace"


def test_a_server_without_the_tool_is_listed_and_nothing_is_called(launched: Any) -> None:
    seen = launched(variables={"FAKE_TOOL": "delete_everything"})
    assert (seen.tool, seen.call, seen.phase) == (None, None, "listed")
    assert seen.tool_names == ("delete_everything", "list_workspaces")


def test_lines_that_are_not_json_rpc_are_counted_and_skipped(launched: Any) -> None:
    seen = launched(variables={"FAKE_MODE": "noise"})
    assert seen.call.succeeded
    assert seen.non_json_lines == 3


def test_a_request_of_the_server_is_not_taken_for_an_answer(launched: Any) -> None:
    assert launched(variables={"FAKE_MODE": "asks"}).call.succeeded


def test_a_server_that_dies_at_start_leaves_its_exit_code_and_the_class_of_its_words(launched: Any) -> None:
    seen = launched(variables={"FAKE_MODE": "dies"})
    assert (seen.launched, seen.phase, seen.trouble, seen.exit_code) == (True, "initialize", "ServerEnded", 3)
    assert seen.stderr_signs == ("ETARGET", "npm-error")
    assert seen.tool_names is None


@pytest.mark.parametrize(("mode", "phase"), [("silent", "initialize"), ("stalls", "tools_list")])
def test_a_server_that_does_not_answer_runs_into_the_handshake_limit(launched: Any, mode: str, phase: str) -> None:
    seen = launched(variables={"FAKE_MODE": mode}, handshake_seconds=0.7)
    assert (seen.phase, seen.trouble) == (phase, "ServerSilent")


def test_an_error_of_the_protocol_leaves_only_its_number(launched: Any) -> None:
    seen = launched(variables={"FAKE_MODE": "list-error"})
    assert (seen.phase, seen.trouble, seen.rpc_error) == ("tools_list", "RpcError", -32601)


def test_a_server_that_ignores_the_end_of_its_input_is_ended_in_the_container(
    host: Any, launched: Any, tmp_path: Path
) -> None:
    marker = f"stubborn-{tmp_path.name}-{id(tmp_path)}"
    seen = launched(variables={"FAKE_MODE": "stubborn", "MARKER": marker})
    assert seen.call.succeeded
    assert seen.exit_code is None
    give_up = time.monotonic() + 5
    while running(marker) and time.monotonic() < give_up:
        time.sleep(0.01)
    assert not running(marker)


def running(marker: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if marker.encode() in path.read_bytes() and "Z" not in (path.parent / "stat").read_text().split()[2]:
                found.append(path.parent.name)
        except OSError:
            continue
    return found


@pytest.mark.parametrize(
    ("answer", "facts"),
    [
        ({"error": "AUTH_ERROR", "detail": "token canary", "status": 401}, {"error": "AUTH_ERROR", "status": 401}),
        ({"error": "HTTP 422", "detail": "MODEL_REQUIRED", "status": 422}, {"error": "HTTP 422", "status": 422}),
        ({"error": "Tenant host unreachable at http://x?token=canary"}, {"error": "(odd)", "status": None}),
        ({"error": {"token": "canary"}}, {"error": "(odd)"}),
        ({"id": "not-a-uuid-canary", "status": "token canary"}, {"workspace_id": None, "status": None}),
        ({"raw": "canary", "status": 204}, {"status": 204, "workspace_id": None}),
    ],
)
def test_an_answer_that_is_an_error_keeps_its_code_and_nothing_else(
    launched: Any, answer: dict[str, Any], facts: dict[str, Any]
) -> None:
    seen = launched(variables={"FAKE_ANSWER": json.dumps(answer)})
    assert {name: getattr(seen.call, name) for name in facts} == facts
    assert not seen.call.succeeded
    assert "canary" not in repr(seen)


@pytest.mark.parametrize("answer", ["plain text canary", "[]", "{", "[" * 100])
def test_an_answer_that_is_no_object_is_no_success(launched: Any, answer: str) -> None:
    seen = launched(variables={"FAKE_ANSWER": answer})
    assert seen.call.answer in {"malformed", "not_an_object"}
    assert not seen.call.succeeded


def test_an_error_flag_is_no_success_whatever_the_answer(launched: Any) -> None:
    seen = launched(variables={"FAKE_MODE": "is-error"})
    assert seen.call.is_error is True
    assert not seen.call.succeeded


def test_a_server_that_dies_during_the_call_may_have_acted(launched: Any) -> None:
    seen = launched(variables={"FAKE_MODE": "call-dies"})
    assert (seen.call.answered, seen.call.trouble) == (False, "ServerEnded")
    assert not seen.call.succeeded


@pytest.mark.parametrize(
    ("entry", "trouble"),
    [
        (None, "NoCommand"),
        ({}, "NoCommand"),
        ({"command": ""}, "NoCommand"),
        ({"command": ["x"]}, "NoCommand"),
        ({"command": "x", "args": "not a list"}, "BadArguments"),
    ],
)
def test_an_entry_that_cannot_be_launched_says_why(host: Any, launch_request: Ask, entry: Any, trouble: str) -> None:
    host.settings(host.concierge(), {host.contract.key: {host.contract.mcp_server_name: entry}})
    seen = host.concierge_seen(launch_request()).launch
    assert (seen.source, seen.launched, seen.trouble) == ("settings", False, trouble)


def test_a_command_that_is_not_there_ends_with_127(host: Any, launch_request: Ask) -> None:
    entry = {"command": "no-such-program"}
    host.settings(host.concierge(), {host.contract.key: {host.contract.mcp_server_name: entry}})
    seen = host.concierge_seen(launch_request()).launch
    assert (seen.trouble, seen.exit_code) == ("ServerEnded", 127)


def test_without_an_entry_the_legacy_binary_is_started(host: Any, launch_request: Ask) -> None:
    rootfs = host.concierge()
    host.wired(rootfs)
    (rootfs / "usr/local/bin/molecule-mcp").rename(rootfs / "opt/molecule-mcp-server")
    host.settings(rootfs, {})
    seen = host.concierge_seen(launch_request()).launch
    assert (seen.source, seen.phase) == ("legacy", "listed")


def test_with_neither_there_is_nothing_to_launch(host: Any, launch_request: Ask) -> None:
    host.concierge()
    seen = host.concierge_seen(launch_request()).launch
    assert (seen.source, seen.launched, seen.trouble) == (None, False, "NothingToStart")


OURS = {"name": "n", "model": "m"}


@pytest.mark.parametrize(
    ("schema", "fits"),
    [
        ({"type": "object", "properties": {"name": {"type": "string"}, "model": {"type": "string"}}}, True),
        ({"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}, True),
        ({"type": "object", "properties": {"name": {}}, "additionalProperties": False}, False),
        ({"type": "object", "properties": {}, "required": ["runtime"]}, False),
        ({"type": "object", "properties": {"model": {"type": "integer"}}}, False),
        ({"type": "object", "properties": {"model": {"type": ["null", "string"]}}}, True),
        ({"type": "object", "properties": {"model": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}, True),
        ({"type": "object", "properties": {"model": {"enum": ["other"]}}}, False),
        ({"type": "array"}, False),
        ({}, True),
        (None, None),
        ("text", None),
        ({"properties": "odd", "required": "odd"}, True),
    ],
)
def test_whether_a_schema_takes_our_arguments(schema: Any, fits: bool | None) -> None:
    assert takes(schema, OURS)["takes_arguments"] is fits

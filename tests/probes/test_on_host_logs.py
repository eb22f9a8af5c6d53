"""Known lines of a log by position and time; whose they are; nothing else."""

from pathlib import Path
from typing import Any

import pytest

from e2e.probes.on_host.cores import REGISTRY_CORES, RUNTIME_CORES
from e2e.probes.on_host.logs import Kept, Stream, _recognise, nanoseconds
from e2e.probes.registry_texts import UnknownLogTextError, means, refusals
from e2e.probes.seen import LogMatch

LINES = Path(__file__).parent / "lines"
C = "0b9b3c1e-5a6d-4c1f-9a77-3d2b1c0a9e8f"

# Core and line, as docs/platform.md quotes the log; %C is the concierge's id, - means no known line.
REGISTRY_LINES = [
    (line.replace("%C", C), None if core == "-" else core)
    for core, _, line in (row.partition(" | ") for row in (LINES / "registry.txt").read_text().splitlines())
]


@pytest.mark.parametrize(("line", "core"), REGISTRY_LINES)
@pytest.mark.parametrize("prefix", ["", "2026/06/20 12:00:00 ", "2026/06/20 12:00:00.123456 "])
def test_every_known_line_of_the_registry_has_its_core(prefix: str, line: str, core: str | None) -> None:
    found = _recognise(prefix + line, REGISTRY_CORES)
    assert (found[0] if found else None) == core
    if found and "workspace= " not in line:
        assert found[1].group("workspace") == C


def test_a_refused_heartbeat_is_never_taken_for_a_refused_register() -> None:
    names = [name for name, _ in REGISTRY_CORES]
    for line, core in REGISTRY_LINES:
        matching = {name for name, pattern in REGISTRY_CORES if pattern.match(line)}
        if core is not None:
            assert names.index(core) == min(names.index(name) for name in matching)


@pytest.mark.parametrize(
    ("line", "core"),
    [
        ("----- entrypoint boot 2026-06-20T12:00:00Z -----", "entrypoint_boot"),
        ("[plugins] installed molecule-platform-mcp <- gitea://a/b#main", "plugin_installed"),
        ("[plugins] fetch/extract failed: gitea://a/b", "plugin_fetch_failed"),
        ("[plugins] skip unsupported source: presign://x", "plugin_unsupported"),
        ("[WARN] Prompt file: Missing prompt file: system-prompt.md", "prompt_missing"),
        ("[WARN] Required env: Missing required environment variable: X", "preflight_warning"),
        ("[FAIL] Runtime: x", "preflight_failed"),
        ("Registered with platform: 200", "registered"),
        ("Register: HTTP 400 is a client error (misconfiguration) — not retrying; proceeding", "register_client_error"),
        ("Register: attempt 1/8 failed (HTTP 503), retrying in 1.0s...", "register_retry"),
        ("Register: attempt 1/8 failed (ConnectError('x')), retrying in 1.0s...", "register_retry"),
        ("Warning: failed to register with platform after 8 attempts (HTTP 503) — proceeding", "register_failed"),
        ("Workspace 0b9b3c1e starting on port 8000", "serving"),
        ("Heartbeat failed (1 consecutive): x", "heartbeat_failed"),
        ("\x1b[33mWARNING: adapter.setup() failed — workspace will serve\x1b[0m", "adapter_setup_failed"),
        ("FATAL: WORKSPACE_ID env var is not set. Aborting.", "fatal"),
        ("#1027 CRITICAL: management MCP 'molecule-platform' FAILED TO LAUNCH (exit=1)", "mcp_launch_failed"),
        ("INFO:     Uvicorn running on http://0.0.0.0:8000", None),
    ],
)
def test_every_known_line_of_the_runtime_has_its_core(line: str, core: str | None) -> None:
    found = _recognise(line, RUNTIME_CORES)
    assert (found[0] if found else None) == core


def test_positions_times_and_owners(host: Any, ids: dict[str, str]) -> None:
    host.container("molecule-tenant")
    lines = [
        "!2026/06/20 12:00:00 registry_register_400 workspace=" + ids["control"] + " reason=invalid_kind x",
        "GIN one line of another stream",
        "!2026/06/20 12:00:02 registry_register_400 workspace=" + ids["concierge"] + " reason=platform_agent_x y",
        "!2026/06/20 12:00:03 registry_register_400 workspace=" + ids["other"] + " reason=invalid_kind y",
        "Heartbeat: transitioned " + ids["concierge"] + " from provisioning to online (heartbeat received)",
        "!2026/06/20 12:00:05 Registry register: workspace="
        + ids["concierge"]
        + " boot_register_failed status=400 duration=1ms",
    ]
    host.log("molecule-tenant", lines)
    look = host.look()
    assert look.registry is not None
    log = look.registry.log
    assert log is not None
    assert (log.lines, log.readable, log.complete, log.trouble) == (6, True, True, None)
    assert [(match.position, match.core, match.workspace) for match in log.matches] == [
        (1, "registry_register_400", "control"),
        (3, "registry_register_400", "concierge"),
        (4, "registry_register_400", "other"),
        (5, "transition", "concierge"),
        (6, "boot_register_failed", "concierge"),
    ]
    assert log.matches[0].control_id == ids["control"]
    assert log.matches[0].time == "2026-06-20T12:00:00.000000000Z"
    assert log.matches[1].reason == "platform_agent_x"
    assert (log.matches[3].before, log.matches[3].after) == ("provisioning", "online")
    assert log.matches[4].status == 400
    assert log.matches[2].control_id is None
    assert log.counts["registry_register_400"].count == 3
    assert (log.counts["registry_register_400"].first, log.counts["registry_register_400"].last) == (1, 4)
    assert log.controls(ids["control"]) == (log.matches[0],)
    assert log.of("transition", workspace="concierge") == (log.matches[3],)


def test_a_log_without_lines_is_not_readable(host: Any) -> None:
    host.container("molecule-tenant")
    look = host.look()
    assert look.registry is not None
    assert look.registry.log is not None
    assert look.registry.log.readable is False


def test_a_log_that_docker_does_not_give_is_not_readable(host: Any) -> None:
    host.container("molecule-tenant")
    host.log("molecule-tenant", ["a line"])
    host.trouble(logs="configured logging driver does not support reading")
    look = host.look()
    assert look.registry is not None
    assert look.registry.log is not None
    assert (look.registry.log.readable, look.registry.log.trouble) == (False, "DockerFailed")


def test_a_log_larger_than_may_be_read_says_that_its_end_was_not(host: Any, ids: dict[str, str]) -> None:
    host.container("molecule-tenant")
    host.log("molecule-tenant", ["x" * 200] * 400)
    look = host.look(host.request(log_bytes=20_000))
    assert look.registry is not None
    assert look.registry.log is not None
    assert look.registry.log.complete is False
    assert 0 < (look.registry.log.lines or 0) < 400


def test_a_line_of_a_megabyte_is_one_line(host: Any, ids: dict[str, str]) -> None:
    host.container("molecule-tenant")
    line = "Heartbeat: transitioned " + ids["concierge"] + " from failed to online (x)"
    host.log("molecule-tenant", ["x" * 1_000_000, line])
    look = host.look()
    assert look.registry is not None
    assert look.registry.log is not None
    assert look.registry.log.lines == 2
    assert look.registry.log.matches[0].position == 2


def test_a_long_log_keeps_head_and_tail_of_ours_whatever_others_print(host: Any, ids: dict[str, str]) -> None:
    host.container("molecule-tenant")
    denial = "Heartbeat: platform agent heartbeat denied: x missing; refusing to mark online (RCA #2970 FAIL-CLOSED) "
    lines = [f"{denial}(workspace={ids['other'] if number % 2 else ids['concierge']})" for number in range(1000)]
    host.log("molecule-tenant", lines)
    look = host.look(host.request(log_head=8, log_tail=16))
    assert look.registry is not None
    log = look.registry.log
    assert log is not None
    ours = [match.position for match in log.matches if match.workspace == "concierge"]
    assert ours == [*range(1, 16, 2), *range(969, 1000, 2)]
    assert log.counts["heartbeat_denied_mcp"].count == 1000
    assert log.matches_left_out == 1000 - len(log.matches)


def test_kept_is_exact_at_its_borders() -> None:
    for total in range(8):
        kept = Kept(2, 3)
        for number in range(total):
            kept.add({"n": number})
        expected = list(range(total)) if total <= 5 else [0, 1, *range(total - 3, total)]
        assert [item["n"] for item in kept.items()] == expected
        assert kept.left_out == max(0, total - 5)


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("1970-01-01T00:00:01Z", 1_000_000_000),
        ("1970-01-01T00:00:01.5Z", 1_500_000_000),
        ("1970-01-01T01:00:00.000000001+01:00", 1),
        ("1969-12-31T23:30:00-00:30", 0),
        ("1970-01-01T00:00:00", 0),
        ("nonsense", 0),
        ("", 0),
    ],
)
def test_times_are_read_to_the_nanosecond(time: str, expected: int) -> None:
    assert nanoseconds(time) == expected


def test_a_clock_that_steps_back_does_not_disorder_one_stream() -> None:
    stream = Stream(RUNTIME_CORES, 10_000)
    for second in (5, 9, 3, 4):
        assert stream.take(f"2026-06-20T12:00:0{second}.0Z x\n".encode())
    assert list(stream.times) == sorted(stream.times)


def match(core: str, reason: str | None = None, workspace: Any = "concierge") -> LogMatch:
    return LogMatch(1, None, core, workspace, None, reason, None, None, None, None)


def test_forbidden_texts_stand_for_known_lines() -> None:
    forbidden = ["reason=platform_agent_", "RCA #2970 FAIL-CLOSED", "(core#3082)"]
    bad = [
        match("registry_register_400", "platform_agent_mcp_server_missing"),
        match("heartbeat_denied_mcp"),
        match("heartbeat_denied_model"),
        match("tools_not_reported"),
        match("tools_declared_not_loaded"),
        match("gate_denial_other"),
    ]
    good = [
        match("registry_register_400", "invalid_kind"),
        match("transition"),
        match("heartbeat_denied_mcp", workspace="other"),
        match("registry_register_400", "platform_agent_x", workspace="control"),
        match("plugin_reconciled"),
    ]
    assert refusals([*bad, *good], forbidden) == tuple(bad)


@pytest.mark.parametrize("text", ["", "reason=", "RCA", "core", "panic:", "heartbeat denied"])
def test_a_forbidden_text_that_could_never_fire_is_a_mistake(text: str) -> None:
    with pytest.raises(UnknownLogTextError):
        means(text)

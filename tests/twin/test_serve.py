"""``twin serve`` from outside: a fresh organisation gets a concierge, faults show, and nothing is left afterwards."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from e2e.contract import load_contract
from e2e.twin.images import catalogue

pytestmark = pytest.mark.twin

CONTRACT = load_contract()
DENIED = f"platform agent heartbeat denied: {CONTRACT.legacy_binary_path} missing; refusing to mark online"

READY_KEYS = {
    "control_plane_url",
    "admin_token",
    "tenant_url",
    "tenant_domain",
    "aws_endpoint_url",
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_region",
    "aws_account",
    "speed",
    "image",
    "gate",
    "pid",
}


def poll(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "the condition never came"
        time.sleep(0.01)
    return value


def test_the_ready_line_says_where_everything_is(start_twin: Any) -> None:
    twin = start_twin()
    assert set(twin.line) == READY_KEYS
    assert twin.line["pid"] == twin.process.pid
    assert (twin.line["image"], twin.line["gate"], twin.line["speed"]) == ("claude-code", "2026-06-20", 100.0)
    assert "{slug}" not in twin.line["tenant_url"]
    with pytest.raises(OSError, match=r".+"):
        socket.getaddrinfo(f"x.{twin.line['tenant_domain']}", 80)


def test_a_fresh_concierge_comes_online_wired_and_creates_a_worker_when_it_is_asked_to(start_twin: Any) -> None:
    twin = start_twin()
    org = twin.create_org("e2e-fresh")
    concierge = org.concierge_with("online")
    assert concierge["url"].startswith("http://localhost:")

    machines = twin.machines("e2e-fresh")
    tenant, host = machines["tenant-e2e-fresh"], machines[f"ws-tenant-e2e-fresh-{concierge['id'][:8]}"]
    assert twin.control_plane("GET", "/cp/admin/tenants/e2e-fresh").document()["instance_id"] == tenant["InstanceId"]
    assert CONTRACT.mcp_server_name in twin.run_on(
        host["InstanceId"], f"docker exec ws-{concierge['id']} cat {CONTRACT.settings_path}"
    )
    log = twin.run_on(tenant["InstanceId"], "docker logs molecule-tenant 2>&1")
    assert "already on box (boot-installed)" in log
    assert "denied" not in log

    assert org.row_named("nonce-1") is None
    org.say('Please create a workspace named "nonce-1".')
    worker = org.row_named("nonce-1")
    assert worker is not None
    assert (worker["kind"], worker["parent_id"]) == ("workspace", concierge["id"])
    poll(lambda: (org.row_named("nonce-1") or {}).get("status") == "online")


def test_the_concierge_stays_online_over_many_heartbeats(start_twin: Any) -> None:
    twin = start_twin("--light-mcp")
    org = twin.create_org("e2e-hold")
    concierge = org.concierge_with("online")
    seen: set[str] = set()

    def five_heartbeats() -> bool:
        row = org.call("GET", f"/workspaces/{concierge['id']}").document()
        assert row["status"] == "online"
        seen.add(row["last_heartbeat_at"])
        return len(seen) > 5

    poll(five_heartbeats)


@pytest.mark.parametrize("fault", ["runtime-ignores-plugin-mcp", "mcp-not-delivered"])
def test_without_the_server_the_concierge_is_failed_with_the_denial(start_twin: Any, fault: str) -> None:
    twin = start_twin("--light-mcp", "--fault", fault)
    org = twin.create_org("e2e-denied")
    org.concierge_with("failed")
    row = poll(lambda: (row := org.concierge())["last_sample_error"].startswith(DENIED) and row)
    assert row["status"] == "failed"
    tenant = twin.machines("e2e-denied")["tenant-e2e-denied"]["InstanceId"]
    log = twin.run_on(tenant, "docker logs molecule-tenant 2>&1")
    assert "reason=platform_agent_mcp_server_missing" in log
    assert DENIED in log
    assert ("could not declare" in log) == (fault == "mcp-not-delivered")
    trace = next(twin.folder.glob("molecule-twin-*")) / "fault-trace.jsonl"
    assert bool(trace.read_text()) == (fault == "mcp-not-delivered")


def test_a_fault_inside_the_concierge_acts_and_is_counted_at_the_end(start_twin: Any) -> None:
    twin = start_twin("--light-mcp", "--fault", "heartbeat-stopped:beats=1", "--fault", "agent-wedged")
    org = twin.create_org("e2e-silent")
    org.concierge_with("online")
    org.concierge_with("offline")
    twin.process.terminate()
    assert twin.process.wait(20) == 0
    acted = json.loads(twin.process.stdout.read())["faults_acted"]
    assert acted["heartbeat-stopped"] > 0
    assert acted["agent-wedged"] == 0


def test_a_stale_machine_runs_another_image_than_the_pin_says(start_twin: Any) -> None:
    twin = start_twin("--light-mcp", "--fault", "stale-image")
    org = twin.create_org("e2e-stale")
    concierge = org.concierge_with("online")
    host = twin.machines("e2e-stale")[f"ws-tenant-e2e-stale-{concierge['id'][:8]}"]["InstanceId"]
    running = twin.run_on(host, f"docker inspect --format '{{{{.Image}}}}' ws-{concierge['id']}").strip()
    (pin,) = twin.control_plane("GET", "/cp/admin/runtime-image/promote").document()["pins"]
    images = catalogue(light_mcp=True)
    assert (running, pin["digest"]) == (images["claude-code-previous"].digest, images["claude-code"].digest)


def test_a_lost_row_is_claimed_and_not_there(start_twin: Any) -> None:
    twin = start_twin("--light-mcp", "--fault", "create-workspace-no-row")
    org = twin.create_org("e2e-lost")
    org.concierge_with("online")
    assert "nonce-2" in org.say('Please create a workspace named "nonce-2".')
    assert org.row_named("nonce-2") is None


def test_a_purge_ends_every_process_and_instance_of_the_organisation(start_twin: Any) -> None:
    twin = start_twin("--light-mcp")
    kept, gone = twin.create_org("e2e-kept"), twin.create_org("e2e-gone")
    kept.concierge_with("online")
    gone.concierge_with("online")
    hosts = next(twin.folder.glob("molecule-twin-*")) / "hosts"
    assert len(list(hosts.iterdir())) == 4
    assert twin.purge("e2e-gone").document()["deleted"] is True
    assert [org["slug"] for org in twin.orgs()] == ["e2e-kept"]
    assert gone.call("GET", "/workspaces").status == 404
    assert len(list(hosts.iterdir())) == 2
    poll(lambda: {i["State"]["Name"] for i in twin.machines("e2e-gone").values()} == {"terminated"})
    assert kept.concierge()["status"] == "online"


@pytest.mark.parametrize("end", ["SIGTERM", "SIGINT", "SIGKILL", "stdin"])
def test_however_a_twin_ends_no_process_port_or_folder_is_left(start_twin: Any, end: str) -> None:
    twin = start_twin("--light-mcp", "--until-stdin-closes")
    org = twin.create_org("e2e-ends")
    org.concierge_with("online")
    # Control plane, gateway, cloud, workspace-server and the agent, which registers before it listens.
    poll(lambda: twin.take_stock() or len(twin.ports) >= 5)
    assert len(twin.pids) >= 6
    assert {text.split()[0] for text in twin.leftovers() if " " in text} == {"process", "port"}
    assert any("molecule-twin-" in text for text in twin.leftovers())
    if end == "stdin":
        twin.process.stdin.close()
    else:
        twin.process.send_signal(getattr(signal, end))
    code = twin.process.wait(20)
    assert code == (-signal.SIGKILL if end == "SIGKILL" else 0)
    if end == "SIGKILL":
        poll(lambda: not twin.leftovers())
    assert twin.leftovers() == []


def test_a_twin_ends_when_it_is_told_to_in_the_middle_of_a_boot(start_twin: Any) -> None:
    twin = start_twin("--light-mcp")
    order = {"slug": "e2e-young", "name": "x", "owner_user_id": "x"}
    assert twin.control_plane("POST", "/cp/admin/orgs", order).status == 201
    poll(lambda: twin.machines("e2e-young"))
    twin.take_stock()
    twin.process.terminate()
    assert twin.process.wait(20) == 0
    assert twin.leftovers() == []


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--fault", "mcp-not-deliverd"], "did you mean mcp-not-delivered?"),
        (["--image", "golden"], "unknown image 'golden'; there are: claude-code, "),
        (["--gate", "2020-01-01"], "unknown gate '2020-01-01'; there are: 2026-06-15, "),
        (["--speed", "0"], "speed must be a positive number"),
        (["--image", "claude-code", "--fault", "runtime-ignores-plugin-mcp"], "one twin pins one image"),
        (["--port-gateway", "BUSY"], "cannot listen on 127.0.0.1:BUSY"),
        (["--port-control-plane", "BUSY"], "cannot listen on 127.0.0.1:BUSY"),
        (["--port-aws", "BUSY"], "cannot listen on 127.0.0.1:BUSY"),
    ],
)
def test_what_it_cannot_do_is_one_line_and_exit_2_with_nothing_left(
    tmp_path: Any, flags: list[str], words: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "e2e.twin.serve", "--json", *(flag.replace("BUSY", port) for flag in flags)],
            capture_output=True,
            text=True,
            timeout=20,
            env=os.environ | {"TMPDIR": str(tmp_path)},
            check=False,
        )
    assert done.returncode == 2
    assert words.replace("BUSY", port) in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []

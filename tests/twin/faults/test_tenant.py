"""Faults of the workspace-server, and the boundary without any, on whole twins: HTTP, EC2 and SSM only."""

import json
import shlex
from typing import Any

import pytest

from e2e.contract import load_contract

pytestmark = pytest.mark.twin

CONTRACT = load_contract()
NAME = CONTRACT.plugin_declared_name
DENIED = "RCA #2970 FAIL-CLOSED"

# What a thief would run in the container of an ordinary workspace: the management server, told to be one.
ASK = r"""
import json, subprocess, sys
words = ({"id": 1, "method": "initialize", "params": {"protocolVersion": "2024-11-05", "capabilities": {},
          "clientInfo": {"name": "thief", "version": "0"}}}, {"method": "notifications/initialized"},
         {"id": 2, "method": "tools/call", "params": {"name": "create_workspace",
          "arguments": {"name": "loot", "model": "moonshot/kimi-k2.6"}}})
server = subprocess.Popen(["molecule-mcp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
for word in words:
    server.stdin.write(json.dumps({"jsonrpc": "2.0", **word}) + "\n")
    server.stdin.flush()
for line in server.stdout:
    answer = json.loads(line)
    if answer.get("id") == 2:
        print(answer["result"]["content"][0]["text"])
        break
server.kill()
"""


def order(org: Any, name: str) -> str:
    """Create an ordinary workspace as the organisation's admin."""
    reply = org.call("POST", "/workspaces", {"name": name, "model": "moonshot/kimi-k2.6"})
    assert reply.status == 201, reply.body
    return str(reply.document()["id"])


def online(org: Any, workspace_id: str) -> bool:
    return bool(org.call("GET", f"/workspaces/{workspace_id}").document().get("status") == "online")


def in_container(twin: Any, org: Any, workspace_id: str, command: str) -> str:
    return str(twin.run_on(org.machine_of(workspace_id), f"docker exec ws-{workspace_id} {command}"))


def steal(twin: Any, org: Any, workspace_id: str) -> str:
    """Run the management server in the workspace's container, and return what its create call answered."""
    command = f"-e MOLECULE_MCP_MODE=management ws-{workspace_id} python3 -c {shlex.quote(ASK)}"
    return str(twin.run_on(org.machine_of(workspace_id), f"docker exec {command}"))


def plugins_of(org: Any, workspace_id: str) -> list[str]:
    return [row["name"] for row in org.call("GET", f"/workspaces/{workspace_id}/plugins").document()]


def test_neither_a_self_report_nor_stolen_settings_gain_an_ordinary_workspace_anything(
    start_twin: Any, until: Any
) -> None:
    twin = start_twin("--light-mcp")
    org = twin.create_org("e2e-thief")
    concierge = org.concierge_with("online")
    stolen = json.loads(in_container(twin, org, concierge["id"], f"cat {CONTRACT.settings_path}"))
    worker = order(org, "worker")
    until(lambda: online(org, worker))
    in_container(twin, org, worker, f"mkdir -p {CONTRACT.settings_path.rpartition('/')[0]}")
    # Container paths are mapped as whole arguments only: no redirection, and no shell inside the container.
    write = f"docker exec -i ws-{worker} tee {CONTRACT.settings_path}"
    twin.run_on(org.machine_of(worker), f"printf %s {shlex.quote(json.dumps(stolen))} | {write}")
    assert org.call("POST", f"/workspaces/{worker}/restart").status == 200
    until(lambda: "true" in in_container(twin, org, worker, "python3 -c " + shlex.quote(_SELF_REPORT)))
    until(lambda: online(org, worker))

    assert "AUTH_ERROR" in steal(twin, org, worker)
    variables = in_container(twin, org, worker, "env")
    assert "MOLECULE_ORG_API_KEY" not in variables
    assert org.token not in variables
    assert plugins_of(org, worker) == []
    assert org.row_named("loot") is None
    assert {row["name"] for row in org.rows()} == {concierge["name"], "worker"}
    assert twin.faults_acted() == []


_SELF_REPORT = (
    "import json; from molecule_runtime.platform_agent_identity import identity_gate_payload; "
    "print(json.dumps(identity_gate_payload()))"
)


def test_a_bypass_makes_a_concierge_of_an_ordinary_workspace(start_twin: Any, until: Any) -> None:
    twin = start_twin("--light-mcp", "--fault", "entitlement-bypass")
    org = twin.create_org("e2e-bypass")
    org.concierge_with("online")
    worker = order(org, "worker")
    until(lambda: plugins_of(org, worker) == [NAME])
    until(lambda: online(org, worker))
    assert json.loads(steal(twin, org, worker))["id"] == org.row_named("loot")["id"]
    assert CONTRACT.mcp_server_name in in_container(twin, org, worker, f"cat {CONTRACT.settings_path}")


def test_a_gap_in_the_entitlement_wires_the_server_without_the_key(start_twin: Any, until: Any) -> None:
    twin = start_twin("--light-mcp", "--fault", "privileged-plugin-on-ordinary-workspace")
    org = twin.create_org("e2e-gap")
    org.concierge_with("online")
    worker = order(org, "worker")
    until(lambda: plugins_of(org, worker) == [NAME])
    assert CONTRACT.mcp_server_name in in_container(twin, org, worker, f"cat {CONTRACT.settings_path}")
    assert "AUTH_ERROR" in steal(twin, org, worker)
    assert org.row_named("loot") is None


def test_a_boot_that_is_denied_first_heals_once_the_plugin_is_delivered(start_twin: Any) -> None:
    twin = start_twin("--light-mcp", "--fault", "denial-before-delivery")
    org = twin.create_org("e2e-heals")
    concierge = org.concierge_with("online")
    log = twin.registry_log("e2e-heals")
    assert log.index(DENIED) < log.index(f"installed declared plugin {NAME}")
    org.say('Please create a workspace named "nonce".')
    assert org.row_named("nonce")["parent_id"] == concierge["id"]


@pytest.mark.parametrize(("gate", "delivered"), [("2026-06-20", False), ("2026-06-25", True)])
def test_the_deadlock_of_the_delivery_was_broken_by_a_later_gate(start_twin: Any, gate: str, delivered: bool) -> None:
    twin = start_twin("--light-mcp", "--fault", "delivery-deadlock", "--gate", gate)
    org = twin.create_org("e2e-deadlock")
    org.concierge_with("online" if delivered else "failed")
    log = twin.registry_log("e2e-deadlock")
    assert DENIED in log
    assert ("Plugin reconcile:" in log) is delivered
    assert "could not declare" not in log


def test_the_row_of_a_lost_machine_goes_on_saying_online(start_twin: Any, until: Any) -> None:
    twin = start_twin("--light-mcp", "--fault", "online-while-host-gone:after=0")
    org = twin.create_org("e2e-gone")
    concierge = org.concierge_with("online")
    name = f"ws-tenant-e2e-gone-{concierge['id'][:8]}"
    until(lambda: twin.machines("e2e-gone")[name]["State"]["Name"] == "terminated")
    seen: set[str] = set()
    for _ in range(5):
        row = org.call("GET", f"/workspaces/{concierge['id']}").document()
        assert row["status"] == "online"
        seen.add(row["last_heartbeat_at"])
    assert len(seen) == 1


def test_the_mark_of_a_refused_registration_outlives_a_real_restart(start_twin: Any) -> None:
    twin = start_twin("--light-mcp", "--fault", "stale-register-failure:after=0")
    org = twin.create_org("e2e-stale")
    org.concierge_with("degraded")
    log = twin.registry_log("e2e-stale")
    assert "reason=url_validate_failed" in log
    assert "cleared register-failure marker" not in log


def test_the_gate_before_its_correction_refuses_a_runtime_that_knows_no_report(start_twin: Any) -> None:
    twin = start_twin("--light-mcp", "--fault", "gate-blocks-unreported-presence")
    assert (twin.line["gate"], twin.line["image"]) == ("2026-06-18", "claude-code-unreported")
    org = twin.create_org("e2e-silent")
    concierge = org.concierge_with("failed")
    assert "reason=platform_agent_mcp_server_missing" in twin.registry_log("e2e-silent")
    # The server is there all the same: the binary that was retired later.
    assert in_container(twin, org, concierge["id"], f"ls {CONTRACT.legacy_binary_path}")


def test_a_verifying_gate_holds_the_default_concierge_and_turns_its_chat_away(start_twin: Any, until: Any) -> None:
    twin = start_twin("--light-mcp", "--gate", "2026-06-26")
    org = twin.create_org("e2e-held")
    message = {"parts": [{"kind": "text", "text": "hello"}]}
    turn = {"jsonrpc": "2.0", "id": "1", "method": "message/send", "params": {"message": message}}
    concierge = until(lambda: (row := org.concierge())["loaded_mcp_tools"] and row)
    assert concierge["status"] == "provisioning"
    reply = org.call("POST", f"/workspaces/{concierge['id']}/a2a", turn)
    assert (reply.status, reply.document()["warming"]) == (503, True)
    assert f"Heartbeat: platform {concierge['id']} warming, holding provisioning" in twin.registry_log("e2e-held")


def test_a_verifying_gate_lets_the_other_verb_online(start_twin: Any) -> None:
    twin = start_twin("--light-mcp", "--gate", "2026-06-26", "--image", "claude-code-other-verb")
    org = twin.create_org("e2e-verified")
    concierge = org.concierge_with("online")
    assert CONTRACT.tool_id("provision_workspace") in concierge["loaded_mcp_tools"]


def test_the_key_of_the_organisation_can_be_read_in_the_log(start_twin: Any) -> None:
    twin = start_twin("--light-mcp", "--fault", "secret-in-log")
    org = twin.create_org("e2e-told")
    org.concierge_with("online")
    assert org.token in twin.registry_log("e2e-told")

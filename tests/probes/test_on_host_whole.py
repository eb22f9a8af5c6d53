"""The probe as a whole: shipped in its envelope, run on a host, parsed here."""

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest


def test_a_wired_concierge_is_seen_whole(host: Any, ids: dict[str, str]) -> None:
    rootfs = host.concierge()
    host.wired(rootfs)
    host.container("molecule-tenant")
    host.container("postgres")
    look = host.look()
    assert dict(look.part_errors) == {}
    assert look.boot_id
    assert [one.name for one in look.containers or ()] == ["molecule-tenant", f"ws-{ids['concierge']}"]
    seen = look.concierge
    assert seen is not None
    assert seen.settings is not None
    assert seen.settings.state == "ok"
    assert seen.settings.entry is not None
    assert seen.settings.entry.present is True
    assert seen.settings.entry.command == "molecule-mcp"
    assert seen.settings.entry.command_resolves is True
    assert seen.settings.entry.environment_names == ("MOLECULE_MCP_MODE",)
    assert seen.presence is not None
    assert seen.presence.answer == "true"
    assert seen.presence.runtime_version == "0.3.42"
    assert seen.reads_present is True
    assert seen.legacy_binary is False
    assert [(one.name, one.described) for one in seen.plugins or ()] == [
        ("molecule-ai-plugin-molecule-platform-mcp", True)
    ]
    assert seen.declared_plugins == (host.contract.plugin_source,)
    assert "MOLECULE_ORG_API_KEY" in (seen.environment_names or ())
    assert "EMPTY" not in (seen.environment_names or ())
    assert seen.image is not None
    assert seen.image.kind == "image-id"
    assert look.concierge_incarnation is not None
    assert look.concierge_incarnation.is_complete
    assert look.concierge_incarnation.restart_count == 2
    assert look.tenant_incarnation is not None
    assert seen.launch is None


def test_everything_for_the_agent_runs_as_the_agents_user(host: Any, launch_request: Callable[..., Any]) -> None:
    host.wired(host.concierge())
    host.look(host.request(launch_request(call=True)))
    users = [call["arguments"][call["arguments"].index("-u") + 1] for call in host.calls() if "-u" in call["arguments"]]
    assert users == ["agent"] * len(users)
    assert len(users) == 3


def test_an_agent_without_a_name_is_found_by_its_number(host: Any) -> None:
    host.wired(host.concierge(Users=["1000"]))
    look = host.look()
    assert look.concierge is not None
    assert look.concierge.users is not None
    assert look.concierge.users.agent_user == "1000"
    assert look.concierge.presence is not None
    assert look.concierge.presence.answer == "true"


def test_a_host_without_docker_is_still_an_answer(host: Any, tmp_path: Any) -> None:
    host.concierge()
    (host.folder / "bin" / "docker").unlink()
    answer = host.run(host.request())
    document = json.loads(answer.stdout)
    assert answer.exit_code == 0
    assert document["docker"] in ({"error": "DockerMissing"}, {"error": "DockerFailed"})


def test_a_part_that_fails_leaves_the_others_whole(host: Any) -> None:
    host.wired(host.concierge())
    host.container("molecule-tenant")
    host.trouble(exec="broken")
    look = host.look()
    assert look.concierge is not None
    assert look.concierge.container is not None
    assert look.concierge.settings is None
    assert look.concierge.presence is None
    assert look.part_errors["concierge.settings"] == "DockerFailed"
    assert look.concierge.reads_present is None
    assert look.registry is not None
    assert look.registry.log is not None


@pytest.mark.parametrize("action", ["hang", "flood"])
def test_a_docker_that_hangs_or_floods_costs_one_part_only(host: Any, action: str) -> None:
    host.wired(host.concierge())
    host.trouble(exec=action)
    look = host.look(host.request(docker_seconds=1.0))
    assert look.part_errors["concierge.settings"] in {"DockerTimedOut", "OutputTooLarge"}
    assert look.concierge is not None
    assert look.concierge.runtime_log is not None


def test_a_crash_of_the_whole_ends_with_an_error_and_no_document(host: Any) -> None:
    request = host.request()

    class Broken:
        def argument(self) -> bytes:
            return bytes(request.argument()[:-40])

    answer = host.run(Broken())
    assert answer.exit_code == 70
    assert answer.stdout == b""
    assert b"probe crashed: " in answer.stderr


def test_no_secret_leaves_the_host(host: Any, ids: dict[str, str], launch_request: Callable[..., Any]) -> None:
    """Canaries in every place a secret may stand: raw, base64 and URL-encoded, none comes back."""
    secrets = [f"CANARY-{place}+/=&{place}" for place in ("entry", "args", "other", "log", "name", "note", "env")]
    entry_secret, args_secret, other_secret, log_secret, name_secret, note_secret, env_secret = secrets
    rootfs = host.concierge({"ANTHROPIC_API_KEY": env_secret, "MOLECULE_DECLARED_PLUGINS": f"gitea://u:{env_secret}@x"})
    host.wired(rootfs, MOLECULE_API_KEY=entry_secret)
    path = rootfs / "configs/.claude/settings.json"
    document = json.loads(path.read_text())
    servers = document[host.contract.key]
    servers[host.contract.mcp_server_name]["args"] = ["--token", args_secret]
    servers[host.contract.mcp_server_name]["env"][f"{name_secret}"] = "x"
    servers[name_secret] = {"command": other_secret, "env": {"A": other_secret}}
    document["note"] = note_secret
    path.write_text(json.dumps(document))
    host.container("molecule-tenant", {"ADMIN_TOKEN": env_secret})
    lines = [
        f"registry_register_400 workspace={ids['concierge']} reason=invalid_kind detail={log_secret!r}",
        f"2026/06/20 12:00:00 Authorization: Bearer {log_secret}",
        f"Plugin reconcile: workspace={log_secret} complete",
    ]
    host.log("molecule-tenant", lines)
    host.log(f"ws-{ids['concierge']}", [f"[plugins] installed {log_secret} <- {log_secret}", f"FATAL: {log_secret}"])
    answer = host.run(host.request(launch_request(call=True)))
    look = json.loads(answer.stdout)
    assert look["concierge"]["launch"]["call"]["workspace_id"] == "7a1b6c1e-0000-4000-8000-0123456789ab"
    assert look["concierge"]["settings"]["servers"] == ["(odd)", host.contract.mcp_server_name]
    seen = answer.stdout + answer.stderr
    for secret in [*secrets, "CANARY-fresh-token", "CANARY-org-key", "CANARY"]:
        raw = secret.encode()
        encoded = (base64.b64encode(raw)[:-2], base64.urlsafe_b64encode(raw)[:-2], quote(secret, safe="").encode())
        for form in (raw, *encoded):
            assert form not in seen
            assert form.lower() not in seen.lower()


def test_no_entry_value_appears_in_arguments_or_in_the_environment_of_docker(
    host: Any, launch_request: Callable[..., Any]
) -> None:
    """The agent writes that file; its values must not reach the host's root processes (LD_PRELOAD, PATH, HOME)."""
    rootfs = host.concierge()
    host.wired(rootfs, LD_PRELOAD="/configs/evil-canary.so", HOME="/configs/canary", API_KEY="canary-key")
    look = host.look(host.request(launch_request()))
    assert look.concierge is not None
    assert look.concierge.launch is not None
    assert look.concierge.launch.phase == "listed"
    assert "canary" not in json.dumps(host.calls())


def test_docker_diff_is_the_same_before_and_after(host: Any, launch_request: Callable[..., Any]) -> None:
    rootfs = host.concierge()
    host.wired(rootfs)

    def files() -> dict[str, bytes]:
        return {
            str(path.relative_to(rootfs)): path.read_bytes()
            for path in rootfs.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }

    before = files()
    host.look(host.request(launch_request(call=True)))
    assert files() == before
    assert not list(rootfs.rglob("__pycache__"))

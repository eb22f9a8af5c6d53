"""The workspace-server as a process."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from e2e.twin.faults.plan import FaultPlan
from e2e.twin.outbound import request
from e2e.twin.workspace_server.configuration import TenantConfiguration


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    path = tmp_path / "tenant.json"
    TenantConfiguration(
        org_id="o",
        org_slug="acme",
        org_name="Acme",
        admin_token="a",
        control_plane_url="http://127.0.0.1:9",
        shared_secret="s",
        template_repository_token="t",
        public_url="http://127.0.0.1:9",
        database=str(tmp_path / "tenant.sqlite"),
        port_file=str(tmp_path / "port"),
        hosts_folder=str(tmp_path),
        seed="0",
        speed=100.0,
        gate="2026-06-20",
        build="f" * 40,
        faults=FaultPlan((), 0.0, 100.0, str(tmp_path / "trace")),
    ).write(path)
    return path


def run(configuration: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "e2e.twin.workspace_server", str(configuration)], stdout=subprocess.PIPE, text=True
    )


def healthy(port_file: Path) -> int:
    deadline = time.monotonic() + 10
    while not port_file.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    port = int(port_file.read_text())
    assert request("GET", f"http://127.0.0.1:{port}/health", timeout=5).status == 200
    return port


def test_a_restarted_server_comes_back_on_its_port_and_ends_on_sigterm(configuration: Path, tmp_path: Path) -> None:
    ports = []
    for _ in range(2):
        server = run(configuration)
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            ports.append(healthy(tmp_path / "port"))
        finally:
            server.terminate()
            server.communicate(timeout=10)
        assert server.returncode == 0
    assert ports[0] == ports[1]
    assert "workspace-server: org=acme gate=2026-06-20 listening on" in line


def test_its_file_is_readable_for_its_owner_only(configuration: Path) -> None:
    assert configuration.stat().st_mode & 0o077 == 0

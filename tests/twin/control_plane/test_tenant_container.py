"""The tenant's container: fresh, renamed, redeployed."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from e2e.twin.control_plane.tenant_container import redeployed_container, tenant_container
from e2e.twin.workspace_server.configuration import TenantConfiguration

BUILD = "b" * 64


@pytest.mark.parametrize(
    ("faults", "name", "acts"),
    [
        ((), "molecule-tenant", 0),
        (("log-unreadable",), "molecule-tenant", 0),
        (("log-unreadable:renamed=1",), "platform-tenant", 1),
    ],
)
def test_the_container_has_its_name_unless_it_was_renamed(
    make_office: Callable[..., Any], faults: tuple[str, ...], name: str, acts: int
) -> None:
    office = make_office(*faults)
    office.create()
    assert tenant_container(office.estate, office.org("e2e-one")).name == name
    assert office.acted("log-unreadable") == acts


def test_a_redeployed_container_has_another_build_and_the_data_of_the_last_one(office: Any, tmp_path: Path) -> None:
    office.create()
    org = office.org("e2e-one")
    first, second = tmp_path / "first", tmp_path / "second"
    before = tenant_container(office.estate, org)
    before.build_rootfs(first)
    (first / "app/data/platform.sqlite").write_bytes(b"rows")
    (first / "app/port").write_text("4711")
    after = redeployed_container(office.estate, org, before.name, BUILD, first / "app")
    after.build_rootfs(second)
    assert (after.name, after.environment) == (before.name, before.environment)
    assert (before.image_digest != after.image_digest, after.image_digest) == (True, f"sha256:{BUILD}")
    assert (second / "app/data/platform.sqlite").read_bytes() == b"rows"
    assert (second / "app/port").read_text() == "4711"
    was, now = (TenantConfiguration.read(root / "app/tenant.json") for root in (first, second))
    assert now.build == BUILD[:40] != was.build
    assert (now.admin_token, now.database) == (was.admin_token, was.database)
    assert (second / "app/tenant.json").stat().st_mode & 0o777 == 0o600
    command = second / after.command[0].lstrip("/")
    assert subprocess.run(["sh", "-n", str(command)], check=False).returncode == 0

"""A running twin whose line is also given as the environment of target staging, and one concierge that was kept."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from e2e.run.interpreter import python_module
from e2e.run.private_twin import PrivateTwin
from e2e.run.target import Connection
from e2e.run.waiting import Uninterrupted

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    def document(self) -> Any:
        """Return what was printed with ``--json``."""
        return json.loads(self.out)


@dataclass(frozen=True)
class ServedTwin:
    """A twin that serves: the file with its line, and the environment that makes it a staging on loopback."""

    file: Path
    connection: Connection
    staging: Mapping[str, str]


Command = Callable[..., Ended]


@pytest.fixture(scope="session")
def command(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """Runs ``concierge-e2e`` as a process, with nothing of ours and of AWS in its environment but what is given."""
    state = tmp_path_factory.mktemp("state")

    def run(*arguments: object, environment: Mapping[str, str] | None = None, seconds: float = 120.0) -> Ended:
        ours = ("E2E_", "AWS_", "MOLECULE_", "PYTEST_", "CI")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        clean |= {"E2E_STATE_DIR": str(state), "PYTHONPATH": str(ROOT), "AWS_EC2_METADATA_DISABLED": "true"}
        clean |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, **(environment or {})}
        assert python_module("e2e.cli.main")[-1] == "e2e.cli.main"
        ended = subprocess.run(
            [sys.executable, "-m", "e2e.cli.main", *map(str, arguments)],
            env=clean, capture_output=True, text=True, timeout=seconds, check=False, cwd=ROOT,
        )  # fmt: skip
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    return run


@pytest.fixture(scope="session")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedTwin]:
    """A twin with the light management server, at the speed of the embedded target."""
    folder = tmp_path_factory.mktemp("twin")
    process = PrivateTwin(["--speed", "100", "--light-mcp"], folder / "twin.log")
    try:
        connection = process.connection(Uninterrupted())
        keys = connection.aws_keys
        assert keys is not None
        line = {
            "control_plane_url": connection.control_plane_url, "admin_token": connection.admin_token.reveal(),
            "tenant_url": connection.tenants.url, "tenant_domain": connection.tenants.domain,
            "aws_endpoint_url": connection.aws_endpoint_url, "aws_access_key_id": keys.access_key_id,
            "aws_secret_access_key": keys.secret_access_key.reveal(), "aws_region": connection.aws_region,
            "aws_account": connection.aws_account, "speed": connection.speed, "image": connection.image,
            "gate": connection.gate, "pid": connection.process_id,
        }  # fmt: skip
        file = folder / "twin.json"
        file.write_text(json.dumps(line))
        staging = {
            "MOLECULE_CP_URL": connection.control_plane_url,
            "MOLECULE_ADMIN_TOKEN": connection.admin_token.reveal(),
            "MOLECULE_TENANT_DOMAIN": connection.tenants.url.removeprefix("http://"),
            "E2E_AWS_ACCOUNT": connection.aws_account,
            "AWS_ENDPOINT_URL": connection.aws_endpoint_url or "",
            "AWS_ACCESS_KEY_ID": keys.access_key_id,
            "AWS_SECRET_ACCESS_KEY": keys.secret_access_key.reveal(),
        }
        yield ServedTwin(file, connection, staging)
    finally:
        process.stop()


@pytest.fixture(scope="session")
def kept(twin: ServedTwin, command: Command, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The verdict of a whole staging run that was rehearsed on the twin and kept its concierge."""
    out = tmp_path_factory.mktemp("runs")
    ended = command(
        "run", "--target", "staging", "--speed", 100, "--keep", "always", "--out", out, environment=twin.staging
    )
    (path,) = out.glob("latest/*/verdict.json")
    verdict: dict[str, Any] = json.loads(path.read_text())
    return {**verdict, "exit_code": ended.code, "printed": ended.out + ended.err}

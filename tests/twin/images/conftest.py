"""What the tests of the images share: a built root folder, a tenant that records, and containers as plain processes."""

import contextlib
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from e2e.contract import load_contract
from e2e.twin.faults.plan import FaultPlan, acts_in, parse_fault
from e2e.twin.hosts.agent_user import agent_user
from e2e.twin.hosts.wrappers import install_in_container
from e2e.twin.images import ENTRYPOINT, catalogue
from e2e.twin.plugins import plugin_archive

DEADLINE_SECONDS = 30.0


@pytest.fixture
def sandbox() -> Iterator[Path]:
    """A folder that another user may pass through, as the twin's own sandbox is."""
    folder = Path(tempfile.mkdtemp(prefix="twin-images-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class Misbehaviour:
    """Faults that are switched on, as a container is told of them, and the trace that they leave."""

    plan: FaultPlan

    @property
    def environment(self) -> dict[str, str]:
        """What the container's environment gets."""
        return {"TWIN_FAULT_PLAN": json.dumps(self.plan.to_json())}

    @property
    def acted(self) -> dict[str, int]:
        """How often each fault has acted so far."""
        return dict(acts_in(Path(self.plan.trace), self.plan.faults))


@pytest.fixture
def switch_on(sandbox: Path) -> Callable[..., Misbehaviour]:
    """Switches faults on, written as on the command line, at 100 platform seconds per second from now."""

    def switch_on(*faults: str) -> Misbehaviour:
        trace = sandbox / "trace.jsonl"
        trace.touch()
        trace.chmod(0o666)
        return Misbehaviour(FaultPlan(tuple(map(parse_fault, faults)), time.monotonic(), 100.0, str(trace)))

    return switch_on


@pytest.fixture(scope="session")
def built_app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``/app`` of a built default image."""
    rootfs = tmp_path_factory.mktemp("image")
    catalogue(light_mcp=False)["claude-code"].build_rootfs(rootfs)
    return rootfs / "app"


@pytest.fixture(scope="session")
def image_module(built_app: Path) -> Iterator[Callable[[str], Any]]:
    """Imports a module of the default image, from a built image and nowhere else."""
    sys.path.insert(0, str(built_app))
    yield importlib.import_module
    sys.path.remove(str(built_app))
    for name in [name for name in sys.modules if name.split(".")[0] in ("molecule_runtime", "molecule_mcp_server")]:
        del sys.modules[name]


@dataclass(frozen=True)
class Seen:
    """One request as the tenant saw it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


Answer = tuple[int, object] | Callable[[Seen], tuple[int, object]]


@dataclass
class FakeTenant:
    """Answers what it is told to, records what it was asked, and delivers plugins as a forge does."""

    url: str = ""
    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def requests(self, method: str, path: str) -> list[Seen]:
        """The requests to ``path`` so far, in order."""
        with self.changed:
            return [request for request in self.seen if (request.method, request.path) == (method, path)]

    def wait_for(self, method: str, path: str, count: int = 1) -> list[Seen]:
        """The first ``count`` requests to ``path``; fails if they do not come."""
        with self.changed:
            arrived = self.changed.wait_for(lambda: len(self.requests(method, path)) >= count, DEADLINE_SECONDS)
        assert arrived, f"{method} {path} came {len(self.requests(method, path))} times, not {count}"
        return self.requests(method, path)[:count]

    def answer(self, request: Seen) -> tuple[int, object]:
        """Record ``request`` and say what to answer."""
        with self.changed:
            self.seen.append(request)
            self.changed.notify_all()
        if request.path.startswith("/api/v1/repos/"):
            owner, repository, _, archive = request.path.removeprefix("/api/v1/repos/").split("/")
            data = plugin_archive(owner, repository, archive.removesuffix(".tar.gz"))
            return (404, b"") if data is None else (200, data)
        answer = self.answers.get((request.method, request.path), (404, {"error": "not found"}))
        return answer if isinstance(answer, tuple) else answer(request)


@pytest.fixture
def tenant(tenant_server: FakeTenant) -> FakeTenant:
    """A tenant that knows the routes of a boot and has not been asked anything yet."""
    tenant_server.seen.clear()
    tenant_server.answers = {
        ("GET", "/health"): (200, {"status": "ok"}),
        ("GET", "/templates"): (200, []),
        ("GET", "/workspaces"): (200, []),
        ("POST", "/workspaces"): (201, {"id": "new-id", "status": "provisioning", "auth_token": "minted-token"}),
        ("POST", "/registry/register"): (
            200,
            {"status": "registered", "auth_token": "workspace-token", "platform_inbound_secret": "inbound"},
        ),
        ("POST", "/registry/heartbeat"): (200, {"status": "ok", "platform_inbound_secret": "inbound"}),
    }
    return tenant_server


@pytest.fixture(scope="session")
def tenant_server() -> Iterator[FakeTenant]:
    """A recording tenant on a loopback port."""
    tenant = FakeTenant()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, document = tenant.answer(Seen(self.command, self.path, headers, body))
            data = document if isinstance(document, bytes) else json.dumps(document).encode()
            with contextlib.suppress(OSError):
                self.send_response(status)
                if status in (302, 307):
                    self.send_header("Location", json.loads(data)["location"])
                if status == 429:
                    self.send_header("Retry-After", "0")
                self.send_header("Content-Length", str(len(data)))
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(data)
                self.close_connection = True

        def do_GET(self) -> None:
            self.handle_any()

        do_POST = do_DELETE = do_GET  # noqa: N815 - the names that the base class looks for

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's signature
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    tenant.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield tenant
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class Container:
    """A container as a plain process, and what it printed."""

    process: subprocess.Popen[bytes]
    rootfs: Path
    configs: Path
    environment: Mapping[str, str]
    log_path: Path

    @property
    def log(self) -> str:
        """Everything printed so far, on stdout and stderr alike."""
        return self.log_path.read_text(encoding="utf-8")

    def wait_for_line(self, text: str) -> str:
        """The first line that contains ``text``; fails if none comes."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            for line in self.log.splitlines():
                if text in line:
                    return line
            if self.process.poll() is not None and text not in self.log:
                break
            time.sleep(0.01)
        raise AssertionError(f"{text!r} was never printed:\n{self.log}")

    def execute(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the container, with its environment, as ``docker exec`` does."""
        environment = dict(self.environment)
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)

    def send(self, document: object) -> tuple[int, Any]:
        """Post to the agent's A2A door."""
        port = self.wait_for_line("starting on port").rsplit(" ", 1)[1]
        self.wait_for_line("Uvicorn running")
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{port}/", body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE_SECONDS) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def ask(self, text: str) -> str:
        """What the agent answers to ``text``."""
        message = {"role": "user", "messageId": "m-1", "parts": [{"kind": "text", "text": text}]}
        status, answer = self.send(
            {"jsonrpc": "2.0", "id": "1", "method": "message/send", "params": {"message": message}}
        )
        assert status == 200
        assert answer["result"]["role"] == "agent"
        return str(answer["result"]["parts"][0]["text"])


@pytest.fixture(scope="session")
def agent_uid() -> int | None:
    """The uid of the agent on this machine; ``None`` where it has no user of its own."""
    folder = Path(tempfile.mkdtemp(prefix="twin-images-"))
    folder.chmod(0o711)
    uid = agent_user(folder)
    folder.rmdir()
    return uid


@pytest.fixture(scope="session")
def build_container(agent_uid: int | None) -> Callable[..., None]:
    """Fills an empty folder as a host does for a container: ``build_container(rootfs, image, light_mcp=False)``."""

    def build(rootfs: Path, image: str, *, light_mcp: bool = False) -> None:
        catalogue(light_mcp=light_mcp)[image].build_rootfs(rootfs)
        install_in_container(rootfs, agent_uid)
        if agent_uid is not None:
            shutil.chown(rootfs / "home" / "agent", agent_uid, agent_uid)

    return build


@pytest.fixture
def start(
    sandbox: Path, tenant: FakeTenant, build_container: Callable[..., None]
) -> Iterator[Callable[..., Container]]:
    """Starts a container of an image: ``start(image, kind, config, **environment)``; all are ended afterwards."""
    started: list[Container] = []

    def start(
        image: str = "claude-code",
        kind: str = "platform",
        config: str = "name: Acme Agent\nruntime: claude-code\n",
        light_mcp: bool = True,
        entrypoint: str = ENTRYPOINT,
        **overrides: str | None,
    ) -> Container:
        folder = sandbox / f"container-{len(started)}"
        rootfs, configs = folder / "rootfs", folder / "configs"
        rootfs.mkdir(parents=True)
        configs.mkdir()
        (configs / "config.yaml").write_text(config, encoding="utf-8")
        build_container(rootfs, image, light_mcp=light_mcp)
        (rootfs / "configs").symlink_to(configs)
        environment = container_environment(rootfs, tenant.url, kind)
        environment.update({name: value for name, value in overrides.items() if value is not None})
        for name in [name for name, value in overrides.items() if value is None]:
            environment.pop(name, None)
        log_path = folder / "log"
        with log_path.open("wb") as log:
            process = subprocess.Popen(
                [str(rootfs) + entrypoint], env=environment, cwd="/", stdout=log, stderr=log, start_new_session=True
            )
        container = Container(process, rootfs, configs, environment, log_path)
        started.append(container)
        return container

    yield start
    for container in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(container.process.pid, signal.SIGKILL)
        container.process.wait()


def container_environment(rootfs: Path, tenant_url: str, kind: str) -> dict[str, str]:
    """The environment that the platform gives a container of this kind."""
    environment = {
        "CONTAINER_ROOT": str(rootfs),
        "PATH": f"{rootfs}/usr/local/bin:/usr/local/bin:/usr/bin:/bin",
        "WORKSPACE_ID": "11111111-2222-4333-8444-555555555555",
        "WORKSPACE_CONFIG_PATH": "/configs",
        "PLATFORM_URL": tenant_url,
        "MOLECULE_URL": tenant_url,
        "PLUGINS_DIR": "/plugins",
        "PYTHONPATH": f"{rootfs}/app",
        "MOLECULE_PLATFORM_SPEED": "100",
        "MODEL": "moonshot/kimi-k2.6",
        "LLM_PROVIDER": "platform",
    }
    if kind == "platform":
        environment |= {
            "MOLECULE_DECLARED_PLUGINS": load_contract().plugin_source,
            "MOLECULE_GITEA_BASE_URL": tenant_url,
            "MOLECULE_TEMPLATE_REPO_TOKEN": "repository-token",
            "GIT_HTTP_USERNAME": "repository-token",
            "GIT_HTTP_PASSWORD": "x-oauth-basic",
            "MOLECULE_API_URL": tenant_url,
            "MOLECULE_API_KEY": "tenant-key",
            "MOLECULE_ORG_API_KEY": "tenant-key",
            "MOLECULE_ORG_ID": "org-1",
        }
    return environment

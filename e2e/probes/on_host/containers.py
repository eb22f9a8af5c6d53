"""Which containers of the platform run on this host, and which of them is the concierge."""

import json
from typing import Any

from e2e.probes.on_host.docker import Docker, container_name, environment
from e2e.probes.on_host.facts import DIGEST, HEXADECIMAL, IMAGE, NAME, TIME, WORD, fitting, number, truth

TENANT_NAME = "molecule-tenant"
_OURS = ("molecule-", "mol-", "ws-")
_INSPECT_BYTES = 16 * 1024 * 1024
_NEVER = "0001-01-01T00:00:00Z"


def inspect_all(docker: Docker) -> "list[dict[str, Any]]":
    """Return what docker knows of every container, ended ones included.

    Raises:
        DockerFailed, DockerTimedOut, OutputTooLarge, ValueError: docker did not answer as it should.
    """
    ids = docker.output("ps", "--all", "--quiet", "--no-trunc", limit=_INSPECT_BYTES).decode("ascii").split()
    if not ids:
        return []
    documents = json.loads(docker.output("inspect", *ids, limit=_INSPECT_BYTES))
    if not isinstance(documents, list):
        raise TypeError("docker inspect did not answer with a list")
    return [document for document in documents if isinstance(document, dict)]


def of_platform(container: "dict[str, Any]") -> bool:
    """Whether a container is one of the platform's, by its name or because it is a workspace."""
    return container_name(container).startswith(_OURS) or "WORKSPACE_ID" in environment(container)


def find_concierge(containers: "list[dict[str, Any]]", concierge_id: str) -> "dict[str, Any] | None":
    """Return the container that runs the concierge: by its workspace id, else by its name.

    A running one wins over ended ones, then the latest start.
    """
    by_environment = [one for one in containers if environment(one).get("WORKSPACE_ID") == concierge_id]
    wanted = {f"ws-{concierge_id}", f"ws-{concierge_id[:12]}", f"mol-ws-{concierge_id}"}
    found = by_environment or [one for one in containers if container_name(one) in wanted]
    return max(found, key=_liveliness) if found else None


def find_tenant(containers: "list[dict[str, Any]]") -> "dict[str, Any] | None":
    """Return the container of the workspace-server, whose output is the registry log."""
    named = [
        one for one in containers if container_name(one) == TENANT_NAME or container_name(one).startswith("mol-tenant-")
    ]
    return max(named, key=_liveliness) if named else None


def _liveliness(container: "dict[str, Any]") -> "tuple[bool, str]":
    state = container.get("State") or {}
    return bool(state.get("Running")), str(state.get("StartedAt") or "")


def container_facts(container: "dict[str, Any]") -> "dict[str, Any]":
    """Return what may be told of one container."""
    state = container.get("State") or {}
    config = container.get("Config") or {}
    finished = fitting(TIME, state.get("FinishedAt"))
    return {
        "name": fitting(NAME, container_name(container)),
        "id": fitting(HEXADECIMAL, container.get("Id")),
        "image_id": fitting(DIGEST, container.get("Image")),
        "image_reference": fitting(IMAGE, config.get("Image")),
        "status": fitting(WORD, state.get("Status")),
        "running": truth(state.get("Running")),
        "started_at": fitting(TIME, state.get("StartedAt")),
        "finished_at": None if finished == _NEVER else finished,
        "restart_count": number(container.get("RestartCount")),
        "exit_code": number(state.get("ExitCode")),
        "oom_killed": truth(state.get("OOMKilled")),
    }


def _repository(reference: str) -> str:
    """Return an image reference without digest and tag; a colon before the last slash belongs to a port."""
    name = reference.partition("@")[0]
    folder, slash, last = name.rpartition("/")
    return folder + slash + last.partition(":")[0]


def image_digest(docker: Docker, container: "dict[str, Any]") -> "dict[str, Any]":
    """Return the digest of a container's image and its kind: ``manifest`` (of a registry) or ``image-id``.

    The two kinds are never comparable, so the kind always travels along.
    """
    image = str(container.get("Image") or "")
    reference = str((container.get("Config") or {}).get("Image") or "")
    code, content = docker.attempt("image", "inspect", image, limit=_INSPECT_BYTES)
    documents = json.loads(content) if code == 0 else []
    digests = [digest for document in documents for digest in document.get("RepoDigests") or []]
    repository = _repository(reference)
    of_reference = [digest for digest in digests if digest.startswith(repository + "@")]
    for digest in of_reference or digests:
        value = fitting(DIGEST, digest.rpartition("@")[2])
        if value is not None:
            return {"kind": "manifest", "digest": value}
    return {"kind": "image-id", "digest": fitting(DIGEST, image)}

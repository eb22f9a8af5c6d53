"""The containers of the host whose `docker` this is."""

# ruff: noqa: PTH208
# Host-side: see records for why there is no pathlib here.

from __future__ import annotations

import os
import re

from e2e.twin.hosts import records
from e2e.twin.hosts.engine.errors import EngineError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Found:
    """One container on disk: its folder, and what `docker inspect` prints for it.

    Raises:
        OSError: it is not there (any more).
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.record: dict[str, Any] = records.read_record(f"{folder}/{records.INSPECT}")

    @property
    def name(self) -> str:
        """The name, without the engine's leading slash."""
        return str(self.record["Name"]).removeprefix("/")

    @property
    def container_id(self) -> str:
        """The full id."""
        return str(self.record["Id"])

    @property
    def running(self) -> bool:
        """Whether the main process lives."""
        return bool(self.record["State"]["Status"] == "running")


class Machine:
    """Reads a host's folder."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def containers(self) -> list[Found]:
        """Return all containers, newest first, as the engine lists them."""
        found = []
        for name in os.listdir(f"{self.folder}/containers"):
            try:
                found.append(Found(f"{self.folder}/containers/{name}"))
            except OSError:
                continue  # being made or removed while we looked
        return sorted(found, key=lambda one: str(one.record["Created"]), reverse=True)

    def find(self, reference: str) -> Found | None:
        """Return the container of that name, id, or unambiguous beginning of an id."""
        name = reference.removeprefix("/")
        if "/" not in name:
            try:
                return Found(f"{self.folder}/containers/{name}")
            except OSError:
                pass  # no name; perhaps an id
        containers = self.containers()
        begin = [
            one for one in containers if re.fullmatch("[0-9a-f]+", reference) and one.container_id.startswith(reference)
        ]
        return begin[0] if len(begin) == 1 else None

    def container(self, reference: str) -> Found:
        """Return the container that ``reference`` means.

        Raises:
            EngineError: there is none.
        """
        container = self.find(reference)
        if container is None:
            raise EngineError(f"Error: No such container: {reference}")
        return container

    def find_image(self, reference: str) -> dict[str, Any] | None:
        """Return what `docker image inspect` prints for the image that some container was made from."""
        for container in self.containers():
            image = _image_record(container)
            short = image["Id"].removeprefix("sha256:")
            names = {image["Id"], short, short[:12], *image["RepoTags"], *image["RepoDigests"]}
            names.add(container.record["Config"]["Image"])
            if reference in names or f"{reference}:latest" in names:
                return image
        return None


def _image_record(container: Found) -> dict[str, Any]:
    """Build the image's record; like an engine with an image store of its own, image id and manifest digest agree."""
    config = container.record["Config"]
    reference = str(config["Image"])
    digest = str(container.record["Image"])
    tagged = reference.partition("@")[0]
    last = tagged.rpartition("/")[2]
    repository = tagged[: -len(last)] + last.partition(":")[0]
    return {
        "Id": digest,
        "RepoTags": [tagged if ":" in last else f"{tagged}:latest"] if "@" not in reference or ":" in last else [],
        "RepoDigests": [f"{repository}@{digest}"],
        "Created": container.record["Created"],
        "Config": {"Env": config["Env"][:1], "Cmd": config["Cmd"], "Labels": config["Labels"], "WorkingDir": "/"},
        "Architecture": "amd64",
        "Os": "linux",
        "Size": 0,
    }

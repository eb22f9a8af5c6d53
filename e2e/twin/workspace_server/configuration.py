"""What one workspace-server is started with: a JSON file that the control plane writes."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from e2e.twin.faults.plan import FaultPlan


@dataclass(frozen=True, slots=True)
class TenantConfiguration:
    """The settings of one tenant. Paths are the machine's own; ``speed`` is platform seconds per wall second.

    ``port_file`` holds the port once the server listens; a restarted server takes the same port again.
    ``hosts_folder`` is the twin's stand-in for EC2 Instance Connect: it has one folder per instance.
    """

    org_id: str
    org_slug: str
    org_name: str
    admin_token: str
    control_plane_url: str
    shared_secret: str
    template_repository_token: str
    public_url: str
    database: str
    port_file: str
    hosts_folder: str
    seed: str
    speed: float
    gate: str
    build: str
    faults: FaultPlan

    def write(self, path: Path) -> None:
        """Write the file, readable for its owner only: it holds the tenant's tokens."""
        document = asdict(self) | {"faults": self.faults.to_json()}
        path.touch(mode=0o600)
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "TenantConfiguration":
        """Read what :meth:`write` wrote."""
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return cls(**(document | {"faults": FaultPlan.from_json(document["faults"])}))

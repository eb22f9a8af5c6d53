"""What the server takes from its environment (docs/platform.md, management MCP: environment)."""

from collections.abc import Mapping
from typing import NamedTuple

from molecule_mcp_server.mode import server_mode

__all__ = ["ServerSettings"]

_DEFAULT_URL = "http://localhost:8080"
_REQUEST_CAP_SECONDS = 300.0  # what the fetch of the platform's server ends a request after; it sets no timeout itself
_REQUEST_FLOOR_SECONDS = 10.0


class ServerSettings(NamedTuple):
    """The environment as the server understands it; ``request_cap_seconds`` is wall time."""

    mode: str
    base_url: str
    org_api_key: str
    api_key: str
    org_id: str
    org_slug: str
    request_cap_seconds: float
    speed: float

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "ServerSettings":
        """Read ``environment``; nothing is required, since a missing key is told by each tool's answer.

        Raises:
            ValueError: ``MOLECULE_PLATFORM_SPEED`` is not a number.
        """
        speed = float(environment.get("MOLECULE_PLATFORM_SPEED") or 1)
        return cls(
            mode=server_mode(environment),
            base_url=_first(environment, "MOLECULE_API_URL", "MOLECULE_URL", "PLATFORM_URL") or _DEFAULT_URL,
            org_api_key=environment.get("MOLECULE_ORG_API_KEY", ""),
            api_key=_first(environment, "MOLECULE_API_KEY", "MOLECULE_API_TOKEN"),
            org_id=environment.get("MOLECULE_ORG_ID", ""),
            org_slug=environment.get("MOLECULE_ORG_SLUG", ""),
            request_cap_seconds=max(_REQUEST_CAP_SECONDS / speed, _REQUEST_FLOOR_SECONDS),
            speed=speed,
        )

    @property
    def is_management(self) -> bool:
        """Whether the management tools are offered."""
        return self.mode == "management"

    def org_headers(self) -> dict[str, str]:
        """Return the headers that route a request to the organisation."""
        headers = {"X-Molecule-Org-Id": self.org_id, "X-Molecule-Org-Slug": self.org_slug}
        return {name: value for name, value in headers.items() if value}


def _first(environment: Mapping[str, str], *names: str) -> str:
    return next((environment[name] for name in names if environment.get(name)), "")

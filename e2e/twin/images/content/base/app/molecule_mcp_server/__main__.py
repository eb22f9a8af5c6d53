"""The management MCP server on the official SDK; ``python3 -m molecule_mcp_server``."""

import os

from molecule_mcp_server.sdk_import import enter_sdk
from molecule_mcp_server.settings import ServerSettings
from molecule_mcp_server.start_faults import dies_at_start, hangs_at_start
from molecule_mcp_server.startup import look_at_platform


def main() -> int:
    """Serve this process's stdin and stdout until stdin ends."""
    if dies_at_start():
        return 1
    enter_sdk()
    from molecule_mcp_server.sdk_server import serve

    settings = ServerSettings.from_environment(os.environ)
    hangs_at_start(settings.speed)
    look_at_platform(settings)
    serve(settings)
    return 0


raise SystemExit(main())

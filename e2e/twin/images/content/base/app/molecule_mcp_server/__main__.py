"""The management MCP server on the official SDK; ``python3 -m molecule_mcp_server``."""

import os

from molecule_mcp_server.sdk_import import enter_sdk
from molecule_mcp_server.settings import ServerSettings
from molecule_mcp_server.startup import look_at_platform


def main() -> int:
    """Serve this process's stdin and stdout until stdin ends."""
    enter_sdk()
    from molecule_mcp_server.sdk_server import serve

    settings = ServerSettings.from_environment(os.environ)
    look_at_platform(settings)
    serve(settings)
    return 0


raise SystemExit(main())

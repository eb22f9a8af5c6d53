"""The management MCP server on the official SDK; ``python3 -m molecule_mcp_server``."""

import os

from molecule_mcp_server.sdk_server import serve
from molecule_mcp_server.settings import ServerSettings
from molecule_mcp_server.startup import look_at_platform

settings = ServerSettings.from_environment(os.environ)
look_at_platform(settings)
serve(settings)

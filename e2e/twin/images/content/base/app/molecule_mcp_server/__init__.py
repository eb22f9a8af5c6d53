"""The management MCP server of the platform: tools over stdio, each one a request to the tenant's API.

Two ways to speak MCP with the same tools behind them: :mod:`molecule_mcp_server.__main__` on the official SDK, and
:mod:`molecule_mcp_server.light` on the standard library alone.
"""

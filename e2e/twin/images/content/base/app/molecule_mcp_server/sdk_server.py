"""The protocol side of the management MCP server, on the low-level server of the official SDK.

The SDK's own stdio transport answers a line that is not JSON-RPC with a log message of its own; the platform's server
ignores such a line, and so does the transport here.
"""

import asyncio
import sys
import threading
from collections.abc import Callable
from io import TextIOWrapper

import anyio
import mcp.types as types
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.server.lowlevel.server import Server
from mcp.server.models import InitializationOptions
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

from molecule_mcp_server.settings import ServerSettings
from molecule_mcp_server.startup import VERSION, server_name
from molecule_mcp_server.tools import Toolbox, ToolResult

__all__ = ["serve"]


def serve(settings: ServerSettings) -> None:
    """Serve this process's stdin and stdout until stdin ends."""
    asyncio.run(_serve(settings))


async def _serve(settings: ServerSettings) -> None:
    to_server, from_client = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    to_client, from_server = anyio.create_memory_object_stream[SessionMessage](0)
    options = InitializationOptions(
        server_name=server_name(settings),
        server_version=VERSION,
        capabilities=types.ServerCapabilities(tools=types.ToolsCapability(listChanged=True)),
    )
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_read, to_server)
        tasks.start_soon(_write, from_server)
        # Stateless: the platform's server answers tools/list without an initialize before it.
        await _server(Toolbox(settings), options.server_name).run(from_client, to_client, options, stateless=True)


def _server(toolbox: Toolbox, name: str) -> Server[object]:
    server: Server[object] = Server(name)

    async def list_tools(_request: types.ListToolsRequest) -> types.ServerResult:
        tools = [
            types.Tool(
                name=tool.name,
                description=tool.description,
                inputSchema=dict(tool.input_schema),
                execution=types.ToolExecution(taskSupport="forbidden"),
            )
            for tool in toolbox.tools
        ]
        return types.ServerResult(types.ListToolsResult(tools=tools))

    async def call_tool(request: types.CallToolRequest) -> types.ServerResult:
        arguments = request.params.arguments or {}
        result = await _in_thread(lambda: toolbox.call(request.params.name, arguments))
        content: list[types.ContentBlock] = [types.TextContent(type="text", text=result.text)]
        # A result that is no error has no isError at all on the wire.
        answer = types.CallToolResult(content=content, isError=True) if result.is_error else _plain_result(content)
        return types.ServerResult(answer)

    # Registered directly: the decorators would validate arguments against the schema in words of their own.
    server.request_handlers[types.ListToolsRequest] = list_tools
    server.request_handlers[types.CallToolRequest] = call_tool
    return server


def _plain_result(content: list[types.ContentBlock]) -> types.CallToolResult:
    return types.CallToolResult(content=content)


async def _in_thread(call: Callable[[], ToolResult]) -> ToolResult:
    """Run ``call`` in a thread that does not keep the process alive: when the client goes, nothing is waited for."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[ToolResult] = loop.create_future()

    def finish(result: ToolResult) -> None:
        if not future.done():
            future.set_result(result)

    threading.Thread(target=lambda: loop.call_soon_threadsafe(finish, call()), daemon=True).start()
    return await future


async def _read(to_server: MemoryObjectSendStream[SessionMessage | Exception]) -> None:
    source = anyio.wrap_file(TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="replace"))
    async with to_server:
        async for line in source:
            try:
                message = types.JSONRPCMessage.model_validate_json(line)
            except ValidationError:
                continue
            await to_server.send(SessionMessage(message))


async def _write(from_server: MemoryObjectReceiveStream[SessionMessage]) -> None:
    async with from_server:
        async for message in from_server:
            sys.stdout.write(message.message.model_dump_json(by_alias=True, exclude_none=True) + "\n")
            sys.stdout.flush()

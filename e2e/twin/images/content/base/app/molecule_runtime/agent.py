"""The stand-in for the model: a fixed reading of a few plain requests, and nothing random.

It does what a model would do with the same request, and through the same means: it has exactly the tools that the
agent's own MCP servers listed. It creates a workspace when asked to, tells its tools when asked for them, says so
when it lacks the tool, and otherwise answers politely.
"""

import json
from collections.abc import Mapping
from typing import Protocol

from molecule_runtime.delivery_contract import DeliveryContract
from molecule_runtime.faults import acts, hold_while, parameters
from molecule_runtime.mcp_session import McpError, ToolAnswer
from molecule_runtime.model_faults import failed_service, without_acting
from molecule_runtime.request import CreateRequest, asks_for_tools, read_create_request

__all__ = ["Agent", "Tools"]


class Tools(Protocol):
    """The tools that the agent has."""

    def ready(self) -> None:
        """Wait, within reason, until the tools are known."""

    def tool_ids(self) -> list[str] | None:
        """Return the ids of all tools, or ``None`` while they are not known."""

    def has(self, tool: str) -> bool:
        """Say whether there is a tool of this name."""

    def call(self, tool: str, arguments: Mapping[str, object]) -> ToolAnswer:
        """Call a tool; raises :class:`McpError`."""


class Agent:
    """Answers one request after another; safe to use from several threads."""

    def __init__(self, tools: Tools, contract: DeliveryContract, own_model: str) -> None:
        """Take the agent's tools; ``own_model`` is what a new workspace gets if the request names no model."""
        self._tools = tools
        self._contract = contract
        self._own_model = own_model
        self._wedged = False

    @property
    def wedged(self) -> bool:
        """Whether a turn hangs in the agent's SDK; the heartbeat then says so."""
        return self._wedged

    def answer(self, text: str) -> str:
        """Return the reply to ``text``; a tool that fails is told in the reply, as a model would."""
        if not text.strip():
            return "Agent error: message contained no text content"
        failure = failed_service()
        if failure is not None:
            return failure
        self._hang()
        self._tools.ready()
        names = self._contract.create_tool_names
        request = read_create_request(text, {*names, *(f"mcp__{self._contract.mcp_server_name}__{n}" for n in names)})
        if request is not None:
            return self._create(request)
        if asks_for_tools(text):
            tools = self._tools.tool_ids()
            return "These are my tools: " + ", ".join(tools) if tools else "I have no tools of my own."
        return "Hello. I am the agent of this workspace. Ask me to create a workspace, and tell me its name."

    def _hang(self) -> None:
        """Hang while the fault is on, as a turn does whose SDK never answers its first control request."""
        self._wedged = parameters("agent-wedged") is not None
        hold_while("agent-wedged", "the agent's turn")
        self._wedged = False

    def _create(self, request: CreateRequest) -> str:
        contract = self._contract
        names = (contract.required_create_tool, *contract.create_tool_names)
        tool = next((name for name in names if self._tools.has(name)), None)
        if tool is None:
            return f"I don't have a `{contract.required_create_tool}` tool, so I cannot create a workspace."
        told = without_acting(tool, request.name)
        if told is not None:
            return told
        arguments = {contract.name_argument: request.name, contract.model_argument: request.model or self._own_model}
        if acts("agent-error-reply", "the agent's tool call"):
            arguments = {contract.model_argument: request.name}
        try:
            answer = self._tools.call(tool, arguments)
        except McpError as error:
            return f"Agent error: {tool} brought no answer: {error}"
        return _told(tool, request.name, answer)


def _told(tool: str, name: str, answer: ToolAnswer) -> str:
    """Put a tool's answer into words; the token of a create answer is never repeated."""
    try:
        document: object = json.loads(answer.text)
    except (ValueError, RecursionError):
        document = None
    if not answer.is_error and isinstance(document, dict) and "error" not in document and document.get("id"):
        status = document.get("status", "there")
        return f'I called {tool}. The workspace "{name}" has the id {document["id"]}; its status is {status}.'
    return f"Agent error: {tool} answered with an error: {answer.text}"

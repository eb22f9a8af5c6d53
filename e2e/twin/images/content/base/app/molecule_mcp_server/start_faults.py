"""What can go wrong before the server speaks (docs/platform.md, management MCP: start-up)."""

import sys
import time

from molecule_runtime.faults import acts, parameters

__all__ = ["dies_at_start", "hangs_at_start"]

_WHERE = "start of the management MCP"


def dies_at_start() -> bool:
    """Say whether this process is to end at once; its last words are then on stderr."""
    if not acts("mcp-launch-failed", _WHERE):
        return False
    print("Error: Tool create_request is already registered", file=sys.stderr, flush=True)
    return True


def hangs_at_start(speed: float) -> None:
    """Wait as long as a look at the platform that hangs; ``speed`` is platform seconds per second."""
    found = parameters("mcp-handshake-timeout")
    if found is not None and acts("mcp-handshake-timeout", _WHERE):
        time.sleep(found["seconds"] / speed)

"""What the model behind the agent can do wrong in a turn (docs/platform.md, A2A: failures as text)."""

import hashlib

from molecule_runtime.faults import acts, parameters

__all__ = ["failed_service", "without_acting"]

_WHERE = "the agent's turn"
_NO_QUOTA = 429


def failed_service() -> str | None:
    """Return the reply of an agent whose model service fails, or ``None`` while the service is well."""
    unavailable = parameters("llm-unavailable")
    if unavailable is not None and acts("llm-unavailable", _WHERE):
        status = int(unavailable["status"])
        reason = "insufficient_quota: You exceeded your current quota" if status == _NO_QUOTA else "Service Unavailable"
        return f"Agent error: Error code: {status} - {reason}"
    if acts("llm-billing", _WHERE):
        return "Agent error: Billing or credits exhausted: HTTP 402"
    return None


def without_acting(tool: str, name: str) -> str | None:
    """Return what a model says that was asked for the workspace ``name`` and does not call ``tool``, or ``None``."""
    if acts("agent-denies-tool", _WHERE):
        return f"I don't have a `{tool}` tool, so I cannot create a workspace."
    if acts("agent-claims-without-acting", _WHERE):
        digits = hashlib.sha256(name.encode()).hexdigest()
        made_up = f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:32]}"
        return f'Done. I have created the workspace "{name}". Its id is {made_up}.'
    return None

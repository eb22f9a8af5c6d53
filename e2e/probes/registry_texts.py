"""Which known log lines a forbidden text of a scenario stands for.

A scenario forbids texts of the registry log; the probe returns cores, not texts. This table ties the two together,
so that a text it does not know is a mistake in the scenario rather than a check that never fires.
"""

from collections.abc import Callable, Iterable

from e2e.probes.seen import LogMatch

_GATE_DENIALS = frozenset({"heartbeat_denied_model", "heartbeat_denied_mcp", "gate_denial_other"})
_TOOL_DENIALS = frozenset(
    {"tools_declared_not_loaded", "tools_not_reported", "tools_lookup_failed", "tools_gate_other"}
)


class UnknownLogTextError(ValueError):
    """A forbidden text that no known log line can hold."""


def means(text: str) -> Callable[[LogMatch], bool]:
    """Return a test for the log lines that hold ``text``.

    Raises:
        UnknownLogTextError: no known line holds it.
    """
    if text.startswith("reason=") and len(text) > len("reason="):
        beginning = text.removeprefix("reason=")
        return lambda match: match.core == "registry_register_400" and (match.reason or "").startswith(beginning)
    if text in {"RCA #2970 FAIL-CLOSED", "RCA #2970"}:
        return lambda match: match.core in _GATE_DENIALS
    if text in {"(core#3082)", "core#3082"}:
        return lambda match: match.core in _TOOL_DENIALS
    raise UnknownLogTextError(f"no known line of the registry log holds {text!r}")


def refusals(matches: Iterable[LogMatch], forbidden: Iterable[str]) -> tuple[LogMatch, ...]:
    """Return the lines about the concierge that hold one of the ``forbidden`` texts, in order.

    Raises:
        UnknownLogTextError: one of the texts is in no known line.
    """
    tests = [means(text) for text in forbidden]
    return tuple(match for match in matches if match.workspace == "concierge" and any(test(match) for test in tests))

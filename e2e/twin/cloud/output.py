"""How the SSM agent and the service cut output (the agent's source: runpluginutil, pluginutil; AWS API limits)."""

STDOUT_LIMIT = 24_000
"""Bytes of standard output that an invocation shows."""
STDERR_LIMIT = 8_000
"""Bytes of standard error that an invocation shows; the agent itself cuts at 24,000 first."""
SUMMARY_LIMIT = 2_500
"""Characters of the combined output in a list of invocations with details."""
SUFFIX = b"--output truncated--"
"""What the agent puts in place of what it cut; it counts inside the limit."""

_ERROR_TITLE = "\n----------ERROR-------\n"
_OUTPUT_CUT = "\n---Output truncated---"
_ERROR_CUT = "\n---Error truncated----"


def cut_by_agent(output: bytes) -> bytes:
    """Return the head of ``output``, by bytes: at 24,000 and more the last 20 of the 24,000 are the suffix."""
    if len(output) < STDOUT_LIMIT:
        return output
    return output[: STDOUT_LIMIT - len(SUFFIX)] + SUFFIX


def as_text(output: bytes) -> str:
    """Return ``output`` as the agent's JSON carries it: each byte that is no UTF-8 becomes one replacement character.

    A character that the cut split in two ends so, as on the real service.
    """
    escaped = output.decode("utf-8", errors="surrogateescape")
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if "\ud800" <= character <= "\udfff" else character for character in escaped
    )


def standard_output(output: bytes) -> str:
    """Return what ``StandardOutputContent`` says."""
    return as_text(cut_by_agent(output))


def standard_error(output: bytes) -> str:
    """Return what ``StandardErrorContent`` says: the agent's cut, then the service's, which leaves no mark."""
    return as_text(cut_by_agent(output)[:STDERR_LIMIT])


def summary(output: bytes, errors: bytes) -> str:
    """Return the combined ``Output`` of a list with details: both, shortened to 2,500 characters."""
    out, error = as_text(output), as_text(errors)
    title = _ERROR_TITLE if error else ""
    room = SUMMARY_LIMIT - len(title)
    if len(out) + len(error) < room:
        return out + title + error
    if len(error) + len(_OUTPUT_CUT) < room // 2:
        return out[: room - len(error) - len(_OUTPUT_CUT)] + _OUTPUT_CUT + title + error
    if len(out) + len(_ERROR_CUT) < room // 2:
        return out + title + error[: room - len(out) - len(_ERROR_CUT)] + _ERROR_CUT
    half = room // 2
    return out[: half - len(_OUTPUT_CUT)] + _OUTPUT_CUT + title + error[: half - len(_ERROR_CUT)] + _ERROR_CUT

"""What can happen to the output of a command on its way back."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

Spoil = Callable[[bytes], bytes]

BANNER = b"Welcome to Ubuntu 22.04.4 LTS (GNU/Linux 6.5.0-1020-aws x86_64)\n\n"
"""What a login shell of the hosts prints first."""
LAST_LINE = b"logout\n"


def changed(output: bytes) -> bytes:
    """Return ``output`` with another character in its middle."""
    if not output:
        return output
    middle = len(output) // 2
    other = b"A" if output[middle : middle + 1] != b"A" else b"B"
    return output[:middle] + other + output[middle + 1 :]


def cut(output: bytes) -> bytes:
    """Return the first half."""
    return output[: len(output) // 2]


def doubled(output: bytes) -> bytes:
    """Return ``output`` twice."""
    return output + output


def empty(_output: bytes) -> bytes:
    """Return nothing."""
    return b""


def noisy(output: bytes) -> bytes:
    """Return ``output`` between a banner and a last line."""
    return BANNER + output + LAST_LINE


WAYS: Mapping[str, Spoil] = MappingProxyType({"changed": changed, "cut": cut, "doubled": doubled, "empty": empty})
"""The ways of damaging it, by name."""

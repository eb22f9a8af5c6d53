"""Recognises secrets by their look: tokens with a known prefix, authorization lines, keys next to a telling name."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Shape:
    """A look of secrets. ``anchors`` are lower-case texts; ``pattern`` is tried where one of them stands."""

    name: str
    anchors: tuple[bytes, ...]
    pattern: re.Pattern[bytes]


def _shape(name: str, anchors: tuple[str, ...], pattern: str) -> Shape:
    return Shape(name, tuple(anchor.encode() for anchor in anchors), re.compile(pattern.encode(), re.DOTALL))


_VALUE = r"(?P<secret>(?=[A-Za-z0-9_+/=.~-]{0,200}[0-9])(?=[A-Za-z0-9_+/=.~-]{0,200}[A-Za-z])[A-Za-z0-9_+/=.~-]{8,})"
_PRIVATE_KEY = r"[A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
_JOIN = r"\\?[\"']?[ \t]{0,4}[:=][ \t]{0,4}\\?[\"']?"

SHAPES: Final[tuple[Shape, ...]] = (
    _shape("authorization", ("authorization",), rf"(?i:authorization){_JOIN}(?P<secret>[^\s\"'\\][^\r\n\"'\\]{{3,}})"),
    _shape(
        "bearer",
        ("bearer",),
        r"(?i:bearer)[ \t]{1,4}(?P<secret>(?=[A-Za-z_+/=.~-]{0,200}[0-9]|[A-Za-z_+/=.~-]{20})[A-Za-z0-9_+/=.~-]{8,})",
    ),
    _shape("aws-key-id", ("akia", "asia"), r"(?P<secret>A(?:KI|SI)A[0-9A-Z]{16})(?![0-9A-Za-z])"),
    _shape("github-token", ("ghp_", "ghs_", "gho_", "ghu_", "ghr_"), r"(?P<secret>gh[psour]_[A-Za-z0-9]{20,})"),
    _shape("github-token", ("github_pat_",), r"(?P<secret>github_pat_[A-Za-z0-9_]{20,})"),
    _shape("api-key", ("sk-",), r"(?<![A-Za-z0-9])(?P<secret>sk-(?:ant|proj|svcacct|cp|or)-[A-Za-z0-9_-]{16,})"),
    _shape("slack-token", ("xox",), r"(?P<secret>xox[baprs]-[A-Za-z0-9-]{10,})"),
    _shape("npm-token", ("npm_",), r"(?P<secret>npm_[A-Za-z0-9]{30,})"),
    _shape("json-web-token", ("eyj",), r"(?<![A-Za-z0-9_-])(?P<secret>eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,})"),
    _shape(
        "private-key",
        ("-----begin",),
        rf"(?P<secret>-----BEGIN {_PRIVATE_KEY}.*?(?:-----END {_PRIVATE_KEY}|\Z))",
    ),
    _shape("url-password", ("://",), r"://[^\s/:@\"']{0,80}:(?P<secret>[^\s/@\"']{3,200})@"),
    _shape(
        "aws-signature",
        ("x-amz-",),
        r"(?i:x-amz-(?:signature|security-token|credential))(?:=|%3[dD])(?P<secret>[A-Za-z0-9%/+=_-]{8,})",
    ),
    _shape("named", ("token",), rf"(?i:token){_JOIN}{_VALUE}"),
    _shape("named", ("secret",), rf"(?i:secret(?:_access)?(?:_key)?){_JOIN}{_VALUE}"),
    _shape("named", ("password",), rf"(?i:password){_JOIN}{_VALUE}"),
    _shape("named", ("api_key", "api-key", "apikey"), rf"(?i:api[_-]?key){_JOIN}{_VALUE}"),
)

TELLING_NAME: Final = re.compile(r"(?i)(?:token|secret|password|api_?key|secret_access_key|authorization)$")
"""A key whose text value is masked if it looks like a secret; it must *end* so, ``token_present`` tells nothing."""

_LOOKS_SECRET: Final = re.compile(_VALUE)


def looks_secret(value: str) -> bool:
    """True if ``value`` could be a secret where its key says so: one long word with both letters and digits."""
    return _LOOKS_SECRET.fullmatch(value) is not None


def find_shapes(data: bytes) -> Iterator[tuple[int, int, str]]:
    """Give ``(start, end, name)`` of everything in ``data`` that looks like a secret."""
    lower = data.lower()
    for shape in SHAPES:
        for anchor in shape.anchors:
            at = lower.find(anchor)
            while at >= 0:
                match = shape.pattern.match(data, at)
                if match is not None:
                    yield *match.span("secret"), shape.name
                at = lower.find(anchor, max(at + 1, match.end("secret") if match else 0))

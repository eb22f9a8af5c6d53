"""The forms in which a secret turns up in text: as it is, encoded, quoted, escaped."""

import base64
import html
import json
import shlex
from typing import Final
from urllib.parse import quote, quote_plus

SHORTEST: Final = 6
"""A form shorter than this is not looked for: it would mask ordinary words."""


def forms(secret: str) -> frozenset[bytes]:
    """Return every form of ``secret`` that is looked for, as UTF-8 bytes.

    Base64 stands in six forms, for the three positions inside a longer base64 text and the two alphabets; only the
    characters that the secret alone decides are taken.
    """
    raw = secret.encode("utf-8", "surrogatepass")
    found = {raw, *_base64(raw), raw.hex().encode(), raw.hex().upper().encode()}
    for text in _escaped(secret):
        found.add(text.encode("utf-8", "surrogatepass"))
    return frozenset(form for form in found if len(form) >= SHORTEST)


def _escaped(secret: str) -> set[str]:
    texts = {
        shlex.quote(secret).strip("'"),
        secret.replace("'", "'\\''"),
        repr(secret)[1:-1],
        html.escape(secret),
        html.escape(secret, quote=False),
    }
    for ascii_only in (True, False):
        once = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
        texts |= {once, once.replace("/", "\\/"), json.dumps(once, ensure_ascii=ascii_only)[1:-1]}
    for encoded in (
        quote(secret, safe="", errors="surrogatepass"),
        quote(secret, errors="surrogatepass"),
        quote_plus(secret, errors="surrogatepass"),
    ):
        texts |= {encoded, _lower_escapes(encoded)}
    return texts


def _lower_escapes(text: str) -> str:
    first, *rest = text.split("%")
    return "%".join([first, *(part[:2].lower() + part[2:] for part in rest)])


def _base64(raw: bytes) -> set[bytes]:
    found: set[bytes] = set()
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw)
        first = -(-before * 8 // 6)
        last = (before + len(raw)) * 8 // 6
        own = encoded[first:last]
        found |= {own, own.translate(bytes.maketrans(b"+/", b"-_"))}
    return found

"""Brings home what did not fit into one answer: piece by piece from the spools on the hosts, the whole verified.

Every piece travels in an envelope of its own, so each is checked by length and hash, and the parts together by the
hash that the first answer declared. One command reads one piece from each host that has something left.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from e2e.hosts.command import Output
from e2e.hosts.envelope import SPOOL_PREFIX, Enveloped, EnvelopeLimits, Opened, unwrap, wrap
from e2e.hosts.errors import HostAccessError, OutputCorrupt, OutputTruncated

READER_SECONDS = 9.0
"""How long (wall time) a host may take to read one piece."""

_HEADER_ROOM = 900
_SPOOL_GONE = 3

Execute: TypeAlias = Callable[[str, Sequence[str]], Mapping[str, Output | HostAccessError]]
"""Runs a shell text on hosts and returns one result for each; it raises a HostAccessError where none was sent."""


def piece_bytes(limits: EnvelopeLimits) -> int:
    """Return how many bytes one answer carries when nothing in them can be compressed: base64 costs a third."""
    return max(1, (limits.text_bytes - _HEADER_ROOM) * 1000 // 1001 // 4 * 3 - 32)


def reader_program() -> bytes:
    """Return the program that reads a piece on a host."""
    return Path(__file__).with_name("on_host_reader.py").read_bytes()


class ChunkReader:
    """Completes envelopes from their spools; ``new_marker`` gives the marker of each piece's envelope."""

    def __init__(self, execute: Execute, new_marker: Callable[[], str], limits: EnvelopeLimits) -> None:
        self._execute = execute
        self._new_marker = new_marker
        self._limits = limits

    def complete(self, opened: Mapping[str, Opened]) -> Mapping[str, Enveloped | HostAccessError]:
        """Return the whole answer of every host, or what kept a part of it away."""
        results: dict[str, Enveloped | HostAccessError] = {}
        rests: dict[str, bytearray] = {}
        names: set[str] = set()
        for instance_id, envelope in opened.items():
            if envelope.spool is not None and envelope.spool.name in names:
                results[instance_id] = OutputCorrupt("two hosts name the same spool", instance_id=instance_id)
            else:
                names.add(envelope.spool.name if envelope.spool else "")
                rests[instance_id] = bytearray()
        while rests:
            for instance_id in [key for key, rest in rests.items() if _missing(opened[key], rest) == 0]:
                results[instance_id] = _finished(opened[instance_id], bytes(rests.pop(instance_id)), instance_id)
            if rests:
                troubles = self._read_on(opened, rests)
                results.update(troubles)
                rests = {key: rest for key, rest in rests.items() if key not in troubles}
        return results

    def _read_on(
        self, opened: Mapping[str, Opened], rests: Mapping[str, bytearray]
    ) -> Mapping[str, Enveloped | HostAccessError]:
        """Read one more piece from every host in ``rests``; return the hosts where that failed."""
        sizes = {key: min(_missing(opened[key], rest), piece_bytes(self._limits)) for key, rest in rests.items()}
        pieces = {
            spool.name: (len(rest), sizes[key], _missing(opened[key], rest) == sizes[key])
            for key, rest in rests.items()
            if (spool := opened[key].spool) is not None
        }
        request = {"folders": self._limits.spool_folders, "prefix": SPOOL_PREFIX, "pieces": pieces}
        marker = self._new_marker()
        text = wrap(
            reader_program(),
            json.dumps(request).encode(),
            marker,
            program_seconds=READER_SECONDS,
            limits=self._limits,
        )
        try:
            outputs = self._execute(text, list(rests))
        except HostAccessError as error:
            return {instance_id: error.for_instance(instance_id) for instance_id in rests}
        troubles: dict[str, Enveloped | HostAccessError] = {}
        for instance_id, rest in rests.items():
            try:
                rest.extend(_piece(outputs[instance_id], marker, sizes[instance_id], self._limits))
            except HostAccessError as error:
                troubles[instance_id] = error.for_instance(instance_id)
        return troubles


def _missing(envelope: Opened, rest: bytearray) -> int:
    return 0 if envelope.spool is None else envelope.spool.missing_bytes - len(rest)


def _finished(envelope: Opened, rest: bytes, instance_id: str) -> Enveloped | HostAccessError:
    try:
        return envelope.complete(rest)
    except HostAccessError as error:
        return error.for_instance(instance_id)


def _piece(output: Output | HostAccessError, marker: str, size: int, limits: EnvelopeLimits) -> bytes:
    if isinstance(output, HostAccessError):
        raise output
    answer = unwrap(output.text, marker, limits)
    if answer.exit_code == _SPOOL_GONE:
        raise OutputTruncated("the rest of the answer is gone from the host", command_id=output.command_id)
    if answer.exit_code != 0 or len(answer.stdout) != size:
        raise OutputCorrupt(
            f"a piece of {size} bytes came back with {len(answer.stdout)} and exit code {answer.exit_code}",
            command_id=output.command_id,
        )
    return answer.stdout

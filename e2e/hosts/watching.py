"""One polling loop for every command that is under way in a process.

A thread that wants to know about its command becomes the one that asks, for all; whoever asks soon after reads the
same answer. So the number of requests depends on how long commands run, not on how many run beside each other.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from e2e.hosts.aws_errors import NOT_YET_CODES, aws_failures, error_code

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_ssm.type_defs import CommandInvocationTypeDef

_PAGE = 50
_MARGIN = timedelta(seconds=2)  # InvokedAfter has whole seconds and excludes its own


class InvocationWatch:
    """Knows the commands under way and what ListCommandInvocations last said of each. Safe between threads."""

    def __init__(self, client: "Callable[[], SSMClient]") -> None:
        self._client = client
        self._lock = threading.Lock()
        self._accepted: dict[str, datetime | None] = {}
        self._rows: dict[str, Sequence[CommandInvocationTypeDef]] = {}
        self._taken_at = float("-inf")
        self._trouble: Exception | None = None

    def follow(self, command_id: str, accepted_at: datetime | None) -> None:
        """Begin to watch a command; ``accepted_at`` is AWS's own time of it, None if AWS did not say."""
        with self._lock:
            self._accepted[command_id] = accepted_at

    def forget(self, command_id: str) -> None:
        """Stop to watch a command."""
        with self._lock:
            self._accepted.pop(command_id, None)
            self._rows.pop(command_id, None)

    def rows(
        self, command_id: str, *, not_before: float, monotonic: Callable[[], float]
    ) -> "Sequence[CommandInvocationTypeDef]":
        """Return what is listed for a watched command, as of ``not_before`` or later by ``monotonic``; empty: not yet.

        Raises:
            Exception: one of :func:`aws_failures`; whoever asks soon after gets the same, without a request.
        """
        with self._lock:
            if command_id not in self._rows or self._taken_at < not_before:
                self._take(monotonic())
            if self._trouble is not None:
                raise self._trouble
            return self._rows[command_id]

    def _take(self, now: float) -> None:
        self._taken_at, self._trouble = now, None
        self._rows = dict.fromkeys(self._accepted, ())
        try:
            timed = {key: at for key, at in self._accepted.items() if at is not None}
            listed = self._all_of(timed) if len(timed) > 1 else None
            self._rows.update(listed or {})
            alone = set(self._accepted) - (set(timed) if listed is not None else set())
            for command_id in alone:
                self._rows[command_id] = self._one(command_id)
        except aws_failures() as error:
            self._trouble = error

    def _all_of(self, timed: Mapping[str, datetime]) -> "Mapping[str, Sequence[CommandInvocationTypeDef]] | None":
        """Return the rows of several commands from one list; None where others fill the list and it costs more."""
        after = (min(timed.values()) - _MARGIN).strftime("%Y-%m-%dT%H:%M:%SZ")
        found: dict[str, list[CommandInvocationTypeDef]] = {command_id: [] for command_id in timed}
        pages = self._client().get_paginator("list_command_invocations")
        asked = pages.paginate(Filters=[{"key": "InvokedAfter", "value": after}], PaginationConfig={"PageSize": _PAGE})
        for number, page in enumerate(asked, 1):
            _sort_in(found, page["CommandInvocations"])
            if number == len(timed) and page.get("NextToken"):
                return None
        return found

    def _one(self, command_id: str) -> "Sequence[CommandInvocationTypeDef]":
        found: dict[str, list[CommandInvocationTypeDef]] = {command_id: []}
        try:
            pages = self._client().get_paginator("list_command_invocations")
            for page in pages.paginate(CommandId=command_id, PaginationConfig={"PageSize": _PAGE}):
                _sort_in(found, page["CommandInvocations"])
        except aws_failures() as error:
            if error_code(error) not in NOT_YET_CODES:
                raise
        return found[command_id]


def _sort_in(found: "Mapping[str, list[CommandInvocationTypeDef]]", rows: "Iterable[CommandInvocationTypeDef]") -> None:
    for row in rows:
        if row.get("CommandId", "") in found:
            found[row["CommandId"]].append(row)

"""Looks at the hosts: at most a few per run, each one command for all hosts, triggered by what the watch sees."""

import concurrent.futures
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from e2e.clients.errors import NotReady, Unavailable
from e2e.hosts.access import HostAccess, HostAnswer, HostRef, require_success
from e2e.hosts.errors import HostAccessError
from e2e.probes.look import HostLook, LaunchRequest, Look, LookLimits, LookRequest, ProbeOutputError, parse_look
from e2e.probes.program import probe_program
from e2e.run.context import Run
from e2e.run.look_facts import summarise
from e2e.run.plan import DELIVERY, EXECUTION, HANDSHAKE, LAUNCH_EXECUTION
from e2e.run.stages import Established, StageBook
from e2e.run.waiting import Deadline, Observed
from e2e.run.watch import ConciergeWatch
from e2e.verdict.findings import LookSeen, look_seen

_SLACK = 5.0


@dataclass(frozen=True, slots=True)
class Launch:
    """What a launching look is to create: one workspace with this unique name, absent before."""

    workspace_name: str


class HostLooks:
    """Takes the looks of one run, one after another, in a thread of its own where the spine need not wait."""

    def __init__(self, run: Run, access: HostAccess) -> None:
        self._run = run
        self._access = access
        self._executor = concurrent.futures.ThreadPoolExecutor(max_workers=1, thread_name_prefix="looks")
        self._reached: concurrent.futures.Future[tuple[HostRef, ...]] | None = None
        self._first: concurrent.futures.Future[None] | None = None
        self._concierge_id = ""
        self._watch: ConciergeWatch | None = None
        self._hosts: tuple[HostRef, ...] = ()
        self._looks: list[LookSeen] = []
        self._number = 0
        self.trouble: HostAccessError | None = None

    def begin(self, concierge_id: str, watch: ConciergeWatch) -> None:
        """Say which concierge is looked for; the watch knows the control refusals to find in the log."""
        self._concierge_id = concierge_id
        self._watch = watch

    def reach_in_background(self, book: StageBook) -> None:
        """Begin to establish ``hosts_reachable``; the HTTP branch goes on meanwhile."""
        self._reached = self._executor.submit(self._reach, book)

    def take_first_in_background(self) -> None:
        """Take the look that is due when the row leaves ``provisioning``, once, without waiting for it."""
        if self._first is None and self._reached is not None:
            self._first = self._executor.submit(self._take, "row left provisioning", None)

    def reachable(self) -> bool:
        """Wait until the way to the hosts is established or given up, and say which."""
        if self._reached is None:
            return False
        return bool(self._reached.result())

    def take(self, trigger: str, *, launch: Launch | None) -> None:
        """Take a look and wait for it; where the hosts are not reachable nothing happens.

        Raises:
            Exception: this look or the one in the background crashed; a look that failed is in the journal instead.
        """
        if self.reachable():
            if self._first is not None:
                self._first.result()
            self._executor.submit(self._take, trigger, launch).result()

    def seen(self) -> tuple[LookSeen, ...]:
        """Return the looks so far, oldest first."""
        return tuple(self._looks)

    def close(self) -> None:
        """Wait for a look that is under way and end the thread."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _until(self) -> None:
        self._run.pacing.pause(0.0)

    def _reach(self, book: StageBook) -> tuple[HostRef, ...]:
        def look() -> Observed[tuple[HostRef, ...]]:
            try:
                hosts = self._access.reach(self._until)
            except (Unavailable, NotReady) as error:
                return Observed(str(error), cause=error.cause)
            except HostAccessError as error:
                if not error.may_get_better:
                    raise
                return Observed(str(error).splitlines()[0], cause=error.cause)
            return Observed("reached", value=hosts)

        def body(deadline: Deadline) -> Established:
            hosts = self._hosts = self._poll(look, deadline)
            found = [f"{host.name_tag or host.instance_id}" for host in hosts]
            reference = self._run.journal.write(
                "hosts",
                {
                    "hosts": [
                        {"instance_id": h.instance_id, "name": h.name_tag, "found_by": list(h.found_by)} for h in hosts
                    ]
                },
            )
            return Established(f"{len(hosts)} hosts answer intact: {', '.join(found)}", (reference,))

        cap = self._run.cap("hosts_reachable")
        book.attempt("hosts_reachable", body, cap=cap, within=self._run.deadline)
        return self._hosts

    def _poll(self, look: Any, deadline: Deadline) -> tuple[HostRef, ...]:
        found: tuple[HostRef, ...] = self._run.poll("hosts_reachable", look, deadline)
        return found

    def _take(self, trigger: str, launch: Launch | None) -> None:
        if not self._hosts:
            return
        self._number += 1
        answers = self._answers(trigger, launch)
        hosts: list[HostLook] = []
        for instance_id, answer in answers.items():
            try:
                if isinstance(answer, HostAccessError):
                    raise answer
                hosts.append(parse_look(require_success(answer).stdout, instance_id))
            except (HostAccessError, ProbeOutputError) as error:
                self._failed(trigger, instance_id, error)
        if hosts:
            documents = {host.instance_id: dict(host.document) for host in hosts}
            reference = self._run.bundle.write_json(f"look-{self._number}", {"trigger": trigger, "hosts": documents})
            forbidden = self._run.scenario.registry_log.forbid_standing
            summary = summarise(Look(tuple(hosts)), self._run.contract, forbidden, asked=launch is not None)
            data = {"number": self._number, "trigger": trigger, "evidence": reference, **summary}
            self._run.journal.write("look", data)
            self._looks.append(look_seen(data))
            self._run.journal.say(f"look {self._number} ({trigger}): {_saying(summary)}")

    def _answers(self, trigger: str, launch: Launch | None) -> Mapping[str, HostAnswer | HostAccessError]:
        time = self._run.time
        budget = EXECUTION if launch is None else LAUNCH_EXECUTION
        execution = time.real(budget, "command")
        try:
            return self._access.run(
                probe_program(),
                self._hosts,
                argument=self._request(launch).argument(),
                delivery_seconds=DELIVERY,
                execution_seconds=budget,
                wall_deadline_seconds=time.real(DELIVERY, "command") + execution + _SLACK,
                program_seconds=max(execution - 1.0, 1.0),
                comment=f"look {self._number}: {trigger}",
                idempotent=launch is None,
                until=self._until,
            )
        except HostAccessError as error:
            return {host.instance_id: error for host in self._hosts}

    def _request(self, launch: Launch | None) -> LookRequest:
        run = self._run
        call = run.contract.create_workspace
        launching = None
        if launch is not None:
            launching = LaunchRequest(
                tool_names=call.tool_names,
                arguments=call.arguments(launch.workspace_name),
                call=True,
                handshake_seconds=run.time.real(HANDSHAKE, "handshake"),
                call_seconds=run.time.real(60.0, "request"),
            )
        return LookRequest(
            run.contract,
            self._concierge_id,
            control_ids=tuple(self._watch.control_ids) if self._watch is not None else (),
            launch=launching,
            limits=LookLimits(docker_seconds=run.time.real(20.0, "process")),
        )

    def _failed(self, trigger: str, instance_id: str, error: Exception) -> None:
        cause = error.cause if isinstance(error, HostAccessError) else "probe-crashed"
        if isinstance(error, HostAccessError):
            self.trouble = error
        saying = str(error).splitlines()[0]
        self._run.journal.write(
            "look_failed",
            {"number": self._number, "trigger": trigger, "instance_id": instance_id, "cause": cause, "detail": saying},
        )
        self._run.journal.say(f"look {self._number} ({trigger}): {saying}")


def _saying(summary: Mapping[str, Any]) -> str:
    settings, launch = summary["settings"], summary["launch"]
    parts = []
    if settings is not None:
        wired = "wired" if settings["entry_present"] else "not wired"
        parts.append(f"settings {settings['state']}, {wired}; presence {summary['presence']}")
    if launch is not None:
        parts.append(f"launch reached {launch['phase']}")
    if summary["registry"] is not None:
        parts.append(f"{len(summary['registry']['refusals'])} refusals in {summary['registry']['lines']} log lines")
    return "; ".join(parts) or "neither concierge nor registry log"

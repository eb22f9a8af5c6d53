"""A cloud that misbehaves as its fault plan says (e2e/twin/faults/cloud.py); each act leaves a trace."""

import random
import re
import threading
import time
from collections import Counter
from datetime import timedelta
from typing import Any

from e2e.twin.clock import PlatformClock
from e2e.twin.cloud import refused_calls, spoiling
from e2e.twin.cloud.commands import Budgets, Command, Invocation
from e2e.twin.cloud.fate import Ending, Fate, FatedInvocation
from e2e.twin.cloud.faults import CONNECTION_LOST, ONLINE, AnswerLostError, CloudCall
from e2e.twin.cloud.fleet import Fleet, InstanceView
from e2e.twin.faults.plan import Fault, FaultSwitch

OTHER_ACCOUNT = "999988887777"
_STATES_OF_THE_END = frozenset({"shutting-down", "terminated"})
_LOOK_SECONDS = 0.01
"""Wall seconds between two looks of the thread that terminates machines."""


class PlannedFaults:
    """Follows one plan. ``seed`` decides which calls a share hits: the n-th of a kind always, or never."""

    def __init__(self, switch: FaultSwitch, clock: PlatformClock, *, account: str, seed: int) -> None:
        self._switch = switch
        self._clock = clock
        self._account = account
        self._seed = seed
        self._lock = threading.Lock()
        self._chances: dict[str, random.Random] = {}
        self._sent: Counter[str] = Counter()
        self._fleet: Fleet | None = None
        self._stopping = threading.Event()
        self._reaper = threading.Thread(target=self._terminate_when_due, name="instance-terminated", daemon=True)

    def start(self, fleet: Fleet) -> None:
        """Begin to watch the machines."""
        self._fleet = fleet
        if self._switch.is_planned("instance-terminated"):
            self._reaper.start()

    def stop(self) -> None:
        """End the watch and every wait."""
        self._stopping.set()
        if self._reaper.is_alive():
            self._reaper.join()

    def clock_skew(self) -> timedelta:
        """Return how far the clock of AWS is ahead."""
        fault = self._switch.acting("aws-clock-skew", "every signature")
        return timedelta(seconds=fault.parameters["seconds"]) if fault is not None else timedelta()

    def before(self, call: CloudCall) -> None:
        """Refuse the call where a fault says so.

        Raises:
            AwsError: the refusal, as the service spells it.
        """
        where = f"{call.service}:{call.operation}"
        if call.service == "ssm":
            slow = self._switch.acting("ssm-slow", where)
            if slow is not None:
                self._stopping.wait(self._clock.wall(slow.parameters["seconds"]))
        if self._switch.acts("aws-credentials-expired", where):
            raise refused_calls.expired(call.service)
        if self._denies(call) and self._switch.acts("aws-access-denied", where):
            raise refused_calls.denied(call.service, call.operation, self._account)
        if call.service == "ssm" and self._hits("ssm-server-errors", "rate", where):
            raise refused_calls.failed(call.service)
        share = {"ssm": "rate", "ec2": "ec2"}.get(call.service)
        if share is not None and self._hits("ssm-throttled", share, where):
            raise refused_calls.throttled(call.service)
        if call.operation == "DescribeInstances" and self._hides_the_end(where):
            raise refused_calls.failed(call.service)

    def after(self, call: CloudCall, answer: dict[str, Any]) -> dict[str, Any]:
        """Return the answer, changed where a fault says so.

        Raises:
            AnswerLostError: it does not arrive.
        """
        if call.operation == "SendCommand" and self._hits("ssm-lost-answer", "rate", "ssm:SendCommand"):
            raise AnswerLostError(call.operation)
        if call.operation == "GetCallerIdentity" and self._switch.acts("not-a-staging-target", "sts:GetCallerIdentity"):
            return answer | {"Account": OTHER_ACCOUNT, "Arn": answer["Arn"].replace(self._account, OTHER_ACCOUNT)}
        return answer

    def ping_status(self, view: InstanceView) -> str | None:
        """Return the agent's state, or None where SSM does not list the machine (yet)."""
        if view.registered_at is None:
            return None
        if self._on_machine("ssm-not-managed", view.instance_id) is not None:
            return None
        late = self._switch.current("late-ssm-registration")
        if late is not None:
            since = self._clock.now() - view.registered_at
            if since.total_seconds() < self._clock.wall(late.parameters["seconds"]):
                self._switch.acts(late.name, view.instance_id)
                return None
        lost = self._on_machine("ssm-agent-offline", view.instance_id)
        return ONLINE if lost is None else CONNECTION_LOST

    def invocation(self, command: Command, instance_id: str, budgets: Budgets) -> Invocation:
        """Return the invocation with its fate, which is settled when the command is sent."""
        with self._lock:
            earlier = self._sent[instance_id]
            self._sent[instance_id] += 1
        fate = self._fate(instance_id, earlier)
        if fate == Fate():
            return Invocation(command, instance_id, budgets)
        return FatedInvocation(
            command,
            instance_id,
            budgets,
            fate=fate,
            delivery_wait=self._clock.wall(command.delivery_seconds),
            execution_wait=self._clock.wall(command.execution_seconds),
        )

    def _fate(self, instance_id: str, earlier: int) -> Fate:
        ending, executions = self._ending(instance_id, earlier)
        if ending is None and self._switch.acts("ssm-duplicate-execution", instance_id):
            executions = 2
        lag = self._switch.acting("ssm-lag", instance_id)
        fatal = self._switch.current("instance-terminated")
        kills = fatal is not None and fatal.parameters["command"] == earlier + 1
        return Fate(
            unseen_reads=int(lag.parameters["polls"]) if lag is not None else 0,
            ending=ending,
            executions=executions,
            kills_machine=kills and self._on_machine("instance-terminated", instance_id) is not None,
            spoil=self._spoil(instance_id, earlier),
        )

    def _ending(self, instance_id: str, earlier: int) -> tuple[Ending | None, int]:
        """Return how the invocation ends, and how often the machine runs its script."""
        if self._on_machine("ssm-agent-offline", instance_id) is not None:
            return Ending.UNDELIVERABLE, 0
        undeliverable = self._late_enough("ssm-undeliverable", instance_id, earlier)
        if undeliverable is not None:
            return Ending.UNDELIVERABLE, 1 if undeliverable.parameters["executed"] else 0
        if self._late_enough("ssm-delivery-timeout", instance_id, earlier) is not None:
            return Ending.DELIVERY_TIMED_OUT, 0
        hangs = self._late_enough("ssm-execution-timeout", instance_id, earlier)
        if hangs is not None:
            return Ending.STUCK if hangs.parameters["stuck"] else Ending.EXECUTION_TIMED_OUT, 0
        odd = self._late_enough("ssm-unknown-status", instance_id, earlier)
        return (Ending.ODD if odd is not None else None), 1

    def _spoil(self, instance_id: str, earlier: int) -> spoiling.Spoil | None:
        corrupt = self._late_enough("ssm-output-corrupt", instance_id, earlier)
        if corrupt is not None:
            chosen = next((way for way in ("cut", "doubled", "empty") if corrupt.parameters[way]), "changed")
            return spoiling.WAYS[chosen]
        return spoiling.noisy if self._switch.acts("ssm-output-noise", instance_id) else None

    def _late_enough(self, name: str, instance_id: str, earlier: int) -> Fault | None:
        fault = self._switch.current(name)
        if fault is None or earlier < fault.parameters["after"]:
            return None
        return self._switch.acting(name, f"{instance_id}, command {earlier + 1}")

    def _on_machine(self, name: str, instance_id: str) -> Fault | None:
        fault = self._switch.current(name)
        if fault is None:
            return None
        number = fault.parameters["machine"]
        if number and number != self._number_of(instance_id):
            return None
        return self._switch.acting(name, instance_id)

    def _number_of(self, instance_id: str) -> int:
        """Return which machine it is, counted from 1 in the order of launch."""
        ids = [view.instance_id for view in self._fleet.views()] if self._fleet is not None else []
        return ids.index(instance_id) + 1 if instance_id in ids else -1

    def _hits(self, name: str, parameter: str, where: str) -> bool:
        fault = self._switch.current(name)
        if fault is None:
            return False
        with self._lock:
            chance = self._chances.setdefault(
                f"{name}:{parameter}",
                random.Random(f"{self._seed}:{name}:{parameter}"),  # noqa: S311 (reproducible, not a secret)
            )
            hit = chance.random() < fault.parameters[parameter]
        return hit and self._switch.acts(name, where)

    def _denies(self, call: CloudCall) -> bool:
        fault = self._switch.current("aws-access-denied")
        if fault is None:
            return False
        named = {name for name, value in fault.parameters.items() if value}
        operation = re.sub(r"(?<!^)(?=[A-Z])", "_", call.operation).lower()
        return bool({call.service, operation} & (named or {"ssm"}))

    def _hides_the_end(self, where: str) -> bool:
        fault = self._switch.current("absence-unprovable")
        if fault is None or not fault.parameters["ec2"] or self._fleet is None:
            return False
        ended = any(view.state in _STATES_OF_THE_END for view in self._fleet.views())
        return ended and self._switch.acts(fault.name, where)

    def _terminate_when_due(self) -> None:
        running_since: dict[str, float] = {}
        while not self._stopping.wait(_LOOK_SECONDS):
            fault = self._switch.current("instance-terminated")
            if fault is None or fault.parameters["command"] or self._fleet is None:
                continue
            for number, view in enumerate(self._fleet.views(), start=1):
                if view.state != "running" or fault.parameters["machine"] not in (0, number):
                    continue
                now = time.monotonic()
                if now - running_since.setdefault(view.instance_id, now) >= self._clock.wall(
                    fault.parameters["seconds"]
                ):
                    self._switch.acts(fault.name, view.instance_id)
                    self._fleet.terminate(view.instance_id)

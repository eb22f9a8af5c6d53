"""Finds the machines of a tenant in EC2, and says where each stands on the way to being reachable.

Machines carry the tenant's slug in their Name tag (``tenant-<slug>``, ``ws-tenant-<slug>-<workspace>``), and the
control plane knows the tenant host's instance id. A missing tag means *not seen*, never *absent*. What runs on a
machine is found out by looking, not by its name.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from e2e.hosts.access import GONE_STATES, HostRef
from e2e.hosts.aws_clients import AwsClients
from e2e.hosts.aws_errors import aws_failures, error_code, translate
from e2e.hosts.errors import (
    AgentOffline,
    HostAccessError,
    HostNotFound,
    HostNotRunning,
    InstanceGone,
    InstanceTerminated,
    NotManaged,
    aws_command,
)

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import InstanceTypeDef

NAME_TAG = "name-tag"
CONTROL_PLANE = "control-plane"


class Discovery:
    """Looks for the hosts of the tenant ``slug``; every answer is fresh and complete (all pages)."""

    def __init__(self, clients: AwsClients, slug: str, control_plane_instance_id: Callable[[], str | None]) -> None:
        if not slug or any(character in "*?\\" for character in slug):
            raise ValueError("a slug without wildcards is needed to tell a tenant's machines from all others")
        self._clients = clients
        self._slug = slug
        self._control_plane_instance_id = control_plane_instance_id

    def tagged(self) -> tuple[HostRef, ...]:
        """Return every machine with the slug in its Name tag, in whatever state EC2 still lists it.

        Raises:
            HostAccessError: EC2 could not be asked.
        """
        filters = [{"Name": "tag:Name", "Values": [f"*{self._slug}*"]}]
        found: list[HostRef] = []
        try:
            pages = self._clients.ec2().get_paginator("describe_instances")
            for page in pages.paginate(Filters=filters, PaginationConfig={"PageSize": 500}):  # type: ignore[arg-type]
                for reservation in page.get("Reservations", []):
                    found += [_reference(instance, NAME_TAG) for instance in reservation.get("Instances", [])]
        except aws_failures() as error:
            raise translate(error, what="DescribeInstances by name", repro=self._repro()) from error
        # EC2's wildcards match across word borders; the slug is long and random, so containing it is enough.
        return tuple(host for host in found if self._slug in (host.name_tag or ""))

    def all(self) -> tuple[HostRef, ...]:
        """Return the machines found by name and the one the control plane names, in order of launch.

        Raises:
            HostAccessError: EC2 could not be asked.
        """
        hosts = {host.instance_id: host for host in self.tagged()}
        named = self._control_plane_instance_id()
        if named in hosts:
            host = hosts[named]
            hosts[named] = HostRef(
                host.instance_id, host.name_tag, (NAME_TAG, CONTROL_PLANE), host.state, host.launched_at
            )
        elif named:
            hosts.update({host.instance_id: host for host in self._by_id(named)})
        return tuple(sorted(hosts.values(), key=lambda host: (host.launched_at or "", host.instance_id)))

    def living(self) -> tuple[HostRef, ...]:
        """Return the machines that are there to be looked into; every one of them is running.

        Raises:
            HostNotFound, HostNotRunning: not yet.
            InstanceTerminated: the tenant host is gone, or all are.
            InstanceGone: one is gone and nothing of its name replaced it.
            HostAccessError: EC2 could not be asked.
        """
        hosts = self.all()
        if not hosts:
            raise HostNotFound(f"no machine has {self._slug} in its Name tag", repro=self._repro())
        living = tuple(host for host in hosts if not host.is_gone)
        names = {host.name_tag for host in living}
        for host in hosts:
            if not host.is_gone:
                continue
            if not living or CONTROL_PLANE in host.found_by:
                raise InstanceTerminated(f"EC2 says {host.state}", instance_id=host.instance_id, repro=self._repro())
            if host.name_tag not in names:
                raise InstanceGone(
                    f"EC2 says {host.state}, Name tag {host.name_tag}",
                    instance_id=host.instance_id,
                    repro=self._repro(),
                )
        for host in living:
            if host.state != "running":
                raise HostNotRunning(f"EC2 says {host.state}", instance_id=host.instance_id, repro=self._repro())
        return living

    def managed(self, hosts: Iterable[HostRef]) -> None:
        """Return when SSM lists every host with an agent that is online.

        Raises:
            NotManaged: SSM does not list one of them.
            AgentOffline: an agent has another ping status than ``Online``.
            HostAccessError: SSM could not be asked.
        """
        wanted = [host.instance_id for host in hosts]
        pings = self.ping_statuses(wanted)
        for instance_id in wanted:
            problem = self.broken_rung(instance_id, pings)
            if problem is not None:
                raise problem

    def ping_statuses(self, instance_ids: Iterable[str]) -> Mapping[str, str]:
        """Return the ping status of every machine that SSM lists.

        Raises:
            HostAccessError: SSM could not be asked.
        """
        wanted = list(instance_ids)
        pings: dict[str, str] = {}
        try:
            pages = self._clients.ssm().get_paginator("describe_instance_information")
            for page in pages.paginate(
                Filters=[{"Key": "InstanceIds", "Values": wanted}], PaginationConfig={"PageSize": 50}
            ):
                for listed in page.get("InstanceInformationList", []):
                    pings[listed.get("InstanceId", "")] = listed.get("PingStatus", "")
        except aws_failures() as error:
            if error_code(error) == "InvalidInstanceId":  # an id of the filter that SSM never heard of
                return pings
            raise translate(error, what="DescribeInstanceInformation", repro=self._repro_managed(wanted)) from error
        return pings

    def broken_rung(self, instance_id: str, pings: Mapping[str, str]) -> HostAccessError | None:
        """Return what keeps SSM from reaching one machine, or None."""
        repro = self._repro_managed([instance_id])
        if instance_id not in pings:
            return NotManaged(
                "DescribeInstanceInformation does not list it (agent not registered, or no role)",
                instance_id=instance_id,
                repro=repro,
            )
        if pings[instance_id] != "Online":
            return AgentOffline(f"PingStatus is {pings[instance_id] or 'empty'}", instance_id=instance_id, repro=repro)
        return None

    def why_refused(self, hosts: Iterable[HostRef]) -> Mapping[str, HostAccessError]:
        """Return the broken rung of each host after SendCommand refused an instance id; sound hosts are left out.

        Raises:
            HostAccessError: EC2 or SSM could not be asked.
        """
        wanted = {host.instance_id for host in hosts}
        states = {host.instance_id: host.state for host in self.all()}
        pings = self.ping_statuses(sorted(wanted))
        reasons: dict[str, HostAccessError] = {}
        for instance_id in wanted:
            state = states.get(instance_id)
            if state in GONE_STATES:
                reasons[instance_id] = InstanceTerminated(
                    f"EC2 says {state}", instance_id=instance_id, repro=self._repro()
                )
            elif state is not None and state != "running":
                reasons[instance_id] = HostNotRunning(f"EC2 says {state}", instance_id=instance_id, repro=self._repro())
            else:
                problem = self.broken_rung(instance_id, pings)
                if problem is not None:
                    reasons[instance_id] = problem
        return reasons

    def _by_id(self, instance_id: str) -> tuple[HostRef, ...]:
        try:
            page = self._clients.ec2().describe_instances(InstanceIds=[instance_id])
        except aws_failures() as error:
            if error_code(error) in {"InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed"}:
                return ()
            raise translate(error, what="DescribeInstances by id", repro=self._repro()) from error
        return tuple(
            _reference(instance, CONTROL_PLANE)
            for reservation in page.get("Reservations", [])
            for instance in reservation.get("Instances", [])
        )

    def _repro(self) -> str:
        return aws_command(
            ("ec2", "describe-instances", "--filters", f"Name=tag:Name,Values=*{self._slug}*"), self._clients.region
        )

    def _repro_managed(self, instance_ids: Iterable[str]) -> str:
        return aws_command(
            (
                "ssm",
                "describe-instance-information",
                "--filters",
                "Key=InstanceIds,Values=" + ",".join(instance_ids),
            ),
            self._clients.region,
        )


def _reference(instance: "InstanceTypeDef", found_by: str) -> HostRef:
    tags = {tag.get("Key"): tag.get("Value") for tag in instance.get("Tags", [])}
    launched = instance.get("LaunchTime")
    return HostRef(
        instance["InstanceId"],
        tags.get("Name"),
        (found_by,),
        instance.get("State", {}).get("Name", "unknown"),
        launched.isoformat() if launched else None,
    )

"""Finds the machines of a tenant in EC2, and says where each stands on the way to being reachable.

Machines carry the tenant's slug in their Name tag (``tenant-<slug>``, ``ws-tenant-<slug>-<workspace>``), and the
control plane knows the tenant host's instance id. A missing tag means *not seen*, never *absent*. What runs on a
machine is found out by looking, not by its name. Several regions are asked one after the other; a region that cannot
be asked makes the whole answer unknown, since a machine may be there.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
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
    """Looks for the hosts of the tenant ``slug``; every answer is fresh and complete (all pages, all regions)."""

    def __init__(
        self, clients: Sequence[AwsClients], slug: str, control_plane_instance_id: Callable[[], str | None]
    ) -> None:
        if not clients:
            raise ValueError("at least one region is needed")
        if not slug or any(character in "*?\\" for character in slug):
            raise ValueError("a slug without wildcards is needed to tell a tenant's machines from all others")
        self._clients = {one.region: one for one in clients}
        self._slug = slug
        self._control_plane_instance_id = control_plane_instance_id

    def tagged(self) -> tuple[HostRef, ...]:
        """Return every machine with the slug in its Name tag, in whatever state EC2 still lists it.

        Raises:
            HostAccessError: EC2 could not be asked.
        """
        filters = [{"Name": "tag:Name", "Values": [f"*{self._slug}*"]}]
        found: list[HostRef] = []
        for region, clients in self._clients.items():
            try:
                pages = clients.ec2().get_paginator("describe_instances")
                for page in pages.paginate(Filters=filters, PaginationConfig={"PageSize": 500}):  # type: ignore[arg-type]
                    for reservation in page.get("Reservations", []):
                        found += [_reference(one, NAME_TAG, region) for one in reservation.get("Instances", [])]
            except aws_failures() as error:
                what = f"DescribeInstances by name in {region}"
                raise translate(error, what=what, repro=self._repro(region)) from error
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
            hosts[named] = replace(hosts[named], found_by=(NAME_TAG, CONTROL_PLANE))
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
            where = ", ".join(self._clients)
            repro = self._repro(next(iter(self._clients)))
            raise HostNotFound(f"no machine has {self._slug} in its Name tag in {where}", repro=repro)
        living = tuple(host for host in hosts if not host.is_gone)
        names = {host.name_tag for host in living}
        for host in hosts:
            if not host.is_gone:
                continue
            if not living or CONTROL_PLANE in host.found_by:
                raise self._told(InstanceTerminated, host)
            if host.name_tag not in names:
                raise InstanceGone(
                    f"EC2 says {host.state}, Name tag {host.name_tag}",
                    instance_id=host.instance_id,
                    repro=self._repro(host.region),
                )
        for host in living:
            if host.state != "running":
                raise self._told(HostNotRunning, host)
        return living

    def managed(self, hosts: Iterable[HostRef]) -> None:
        """Return when SSM lists every host with an agent that is online.

        Raises:
            NotManaged: SSM does not list one of them.
            AgentOffline: an agent has another ping status than ``Online``.
            HostAccessError: SSM could not be asked.
        """
        wanted = tuple(hosts)
        pings = self.ping_statuses(wanted)
        for host in wanted:
            problem = self.broken_rung(host, pings)
            if problem is not None:
                raise problem

    def ping_statuses(self, hosts: Iterable[HostRef]) -> Mapping[str, str]:
        """Return the ping status of every machine that SSM lists.

        Raises:
            HostAccessError: SSM could not be asked.
        """
        by_region: dict[str, list[str]] = {}
        for host in hosts:
            by_region.setdefault(host.region, []).append(host.instance_id)
        pings: dict[str, str] = {}
        for region, wanted in by_region.items():
            pings.update(self._ping_statuses(region, wanted))
        return pings

    def _ping_statuses(self, region: str, wanted: Sequence[str]) -> Mapping[str, str]:
        pings: dict[str, str] = {}
        try:
            pages = self._clients[region].ssm().get_paginator("describe_instance_information")
            for page in pages.paginate(
                Filters=[{"Key": "InstanceIds", "Values": wanted}], PaginationConfig={"PageSize": 50}
            ):
                for listed in page.get("InstanceInformationList", []):
                    pings[listed.get("InstanceId", "")] = listed.get("PingStatus", "")
        except aws_failures() as error:
            if error_code(error) == "InvalidInstanceId":  # an id of the filter that SSM never heard of
                return pings
            repro = self._repro_managed(region, wanted)
            raise translate(error, what="DescribeInstanceInformation", repro=repro) from error
        return pings

    def broken_rung(self, host: HostRef, pings: Mapping[str, str]) -> HostAccessError | None:
        """Return what keeps SSM from reaching one machine, or None."""
        instance_id = host.instance_id
        repro = self._repro_managed(host.region, [instance_id])
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
        wanted = {host.instance_id: host for host in hosts}
        states = {host.instance_id: host.state for host in self.all()}
        pings = self.ping_statuses(wanted.values())
        reasons: dict[str, HostAccessError] = {}
        for instance_id, host in wanted.items():
            state = states.get(instance_id)
            repro = self._repro(host.region)
            if state in GONE_STATES:
                reasons[instance_id] = InstanceTerminated(f"EC2 says {state}", instance_id=instance_id, repro=repro)
            elif state is not None and state != "running":
                reasons[instance_id] = HostNotRunning(f"EC2 says {state}", instance_id=instance_id, repro=repro)
            else:
                problem = self.broken_rung(host, pings)
                if problem is not None:
                    reasons[instance_id] = problem
        return reasons

    def _by_id(self, instance_id: str) -> tuple[HostRef, ...]:
        """Return the machine of that id from the region that knows it; an id is never in two."""
        for region, clients in self._clients.items():
            try:
                page = clients.ec2().describe_instances(InstanceIds=[instance_id])
            except aws_failures() as error:
                if error_code(error) in {"InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed"}:
                    continue
                what = f"DescribeInstances by id in {region}"
                raise translate(error, what=what, repro=self._repro(region)) from error
            found = tuple(
                _reference(instance, CONTROL_PLANE, region)
                for reservation in page.get("Reservations", [])
                for instance in reservation.get("Instances", [])
            )
            if found:
                return found
        return ()

    def _repro(self, region: str) -> str:
        return aws_command(("ec2", "describe-instances", "--filters", f"Name=tag:Name,Values=*{self._slug}*"), region)

    def _told(self, kind: type[HostAccessError], host: HostRef) -> HostAccessError:
        return kind(f"EC2 says {host.state}", instance_id=host.instance_id, repro=self._repro(host.region))

    def _repro_managed(self, region: str, instance_ids: Iterable[str]) -> str:
        chosen = "Key=InstanceIds,Values=" + ",".join(instance_ids)
        return aws_command(("ssm", "describe-instance-information", "--filters", chosen), region)


def _reference(instance: "InstanceTypeDef", found_by: str, region: str) -> HostRef:
    tags = {tag.get("Key"): tag.get("Value") for tag in instance.get("Tags", [])}
    launched = instance.get("LaunchTime")
    return HostRef(
        instance["InstanceId"],
        tags.get("Name"),
        (found_by,),
        instance.get("State", {}).get("Name", "unknown"),
        launched.isoformat() if launched else None,
        region,
    )

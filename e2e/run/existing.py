"""The way to a platform for commands that create nothing: a twin's line, or staging from the environment."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from e2e.clients.control_plane import ControlPlane
from e2e.hosts.aws import AwsAccess, aws_access
from e2e.hosts.aws_clients import AwsClients, AwsCredentials
from e2e.hosts.aws_errors import aws_failures, error_code, translate
from e2e.hosts.polling import PollTimes
from e2e.run.live_target import staging_connection
from e2e.run.target import Connection, TargetError, connection_of_twin
from e2e.verdict.environment import ConfigurationError, parse_environment
from e2e.verdict.policy import choose_policy


def connection_to(twin: Path | None, environ: Mapping[str, str]) -> Connection:
    """Return how to reach the twin of this file, or staging as the environment names it.

    Raises:
        ConfigurationError: the file is none of a twin, or the environment lacks something; all at once.
    """
    if twin is not None:
        try:
            return connection_of_twin(twin.read_text(encoding="utf-8"))
        except (OSError, ValueError, TargetError) as error:
            raise ConfigurationError((f"--twin {twin}: {error}",)) from error
    environment = parse_environment(environ)
    policy = choose_policy(environment, target_flag="staging")
    if policy.missing:
        raise ConfigurationError(policy.missing)
    return staging_connection(environment, policy, environ)


class AwsPlace:
    """The AWS account of a connection, to be looked at and nothing else."""

    def __init__(self, connection: Connection, control_plane: ControlPlane) -> None:
        keys = connection.aws_keys
        self._poll = PollTimes.live() if connection.aws_endpoint_url is None else PollTimes.embedded()
        self._control_plane = control_plane
        self.clients = AwsClients(
            region=connection.aws_region,
            endpoint_url=connection.aws_endpoint_url,
            credentials=AwsCredentials(keys.access_key_id, keys.secret_access_key.reveal()) if keys else None,
            poll=self._poll,
        )

    def close(self) -> None:
        """Close the connections."""
        self.clients.close()

    def access(self, slug: str) -> AwsAccess:
        """Return the way to the hosts of a tenant."""
        return aws_access(
            slug=slug,
            clients=(self.clients,),
            control_plane_instance_id=lambda: self._control_plane.tenant_instance(slug),
            poll=self._poll,
            audit=lambda _: None,
        )

    def account(self) -> str:
        """Return the id of the account that the credentials belong to.

        Raises:
            HostAccessError: STS could not be asked.
        """
        try:
            return self.clients.sts().get_caller_identity()["Account"]
        except aws_failures() as error:
            raise translate(error, what="GetCallerIdentity") from error

    def names(self, instance_ids: Sequence[str]) -> dict[str, str]:
        """Return the Name tag of each of these machines that has one; nothing where EC2 does not know one of them.

        Raises:
            HostAccessError: EC2 could not be asked.
        """
        try:
            page = self.clients.ec2().describe_instances(InstanceIds=list(instance_ids))
        except aws_failures() as error:
            if error_code(error) in {"InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed"}:
                return {}
            raise translate(error, what="DescribeInstances by id") from error
        return {
            instance["InstanceId"]: tag["Value"]
            for reservation in page.get("Reservations", [])
            for instance in reservation.get("Instances", [])
            for tag in instance.get("Tags", [])
            if tag.get("Key") == "Name" and tag.get("Value")
        }

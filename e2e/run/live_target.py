"""Target ``staging``: the live platform's addresses and credentials, read from the environment.

The control plane may also be one on loopback, to rehearse a staging run against a twin; then it is not live, and
tenants and AWS must be named and be on loopback too (``MOLECULE_TENANT_DOMAIN=127.0.0.1:PORT``, ``AWS_ENDPOINT_URL``).
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from e2e.clients.tenant import TenantAddress
from e2e.evidence.masking import Secret
from e2e.run.target import AwsAccessKeys, Connection, on_loopback
from e2e.verdict.environment import STAGING_CONTROL_PLANE, ConfigurationError, Environment, derive_tenant_domain
from e2e.verdict.policy import Policy

DEFAULT_REGION: Final = "us-east-2"
"""Where the platform's machines are (docs/platform.md, teardown)."""
ENDPOINT_VARIABLES: Final = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_EC2", "AWS_ENDPOINT_URL_SSM", "AWS_ENDPOINT_URL_STS")
"""What sends boto3 to another place than AWS."""


def staging_connection(environment: Environment, policy: Policy, environ: Mapping[str, str]) -> Connection:
    """Return how to reach the platform that the environment names. Nothing is asked of it yet.

    Raises:
        ConfigurationError: something is missing, or leads to another place than staging; all at once.
    """
    control_plane = environment.control_plane_url or STAGING_CONTROL_PLANE
    problems: list[str] = []
    if policy.live:
        tenants = _live_tenants(environment, control_plane, problems)
        endpoint, keys = None, None
        problems += leftover_endpoints(environ)
    else:
        tenants = _tenants_on_loopback(environment, problems)
        endpoint, keys = _aws_on_loopback(environ, problems)
    if environment.admin_token is None:
        problems.append("MOLECULE_ADMIN_TOKEN is not set; set it to the admin token of the control plane")
    if environment.aws_account is None:
        problems.append("E2E_AWS_ACCOUNT is not set; set it to the id of the account whose instances may be touched")
    if problems or environment.admin_token is None or environment.aws_account is None:
        raise ConfigurationError(problems)
    return Connection(
        control_plane_url=control_plane,
        admin_token=environment.admin_token,
        tenants=tenants,
        aws_endpoint_url=endpoint,
        aws_keys=keys,
        aws_region=environment.aws_region or DEFAULT_REGION,
        aws_account=environment.aws_account,
        speed=policy.speed,
        image=None,
        gate=None,
        process_id=None,
    )


def leftover_endpoints(environ: Mapping[str, str]) -> list[str]:
    """Return a problem for each variable that would quietly send a live run's AWS calls to another place."""
    return [
        f"{name}={environ[name]} is set and would send a live run to another place than AWS; unset it"
        for name in ENDPOINT_VARIABLES
        if environ.get(name)
    ]


def _live_tenants(environment: Environment, control_plane: str, problems: list[str]) -> TenantAddress:
    derived = derive_tenant_domain(control_plane)
    domain = (environment.tenant_domain or derived).lower()
    if domain != derived and not domain.endswith(f".{derived}"):
        problems.append(
            f"MOLECULE_TENANT_DOMAIN={domain} is not where this control plane has its tenants; use {derived}"
        )
    return TenantAddress(f"https://{{slug}}.{domain}", domain)


def _tenants_on_loopback(environment: Environment, problems: list[str]) -> TenantAddress:
    domain = environment.tenant_domain or ""
    if not on_loopback(f"http://{domain}"):
        problems.append(
            "the control plane is on loopback, and MOLECULE_TENANT_DOMAIN does not say where its tenants are;"
            " set it to 127.0.0.1:PORT, the `tenant_url` of the twin"
        )
    return TenantAddress(f"http://{domain}", domain)


def _aws_on_loopback(environ: Mapping[str, str], problems: list[str]) -> tuple[str | None, AwsAccessKeys | None]:
    endpoint = environ.get("AWS_ENDPOINT_URL", "")
    if not on_loopback(endpoint):
        problems.append(
            "the control plane is on loopback, and AWS_ENDPOINT_URL is not; set it to the `aws_endpoint_url` of the"
            " twin: a rehearsal must not touch a real AWS account"
        )
    identity, secret = environ.get("AWS_ACCESS_KEY_ID", ""), environ.get("AWS_SECRET_ACCESS_KEY", "")
    if not identity or not secret:
        problems.append(
            "the control plane is on loopback; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to those of the twin"
        )
    return urlsplit(endpoint).geturl() or None, AwsAccessKeys(identity, Secret(secret)) if identity and secret else None

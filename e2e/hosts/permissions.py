"""What the harness may do in AWS: one table of its calls, and the IAM policy of each role made from it.

A test reads the source for calls of boto3 clients and compares them with this table, another the requests that a
real conversation made; so neither can grow without the other. The generated policies are in ``contracts/iam``; write
them again with ``python -m e2e.hosts.permissions contracts/iam``. What cannot be scoped is told in docs/iam.md.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from e2e.hosts.sending import DOCUMENT

Role = Literal["look", "terminate", "fleet"]
ROLES: tuple[Role, ...] = get_args(Role)

ACCOUNT_PLACEHOLDER = "ACCOUNT_ID"
"""Stands in the shipped policies for the id of the account."""

_NAME_TAG = {"ssm": "ssm:resourceTag/Name", "ec2": "aws:ResourceTag/Name"}
"""The condition key for a machine's Name tag, which differs by service."""

_OURS = ("tenant-e2e-*", "ws-tenant-e2e-*")
_ANY = ("*",)
_Kind: TypeAlias = tuple[tuple[str, ...], tuple[str, ...], str]


@dataclass(frozen=True, slots=True)
class Permission:
    """One call, who may make it, and on what.

    ``resources`` are ARNs, ``*`` where AWS knows no resource for the action (AWS: Service Authorization Reference).
    ``only_named`` lists the Name tags, with wildcards, that a machine must have; empty: no condition. ``called`` is
    False for what a role is granted ahead of the command that will need it.
    """

    service: Literal["ec2", "ssm", "sts"]
    operation: str
    roles: tuple[Role, ...]
    resources: tuple[str, ...] = _ANY
    only_named: tuple[str, ...] = ()
    called: bool = True

    @property
    def action(self) -> str:
        """The IAM action, e.g. ``ssm:SendCommand``."""
        return f"{self.service}:{self.operation}"


_MACHINES = (f"arn:aws:ec2:*:{ACCOUNT_PLACEHOLDER}:instance/*",)
_DOCUMENTS = (f"arn:aws:ssm:*::document/{DOCUMENT}",)

PERMISSIONS = (
    Permission("sts", "GetCallerIdentity", ROLES),
    Permission("ec2", "DescribeInstances", ROLES),
    Permission("ssm", "DescribeInstanceInformation", ("look", "fleet")),
    Permission("ssm", "SendCommand", ("look", "fleet"), _DOCUMENTS),
    Permission("ssm", "SendCommand", ("look",), _MACHINES, _OURS),
    Permission("ssm", "SendCommand", ("fleet",), _MACHINES, ("tenant-*", "ws-tenant-*"), called=False),
    Permission("ssm", "ListCommands", ("look", "fleet")),
    Permission("ssm", "ListCommandInvocations", ("look", "fleet")),
    Permission("ssm", "GetCommandInvocation", ("look", "fleet")),
    Permission("ssm", "CancelCommand", ("look", "fleet")),
    Permission("ec2", "TerminateInstances", ("terminate",), _MACHINES, _OURS, called=False),
)


def policy_document(role: Role, account: str = ACCOUNT_PLACEHOLDER) -> dict[str, Any]:
    """Return the IAM policy of ``role`` for an account: what is listed and nothing else."""
    granted = [one for one in PERMISSIONS if role in one.roles]
    kinds = sorted({_kind(one) for one in granted})
    statements = [_statement(role, number, granted, kind) for number, kind in enumerate(kinds, 1)]
    text = json.dumps({"Version": "2012-10-17", "Statement": statements})
    document: dict[str, Any] = json.loads(text.replace(ACCOUNT_PLACEHOLDER, account))
    return document


def _kind(one: Permission) -> _Kind:
    return one.resources, one.only_named, _NAME_TAG[one.service] if one.only_named else ""


def _statement(role: Role, number: int, granted: Iterable[Permission], kind: _Kind) -> Mapping[str, object]:
    resources, only_named, name_tag = kind
    statement: dict[str, object] = {
        "Sid": f"E2e{role.capitalize()}{number}",
        "Effect": "Allow",
        "Action": sorted({one.action for one in granted if _kind(one) == kind}),
        "Resource": list(resources),
    }
    if only_named:
        statement["Condition"] = {"StringLike": {name_tag: list(only_named)}}
    return statement


def is_granted(role: Role, service: str, operation: str) -> bool:
    """Whether a role may make a call on at least something."""
    return any(role in one.roles and (one.service, one.operation) == (service, operation) for one in PERMISSIONS)


def write_policies(folder: Path) -> None:
    """Write the policy of every role to ``<folder>/<role>.json``.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for role in ROLES:
        (folder / f"{role}.json").write_text(json.dumps(policy_document(role), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_policies(Path(sys.argv[1]))

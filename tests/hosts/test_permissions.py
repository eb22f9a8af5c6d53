"""The IAM policies cover every call that the code makes, and no call that nobody makes without saying so."""

import ast
import json
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

import e2e
from e2e.contract.files import contracts_folder
from e2e.hosts.permissions import PERMISSIONS, ROLES, Role, is_granted, policy_document, write_policies

SERVICES = ("ec2", "ssm", "sts")


def operations() -> dict[str, tuple[str, str]]:
    """Return every operation of the services by the name that boto3 gives it."""
    session = botocore.session.get_session()
    return {
        xform_name(name): (service, name)
        for service in SERVICES
        for name in session.get_service_model(service).operation_names
    }


def calls_in(source: str, known: dict[str, tuple[str, str]]) -> set[tuple[str, str]]:
    """Return the AWS operations that a source text calls: as a method, or as a paginator or waiter by name."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        name = node.func.attr
        if name in {"get_paginator", "get_waiter"} and node.args and isinstance(node.args[0], ast.Constant):
            name = str(node.args[0].value)
        if name in known:
            found.add(known[name])
    return found


@pytest.fixture(scope="module")
def made() -> set[tuple[str, str]]:
    """Return the calls that the harness makes, wherever in it; the twin is the other side."""
    known, root = operations(), Path(e2e.__file__).parent
    sources = [path for path in root.rglob("*.py") if "twin" not in path.relative_to(root).parts]
    assert len(sources) > 80
    return {call for path in sources for call in calls_in(path.read_text(encoding="utf-8"), known)}


def test_every_call_in_the_source_is_in_the_table(made: set[tuple[str, str]]) -> None:
    assert made - {(one.service, one.operation) for one in PERMISSIONS} == set()


def test_the_table_grants_no_call_that_nobody_makes_unless_it_says_so(made: set[tuple[str, str]]) -> None:
    called = {(one.service, one.operation) for one in PERMISSIONS if one.called}
    assert called == made
    ahead = {(one.service, one.operation) for one in PERMISSIONS if not one.called} - called
    assert ahead == {("ec2", "TerminateInstances")}


def test_a_call_is_found_however_it_is_written() -> None:
    source = "a.ec2().terminate_instances(x)\nb.get_paginator('list_commands')\nc.get_waiter(name)\nd.append(1)\n"
    assert calls_in(source, operations()) == {("ec2", "TerminateInstances"), ("ssm", "ListCommands")}


@pytest.mark.parametrize("role", ROLES)
def test_the_shipped_policy_is_the_generated_one(role: Role) -> None:
    shipped = json.loads((contracts_folder() / "iam" / f"{role}.json").read_text(encoding="utf-8"))
    assert shipped == policy_document(role), "write them again: python -m e2e.hosts.permissions contracts/iam"


@pytest.mark.parametrize("role", ROLES)
def test_a_policy_grants_exactly_its_rows_and_nothing_by_wildcard(role: Role) -> None:
    document = policy_document(role, "123456789012")
    granted = {action for statement in document["Statement"] for action in statement["Action"]}
    assert granted == {one.action for one in PERMISSIONS if role in one.roles}
    assert not any("*" in action for action in granted)
    assert all(statement["Effect"] == "Allow" for statement in document["Statement"])
    assert "ACCOUNT_ID" not in json.dumps(document)


def statements(role: Role, action: str) -> list[dict[str, Any]]:
    return [one for one in policy_document(role)["Statement"] if action in one["Action"]]


@pytest.mark.parametrize(("role", "action"), [("look", "ssm:SendCommand"), ("terminate", "ec2:TerminateInstances")])
def test_what_changes_a_machine_is_limited_to_machines_of_runs(role: Role, action: str) -> None:
    for statement in statements(role, action):
        machines = [resource for resource in statement["Resource"] if "document/" not in resource]
        if machines:
            assert all(resource.endswith(":instance/*") for resource in machines)
            key = "ssm:resourceTag/Name" if action.startswith("ssm:") else "aws:ResourceTag/Name"
            names = statement["Condition"]["StringLike"][key]
            assert names
            assert all("e2e-" in name for name in names)
    assert statements(role, action)


def test_nobody_but_one_role_may_terminate_and_that_one_may_not_look() -> None:
    assert [role for role in ROLES if is_granted(role, "ec2", "TerminateInstances")] == ["terminate"]
    assert not is_granted("terminate", "ssm", "SendCommand")


def test_only_one_document_may_be_sent() -> None:
    documents = [
        resource
        for role in ROLES
        for statement in statements(role, "ssm:SendCommand")
        for resource in statement["Resource"]
        if "document/" in resource
    ]
    assert documents == ["arn:aws:ssm:*::document/AWS-RunShellScript"] * 2


def test_policies_are_written_one_file_for_each_role(tmp_path: Path) -> None:
    write_policies(tmp_path / "iam")
    assert sorted(path.name for path in (tmp_path / "iam").iterdir()) == ["fleet.json", "look.json", "terminate.json"]

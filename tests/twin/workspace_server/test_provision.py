"""What a workspace's container is given, and what a fault takes from it or tells about it."""

from typing import Any


def environment_of(desk: Any) -> dict[str, str]:
    (body,) = desk.control_plane.provisions
    return dict(body["env"])


def test_a_key_under_one_name_only_is_all_that_is_left(make_desk: Any) -> None:
    desk = make_desk("mcp-auth-error")
    desk.install_concierge()
    environment = environment_of(desk)
    assert "MOLECULE_ORG_API_KEY" not in environment
    assert environment["MOLECULE_API_KEY"] == desk.tenant.configuration.admin_token
    assert desk.acted() == ["mcp-auth-error"]


def test_a_secret_in_the_log_is_the_key_of_the_organisation(make_desk: Any) -> None:
    desk = make_desk("secret-in-log")
    concierge = desk.install_concierge()
    key = desk.tenant.configuration.admin_token
    assert f"Provisioner: environment of {concierge}: MOLECULE_ORG_API_KEY={key}" in desk.lines
    assert environment_of(desk)["MOLECULE_ORG_API_KEY"] == key


def test_without_a_fault_no_secret_is_in_the_log(desk: Any, concierge: str) -> None:
    desk.register(concierge)
    desk.beat(concierge)
    tokens = [row["token"] for row in desk.tenant.database.rows("SELECT token FROM workspace_tokens")]
    configuration = desk.tenant.configuration
    secrets = [*tokens, configuration.admin_token, configuration.shared_secret, configuration.template_repository_token]
    assert tokens
    assert not [line for line in desk.lines if any(secret in line for secret in secrets)]

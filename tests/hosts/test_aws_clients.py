"""The clients use nothing of the surroundings on a twin, and go nowhere but where they may."""

import random
from pathlib import Path
from typing import Any

import pytest

from e2e.hosts.aws_clients import AwsClients, AwsCredentials
from e2e.hosts.errors import EndpointRefused
from e2e.hosts.polling import PollTimes


def make(url: str | None, credentials: AwsCredentials | None) -> AwsClients:
    return AwsClients(region="us-east-2", endpoint_url=url, credentials=credentials, poll=PollTimes.embedded())


def test_nothing_of_the_surroundings_changes_a_run_against_a_twin(
    aws: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("[default]\nregion = eu-west-1\nendpoint_url = http://127.0.0.1:9\n")
    for name, value in {
        "AWS_PROFILE": "no-such-profile",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "AKIAOTHER",
        "AWS_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    clients = make(aws.url, AwsCredentials("AKIATEST", "secret"))
    assert clients.sts().get_caller_identity()["Account"] == "004200420042"
    clients.close()


def test_a_live_run_never_goes_to_a_twin_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request is stopped before it leaves; without the guard it would quietly succeed against the twin."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
    clients = make(None, AwsCredentials("AKIATEST", "secret"))
    assert clients.sts().meta.endpoint_url.endswith(".amazonaws.com")
    client = clients.sts()
    request = type("Request", (), {"url": "http://127.0.0.1:9/"})()
    with pytest.raises(EndpointRefused):
        client.meta.events.emit("before-send.sts.GetCallerIdentity", request=request)
    clients.close()


@pytest.mark.parametrize("url", ["http://evil.example/", "https://ssm.us-east-2.amazonaws.com/", "http://10.0.0.1/"])
def test_a_run_against_a_twin_never_leaves_this_machine(url: str) -> None:
    clients = make("http://127.0.0.1:9", AwsCredentials("AKIATEST", "secret"))
    request = type("Request", (), {"url": url})()
    with pytest.raises(EndpointRefused):
        clients.sts().meta.events.emit("before-send.sts.GetCallerIdentity", request=request)
    clients.close()


def test_only_the_sender_tries_once(aws: Any, clients: AwsClients) -> None:
    assert clients.ssm_sender() is not clients.ssm()
    sender: Any = clients.ssm_sender().meta.config
    reader: Any = clients.ssm().meta.config
    assert sender.retries["total_max_attempts"] == 1
    assert reader.retries["total_max_attempts"] > 1
    assert clients.ssm() is clients.ssm()


def test_credentials_do_not_show_their_secret() -> None:
    text = repr(AwsCredentials("AKIATEST", "canary-secret", "canary-token"))
    assert "canary" not in text
    assert "AKIATEST" in text


def test_gaps_grow_to_their_ceiling_and_jitter_only_shortens_them() -> None:
    times = PollTimes(2.0, 1.5, 15.0, 0.5, 8, 45.0, 30.0, 90.0)
    gaps = times.gaps(random.Random(1))
    seen = [next(gaps) for _ in range(50)]
    assert 1.0 <= seen[0] <= 2.0
    assert max(seen) <= 15.0
    assert min(seen[10:]) >= 7.5
    exact = PollTimes(2.0, 1.5, 15.0, 0.0, 8, 45.0, 30.0, 90.0).gaps(random.Random(1))
    assert [next(exact) for _ in range(7)] == [2.0, 3.0, 4.5, 6.75, 10.125, 15.0, 15.0]

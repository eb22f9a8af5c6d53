"""The pytest process: its own group, its own log, its own way to the terminal, and signals exactly once."""

import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from e2e.cli.pytest_process import StopRequests, pytest_arguments, run_pytest

if TYPE_CHECKING:
    import subprocess

SKIPPED = "scenario: live\nsummary: x\ntargets: [staging]\n"


class Recorder:
    """A process that only notes what it is sent."""

    def __init__(self) -> None:
        self.sent: list[int] = []

    def send_signal(self, number: int) -> None:
        self.sent.append(number)


def followed(stop: StopRequests) -> list[int]:
    recorder = Recorder()
    stop.follow(cast("subprocess.Popen[bytes]", recorder))
    return recorder.sent


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_signal_goes_on_once(number: signal.Signals) -> None:
    with StopRequests() as stop:
        sent = followed(stop)
        os.kill(os.getpid(), number)
    assert stop.asked
    assert sent == [number]


def test_what_came_before_the_process_is_handed_to_it_when_it_is_there() -> None:
    with StopRequests() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert followed(stop) == [signal.SIGTERM]


def test_afterwards_the_signals_are_as_before() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with StopRequests():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_options_without_a_value_are_left_out(tmp_path: Path) -> None:
    arguments = pytest_arguments([tmp_path / "a.yaml"], [("target", "local"), ("keep", None)], ["rehearse"], tmp_path)
    assert "--e2e-target=local" in arguments
    assert "--e2e-rehearse" in arguments
    assert not any(argument.startswith("--e2e-keep") for argument in arguments)
    assert arguments[-1] == str(tmp_path / "a.yaml")


def test_a_real_pytest_writes_its_log_and_its_receipt_and_talks_while_it_runs(
    tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    for name in ("MOLECULE_ADMIN_TOKEN", "E2E_TARGET", "E2E_REQUIRE_LIVE", "CI", "AWS_PROFILE", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k nothing")
    file = tmp_path / "live.yaml"
    file.write_text(SKIPPED)
    (tmp_path / "s").mkdir()
    values = [("target", "staging"), ("out", tmp_path), ("session-id", "s"), ("nonce", "n")]
    with StopRequests() as stop:
        status = run_pytest(pytest_arguments([file], values, [], tmp_path / "s"), tmp_path / "s", stop)
    assert status == 0
    receipt = json.loads((tmp_path / "s" / "session.json").read_text())
    assert (receipt["nonce"], receipt["runs"][0]["outcome"]) == ("n", "skipped")
    assert "9 skipped" in (tmp_path / "s" / "pytest.log").read_text()
    assert "[live] skipped, nothing was proven" in capsys.readouterr().err


def test_its_process_group_is_its_own(tmp_path: Path) -> None:
    (tmp_path / "test_group.py").write_text(
        f"import os\ndef test_group(): assert os.getpgid(0) == os.getpid() != {os.getpgid(0)}"
    )
    with StopRequests() as stop:
        options = ["-p", "e2e.pytest_plugin", "-p", "no:cacheprovider", "-c", os.devnull]
        arguments = [*options, str(tmp_path / "test_group.py")]
        assert run_pytest(arguments, tmp_path, stop) == 0

"""Every row of the table: green in bare pytest, and red under the policy, with the reason."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

Prepared = Callable[[Any], Any]


def test_each_hole_is_green_bare_and_red_with_the_plugin(hole: Any, trial: Prepared) -> None:
    tried = trial(hole)
    bare = tried.bare()
    assert bare.status == 0, bare.text
    guarded = tried.guarded()
    if hole.closed_by == "receipt":
        receipts = [json.loads(path.read_text()) for path in tried.folder.glob("e2e-runs/*/session.json")]
        assert not [receipt for receipt in receipts if receipt["code"] == 0], guarded.text
    else:
        assert guarded.status != 0, guarded.text
        assert hole.says in guarded.text, guarded.text


def test_what_no_plugin_sees_is_red_without_a_receipt(unseen: Any, trial: Prepared) -> None:
    ended = trial(unseen).run()
    assert ended.status == unseen.run, ended.text
    assert unseen.run != 70 or "HARNESS receipt-missing" in ended.text, ended.text


def test_each_hole_that_is_more_than_a_file_is_red_over_workers(lonely: Any, trial: Prepared) -> None:
    tried = trial(lonely)
    bare = tried.bare(workers=True)
    assert (bare.status == 0) == (lonely.xdist.get("bare") != "red"), bare.text
    guarded = tried.guarded(workers=True)
    if lonely.closed_by == "plugin":
        assert guarded.status != 0, guarded.text
        assert lonely.xdist.get("says", lonely.says) in guarded.text, guarded.text


def test_all_other_holes_are_red_over_workers_each_with_its_reason(crowd: Any, trial: Prepared) -> None:
    """They stop the collection or not, so those that do are told apart: pytest runs no test beside them."""
    together, owners = crowd
    stopping = {name for name, hole in owners.items() if "skips itself" in hole.says}
    for names in (stopping, set(owners) - stopping):
        some = replace(together, files={name: together.files[name] for name in names})
        tried = trial(some)
        assert tried.bare(workers=True).status == 0
        guarded = tried.guarded(workers=True)
        assert guarded.status != 0
        lines = guarded.text.splitlines()
        reasons = {name: owners[name].says.replace("test_hole.py", name) for name in names}
        silent = [name for name, says in reasons.items() if not any(name in line and says in line for line in lines)]
        assert not silent, guarded.text


DEATHS = {
    "0": "os._exit(0)",
    "1": "os._exit(1)",
    "2": "os._exit(2)",
    "137": "os.kill(os.getpid(), signal.SIGKILL)",
    "143": "signal.signal(signal.SIGTERM, signal.SIG_DFL), os.kill(os.getpid(), signal.SIGTERM)",
}


@pytest.mark.parametrize("death", DEATHS)
def test_a_process_that_dies_without_a_receipt_is_never_green(death: str, honest: Any, trial: Prepared) -> None:
    hole = replace(honest, conftest=f"import os, signal\ndef pytest_runtest_setup():\n    {DEATHS[death]}\n")
    ended = trial(hole).run()
    assert ended.status == (2 if death == "2" else 70), ended.text


def test_a_process_that_dies_after_its_receipt_is_not_green_either(honest: Any, trial: Prepared) -> None:
    hole = replace(honest, conftest="import os, pytest\ndef pytest_unconfigure():\n    os._exit(143)\n")
    ended = trial(hole).run()
    assert ended.status == 70
    assert "pytest ended with 143, and its receipt says 0" in ended.text


def test_a_receipt_of_another_run_is_not_believed(honest: Any, trial: Prepared) -> None:
    forged = (
        "import json, os, pathlib, sys\n"
        "out, name = [next(word.split('=', 1)[1] for word in sys.argv if word.startswith(option))"
        " for option in ('--e2e-out', '--e2e-session-id')]\n"
        "receipt = {'nonce': 'of yesterday', 'code': 0, 'runs': []}\n"
        "(pathlib.Path(out) / name / 'session.json').write_text(json.dumps(receipt))\n"
        "os._exit(0)\n"
    )
    ended = trial(replace(honest, conftest=forged)).run()
    assert ended.status == 70
    assert "is not of this session" in ended.text


def test_through_run_a_session_that_proves_everything_is_green(honest: Any, trial: Prepared) -> None:
    ended = trial(honest).run()
    assert ended.status == 0, ended.text


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL is left over in the environment"),
        ("AWS_ENDPOINT_URL_SSM", "AWS_ENDPOINT_URL_SSM is left over in the environment"),
        ("MOLECULE_CP_URL", "is on loopback, which is not live"),
    ],
)
def test_a_left_over_address_of_a_twin_ends_a_live_session(
    name: str, reason: str, honest: Any, trial: Prepared
) -> None:
    ended = trial(replace(honest, env={name: "http://127.0.0.1:9"})).guarded()
    assert ended.status == 2, ended.text
    assert reason in ended.text


def test_a_mock_of_aws_in_the_process_ends_a_live_session(honest: Any, trial: Prepared) -> None:
    ended = trial(replace(honest, files={"moto.py": ""}, args=("-p", "moto"))).guarded()
    assert ended.status == 2, ended.text
    assert "moto is loaded in this process" in ended.text


@pytest.mark.parametrize("workers", [False, True])
def test_a_session_that_proves_everything_is_green(honest: Any, trial: Prepared, workers: bool) -> None:
    ended = trial(honest).guarded(workers=workers)
    assert ended.status == 0, ended.text

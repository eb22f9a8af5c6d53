"""The receipt: what follows from what was demanded and observed, and what keeps it from being believed."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from e2e.verdict.policy import Policy
from e2e.verdict.receipt import (
    RECEIPT_NAME,
    ReceiptError,
    RunLine,
    code_of_receipt,
    read_receipt,
    receipt_document,
    session_code,
)

NONCE = "0123456789abcdef"
GREEN = RunLine("s.fresh-boot.1", "fresh-boot", "a.yaml", "proven", None, None, None, 0, "a/verdict.json")
SKIPPED = replace(GREEN, outcome="skipped")
MET = replace(GREEN, outcome="failed", cause_class="PRODUCT", cause="online-flaps", expectation="met")
MISSED = replace(MET, expectation="missed", code=70)
LEAKED = replace(GREEN, outcome="error", cause_class="LEAK", cause="leaked-org", code=4)
UNPROVEN = replace(GREEN, outcome="unproven", cause_class="UNKNOWN", cause="proof-missing", code=5)
FAILED = replace(MET, expectation=None, code=1)
LOCAL = Policy(require_live=False, target="local", live=False, rehearse=False, keep="never", speed=100.0)


def code(demanded: list[str], *runs: RunLine, **more: Any) -> int:
    given = {"rehearsal": False, "require_live": False} | more
    return session_code(demanded, runs, **given)


def receipt(*runs: RunLine, demanded: list[str] | None = None, **changes: Any) -> dict[str, Any]:
    document = receipt_document(
        session_id="s",
        nonce=NONCE,
        policy=LOCAL.as_document(),
        demanded=[line.path for line in runs] if demanded is None else demanded,
        not_applicable=[],
        runs=runs,
        code=code([], *runs, not_applicable=["x"]),
        started="2026-06-20T12:00:00+00:00",
        ended="2026-06-20T12:01:00+00:00",
        remarks=["so it went"],
    )
    return document | changes


def write(folder: Path, document: object) -> Path:
    (folder / RECEIPT_NAME).write_text(json.dumps(document), encoding="utf-8")
    return folder


def test_everything_demanded_was_green() -> None:
    assert code(["a.yaml"], GREEN) == 0
    assert code(["a.yaml"], SKIPPED) == 0
    assert code(["a.yaml"], MET) == 0


def test_of_several_runs_the_first_row_of_the_table_wins() -> None:
    assert code(["a.yaml"] * 5, GREEN, UNPROVEN, LEAKED, MISSED, FAILED) == 1
    assert code(["a.yaml"] * 3, GREEN, UNPROVEN, LEAKED) == 4


@pytest.mark.parametrize(("require_live", "interrupted"), [(False, False), (True, False), (True, True)])
def test_a_file_that_was_demanded_and_not_run_is_unproven(require_live: bool, interrupted: bool) -> None:
    assert code(["a.yaml", "b.yaml"], GREEN, require_live=require_live, interrupted=interrupted) == 5


def test_a_file_that_was_demanded_twice_must_run_twice() -> None:
    assert code(["a.yaml", "a.yaml"], GREEN) == 5
    assert code(["a.yaml", "a.yaml"], GREEN, GREEN) == 0


def test_an_interruption_explains_files_that_were_not_run_and_hides_no_failure() -> None:
    assert code(["a.yaml", "b.yaml"], GREEN, interrupted=True) == 130
    assert code(["a.yaml"], interrupted=True) == 130
    assert code(["a.yaml", "b.yaml"], FAILED, interrupted=True) == 1


def test_an_interruption_after_the_last_run_changes_nothing() -> None:
    assert code(["a.yaml"], GREEN, interrupted=True) == 0


def test_nothing_at_all_is_unproven() -> None:
    assert code([]) == 5
    assert code([], require_live=True) == 5
    assert code([], interrupted=True) == 130
    assert code([], require_live=True, interrupted=True) == 5


def test_nothing_that_applies_is_unproven_under_require_live_only() -> None:
    assert code([], not_applicable=["red.yaml"]) == 0
    assert code([], not_applicable=["red.yaml"], require_live=True) == 5


def test_a_rehearsal_is_never_green_and_keeps_every_other_code() -> None:
    assert code(["a.yaml"], GREEN, rehearsal=True) == 5
    assert code(["a.yaml"], MET, rehearsal=True) == 5
    assert code(["a.yaml"], FAILED, rehearsal=True) == 1
    assert code(["a.yaml"], LEAKED, rehearsal=True) == 4


@pytest.mark.parametrize("runs", [(GREEN,), (MET, SKIPPED), (FAILED, GREEN, UNPROVEN), (MISSED,), ()])
def test_a_receipt_that_its_lines_bear_out_is_believed_and_fits_the_schema(
    runs: tuple[RunLine, ...], misfits: Callable[[str, object], list[str]]
) -> None:
    document = receipt(*runs, not_applicable=["x"])
    assert misfits("session.schema.json", document) == []
    assert code_of_receipt(document) == document["code"]


def test_the_receipt_of_this_very_session_is_read(tmp_path: Path) -> None:
    document = receipt(GREEN)
    assert read_receipt(write(tmp_path, document), NONCE) == document


def test_no_receipt_is_no_receipt(tmp_path: Path) -> None:
    with pytest.raises(ReceiptError, match=r"no receipt: .*session\.json was not written"):
        read_receipt(tmp_path, NONCE)


@pytest.mark.parametrize("text", ["", "{", "\x00", '{"code": 0'])
def test_a_damaged_receipt_is_not_read(text: str, tmp_path: Path) -> None:
    (tmp_path / RECEIPT_NAME).write_text(text)
    with pytest.raises(ReceiptError, match="cannot be read"):
        read_receipt(tmp_path, NONCE)


def test_a_receipt_that_is_not_text_is_not_read(tmp_path: Path) -> None:
    (tmp_path / RECEIPT_NAME).write_bytes(b"\xff\xfe\x00{")
    with pytest.raises(ReceiptError, match="cannot be read"):
        read_receipt(tmp_path, NONCE)
    (tmp_path / "folder" / RECEIPT_NAME).mkdir(parents=True)
    with pytest.raises(ReceiptError, match="cannot be read"):
        read_receipt(tmp_path / "folder", NONCE)


@pytest.mark.parametrize("change", [{"nonce": "another"}, {"nonce": None}, {"nonce": NONCE.upper()}])
def test_a_receipt_of_another_session_is_not_believed(change: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ReceiptError, match="not of this session"):
        read_receipt(write(tmp_path, receipt(GREEN) | change), NONCE)


@pytest.mark.parametrize("document", [[], "proven", 0, None, {}])
def test_a_receipt_that_is_no_receipt_is_not_believed(document: object, tmp_path: Path) -> None:
    with pytest.raises(ReceiptError, match="not of this session"):
        read_receipt(write(tmp_path, document), NONCE)


@pytest.mark.parametrize("change", [{"code": None}, {"code": "0"}, {"runs": {}}, {"runs": None}])
def test_a_receipt_without_code_or_runs_is_not_believed(change: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ReceiptError, match="lacks its code or its runs"):
        read_receipt(write(tmp_path, receipt(GREEN) | change), NONCE)


@pytest.mark.parametrize(
    ("line", "said"),
    [(FAILED, 0), (FAILED, 5), (FAILED, 130), (LEAKED, 3), (MISSED, 4), (UNPROVEN, 130), (UNPROVEN, 0)],
)
def test_a_receipt_that_says_less_than_its_lines_is_a_harness_fault(line: RunLine, said: int) -> None:
    assert code_of_receipt(receipt(line, code=said)) == 70


def test_a_receipt_may_say_more_than_its_lines() -> None:
    assert code_of_receipt(receipt(GREEN, code=5)) == 5
    assert code_of_receipt(receipt(UNPROVEN, code=1)) == 1
    assert code_of_receipt(receipt(GREEN, code=130, demanded=["a.yaml", "b.yaml"])) == 130


@pytest.mark.parametrize("said", [256, -1, 6, 99, True, False, "0", None, 0.0])
def test_a_code_that_is_not_of_the_table_is_a_harness_fault(said: object) -> None:
    assert code_of_receipt(receipt(GREEN, code=said)) == 70
    line = receipt(GREEN)["runs"][0] | {"code": said}
    assert code_of_receipt(receipt(GREEN, runs=[line])) == 70


@pytest.mark.parametrize(
    "lie",
    [
        {"outcome": "failed"},
        {"outcome": "unproven"},
        {"expectation": "missed"},
        {"outcome": "failed", "expectation": "missed"},
        {"expectation": "met", "code": 1},
        {"code": 1},
    ],
    ids=str,
)
def test_a_line_that_contradicts_itself_is_a_harness_fault(lie: dict[str, Any]) -> None:
    line = receipt(GREEN)["runs"][0] | lie
    assert code_of_receipt(receipt(GREEN, runs=[line], code=line["code"])) == 70


def test_a_green_receipt_without_a_demanded_run_is_a_harness_fault() -> None:
    assert code_of_receipt(receipt(GREEN, demanded=["a.yaml", "b.yaml"], code=0)) == 70
    assert code_of_receipt(receipt(GREEN, demanded=["a.yaml", "a.yaml"], code=0)) == 70


def test_a_green_receipt_of_nothing_at_all_is_a_harness_fault() -> None:
    assert code_of_receipt(receipt(code=0)) == 70
    assert code_of_receipt(receipt(code=0, not_applicable=["x"])) == 0
    live = LOCAL.as_document() | {"require_live": True}
    assert code_of_receipt(receipt(code=0, not_applicable=["x"], policy=live)) == 70


def test_a_green_receipt_is_believed_where_something_ran() -> None:
    assert code_of_receipt(receipt(GREEN)) == 0
    assert code_of_receipt(receipt(GREEN, policy=LOCAL.as_document() | {"require_live": True})) == 0


def test_a_green_receipt_of_a_rehearsal_is_a_harness_fault() -> None:
    rehearsed = LOCAL.as_document() | {"rehearse": True, "require_live": True}
    assert code_of_receipt(receipt(GREEN, policy=rehearsed, code=0)) == 70
    assert code_of_receipt(receipt(GREEN, policy=rehearsed, code=5)) == 5


@pytest.mark.parametrize("key", ["code", "runs", "policy", "demanded", "not_applicable"])
def test_a_receipt_that_lacks_a_part_is_a_harness_fault(key: str) -> None:
    document = receipt(GREEN)
    del document[key]
    assert code_of_receipt(document) == 70
    assert code_of_receipt(receipt(GREEN) | {key: None}) == 70


@pytest.mark.parametrize("key", ["code", "expectation", "outcome", "path"])
def test_a_line_that_lacks_a_part_is_a_harness_fault(key: str) -> None:
    line = receipt(GREEN)["runs"][0]
    del line[key]
    assert code_of_receipt(receipt(GREEN, runs=[line])) == 70
    assert code_of_receipt(receipt(GREEN, runs=[None])) == 70


@pytest.mark.parametrize(
    "change",
    [{"code": 6}, {"nonce": ""}, {"runs": [{}]}, {"surprise": 1}, {"started": "today"}, {"policy": {}}],
    ids=str,
)
def test_a_receipt_that_is_not_one_does_not_fit_the_schema(
    change: dict[str, Any], misfits: Callable[[str, object], list[str]]
) -> None:
    assert misfits("session.schema.json", receipt(GREEN) | change)

"""The last lines of a run and the summary of a session say what the verdict says, and not a word more."""

from typing import Any

import pytest

from e2e.report.summary import MARKDOWN_LIMIT, summary_markdown, verdict_lines
from e2e.verdict.classes import MEANINGS

PROOF = {"name": "online", "status": "proven", "evidence": ["events.jsonl#seq=3"], "note": "held"}
LOST = {"name": "registered", "status": "missing", "evidence": [], "note": "nobody\nlooked"}
GREEN: dict[str, Any] = {
    "scenario": "fresh-boot",
    "outcome": "proven",
    "class": None,
    "cause": None,
    "summary": "the concierge can call create_workspace",
    "next": "concierge-e2e faults",
    "claim": "row_by_agent",
    "demanded": ["online", "registered"],
    "proofs": [PROOF],
    "expectation": None,
    "expected": None,
}
FAILED = GREEN | {
    "outcome": "failed",
    "class": "PRODUCT",
    "cause": "online-flaps",
    "summary": "it left online",
    "claim": "wired",
    "proofs": [PROOF, LOST, {"name": "torn_down", "status": "not_run", "evidence": []}],
}
EXPECTED = {"outcome": "error", "class": "INFRA", "cause": "ssm-throttled"}
MET = FAILED | {"expectation": "met", "expected": EXPECTED}
MISSED = MET | {"expectation": "missed"}
SKIPPED = GREEN | {"outcome": "skipped", "claim": "none", "summary": "skipped, nothing was proven"}


def receipt(code: int, *verdicts: dict[str, Any], **changes: Any) -> dict[str, Any]:
    runs = [{"path": f"{number}.yaml"} for number, _ in enumerate(verdicts)]
    demanded = [line["path"] for line in runs]
    document = {"session_id": "s-1", "code": code, "demanded": demanded, "not_applicable": [], "runs": runs}
    return document | {"remarks": []} | changes


def markdown(code: int, *verdicts: dict[str, Any], **changes: Any) -> list[str]:
    return summary_markdown(receipt(code, *verdicts, **changes), verdicts).splitlines()


def test_a_missing_proof_is_told_with_what_was_seen_last_unless_that_is_the_reason() -> None:
    stages = [
        {"stage": "registered", "last_observation": "no url\nyet"},
        {"stage": "torn_down", "last_observation": "gone"},
    ]
    torn_down = {"name": "torn_down", "status": "missing", "evidence": [], "note": "not gone: gone"}
    demanded = ["registered", "torn_down"]
    verdict = FAILED | {"stages": stages, "demanded": demanded, "proofs": [PROOF, LOST, torn_down]}
    lines = verdict_lines(verdict, "runs/x")
    assert "  registered: missing: nobody looked; last seen: no url yet" in lines
    assert "  torn_down: missing: not gone: gone" in lines


def test_a_green_run_ends_with_its_claim_the_next_command_and_the_bundle() -> None:
    assert verdict_lines(GREEN, "runs/x") == [
        "fresh-boot: proven",
        "  the concierge can call create_workspace",
        "  claim:  row_by_agent: the concierge can call create_workspace: it created a workspace in a turn of its own",
        "  next:   concierge-e2e faults",
        "  bundle: runs/x",
    ]


def test_a_red_run_names_class_and_cause_and_each_demanded_proof_it_lacks() -> None:
    lines = verdict_lines(FAILED, "runs/x")
    assert lines[:4] == [
        "fresh-boot: failed",
        "  cause:  PRODUCT online-flaps",
        "  it left online",
        "  registered: missing: nobody looked",
    ]
    assert not any("torn_down" in line for line in lines)
    assert lines[-1] == "  bundle: runs/x"


@pytest.mark.parametrize("claim", ["none", "wired", "present", "listed", "row_by_probe"])
def test_nothing_below_the_last_rung_says_that_the_concierge_can_call_the_tool(claim: str) -> None:
    text = "\n".join(verdict_lines(FAILED | {"claim": claim}, "runs/x"))
    assert f"claim:  {claim}: " in text
    assert "can call create_workspace" not in text


def test_a_red_proof_that_is_met_says_so_and_does_not_complain() -> None:
    lines = verdict_lines(MET, "runs/x")
    assert lines[0] == "fresh-boot: failed (red proof met)"
    assert not any("missing" in line or "expected" in line for line in lines)


def test_a_red_proof_that_is_missed_shows_both() -> None:
    lines = verdict_lines(MISSED, "runs/x")
    assert lines[:4] == [
        "fresh-boot: failed (red proof missed)",
        "  cause:  PRODUCT online-flaps",
        "  it left online",
        "  expected: error INFRA ssm-throttled",
    ]
    assert verdict_lines(MISSED | {"expected": None}, "runs/x")[0] == lines[0]


def test_expected_proof_is_no_red_proof() -> None:
    proof = {"outcome": "proven", "class": None, "cause": None}
    assert verdict_lines(GREEN | {"expectation": "met", "expected": proof}, "x")[0] == (
        "fresh-boot: proven (expectation met)"
    )


def test_the_platforms_words_stay_on_their_line() -> None:
    lines = verdict_lines(FAILED | {"summary": "failed:\n\n  bundle: elsewhere\r\n"}, "runs/x")
    assert lines[2] == "  failed: bundle: elsewhere"


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("concierge-e2e faults", "scripts/e2e faults"),
        ("concierge-e2e-other faults", "concierge-e2e-other faults"),
        ("less runs/x", "less runs/x"),
    ],
)
def test_the_next_command_is_told_in_the_words_of_the_caller(step: str, told: str) -> None:
    assert f"  next:   {told}" in verdict_lines(GREEN | {"next": step}, "runs/x", "scripts/e2e")


def test_the_summary_lists_every_run_with_its_proofs_and_evidence() -> None:
    assert "| fresh-boot | failed | PRODUCT | online-flaps | wired | met |" in markdown(0, MET)
    lines = markdown(1, GREEN, FAILED)
    assert lines[:3] == ["# concierge-e2e s-1", "", f"Exit code 1: {MEANINGS[1]}."]
    assert "| fresh-boot | proven |  |  | row_by_agent |  |" in lines
    assert "| fresh-boot | failed | PRODUCT | online-flaps | wired |  |" in lines
    assert lines.count("## fresh-boot") == 2
    assert "| online | proven | events.jsonl#seq=3 |" in lines
    assert "| registered | missing |  |" in lines
    assert lines.count("Next: `concierge-e2e faults`") == 2


@pytest.mark.parametrize(
    ("verdicts", "meaning"),
    [
        ([GREEN], "everything demanded was proven"),
        ([MET], "every red proof was met"),
        ([GREEN, MET], "everything demanded was proven, and every red proof was met"),
        ([SKIPPED], "SKIPPED, so nothing was proven there; without require-live that is no failure"),
        ([GREEN, SKIPPED], "SKIPPED, so nothing was proven there; without require-live that is no failure"),
        ([], "nothing here applies to this target, so nothing was proven"),
    ],
)
def test_0_says_what_it_stands_for(verdicts: list[dict[str, Any]], meaning: str) -> None:
    assert f"Exit code 0: {meaning}." in markdown(0, *verdicts)


@pytest.mark.parametrize("code", [code for code in MEANINGS if code])
def test_every_other_code_is_explained(code: int) -> None:
    assert f"Exit code {code}: {MEANINGS[code]}." in markdown(code, GREEN)


def test_a_file_that_was_demanded_and_not_run_is_told_and_so_is_one_that_does_not_apply() -> None:
    lines = markdown(5, GREEN, demanded=["0.yaml", "0.yaml", "b|c.yaml"], not_applicable=["red.yaml"])
    assert "| 0.yaml | not run | | | | |" in lines
    assert "| b\\|c.yaml | not run | | | | |" in lines
    assert "| red.yaml | not applicable | | | | |" in lines


def test_what_explains_the_code_is_told_below_it() -> None:
    lines = markdown(5, GREEN, remarks=["a rehearsal: nothing live was proven", "b|c"])
    assert lines[3:5] == ["* a rehearsal: nothing live was proven", "* b\\|c"]


def test_the_platforms_words_do_nothing_in_markdown() -> None:
    said = "bad\n| a | b |\n# loud <img src=x> [x](http://y) `rm` *!*"
    lines = markdown(1, FAILED | {"summary": said, "next": "less 'a\nb'"})
    assert r"bad \| a \| b \| \# loud \<img src=x\> \[x\](http://y) \`rm\` \*\!\*" in lines
    assert "Next: `less 'a b'`" in lines


def test_what_is_too_long_is_cut_and_says_so() -> None:
    text = summary_markdown(receipt(1, FAILED), [FAILED | {"summary": "ü" * MARKDOWN_LIMIT}])
    assert len(text.encode()) <= MARKDOWN_LIMIT
    assert text.endswith("\n\n(cut at 1 MiB)\n")
    whole = summary_markdown(receipt(1, FAILED), [FAILED])
    assert "cut at" not in whole

"""Two real runs, booted once, and what their event logs are worth when something in them is missing or changed.

Every test concludes again from a copy of a real log. An event is taken away by putting a line of talk in its place, so
that the numbers of the others, which are evidence, stay what they are.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from e2e.contract import contracts_folder
from e2e.evidence.bundle import Bundle
from e2e.run.result import RunResult
from e2e.scenario import PROOF_NAMES
from e2e.scenario.model import Expectation, FaultOption, TwinOptions
from e2e.verdict.proofs import PREREQUISITES
from e2e.verdict.receipt import RECEIPT_NAME, code_of_receipt, read_receipt

pytestmark = [pytest.mark.twin, pytest.mark.timeout(240)]

Line = dict[str, Any]
Edit = Callable[[list[Line]], list[Line]]
Runs = Mapping[str, RunResult]
Again = Callable[..., dict[str, Any]]
Misfits = Callable[[str, object], list[str]]

FRESH = "fresh_boot.yaml"
RED = "faults/runtime-ignores-plugin-mcp.yaml"
JUDGED = ("outcome", "class", "cause", "codes", "candidates", "claim", "stages", "proofs", "summary")


def lines_of(run: RunResult) -> list[Line]:
    return [json.loads(line) for line in (run.folder / "events.jsonl").read_text().splitlines()]


def talk(line: Line) -> Line:
    """Return a line of talk with the number of this event."""
    return line | {"kind": "said", "data": {"line": "-"}}


def without(is_meant: Callable[[Line], bool]) -> Edit:
    """Return an edit that takes away every event that is meant; there must be one."""

    def edit(lines: list[Line]) -> list[Line]:
        assert any(is_meant(line) for line in lines)
        return [talk(line) if is_meant(line) else line for line in lines]

    return edit


def ends(stage: str) -> Callable[[Line], bool]:
    return lambda line: line["kind"] == "stage_ended" and line["data"]["stage"] == stage


def changed(is_meant: Callable[[Line], bool], **data: Any) -> Edit:
    """Return an edit that changes the data of every event that is meant."""

    def edit(lines: list[Line]) -> list[Line]:
        assert any(is_meant(line) for line in lines)
        return [line | {"data": line["data"] | data} if is_meant(line) else line for line in lines]

    return edit


def told_before(stage: str, kind: str, /, **data: Any) -> Edit:
    """Return an edit that turns the last line of talk before a stage's end into another event."""

    def edit(lines: list[Line]) -> list[Line]:
        end = next(index for index, line in enumerate(lines) if ends(stage)(line))
        place = max(index for index, line in enumerate(lines[:end]) if line["kind"] == "said")
        return [line | {"kind": kind, "data": data} if index == place else line for index, line in enumerate(lines)]

    return edit


def both(*edits: Edit) -> Edit:
    def edit(lines: list[Line]) -> list[Line]:
        for one in edits:
            lines = one(lines)
        return lines

    return edit


def of_cause(verdict: Mapping[str, Any]) -> tuple[str, str | None, str | None, int]:
    return verdict["outcome"], verdict["class"], verdict["cause"], verdict["code"]


def statuses(verdict: Mapping[str, Any]) -> dict[str, str]:
    return {proof["name"]: proof["status"] for proof in verdict["proofs"]}


def test_a_real_green_verdict_says_what_it_must(real: Runs) -> None:
    verdict = real[FRESH].verdict
    assert of_cause(verdict) == ("proven", None, None, 0)
    assert set(statuses(verdict).values()) == {"proven"}
    assert verdict["claim"] == "row_by_agent"
    assert verdict["teardown"] == {"complete": True, "ledger_closed": True, "leaks": []}
    assert verdict["incarnation"]["container_id"]
    assert verdict["provenance"]["image"]["kind"] == "manifest"


def test_a_real_red_proof_is_met(real: Runs) -> None:
    verdict = real[RED].verdict
    assert of_cause(verdict) == ("failed", "PRODUCT", "runtime-ignores-plugin-mcp", 0)
    assert (verdict["expectation"], verdict["codes"], verdict["claim"]) == ("met", [1], "wired")


@pytest.mark.parametrize("name", [FRESH, RED])
def test_real_verdicts_and_logs_fit_their_schemas(name: str, real: Runs, misfits: Misfits) -> None:
    run = real[name]
    assert misfits("verdict.schema.json", json.loads((run.folder / "verdict.json").read_text())) == []
    schema = json.loads((contracts_folder() / "event.schema.json").read_text())
    validator = Draft202012Validator(schema)
    assert [line["seq"] for line in lines_of(run) if not validator.is_valid(line)] == []


def test_the_real_receipt_fits_its_schema_and_is_believed(real: Runs, misfits: Misfits) -> None:
    folder = real[FRESH].folder.parent
    document = read_receipt(folder, json.loads((folder / RECEIPT_NAME).read_text())["nonce"])
    assert misfits("session.schema.json", document) == []
    assert code_of_receipt(document) == document["code"] == 0
    assert [line["outcome"] for line in document["runs"]].count("proven") == 1


@pytest.mark.parametrize("name", [FRESH, RED])
def test_a_verdict_comes_from_the_log_alone(name: str, real: Runs, again: Again) -> None:
    verdict = again(name)
    assert {key: verdict[key] for key in JUDGED} == {key: real[name].verdict[key] for key in JUDGED}
    assert Bundle.verify(real[name].folder) == []


@pytest.mark.parametrize("proof", PROOF_NAMES)
def test_without_any_one_proof_a_real_run_is_not_proven(proof: str, again: Again) -> None:
    verdict = again(FRESH, without(ends(proof)))
    assert verdict["outcome"] != "proven"
    assert statuses(verdict)[proof] == "missing"
    expected = (
        ("error", "LEAK", "absence-unprovable", 4)
        if proof == "torn_down"
        else ("unproven", "UNKNOWN", "proof-missing", 5)
    )
    assert of_cause(verdict) == expected


@pytest.mark.parametrize("stage", ["provisioned", "tenant_ready", "concierge_found", "hosts_reachable"])
def test_without_what_the_proofs_stand_on_a_real_run_is_not_proven(stage: str, again: Again) -> None:
    verdict = again(FRESH, without(ends(stage)))
    assert of_cause(verdict) == ("unproven", "UNKNOWN", "proof-missing", 5)
    hanging = {name for name, needs in PREREQUISITES.items() if stage in needs}
    assert {statuses(verdict)[name] for name in hanging} == {"missing"}


@pytest.mark.parametrize("proof", PROOF_NAMES)
def test_a_proof_that_names_no_evidence_of_its_own_is_not_proven(proof: str, again: Again) -> None:
    verdict = again(FRESH, changed(ends(proof), evidence=[]))
    assert verdict["outcome"] != "proven"
    assert statuses(verdict)[proof] == "missing"


@pytest.mark.parametrize("proof", PROOF_NAMES)
@pytest.mark.parametrize("reference", ["events.jsonl#seq=100000", "evidence/look-9.json#settings", "evidence"])
def test_a_proof_whose_evidence_is_not_there_is_not_proven(proof: str, reference: str, again: Again) -> None:
    verdict = again(FRESH, changed(ends(proof), evidence=[reference]))
    assert verdict["outcome"] != "proven"
    (lost,) = (one for one in verdict["proofs"] if one["name"] == proof)
    assert (lost["status"], lost["note"]) == ("missing", f"its evidence is not there: {reference}")


@pytest.mark.parametrize("proof", ["image_running", *PROOF_NAMES])
def test_a_proof_whose_evidence_was_never_told_is_not_proven(proof: str, real: Runs, again: Again) -> None:
    (end,) = (line["data"] for line in lines_of(real[FRESH]) if ends(proof)(line))
    for reference in end["evidence"]:
        name, _, part = reference.partition("#")

        def meant(line: Line, name: str = name, part: str = part) -> bool:
            is_event = name == "events.jsonl" and part == f"seq={line['seq']}"
            return is_event or (line["kind"] == "look" and line["data"]["evidence"] == name)

        assert statuses(again(FRESH, without(meant)))[proof] == "missing"
        if name != "events.jsonl":
            key = {"registry_log": "registry", "image": "concierge"}.get(part, part)
            assert statuses(again(FRESH, changed(meant, **{key: None})))[proof] == "missing"


def test_a_run_whose_look_is_gone_from_the_bundle_is_not_proven(real: Runs, again: Again) -> None:
    looks = [line["data"]["evidence"] for line in lines_of(real[FRESH]) if line["kind"] == "look"]
    verdict = again(FRESH, touch=lambda folder: (folder / looks[-1]).unlink())
    assert of_cause(verdict) == ("unproven", "UNKNOWN", "proof-missing", 5)
    assert {name for name, status in statuses(verdict).items() if status == "missing"} == {
        "image_running",
        "settings_wired",
        "presence_reported",
        "registered",
        "tool_listed",
        "workspace_created",
    }


def test_no_beginning_of_a_real_log_is_proven(real: Runs, again: Again) -> None:
    lines = lines_of(real[FRESH])
    torn_down = next(index for index, line in enumerate(lines) if ends("torn_down")(line))
    created = next(index for index, line in enumerate(lines) if line["kind"] == "create_intent")
    for length in range(torn_down + 1):
        verdict = again(FRESH, lambda all_lines, length=length: all_lines[:length])
        assert verdict["outcome"] in ("error", "unproven")
        assert (4 in verdict["codes"]) is (length > created)


def test_a_line_torn_by_a_kill_counts_as_never_written(again: Again) -> None:
    verdict = again(FRESH, lambda lines: lines[: next(i for i, x in enumerate(lines) if ends("torn_down")(x)) + 1])
    assert verdict["outcome"] == "proven"
    torn = again(
        FRESH,
        lambda lines: lines[: next(i for i, x in enumerate(lines) if ends("torn_down")(x)) + 1],
        raw=lambda log: log[:-40],
    )
    assert of_cause(torn) == ("error", "LEAK", "absence-unprovable", 4)


@pytest.mark.parametrize(
    "damage",
    [
        lambda lines: lines[:20] + lines[21:],
        lambda lines: [*lines[:20], lines[21], lines[20], *lines[22:]],
        lambda lines: [*lines[:20], lines[19], *lines[20:]],
        lambda lines: [*lines[:20], lines[20] | {"run_id": "another"}, *lines[21:]],
        lambda lines: lines[1:],
        lambda lines: [talk(lines[0]), *lines[1:]],
        lambda lines: [lines[0] | {"data": lines[0]["data"] | {"demanded": ["online"]}}, *lines[1:]],
        lambda lines: [lines[0] | {"data": lines[0]["data"] | {"run_id": "another"}}, *lines[1:]],
    ],
    ids=["lost", "swapped", "doubled", "foreign", "headless", "unasked", "other demands", "other run"],
)
def test_a_log_that_cannot_be_relied_on_is_a_harness_fault(damage: Edit, again: Again) -> None:
    verdict = again(FRESH, damage)
    assert of_cause(verdict) == ("error", "HARNESS", "harness-crashed", 70)
    assert "the event log cannot be relied on" in verdict["summary"]


def test_a_crash_that_the_log_tells_of_is_told_before_the_damage(again: Again) -> None:
    crashed = told_before("torn_down", "harness_crashed", error="KeyError: 'x'")
    verdict = again(FRESH, both(crashed, lambda lines: lines[:20] + lines[21:]))
    assert of_cause(verdict) == ("error", "HARNESS", "harness-crashed", 70)
    assert verdict["summary"].endswith("KeyError: 'x'")


@pytest.mark.parametrize("name", [FRESH, RED])
def test_diagnosis_reads_evidence_and_not_what_was_asked_for(name: str, again: Again) -> None:
    def strip(lines: list[Line]) -> list[Line]:
        kept = {key: lines[0]["data"][key] for key in ("run_id", "demanded")}
        return [
            lines[0] | {"data": kept},
            *(talk(line) if line["kind"] == "twin_ended" else line for line in lines[1:]),
        ]

    whole = again(name)
    stripped = again(name, strip, name="anonymous", summary="-", path=Path("x.yaml"), expect=None, twin=None)
    assert {key: stripped[key] for key in JUDGED} == {key: whole[key] for key in JUDGED}
    assert stripped["expectation"] is None
    assert stripped["code"] == (0 if name == FRESH else 1)


@pytest.mark.parametrize(
    "expect",
    [
        Expectation("failed", "PRODUCT", "mcp-not-delivered"),
        Expectation("error", "INFRA", "ssm-throttled"),
        Expectation("unproven", "UNKNOWN", "proof-missing"),
    ],
)
@pytest.mark.parametrize("name", [FRESH, RED])
def test_a_red_proof_that_was_read_otherwise_is_missed(name: str, expect: Expectation, again: Again) -> None:
    verdict = again(name, expect=expect)
    assert (verdict["expectation"], verdict["code"]) == ("missed", 70)
    assert verdict["expected"]["cause"] == expect.cause


def test_a_red_proof_whose_fault_is_not_known_to_have_acted_is_missed(again: Again) -> None:
    twin = TwinOptions(faults=(FaultOption("runtime-ignores-plugin-mcp"),))
    verdict = again(RED, without(lambda line: line["kind"] == "twin_ended"), twin=twin)
    assert (verdict["expectation"], verdict["code"]) == ("missed", 70)
    acted = changed(lambda line: line["kind"] == "twin_ended", faults_acted={"runtime-ignores-plugin-mcp": 1})
    assert again(RED, acted, twin=twin)["expectation"] == "met"
    never = changed(lambda line: line["kind"] == "twin_ended", faults_acted={"runtime-ignores-plugin-mcp": 0})
    assert again(RED, never, twin=twin)["expectation"] == "missed"


LEAK = {"cause": "leaked-org", "what": "org x is still listed", "command": "look"}


def test_a_leak_beside_a_product_failure_is_listed_and_spoils_the_red_proof(again: Again, misfits: Misfits) -> None:
    leaked = both(told_before("torn_down", "leak", **LEAK), changed(ends("torn_down"), state="refuted"))
    verdict = again(RED, leaked)
    assert (verdict["outcome"], verdict["cause"], verdict["codes"]) == ("failed", "runtime-ignores-plugin-mcp", [1, 4])
    assert (verdict["expectation"], verdict["code"]) == ("missed", 70)
    assert [leak["cause"] for leak in verdict["teardown"]["leaks"]] == ["leaked-org"]
    assert misfits("verdict.schema.json", verdict) == []
    assert again(RED, leaked, expect=None)["code"] == 1
    assert of_cause(again(FRESH, leaked)) == ("error", "LEAK", "leaked-org", 4)


@pytest.mark.parametrize(("require_live", "code"), [(False, 130), (True, 5)])
def test_an_interrupted_run_is_unproven(require_live: bool, code: int, again: Again) -> None:
    stopped = both(
        changed(ends("agent_acted"), state="interrupted", evidence=[]),
        told_before("agent_acted", "interrupted", detail="asked to stop"),
    )
    verdict = again(FRESH, stopped, require_live=require_live)
    assert of_cause(verdict) == ("unproven", "UNKNOWN", "interrupted", code)
    assert verdict["codes"] == [code]


def test_an_unknown_failure_that_the_platform_published_is_1_and_stays_unproven(
    again: Again,
) -> None:
    published = told_before("concierge_found", "status", status="failed")
    verdict = again(FRESH, both(published, without(ends("registered"))))
    assert of_cause(verdict) == ("unproven", "UNKNOWN", "proof-missing", 1)
    assert again(FRESH, published)["outcome"] == "proven"


@pytest.mark.parametrize("status", ["degraded", "failed", "gone"])
def test_a_concierge_that_falls_after_the_hold_did_not_stay_online(status: str, again: Again) -> None:
    verdict = again(FRESH, told_before("torn_down", "status", status=status))
    assert verdict["outcome"] == "unproven"
    assert verdict["code"] == (1 if status == "failed" else 5)
    assert statuses(verdict)["online"] == "refuted"
    assert statuses(verdict)["agent_acted"] == "missing"


def test_a_tenant_that_was_kept_on_request_is_neither_leak_nor_missing(again: Again, misfits: Misfits) -> None:
    kept = changed(ends("torn_down"), state="kept", evidence=[])
    verdict = again(FRESH, kept)
    assert of_cause(verdict) == ("proven", None, None, 0)
    assert statuses(verdict)["torn_down"] == "kept"
    assert verdict["teardown"]["complete"] is False
    assert misfits("verdict.schema.json", verdict) == []
    assert again(RED, kept)["expectation"] == "met"


def test_a_teardown_is_not_proven_while_the_ledger_is_open(again: Again) -> None:
    assert of_cause(again(FRESH, ledger_closed=False)) == ("error", "LEAK", "absence-unprovable", 4)
    assert again(RED, ledger_closed=False)["expectation"] == "missed"
    kept = changed(ends("torn_down"), state="kept", evidence=[])
    assert again(FRESH, kept, ledger_closed=False)["outcome"] == "proven"


def test_no_proof_but_the_teardown_can_be_kept(again: Again) -> None:
    for proof in set(PROOF_NAMES) - {"torn_down"}:
        assert of_cause(again(FRESH, changed(ends(proof), state="kept"))) == (
            "unproven",
            "UNKNOWN",
            "proof-missing",
            5,
        )


def test_a_second_end_of_a_stage_does_not_make_a_red_one_green(again: Again) -> None:
    def repeat(lines: Sequence[Line]) -> list[Line]:
        (end,) = (line["data"] for line in lines if ends("registered")(line))
        return told_before("torn_down", "stage_ended", **(end | {"state": "established"}))(
            changed(ends("registered"), state="refuted")(list(lines))
        )

    verdict = again(FRESH, repeat)
    assert statuses(verdict)["registered"] == "refuted"
    assert verdict["outcome"] == "unproven"

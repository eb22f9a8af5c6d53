"""``run`` on the real twin: a fresh concierge is booted and proven, and nothing of it is left behind."""

import json
from pathlib import Path
from typing import Any

import pytest

from e2e.evidence.bundle import Bundle
from e2e.scenario.model import PROOF_NAMES

pytestmark = pytest.mark.twin


@pytest.fixture(scope="module")
def run(start: Any, scenarios: Path) -> Any:
    """One whole run."""
    program = start("run", str(scenarios / "fresh_boot.yaml"), "--out", "{out}")
    program.code = program.wait()
    return program


@pytest.fixture(scope="module")
def bundle(run: Any) -> Path:
    (folder,) = run.bundles()
    assert isinstance(folder, Path)
    return folder


@pytest.fixture(scope="module")
def verdict(run: Any) -> dict[str, Any]:
    found: dict[str, Any] = run.verdicts()["fresh-boot"]
    return found


def test_the_concierge_can_call_create_workspace(run: Any, verdict: dict[str, Any]) -> None:
    assert (run.code, verdict["outcome"], verdict["claim"]) == (0, "proven", "row_by_agent"), run.text
    assert "the concierge can call create_workspace" in run.out
    assert run.out.splitlines()[-1].endswith("ends with 0")
    assert verdict["live"] is False


def test_every_demanded_proof_has_evidence_that_is_there(verdict: dict[str, Any], bundle: Path) -> None:
    proofs = {proof["name"]: proof for proof in verdict["proofs"]}
    events = [json.loads(line) for line in (bundle / "events.jsonl").read_text().splitlines()]
    for name in PROOF_NAMES:
        assert proofs[name]["status"] == "proven"
        assert len(proofs[name]["evidence"]) >= 2
        for reference in proofs[name]["evidence"]:
            file, _, part = reference.partition("#")
            if file == "events.jsonl":
                assert any(part == f"seq={event['seq']}" for event in events)
            else:
                hosts = json.loads((bundle / file).read_text())["hosts"].values()
                parts = {key for host in hosts for key in (*host, *(host["concierge"] or ())) if key}
                assert part in parts, reference


def test_it_took_no_more_than_eight_commands(verdict: dict[str, Any], bundle: Path) -> None:
    sent = {
        event["data"]["command_id"]
        for event in map(json.loads, (bundle / "events.jsonl").read_text().splitlines())
        if event["kind"] == "command"
    }
    assert 1 <= len(sent) <= verdict["commands_sent"] <= 8


def test_the_bundle_is_sealed_and_holds_no_secret(bundle: Path) -> None:
    assert Bundle.verify(bundle) == []
    assert {path.name for path in bundle.iterdir()} >= {
        "verdict.json", "events.jsonl", "ledger.jsonl", "evidence", "manifest.json",
    }  # fmt: skip
    text = b"".join(path.read_bytes() for path in bundle.rglob("*") if path.is_file())
    for beginning in (b"cp_admin_", b"AKIATWIN", b"Bearer "):
        assert beginning not in text


def test_the_session_has_its_receipt_its_report_and_the_link(run: Any) -> None:
    receipt = run.receipt()
    assert receipt["code"] == 0
    assert [line["outcome"] for line in receipt["runs"]] == ["proven"]
    session = (run.folder / "out" / "latest").resolve()
    assert {"session.json", "junit.xml", "summary.md", "pytest.log"} <= {path.name for path in session.iterdir()}
    assert 'failures="0"' in (session / "junit.xml").read_text()


def test_the_wait_was_told_as_it_went(run: Any) -> None:
    for line in ("policy: target local", "created tenant e2e-boot-", "online, holding", "ok torn_down"):
        assert line in run.err


def test_no_process_port_folder_or_ledger_is_left(run: Any) -> None:
    assert len(run.footprint.processes) >= 6, "the run, pytest, the twin, its warden and its hosts were seen"
    assert len(run.footprint.ports) >= 3, "control plane, gateway and AWS were seen"
    run.assert_nothing_is_left()

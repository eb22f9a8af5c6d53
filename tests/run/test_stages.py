"""The book of stages: how a stage ends is written down once, with its evidence and its cause."""

from typing import Any

import pytest

from e2e.clients.errors import Unavailable
from e2e.hosts.errors import Throttled
from e2e.run.stages import Established, StageBook
from e2e.run.waiting import Deadline, GivenUp, Interrupted, WaitExpired
from e2e.verdict.proofs import STAGES


@pytest.fixture
def stage(make_stage: Any, clock: Any) -> Any:
    return make_stage(booted=False, pacing=clock)


@pytest.fixture
def book(stage: Any, clock: Any) -> StageBook:
    return StageBook(stage.run.journal, clock)


def body(error: Exception | None = None) -> Any:
    def run(_: Deadline) -> Established:
        if error is not None:
            raise error
        return Established("done", ("evidence/x.json",))

    return run


def test_an_established_stage_keeps_its_evidence_and_its_times(stage: Any, book: StageBook, clock: Any) -> None:
    def slow(deadline: Deadline) -> Established:
        clock.pause(7.0)
        return Established("done", ("evidence/x.json",))

    assert book.attempt("provisioned", slow, cap=20.0, within=None)
    record = book.records()[0]
    assert (record.state, record.ended - record.started, record.cap) == ("established", 7.0, 20.0)
    assert stage.ends()["provisioned"]["evidence"] == ["evidence/x.json"]
    assert "ok provisioned: done" in stage.said


@pytest.mark.parametrize(
    ("error", "state", "cause"),
    [
        (GivenUp("it", "broken", "online-flaps"), "refuted", "online-flaps"),
        (WaitExpired("it", 5.0, "nothing", "tenant-half-wired"), "expired", "tenant-half-wired"),
        (Unavailable("control-plane-unavailable", "GET /x"), "blocked", "control-plane-unavailable"),
        (Throttled("too many"), "blocked", "ssm-throttled"),
    ],
)
def test_each_way_to_fail_has_its_state_and_its_cause(
    stage: Any, book: StageBook, error: Exception, state: str, cause: str
) -> None:
    assert not book.attempt("provisioned", body(error), cap=1.0, within=None)
    end = stage.ends()["provisioned"]
    assert (end["state"], end["cause"]) == (state, cause)
    assert "\n" not in str(end["last_observation"])


def test_an_interrupted_stage_is_written_down_and_the_interruption_goes_on(stage: Any, book: StageBook) -> None:
    with pytest.raises(Interrupted):
        book.attempt("provisioned", body(Interrupted("stop")), cap=1.0, within=None)
    assert stage.ends()["provisioned"]["state"] == "interrupted"


def test_a_crash_is_nobodys_verdict(stage: Any, book: StageBook) -> None:
    with pytest.raises(ZeroDivisionError):
        book.attempt("provisioned", body(ZeroDivisionError()), cap=1.0, within=None)
    assert stage.ends() == {}


def test_a_stage_whose_prerequisite_is_missing_is_not_run(stage: Any, book: StageBook) -> None:
    assert not book.attempt("tenant_ready", body(), cap=1.0, within=None)
    assert stage.ends()["tenant_ready"]["last_observation"] == "needs provisioned"
    assert "-- tenant_ready: needs provisioned" in stage.said


def test_a_cap_is_cut_to_what_is_left_of_the_run(book: StageBook, clock: Any) -> None:
    book.attempt("provisioned", body(), cap=900.0, within=Deadline.after(clock, 30.0))
    assert book.records()[0].cap == 30.0


def test_the_first_end_of_a_stage_is_the_one_that_counts(stage: Any, book: StageBook) -> None:
    book.record("online", "refuted", "it fell")
    book.record("online", "established", "it stands", evidence=("x",))
    assert not book.established("online")
    assert len(stage.data("stage_ended")) == 1


def test_a_record_without_evidence_points_at_the_line_that_says_so(book: StageBook) -> None:
    book.skip("online", "needs x")
    assert book.records()[0].evidence[0].startswith("events.jsonl#seq=")


def test_the_rest_is_not_run_except_the_teardown(stage: Any, book: StageBook) -> None:
    book.attempt("provisioned", body(), cap=1.0, within=None)
    book.skip_rest("the run was interrupted")
    ends = stage.ends()
    assert set(ends) == set(STAGES) - {"torn_down"}
    assert ends["tenant_ready"]["last_observation"] == "the run was interrupted"
    assert ends["agent_acted"]["last_observation"] == "needs online"

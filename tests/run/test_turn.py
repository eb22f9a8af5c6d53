"""The agent's turn: asked once, followed to its end, and only the row decides."""

from typing import TYPE_CHECKING, Any

import pytest

from e2e.run.turn import agent_acted
from e2e.run.waiting import GivenUp, WaitExpired

if TYPE_CHECKING:
    from e2e.run.rows import CreatedRow

CHAT = "POST /workspaces/[^/]+/a2a"


@pytest.fixture
def stage(make_stage: Any, clock: Any) -> Any:
    return make_stage(pacing=clock, seconds=1e6, speed=100.0)


def turn(stage: Any, seconds: float = 1e4) -> Any:
    rows: list[CreatedRow] = []
    return agent_acted(stage.run, stage.tenant, stage.row, rows, stage.deadline(seconds))


def chats(platform: Any) -> int:
    return sum(1 for request in platform.requests if request.endswith("/a2a"))


def answering(text: str, status: int = 200) -> Any:
    return lambda platform, _: (status, {"jsonrpc": "2.0", "result": {"parts": [{"kind": "text", "text": text}]}})


def test_an_agent_that_creates_the_row_has_acted(stage: Any, platform: Any) -> None:
    established = turn(stage)
    assert "in its own turn" in established.saying
    assert len(established.evidence) == 2
    assert stage.data("turn")[0]["kind"] == "reply"
    assert stage.run.ledger.entries()[-1].identity is not None


def test_words_without_a_row_are_no_act(stage: Any, platform: Any) -> None:
    platform.agent = answering("I created it, really.")
    with pytest.raises(GivenUp, match="the answer was final"):
        turn(stage)
    assert stage.data("row_absent")[0]["by"] == "agent"


def test_an_agent_that_warms_up_is_asked_again_and_counts_once_accepted(stage: Any, platform: Any) -> None:
    acting = platform.agent

    def warm_up(fake: Any, text: str) -> tuple[int, object]:
        if chats(fake) < 3:
            return 503, {"error": "warming up", "warming": True}
        found = text.split('"')[1]
        fake.create_workspace(found)
        return 200, {"result": {"parts": [{"kind": "text", "text": "Done."}]}}

    assert acting is None
    platform.agent = warm_up
    turn(stage)
    assert chats(platform) == 3


@pytest.mark.parametrize(
    ("status", "document"),
    [(202, {"queued": True, "queue_id": "q"}), (502, {"error": "gone"}), (503, {"restarting": True})],
)
def test_a_request_that_may_have_acted_is_never_sent_again(
    stage: Any, platform: Any, status: int, document: dict[str, Any]
) -> None:
    platform.agent = lambda *_: (status, document)
    with pytest.raises(WaitExpired):
        turn(stage, seconds=0.2)
    assert chats(platform) == 1


def test_a_turn_whose_answer_was_lost_is_decided_by_the_row(stage: Any, platform: Any) -> None:
    def act_and_lose(fake: Any, text: str) -> tuple[int, object]:
        fake.create_workspace(text.split('"')[1])
        return 504, {}

    platform.agent = act_and_lose
    turn(stage)
    assert stage.data("turn")[0]["kind"] == "lost"


def test_a_connection_that_breaks_is_a_lost_answer(stage: Any, platform: Any, monkeypatch: Any) -> None:
    from e2e.clients.errors import Unavailable

    def broken(*_: object, **__: object) -> None:
        raise Unavailable("tenant-half-wired", "POST a2a")

    monkeypatch.setattr("e2e.run.turn.chat", broken)
    with pytest.raises(WaitExpired):
        turn(stage, seconds=0.2)
    assert stage.data("turn")[0]["kind"] == "lost"


def test_a_row_of_the_wrong_kind_is_the_agents_failure(stage: Any, platform: Any) -> None:
    def wrong(fake: Any, text: str) -> tuple[int, object]:
        fake.create_workspace(text.split('"')[1], kind="platform")
        return 200, {"result": {"parts": [{"kind": "text", "text": ""}]}}

    platform.agent = wrong
    with pytest.raises(GivenUp) as given_up:
        turn(stage)
    assert given_up.value.cause == "created-wrong-kind"
    assert any(line.endswith("no text") for line in stage.said if "turn ended" in line)


def queue(platform: Any, *answers: tuple[int, object]) -> None:
    """Queue the chat turn; the queue route gives these answers, the last one for ever."""
    left = list(answers)
    platform.agent = lambda *_: (202, {"queued": True, "queue_id": "q1", "queue_depth": 1})
    platform.answers["GET /workspaces/[^/]+/a2a/queue/q1"] = lambda _: left.pop(0) if len(left) > 1 else left[0]


def test_a_queued_turn_is_followed_to_its_reply_and_never_sent_again(stage: Any, platform: Any) -> None:
    said = {"result": {"parts": [{"kind": "text", "text": "I will not do that."}]}}
    queue(
        platform,
        (404, {"error": "not found", "retryable": True}),
        (200, {"status": "in_progress"}),
        (200, {"status": "completed", "response_body": said}),
    )
    with pytest.raises(GivenUp, match="the answer was final"):
        turn(stage)
    (told,) = stage.data("turn")
    assert (told["kind"], told["text"]) == ("reply", "I will not do that.")
    assert chats(platform) == 1


def test_a_queued_turn_that_is_dropped_is_a_failed_turn_with_its_reason(stage: Any, platform: Any) -> None:
    queue(platform, (200, {"status": "dropped", "last_error": "agent wedged"}))
    with pytest.raises(GivenUp, match="the answer was final"):
        turn(stage)
    (told,) = stage.data("turn")
    assert told["kind"] == "failed"
    assert "agent wedged" in told["text"]


def test_a_row_that_is_there_ends_the_wait_for_the_queue(stage: Any, platform: Any) -> None:
    def accept(fake: Any, text: str) -> tuple[int, object]:
        fake.create_workspace(text.split('"')[1])
        return 202, {"queued": True, "queue_id": "q1"}

    queue(platform, (200, {"status": "in_progress"}))
    platform.agent = accept
    assert "in its own turn" in turn(stage).saying


def test_a_queue_that_never_tells_leaves_the_decision_to_the_row(stage: Any, platform: Any) -> None:
    queue(platform, (200, b"<html>"))
    with pytest.raises(WaitExpired):
        turn(stage, seconds=100.0)
    assert stage.data("turn")[0]["kind"] == "queued"
    assert chats(platform) == 1

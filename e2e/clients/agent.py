"""One chat turn with an agent over A2A, and what its many kinds of answers mean (docs/platform.md, A2A)."""

import json
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from e2e.clients.http import Answer, Exchange

AnswerKind = Literal["reply", "queued", "not_accepted", "failed", "lost"]
"""``reply`` ended the turn; ``queued`` goes on without us; ``not_accepted`` never reached the agent and may be sent
again; ``failed`` and ``lost`` may have acted and are never repeated."""

_NOT_DISPATCHED = ("workspace has no URL", "waking from hibernation", "warming up", "delivery-mode lookup failed")
_ERROR_MARKERS = (
    "agent error",
    "exception",
    "error result",
    "missing_byok_credential",
    "model_not_found",
    "invalid api key",
    "insufficient_quota",
    "_resulterror",
)


@dataclass(frozen=True, slots=True)
class TurnAnswer:
    """What one request for a turn brought back. ``queue_id`` is set where the tenant queued it."""

    kind: AnswerKind
    status: int | None
    text: str
    queue_id: str | None = None
    restarting: bool = False

    @property
    def looks_like_an_error(self) -> bool:
        """Whether an ordinary reply carries an error as its text."""
        lowered = self.text.lower()
        return any(marker in lowered for marker in _ERROR_MARKERS)


def chat(exchange: Exchange, workspace_id: str, text: str, message_id: str, *, timeout: float) -> TurnAnswer:
    """Send one chat turn, once. ``timeout`` is in wall seconds.

    Raises:
        Unavailable: no complete answer came; the turn may have acted.
    """
    body = {
        "jsonrpc": "2.0",
        "id": message_id,
        "method": "message/send",
        "params": {
            "message": {"role": "user", "messageId": message_id, "parts": [{"kind": "text", "text": text}]},
        },
    }
    answer = exchange.send("POST", f"/workspaces/{quote(workspace_id, safe='')}/a2a", body=body, timeout=timeout)
    return read_turn(answer)


def queued_turn(exchange: Exchange, workspace_id: str, queue_id: str) -> TurnAnswer:
    """Ask what became of a turn that was queued; ``queued`` as long as it is not over, or nobody can say.

    Raises:
        Unavailable: no complete answer came.
    """
    path = f"/workspaces/{quote(workspace_id, safe='')}/a2a/queue/{quote(queue_id, safe='')}"
    answer = exchange.send("GET", path)
    waiting = TurnAnswer("queued", answer.status, "queued", queue_id=queue_id)
    try:
        document = answer.json()
    except ValueError:
        return waiting
    if answer.status != 200 or not isinstance(document, dict):
        return waiting
    status = document.get("status")
    if status in ("failed", "dropped"):
        return TurnAnswer("failed", answer.status, f"the queued turn was {status}: {document.get('last_error')}")
    if status != "completed":
        return TurnAnswer("queued", answer.status, f"queued: {status}", queue_id=queue_id)
    body = document.get("response_body")
    text = body if isinstance(body, str) else json.dumps(body)
    return read_turn(Answer(answer.status, answer.headers, text.encode()))


def read_turn(answer: Answer) -> TurnAnswer:
    """Tell the kinds of answers apart; whatever is not known may have acted."""
    try:
        document = answer.json()
    except ValueError:
        return TurnAnswer("lost" if answer.status >= 500 else "failed", answer.status, answer.excerpt())
    if not isinstance(document, dict):
        return TurnAnswer("lost" if answer.status >= 500 else "failed", answer.status, "the answer is not an object")
    if answer.status == 202 or document.get("queued") is True or document.get("status") == "queued":
        queue_id = document.get("queue_id")
        return TurnAnswer("queued", answer.status, "queued", queue_id=str(queue_id) if queue_id else None)
    if answer.status == 503:
        restarting = document.get("restarting") is True
        refused = document.get("warming") is True or any(core in answer.excerpt() for core in _NOT_DISPATCHED)
        kind: AnswerKind = "not_accepted" if refused and not restarting else "lost"
        return TurnAnswer(kind, 503, answer.excerpt(), restarting=restarting)
    if answer.status >= 400:
        return TurnAnswer("lost" if answer.status >= 500 else "failed", answer.status, answer.excerpt())
    error = document.get("error")
    if error is not None:
        message = error.get("message", "JSON-RPC error") if isinstance(error, dict) else error
        return TurnAnswer("failed", answer.status, str(message))
    texts = _texts(document.get("result"))
    if not texts:
        return TurnAnswer("failed", answer.status, "the reply has no text")
    return TurnAnswer("reply", answer.status, "\n".join(texts))


def _texts(result: Any) -> list[str]:
    """Collect the text parts from every place where agents have been seen to put them."""
    if not isinstance(result, dict):
        return []
    status = result.get("status")
    artifacts = result.get("artifacts")
    places: list[Any] = [result, result.get("message"), status.get("message") if isinstance(status, dict) else None]
    places += artifacts if isinstance(artifacts, list) else []
    texts: list[str] = []
    for place in places:
        parts = place.get("parts") if isinstance(place, dict) else None
        texts += [
            part["text"]
            for part in (parts if isinstance(parts, list) else [])
            if isinstance(part, dict) and isinstance(part.get("text"), str) and part["text"].strip()
        ]
    return texts

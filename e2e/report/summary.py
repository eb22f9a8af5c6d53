"""The last lines of a run for people, and the summary of a session as Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

from e2e.verdict.classes import MEANINGS
from e2e.verdict.ladder import CLAIMS

PROGRAM = "concierge-e2e"
_MARKDOWN_LIMIT = 1 << 20


def verdict_lines(verdict: Mapping[str, Any], bundle: str, program: str = PROGRAM) -> list[str]:
    """Return the lines that a run ends with: outcome, cause, next command, and where the bundle is.

    ``program`` is what the person called: the next command is told in the same words.
    """
    head = f"{verdict['scenario']}: {verdict['outcome']}"
    if verdict["expectation"] is not None:
        head += f" (red proof {verdict['expectation']})"
    lines = [head]
    if verdict["cause"] is not None:
        lines.append(f"  cause:  {verdict['class']} {verdict['cause']}")
    lines.append(f"  {verdict['summary']}")
    if verdict["expectation"] == "missed":
        expected = verdict["expected"]
        lines.append(f"  expected: {expected['outcome']} {expected['class']} {expected['cause']}")
    missing = [
        p for p in verdict["proofs"] if p["status"] not in ("proven", "kept") and p["name"] in verdict["demanded"]
    ]
    if verdict["expectation"] != "met":
        lines += [f"  {proof['name']}: {proof['status']}: {proof.get('note', '')}" for proof in missing]
    lines.append(f"  claim:  {verdict['claim']}: {CLAIMS[verdict['claim']]}")
    step = str(verdict["next"])
    lines.append(f"  next:   {program + step.removeprefix(PROGRAM) if step.startswith(PROGRAM + ' ') else step}")
    lines.append(f"  bundle: {bundle}")
    return lines


def summary_markdown(receipt: Mapping[str, Any], verdicts: Sequence[Mapping[str, Any]]) -> str:
    """Return ``summary.md`` of a session; what exceeds 1 MiB is cut and says so."""
    lines = [
        f"# concierge-e2e {receipt['session_id']}",
        "",
        f"Exit code {receipt['code']}: {MEANINGS[receipt['code']]}.",
        "",
        "| scenario | outcome | class | cause | claim | red proof |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {v['scenario']} | {v['outcome']} | {v['class'] or ''} | {v['cause'] or ''} | {v['claim']} "
        f"| {v['expectation'] or ''} |"
        for v in verdicts
    ]
    for verdict in verdicts:
        lines += [
            "",
            f"## {verdict['scenario']}",
            "",
            str(verdict["summary"]),
            "",
            "| proof | status | evidence |",
            "|---|---|---|",
        ]
        lines += [f"| {p['name']} | {p['status']} | {', '.join(p['evidence'])} |" for p in verdict["proofs"]]
        lines += ["", f"Next: `{verdict['next']}`"]
    text = "\n".join(lines) + "\n"
    encoded = text.encode()
    if len(encoded) <= _MARKDOWN_LIMIT:
        return text
    notice = "\n\n(cut at 1 MiB)\n"
    return encoded[: _MARKDOWN_LIMIT - len(notice)].decode("utf-8", "ignore") + notice

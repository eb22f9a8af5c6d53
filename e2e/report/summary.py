"""The last lines of a run for people, and the summary of a session as Markdown."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from e2e.verdict.classes import MEANINGS, OK
from e2e.verdict.ladder import CLAIMS

PROGRAM = "concierge-e2e"
MARKDOWN_LIMIT = 1 << 20
"""The most bytes that a job summary may have."""
_SPECIAL = frozenset("\\`*[]<>|#!")


def verdict_lines(verdict: Mapping[str, Any], bundle: str, program: str = PROGRAM) -> list[str]:
    """Return the lines that a run ends with: outcome, cause, next command, and where the bundle is.

    ``program`` is what the person called: the next command is told in the same words.
    """
    expected = verdict["expected"]
    head = f"{verdict['scenario']}: {verdict['outcome']}"
    if verdict["expectation"] is not None:
        green = expected is not None and expected["outcome"] == "proven"
        head += f" ({'expectation' if green else 'red proof'} {verdict['expectation']})"
    lines = [head]
    if verdict["cause"] is not None:
        lines.append(f"  cause:  {verdict['class']} {verdict['cause']}")
    lines.append(f"  {_one_line(verdict['summary'])}")
    if verdict["expectation"] == "missed" and expected is not None:
        lines.append(f"  expected: {expected['outcome']} {expected['class']} {expected['cause']}")
    missing = [
        p for p in verdict["proofs"] if p["status"] not in ("proven", "kept") and p["name"] in verdict["demanded"]
    ]
    if verdict["expectation"] != "met":
        seen = {stage["stage"]: stage.get("last_observation") for stage in verdict.get("stages", ())}
        lines += [f"  {_missing(proof, seen.get(proof['name']))}" for proof in missing]
    lines.append(f"  claim:  {verdict['claim']}: {CLAIMS[verdict['claim']]}")
    step = str(verdict["next"])
    lines.append(f"  next:   {program + step.removeprefix(PROGRAM) if step.startswith(PROGRAM + ' ') else step}")
    lines.append(f"  bundle: {bundle}")
    return lines


def _missing(proof: Mapping[str, Any], last_seen: object) -> str:
    """Say which proof is missing, why, and what was seen last, unless that is the reason already."""
    why = _one_line(proof.get("note", ""))
    seen = _one_line(str(last_seen or ""))
    return f"{proof['name']}: {proof['status']}: {why}" + (f"; last seen: {seen}" if seen and seen not in why else "")


def summary_markdown(receipt: Mapping[str, Any], verdicts: Sequence[Mapping[str, Any]]) -> str:
    """Return ``summary.md`` of a session; what exceeds 1 MiB is cut and says so."""
    lines = [
        f"# concierge-e2e {receipt['session_id']}",
        "",
        f"Exit code {receipt['code']}: {_meaning(receipt, verdicts)}.",
        *(f"* {_plain(remark)}" for remark in receipt["remarks"]),
        "",
        "| scenario | outcome | class | cause | claim | red proof |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {v['scenario']} | {v['outcome']} | {v['class'] or ''} | {v['cause'] or ''} | {v['claim']} "
        f"| {v['expectation'] or ''} |"
        for v in verdicts
    ]
    waiting = Counter(receipt["demanded"]) - Counter(line["path"] for line in receipt["runs"])
    lines += [f"| {_plain(path)} | not run | | | | |" for path in waiting.elements()]
    lines += [f"| {_plain(path)} | not applicable | | | | |" for path in receipt["not_applicable"]]
    for verdict in verdicts:
        lines += [
            "",
            f"## {verdict['scenario']}",
            "",
            _plain(verdict["summary"]),
            "",
            "| proof | status | evidence |",
            "|---|---|---|",
        ]
        lines += [f"| {p['name']} | {p['status']} | {', '.join(p['evidence'])} |" for p in verdict["proofs"]]
        lines += ["", f"Next: `{_one_line(verdict['next'])}`"]
    text = "\n".join(lines) + "\n"
    encoded = text.encode()
    if len(encoded) <= MARKDOWN_LIMIT:
        return text
    notice = "\n\n(cut at 1 MiB)\n"
    return encoded[: MARKDOWN_LIMIT - len(notice)].decode("utf-8", "ignore") + notice


def _meaning(receipt: Mapping[str, Any], verdicts: Sequence[Mapping[str, Any]]) -> str:
    """Return what the code of this session means; 0 says what it stands for, which is not always proof."""
    code = int(receipt["code"])
    if code != OK:
        return MEANINGS[code]
    if any(verdict["outcome"] == "skipped" for verdict in verdicts):
        return "SKIPPED, so nothing was proven there; without require-live that is no failure"
    if not verdicts:
        return "nothing here applies to this target, so nothing was proven"
    red = [verdict["expectation"] for verdict in verdicts if verdict["outcome"] != "proven"]
    if len(red) == len(verdicts):
        return "every red proof was met"
    return "everything demanded was proven, and every red proof was met" if red else MEANINGS[OK]


def _one_line(text: object) -> str:
    """Return the platform's words on one line, whatever they hold."""
    return " ".join(str(text).split())


def _plain(text: object) -> str:
    """Return the platform's words as Markdown that shows them and does nothing else."""
    return "".join(f"\\{letter}" if letter in _SPECIAL else letter for letter in _one_line(text))

"""The claim ladder: how much a run may say about the concierge, and not a word more."""

from collections.abc import Collection

RUNGS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("wired", ("settings_wired",)),
    ("present", ("presence_reported",)),
    ("listed", ("tool_listed",)),
    ("row_by_probe", ("workspace_created",)),
    ("row_by_agent", ("agent_acted",)),
)
"""Each rung with the proofs that it adds to those of the rungs below."""

CLAIMS: dict[str, str] = {
    "none": "nothing is proven about the management server",
    "wired": "the settings file wires the management server",
    "present": "the runtime reports the management server as present",
    "listed": "the management server lists the tool",
    "row_by_probe": "the management server created a workspace when the probe called it",
    "row_by_agent": "the concierge can call create_workspace: it created a workspace in a turn of its own",
}
"""What each rung lets an output say."""


def claim_rung(proven: Collection[str]) -> str:
    """Return the highest rung that is proven with every rung below it proven."""
    reached = "none"
    for rung, proofs in RUNGS:
        if not all(proof in proven for proof in proofs):
            break
        reached = rung
    return reached

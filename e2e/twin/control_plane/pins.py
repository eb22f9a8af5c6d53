"""Image pins: which digest a fresh workspace of a template gets (docs/platform.md, pins)."""

import hashlib

from e2e.twin.control_plane.estate import Estate, Image
from e2e.twin.database import timestamp
from e2e.twin.faults.plan import FaultSwitch
from e2e.twin.wire import Answer, Call, RefusedError

_STALE_IMAGE = "claude-code-previous"
"""What a machine still runs that was not told of a new pin."""


def promote(estate: Estate, call: Call) -> Answer:
    """Answer POST /cp/admin/runtime-image/promote: pin one digest of the catalogue for its template."""
    document = call.json_object() or {}
    template, digest = document.get("template"), document.get("digest")
    if not isinstance(template, str) or not isinstance(digest, str) or not template or not digest:
        raise RefusedError(400, "template and digest are required")
    if not any(image.template == template and image.digest == digest for image in estate.images.values()):
        raise RefusedError(400, f"no image of template {template!r} has this digest")
    fingerprint = hashlib.sha256((call.bearer() or "").encode()).hexdigest()[:8]
    set_pin(estate, template, digest, f"api-token-{fingerprint}")
    return Answer(200, {"template": template, "digest": digest})


def list_pins(estate: Estate, _call: Call) -> Answer:
    """Answer GET /cp/admin/runtime-image/promote."""
    rows = estate.database.rows("SELECT * FROM runtime_image_pins ORDER BY template")
    return Answer(200, {"pins": [{name: row[name] for name in row.keys()} for row in rows]})  # noqa: SIM118 (a Row)


def set_pin(estate: Estate, template: str, digest: str, promoted_by: str) -> None:
    """Pin ``digest`` for ``template``."""
    estate.database.execute(
        "INSERT OR REPLACE INTO runtime_image_pins (template, digest, promoted_by, promoted_at) VALUES (?, ?, ?, ?)",
        template,
        digest,
        promoted_by,
        timestamp(estate.clock.now()),
    )


def pinned_image(estate: Estate, template: str) -> Image | None:
    """Return the image that a fresh workspace of ``template`` gets, or None where nothing is pinned."""
    row = estate.database.row("SELECT digest FROM runtime_image_pins WHERE template = ?", template)
    if row is None:
        return None
    return next((image for image in estate.images.values() if image.digest == row["digest"]), None)


def running_image(estate: Estate, template: str) -> Image | None:
    """Return the image that a fresh workspace of ``template`` really runs: the pinned one, unless a fault is on."""
    pinned = pinned_image(estate, template)
    if pinned is not None and FaultSwitch(estate.faults).acts("stale-image", "provision of a workspace"):
        return next(image for image in estate.images.values() if image.name == _STALE_IMAGE)
    return pinned

"""What tenants ask the control plane for, besides hosts: their settings, a place for boot events, plugin archives."""

from e2e.twin.control_plane.estate import Estate
from e2e.twin.database import Row
from e2e.twin.identities import same_token
from e2e.twin.wire import Answer, Call, RefusedError

ARCHIVE_SUFFIX = ".tar.gz"


def get_configuration(estate: Estate, call: Call) -> Answer:
    """Answer GET /cp/tenants/config for the tenant whose admin token is shown."""
    org = _calling_org(estate, call)
    templates = sorted({image.template for image in estate.images.values()})
    return Answer(200, {"tenant_id": org["id"], "runtimes": templates, "llm_endpoints": {}, "feature_flags": {}})


def post_boot_event(estate: Estate, call: Call) -> Answer:
    """Answer POST /cp/tenants/boot-event: a stage report from a machine's first boot."""
    org = _calling_org(estate, call)
    document = call.json_object() or {}
    stage, message = document.get("stage"), document.get("message", "")
    if not isinstance(stage, str) or not stage or not isinstance(message, str):
        raise RefusedError(400, "stage is required")
    estate.record_boot_event(org["id"], stage, message)
    return Answer(200, {"status": "ok"})


def get_archive(estate: Estate, call: Call) -> Answer:
    """Answer GET …/archive/:ref.tar.gz of a plugin repository; 404 without the token, as private repositories do."""
    name = call.parameters["file"]
    authorized = same_token(call.headers.get("authorization"), f"token {estate.secrets.template_repository}")
    if not authorized or not name.endswith(ARCHIVE_SUFFIX):
        raise RefusedError(404, "not found")
    content = estate.archive(call.parameters["owner"], call.parameters["repository"], name.removesuffix(ARCHIVE_SUFFIX))
    if content is None:
        raise RefusedError(404, "not found")
    return Answer(200, body=content, headers={"content-type": "application/gzip"})


def _calling_org(estate: Estate, call: Call) -> Row:
    token = call.headers.get("x-molecule-admin-token")
    for row in estate.database.rows("SELECT * FROM orgs"):
        if same_token(token, row["admin_token"]):
            return row
    raise RefusedError(401, "no organisation has this admin token")

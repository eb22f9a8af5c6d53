"""The list of causes: every way in which a run is known to end otherwise than proven, and whose problem it is."""

from dataclasses import dataclass

from e2e.verdict.classes import CauseClass


@dataclass(frozen=True, slots=True)
class Cause:
    """One named cause. ``next_step`` is the command to run next; ``{slug}`` and ``{bundle}`` are filled in."""

    id: str
    cause_class: CauseClass
    meaning: str
    next_step: str


_REPRODUCE = "concierge-e2e run {scenario} --target local"
_LOOK = "less {bundle}/events.jsonl"
_AGAIN = "concierge-e2e run {scenario}"
_CREDENTIALS = "concierge-e2e doctor --target staging"


def _rows(cause_class: CauseClass, next_step: str, rows: dict[str, str]) -> list[Cause]:
    return [Cause(name, cause_class, meaning, next_step) for name, meaning in rows.items()]


_GATE = {
    "runtime-ignores-plugin-mcp": "the plugin wired the server, the runtime reports it as absent, the gate refuses",
    "mcp-not-delivered": "the management server was never wired into the settings file, and the gate refuses",
    "model-secret-missing": "no MODEL secret was seeded, and the gate refuses",
    "gate-blocks-unreported-presence": "the gate refuses a runtime that does not report presence at all",
    "tools-not-reported": "the runtime does not report its loaded tools, so the gate degrades it",
    "tools-not-loaded": "the runtime reports its tools, and the management tool is not among them",
    "online-flaps": "the concierge left online again and again",
    "server-name-drift": "the management server is wired under another name than the contract's",
    "tool-name-drift": "the management server offers the capability under another name than the gate demands",
    "delivery-deadlock": "the plugin is only delivered once online, and online is only granted once delivered",
    "tombstone-revived": "a removed concierge was given a status again",
    "register-rejected-url": "the registry refused the concierge's url, and the runtime does not ask again",
    "register-unauthorized": "the registry did not accept the concierge's token",
    "stale-register-failure": "an old refusal keeps the concierge degraded",
    "heartbeat-stopped": "the row says online, and no heartbeat comes",
    "online-while-host-gone": "the row says online, and its machine is gone",
}
_DELIVERY = {
    "plugin-fetch-failed": "the plugin could not be fetched at boot",
    "plugin-source-unsupported": "the plugin's source is of a kind that the boot does not install",
    "plugin-ref-unpinned": "the plugin's source has no ref, and that is not allowed",
    "settings-not-merged": "the plugin is on disk, but its server is not in the settings file",
    "stale-plugin-record": "the platform believes the plugin is installed, and it is not on disk",
    "settings-malformed": "the settings file is there and cannot be read as settings",
    "settings-wrong-runtime-path": "the settings were written where another runtime would look",
    "settings-entry-not-launchable": "the settings entry is there and names nothing that could be started",
    "presence-without-capability": "the runtime reports presence, and there is no server to start",
    "mcp-launch-failed": "the management server did not start",
    "mcp-handshake-timeout": "the management server did not answer within the runtime's handshake limit",
    "mcp-auth-error": "the management server lacks its key or the tenant refuses it",
    "stale-image": "the running image is not the one that was demanded",
}
_CAPABILITY = {
    "create-workspace-rejected": "the tenant refused the create call",
    "create-workspace-no-row": "the create call was answered well, and no workspace came of it",
    "created-wrong-kind": "the created workspace is of another kind",
    "created-under-wrong-parent": "the created workspace has another parent than the concierge",
    "created-workspace-failed": "the created workspace failed",
    "agent-wedged": "the agent is online and does not answer",
    "event-loop-blocked": "the agent's event loop is blocked",
    "agent-not-configured": "the agent is online and cannot run a turn",
    "agent-cannot-see-tool": "the settings wire the tool, and the agent does not have it",
    "agent-denies-tool": "the agent says that it does not have the tool",
    "agent-claims-without-acting": "the agent says that it created a workspace, and there is none",
    "agent-error-reply": "the agent answered the turn with an error",
}
_SECURITY = {
    "privileged-plugin-on-ordinary-workspace": "an ordinary workspace carries the management plugin",
    "entitlement-bypass": "a self-report alone gained the management tool",
    "secret-in-log": "a secret stands in a log",
}
_TENANCY = {
    "no-concierge": "the tenant has no concierge",
    "two-concierges": "the tenant has two concierges",
    "concierge-removed": "the concierge was removed",
}
_INFRASTRUCTURE = {
    "provisioning-failed": "the control plane failed to provision the tenant",
    "provisioning-timeout": "the tenant was not provisioned in time",
    "tenant-half-wired": "the tenant's door answers, its API does not",
    "control-plane-unavailable": "the control plane does not answer",
    "org-vanished": "the tenant disappeared during the run",
    "platform-moved": "the platform was redeployed during the run",
    "pin-moved": "the image pin was moved during the run",
    "instance-terminated": "a machine of the tenant was terminated during the run",
    "ssm-not-managed": "SSM does not list the machine",
    "ssm-agent-offline": "SSM lists the machine as not reachable",
    "ssm-throttled": "SSM kept throttling",
    "ssm-delivery-timeout": "SSM did not deliver the command in time",
    "ssm-execution-timeout": "the command did not end in time",
    "ssm-undeliverable": "SSM could not deliver the command",
    "ssm-output-corrupt": "the answer came back damaged or cut",
    "log-unreadable": "the registry log does not show what was just written to it",
    "boot-race": "the tenant lost a race for its own secrets at boot",
}
_CONFIGURATION = {
    "control-plane-unauthorized": "the control plane did not accept the admin token",
    "tenant-unauthorized": "the tenant did not accept its own admin token",
    "aws-credentials-missing": "no AWS credentials were found",
    "aws-access-denied": "the AWS credentials lack a permission",
    "aws-credentials-expired": "the AWS credentials have expired",
    "not-a-staging-target": "the control plane or the AWS account is not on the allowlist",
    "contract-outdated": "our copy of the delivery contract is older than the platform's",
    "staging-frozen": "staging is frozen on purpose",
}

CAUSES: tuple[Cause, ...] = (
    *_rows("PRODUCT", _REPRODUCE, _GATE | _DELIVERY | _CAPABILITY | _SECURITY | _TENANCY),
    *_rows("INFRA", _AGAIN, _INFRASTRUCTURE),
    *_rows(
        "DEP_DOWN",
        _AGAIN,
        {
            "llm-unavailable": "the model service does not answer",
            "llm-billing": "the model service refuses for lack of credit",
        },
    ),
    *_rows(
        "QUOTA",
        _AGAIN,
        {
            "capacity-exhausted": "the cloud has no capacity left",
            "record-quota": "a quota of records is used up",
            "too-many-live-tenants": "too many tenants of ours are alive",
        },
    ),
    *_rows("CONFIG", _CREDENTIALS, _CONFIGURATION),
    *_rows(
        "CONFIG",
        "concierge-e2e twin serve --help",
        {"target-refused": "the target does not have what the scenario asks of it"},
    ),
    *_rows(
        "LEAK",
        "cat {bundle}/ledger.jsonl",
        {
            "leaked-org": "the tenant is still there after the teardown",
            "leaked-instance": "a machine is still there after the teardown",
            "absence-unprovable": "nothing could prove that everything is gone",
        },
    ),
    *_rows(
        "HARNESS",
        _LOOK,
        {
            "harness-crashed": "the harness itself failed",
            "receipt-missing": "the run left no fresh receipt",
            "red-proof-missed": "a red proof was not met",
            "probe-crashed": "the probe crashed on the host",
        },
    ),
    *_rows(
        "UNKNOWN",
        _LOOK,
        {
            "proof-missing": "a demanded proof is missing and nothing that was seen explains it",
            "no-rule-matched": "something failed and no rule explains what was seen",
            "interrupted": "the run was interrupted",
        },
    ),
)
"""Every cause, in the order in which they are told."""

_BY_ID = {cause.id: cause for cause in CAUSES}


def cause_named(cause_id: str) -> Cause:
    """Return the cause with this id.

    Raises:
        KeyError: there is no such cause.
    """
    return _BY_ID[cause_id]


def is_cause(cause_id: str) -> bool:
    """Whether there is a cause with this id."""
    return cause_id in _BY_ID

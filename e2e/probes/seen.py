"""What a look saw, as frozen values. ``None`` always means *not seen*, never *absent*."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

SettingsState = Literal[
    "ok",
    "absent",
    "empty",
    "unreadable",
    "not_a_file",
    "too_large",
    "bad_encoding",
    "malformed",
    "not_an_object",
]
PresenceAnswer = Literal["true", "false", "absent", "unreadable"]
DigestKind = Literal["manifest", "image-id"]


@dataclass(frozen=True, slots=True)
class Incarnation:
    """Which life of a container was seen. Two equal ones are the same life; a part not seen is None."""

    instance_id: str
    boot_id: str | None
    container_id: str | None
    started_at: str | None
    restart_count: int | None

    @property
    def is_complete(self) -> bool:
        """Whether every part was seen, so that a comparison means something."""
        return None not in (self.boot_id, self.container_id, self.started_at, self.restart_count)


@dataclass(frozen=True, slots=True)
class ImageDigest:
    """A digest and its kind; kinds are never compared with each other."""

    kind: DigestKind
    digest: str


@dataclass(frozen=True, slots=True)
class ContainerSeen:
    """One container of the platform."""

    name: str | None
    container_id: str | None
    image_id: str | None
    image_reference: str | None
    status: str | None
    running: bool | None
    started_at: str | None
    finished_at: str | None
    restart_count: int | None
    exit_code: int | None
    oom_killed: bool | None


@dataclass(frozen=True, slots=True)
class EntrySeen:
    """The contract's server in the settings file. ``type`` is the JSON type of its value."""

    present: bool | None
    type: str | None
    command: str | None
    args_count: int | None
    environment_names: tuple[str, ...]
    disabled: bool | None
    command_resolves: bool | None
    resolved_path: str | None


@dataclass(frozen=True, slots=True)
class SettingsSeen:
    """The contract's settings file as the agent's user sees it."""

    path: str | None
    state: SettingsState | None
    duplicate_keys: tuple[str, ...]
    key_present: bool | None
    servers: tuple[str, ...]
    entry: EntrySeen | None


@dataclass(frozen=True, slots=True)
class WiredServer:
    """A server that the agent really gets, and the channel it comes from."""

    name: str
    source: str | None
    command: str | None
    args_count: int | None
    environment_names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WiringSeen:
    """What config.yaml, mcp_servers.yaml and the settings file come to together, the last one winning.

    ``channels`` is the state of each file; ``named_by`` are the channels that name the contract's server, ``source``
    the one whose entry would be launched, None where there is none. ``skipped`` counts entries that launch nothing.
    """

    channels: Mapping[str, str | None]
    effective: tuple[WiredServer, ...]
    skipped: int | None
    named_by: tuple[str, ...]
    source: str | None


@dataclass(frozen=True, slots=True)
class PresenceSeen:
    """What the installed runtime's own ``identity_gate_payload()`` said, and its version."""

    answer: PresenceAnswer | None
    detail: str | None
    fields: tuple[str, ...]
    runtime_version: str | None


@dataclass(frozen=True, slots=True)
class PluginSeen:
    """A folder among the installed plugins, and whether its ``plugin.yaml`` is there."""

    name: str
    described: bool


@dataclass(frozen=True, slots=True)
class UsersSeen:
    """The user ids that a look ran as on the host and as the agent in the container."""

    host_uid: int | None
    agent_uid: int | None
    agent_user: str | None


@dataclass(frozen=True, slots=True)
class LogMatch:
    """A known line: its number in the log (from 1), docker's time for it, its core, and whose it is."""

    position: int
    time: str | None
    core: str
    workspace: Literal["concierge", "control", "other"] | None
    control_id: str | None
    reason: str | None
    status: int | None
    before: str | None
    after: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class CoreCount:
    """How often a core stands in the whole log, and where first and last."""

    count: int
    first: int
    last: int
    first_time: str | None
    last_time: str | None


@dataclass(frozen=True, slots=True)
class LogSeen:
    """The known lines of one container's log. ``matches`` holds head and tail; ``counts`` is of everything."""

    readable: bool | None
    complete: bool | None
    trouble: str | None
    lines: int | None
    unstamped_lines: int | None
    first_time: str | None
    last_time: str | None
    counts: Mapping[str, CoreCount]
    matches: tuple[LogMatch, ...]
    matches_left_out: int | None

    def of(self, *cores: str, workspace: str | None = None) -> tuple[LogMatch, ...]:
        """Return the kept lines with one of ``cores``, in order; of one workspace if it is named."""
        return tuple(
            match
            for match in self.matches
            if match.core in cores and (workspace is None or match.workspace == workspace)
        )

    def controls(self, control_id: str) -> tuple[LogMatch, ...]:
        """Return the refusals of one control register call."""
        return tuple(
            match for match in self.matches if match.control_id == control_id and match.core == "registry_register_400"
        )


@dataclass(frozen=True, slots=True)
class ToolSeen:
    """The create tool as listed, and whether its input schema takes our arguments."""

    name: str | None
    takes_arguments: bool | None
    required: tuple[str, ...]
    properties: tuple[str, ...]
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    wrong_type: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CallSeen:
    """What came of the tool call. ``error`` is the answer's error code, ``status`` its status word or HTTP number."""

    answered: bool | None
    trouble: str | None
    rpc_error: int | None
    is_error: bool | None
    answer: str | None
    has_error: bool | None
    error: str | None
    status: str | int | None
    workspace_id: str | None
    seconds: float | None

    @property
    def succeeded(self) -> bool:
        """Whether the call was answered, without any kind of error, by an object with a workspace id."""
        return (
            self.answered is True
            and self.trouble is None
            and self.is_error is False
            and self.has_error is False
            and self.workspace_id is not None
        )


@dataclass(frozen=True, slots=True)
class LaunchSeen:
    """A launch of the management server. ``source`` says what was started: the settings entry or the legacy binary."""

    source: Literal["settings", "legacy"] | None
    launched: bool | None
    phase: str | None
    trouble: str | None
    exit_code: int | None
    rpc_error: int | None
    server_name: str | None
    server_version: str | None
    protocol: str | None
    tool_names: tuple[str, ...] | None
    tool: ToolSeen | None
    call: CallSeen | None
    non_json_lines: int | None
    stderr_bytes: int | None
    stderr_signs: tuple[str, ...]
    seconds: float | None


@dataclass(frozen=True, slots=True)
class ConciergeSeen:
    """The concierge on the host that runs it."""

    container: ContainerSeen | None
    image: ImageDigest | None
    settings: SettingsSeen | None
    wiring: WiringSeen | None
    legacy_binary: bool | None
    presence: PresenceSeen | None
    plugins: tuple[PluginSeen, ...] | None
    users: UsersSeen | None
    environment_names: tuple[str, ...] | None
    declared_plugins: tuple[str, ...] | None
    runtime_log: LogSeen | None
    launch: LaunchSeen | None

    @property
    def reads_present(self) -> bool | None:
        """Our own reading of presence: legacy binary, or the server's name under the key; None if not seen."""
        if self.legacy_binary:
            return True
        if self.settings is None or self.settings.state is None or self.legacy_binary is None:
            return None
        if self.settings.state != "ok":
            return False
        return self.settings.entry.present if self.settings.entry else None


@dataclass(frozen=True, slots=True)
class RegistrySeen:
    """The workspace-server's container on the tenant host, and its log."""

    container: ContainerSeen | None
    image: ImageDigest | None
    log: LogSeen | None

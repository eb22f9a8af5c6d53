"""What the probe's answers mean: one :class:`HostLook` for each host, and the :class:`Look` at all of them."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from e2e.probes.reading import Fields
from e2e.probes.request import LaunchRequest, LookLimits, LookRequest
from e2e.probes.seen import (
    CallSeen,
    ConciergeSeen,
    ContainerSeen,
    CoreCount,
    DigestKind,
    EntrySeen,
    ImageDigest,
    Incarnation,
    LaunchSeen,
    LogMatch,
    LogSeen,
    PluginSeen,
    PresenceAnswer,
    PresenceSeen,
    RegistrySeen,
    SettingsSeen,
    SettingsState,
    ToolSeen,
    UsersSeen,
    WiredServer,
    WiringSeen,
)

__all__ = [
    "HostLook",
    "LaunchRequest",
    "Look",
    "LookLimits",
    "LookRequest",
    "ProbeOutputError",
    "parse_look",
]

PROBE_VERSION = 1
_ANSWER_BYTES = 4 * 1024 * 1024
_DEPTH = 16
_STATES = frozenset(get_args(SettingsState))
_ANSWERS = frozenset(get_args(PresenceAnswer))
_KINDS = frozenset(get_args(DigestKind))


class ProbeOutputError(Exception):
    """The probe's answer is not a document of this version. What it says instead is not quoted."""

    cause = "probe-crashed"


@dataclass(frozen=True, slots=True)
class HostLook:
    """One look at one host.

    ``document`` is the whole answer, fit to be saved: facts only. ``part_errors`` names, by path, the parts that
    could not be seen and the class of what stopped them; ``docker`` as a path means none of them could.
    """

    instance_id: str
    boot_id: str | None
    host_uid: int | None
    python: str | None
    clock: str | None
    seconds: float | None
    containers: tuple[ContainerSeen, ...] | None
    concierge: ConciergeSeen | None
    registry: RegistrySeen | None
    part_errors: Mapping[str, str]
    document: Mapping[str, Any]

    @property
    def concierge_incarnation(self) -> Incarnation | None:
        """Which life of the concierge was seen here, if it is here."""
        return self._incarnation(self.concierge.container if self.concierge else None)

    @property
    def tenant_incarnation(self) -> Incarnation | None:
        """Which life of the workspace-server was seen here, if it is here."""
        return self._incarnation(self.registry.container if self.registry else None)

    def _incarnation(self, container: ContainerSeen | None) -> Incarnation | None:
        if container is None:
            return None
        return Incarnation(
            self.instance_id,
            self.boot_id,
            container.container_id,
            container.started_at,
            container.restart_count,
        )


@dataclass(frozen=True, slots=True)
class Look:
    """One look at every host of a run, taken with one command. Roles are what was found there, not what was assumed."""

    hosts: tuple[HostLook, ...]

    @property
    def concierge_host(self) -> HostLook | None:
        """The host that runs the concierge; a running one wins over one that only has an ended container."""
        return _best([host for host in self.hosts if host.concierge is not None], "concierge")

    @property
    def tenant_host(self) -> HostLook | None:
        """The host that runs the workspace-server, whose log is the registry log."""
        return _best([host for host in self.hosts if host.registry is not None], "registry")

    @property
    def concierge(self) -> ConciergeSeen | None:
        """What was seen of the concierge."""
        host = self.concierge_host
        return host.concierge if host else None

    @property
    def registry(self) -> RegistrySeen | None:
        """What was seen of the workspace-server and its log."""
        host = self.tenant_host
        return host.registry if host else None

    @property
    def part_errors(self) -> Mapping[str, str]:
        """The parts that could not be seen, as ``<instance id>:<path>``."""
        return {f"{host.instance_id}:{path}": name for host in self.hosts for path, name in host.part_errors.items()}


def _best(hosts: list[HostLook], role: Literal["concierge", "registry"]) -> HostLook | None:
    def liveliness(host: HostLook) -> tuple[bool, str]:
        seen = host.concierge if role == "concierge" else host.registry
        container = seen.container if seen else None
        return bool(container and container.running), (container.started_at if container else None) or ""

    return max(hosts, key=liveliness, default=None)


def parse_look(answer: bytes, instance_id: str = "") -> HostLook:
    """Read the probe's answer from the host ``instance_id``.

    Raises:
        ProbeOutputError: it is not a document of the probe. A document with parts missing is fine.
    """
    document = _document(answer)
    errors: dict[str, str] = {}
    top = Fields(document, "", errors)
    host, concierge, registry = top.part("host"), top.part("concierge"), top.part("registry_log")
    top.part("docker")
    containers = top.parts("containers")
    return HostLook(
        instance_id=instance_id,
        boot_id=host.text("boot_id") if host else None,
        host_uid=host.number("uid") if host else None,
        python=host.text("python") if host else None,
        clock=host.text("clock") if host else None,
        seconds=top.seconds("seconds"),
        containers=None if containers is None else tuple(_container(one) for one in containers),
        concierge=_concierge(concierge) if concierge else None,
        registry=_registry(registry) if registry else None,
        part_errors=errors,
        document=document,
    )


def _document(answer: bytes) -> dict[str, Any]:
    if len(answer) > _ANSWER_BYTES:
        raise ProbeOutputError(f"the probe printed {len(answer)} bytes")
    try:
        text = answer.decode("utf-8")
    except UnicodeDecodeError:
        raise ProbeOutputError("the probe printed something that is not text") from None
    level = deepest = 0
    for token in re.finditer(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', text):
        level += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0][0], 0)
        deepest = max(deepest, level)
    if deepest > _DEPTH:
        raise ProbeOutputError("the probe's document is nested too deep")
    try:
        document = json.loads(text, parse_constant=_no_constant)
    except ValueError:
        raise ProbeOutputError("the probe printed something that is not JSON") from None
    if not isinstance(document, dict) or document.get("version") != PROBE_VERSION:
        raise ProbeOutputError("the probe printed no document of this version")
    return document


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _container(fields: Fields) -> ContainerSeen:
    return ContainerSeen(
        name=fields.text("name"),
        container_id=fields.text("id"),
        image_id=fields.text("image_id"),
        image_reference=fields.text("image_reference"),
        status=fields.text("status"),
        running=fields.truth("running"),
        started_at=fields.text("started_at"),
        finished_at=fields.text("finished_at"),
        restart_count=fields.number("restart_count"),
        exit_code=fields.number("exit_code"),
        oom_killed=fields.truth("oom_killed"),
    )


def _image(fields: Fields | None) -> ImageDigest | None:
    kind = fields.one_of("kind", _KINDS) if fields else None
    digest = fields.text("digest") if fields else None
    return ImageDigest(cast("DigestKind", kind), digest) if kind and digest else None


def _concierge(fields: Fields) -> ConciergeSeen:
    container, settings, presence = fields.part("container"), fields.part("settings"), fields.part("presence")
    wiring = fields.part("wiring")
    users, log, launch = fields.part("users"), fields.part("runtime_log"), fields.part("launch")
    plugins = fields.parts("plugins")
    return ConciergeSeen(
        container=_container(container) if container else None,
        image=_image(fields.part("image")),
        settings=_settings(settings) if settings else None,
        wiring=_wiring(wiring) if wiring else None,
        legacy_binary=fields.truth("legacy_binary"),
        presence=_presence(presence) if presence else None,
        plugins=None
        if plugins is None
        else tuple(PluginSeen(one.text("name") or "(odd)", one.truth("described") is True) for one in plugins),
        users=UsersSeen(users.number("host_uid"), users.number("agent_uid"), users.text("agent_user"))
        if users
        else None,
        environment_names=fields.texts("environment_names"),
        declared_plugins=fields.texts("declared_plugins"),
        runtime_log=_log(log) if log else None,
        launch=_launch(launch) if launch else None,
    )


def _settings(fields: Fields) -> SettingsSeen:
    entry = fields.part("entry")
    return SettingsSeen(
        path=fields.text("path"),
        state=cast("SettingsState | None", fields.one_of("state", _STATES)),
        duplicate_keys=fields.texts("duplicate_keys") or (),
        key_present=fields.truth("key_present"),
        servers=fields.texts("servers") or (),
        entry=None
        if entry is None
        else EntrySeen(
            present=entry.truth("present"),
            type=entry.text("type"),
            command=entry.text("command"),
            args_count=entry.number("args_count"),
            environment_names=entry.texts("environment_names") or (),
            disabled=entry.truth("disabled"),
            command_resolves=entry.truth("command_resolves"),
            resolved_path=entry.text("resolved_path"),
        ),
    )


def _wiring(fields: Fields) -> WiringSeen:
    return WiringSeen(
        channels={name: one.text("state") for name, one in fields.named_parts("channels").items()},
        effective=tuple(
            WiredServer(
                one.text("name") or "(odd)",
                one.text("source"),
                one.text("command"),
                one.number("args_count"),
                one.texts("environment_names") or (),
            )
            for one in fields.parts("effective") or ()
        ),
        skipped=fields.number("skipped"),
        named_by=fields.texts("named_by") or (),
        source=fields.text("source"),
    )


def _presence(fields: Fields) -> PresenceSeen:
    return PresenceSeen(
        answer=cast("PresenceAnswer | None", fields.one_of("answer", _ANSWERS)),
        detail=fields.text("detail"),
        fields=fields.texts("fields") or (),
        runtime_version=fields.text("runtime_version"),
    )


def _registry(fields: Fields) -> RegistrySeen:
    container, log = fields.part("container"), fields.part("log")
    return RegistrySeen(
        container=_container(container) if container else None,
        image=_image(fields.part("image")),
        log=_log(log) if log else None,
    )


def _log(fields: Fields) -> LogSeen:
    counts = {
        name: CoreCount(
            one.number("count") or 0,
            one.number("first") or 0,
            one.number("last") or 0,
            one.text("first_time"),
            one.text("last_time"),
        )
        for name, one in fields.named_parts("counts").items()
    }
    return LogSeen(
        readable=fields.truth("readable"),
        complete=fields.truth("complete"),
        trouble=fields.text("trouble"),
        lines=fields.number("lines"),
        unstamped_lines=fields.number("unstamped_lines"),
        first_time=fields.text("first_time"),
        last_time=fields.text("last_time"),
        counts=counts,
        matches=tuple(match for match in map(_match, fields.parts("matches") or ()) if match is not None),
        matches_left_out=fields.number("matches_left_out"),
    )


def _match(fields: Fields) -> LogMatch | None:
    position, core = fields.number("position"), fields.text("core")
    if position is None or core is None:
        return None
    whose = fields.one_of("workspace", frozenset({"concierge", "control", "other"}))
    return LogMatch(
        position=position,
        time=fields.text("time"),
        core=core,
        workspace=cast('Literal["concierge", "control", "other"] | None', whose),
        control_id=fields.text("control_id"),
        reason=fields.text("reason"),
        status=fields.number("status"),
        before=fields.text("before"),
        after=fields.text("after"),
        name=fields.text("name"),
    )


def _launch(fields: Fields) -> LaunchSeen:
    server, tool, call, errors = fields.part("server"), fields.part("tool"), fields.part("call"), fields.part("stderr")
    source = fields.one_of("source", frozenset({"settings", "legacy"}))
    return LaunchSeen(
        source=cast('Literal["settings", "legacy"] | None', source),
        launched=fields.truth("launched"),
        phase=fields.text("phase"),
        trouble=fields.text("trouble"),
        exit_code=fields.number("exit_code"),
        rpc_error=fields.number("rpc_error"),
        server_name=server.text("name") if server else None,
        server_version=server.text("version") if server else None,
        protocol=fields.text("protocol"),
        tool_names=fields.texts("tool_names"),
        tool=_tool(tool) if tool else None,
        call=_call(call) if call else None,
        non_json_lines=fields.number("non_json_lines"),
        stderr_bytes=errors.number("bytes") if errors else None,
        stderr_signs=(errors.texts("signs") or ()) if errors else (),
        seconds=fields.seconds("seconds"),
    )


def _tool(fields: Fields) -> ToolSeen:
    return ToolSeen(
        name=fields.text("name"),
        takes_arguments=fields.truth("takes_arguments"),
        required=fields.texts("required") or (),
        properties=fields.texts("properties") or (),
        missing=fields.texts("missing") or (),
        unknown=fields.texts("unknown") or (),
        wrong_type=fields.texts("wrong_type") or (),
    )


def _call(fields: Fields) -> CallSeen:
    return CallSeen(
        answered=fields.truth("answered"),
        trouble=fields.text("trouble"),
        rpc_error=fields.number("rpc_error"),
        is_error=fields.truth("is_error"),
        answer=fields.text("answer"),
        has_error=fields.truth("has_error"),
        error=fields.text("error"),
        status=fields.text("status") if fields.text("status") is not None else fields.number("status"),
        workspace_id=fields.text("workspace_id"),
        seconds=fields.seconds("seconds"),
    )

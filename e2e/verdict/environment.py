"""Reads the environment strictly: what is set and cannot be understood is an error, never a default."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from e2e.evidence.masking import Secret
from e2e.scenario.model import TARGET_NAMES
from e2e.scenario.problems import did_you_mean
from e2e.verdict.names import IGNORED, OURS, RENAMED, near_miss

STAGING_CONTROL_PLANE: Final = "https://staging-api.moleculesai.app"
"""The live control plane (docs/platform.md, control plane)."""

LOOPBACK_HOSTS: Final = frozenset({"127.0.0.1", "::1", "localhost"})

_ON: Final = frozenset({"1", "true", "yes", "on"})
_OFF: Final = frozenset({"0", "false", "no", "off"})
_RUN_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DOMAIN: Final = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?", re.IGNORECASE)
_ACCOUNT: Final = re.compile("[0-9]{12}")
_SECRET_NAME: Final = re.compile(r"(TOKEN|SECRET|PASSWORD|API_KEY|SECRET_ACCESS_KEY|ACCESS_KEY_ID)$")
_ENDPOINT_OVERRIDE: Final = re.compile("AWS_ENDPOINT_URL(_[A-Z0-9_]+)?")
_SHORTEST_SECRET: Final = 6
_LIKELY_SECRET: Final = 12

_CAPS: Final[Mapping[str, str]] = {
    "E2E_PROVISION_TIMEOUT_SECS": "provisioned",
    "E2E_CONCIERGE_ONLINE_SECS": "online",
    "E2E_AGENT_ACT_SECS": "agent_acted",
    "E2E_MCP_READY_SECS": "tool_listed",
}


class ConfigurationError(Exception):
    """The harness was called in a way it must not act upon (exit 2); each problem says what, where and what to do."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems: tuple[str, ...] = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True)
class Environment:
    """What the environment says; None means that it says nothing.

    ``caps`` are platform seconds by stage. ``secrets`` has everything there that must be masked, as (label, secret).
    ``endpoint_overrides`` are the names that would send AWS requests elsewhere.
    ``empty`` are the names of credentials that are set to nothing; ``notes`` are lines for people.
    """

    require_live: bool | None = None
    target: str | None = None
    control_plane_url: str | None = None
    admin_token: Secret | None = None
    tenant_domain: str | None = None
    run_id: str | None = None
    keep_org: bool | None = None
    state_dir: Path | None = None
    aws_account: str | None = None
    aws_region: str | None = None
    freeze: str | None = None
    settle_seconds: float | None = None
    caps: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    continuous_integration: bool = False
    endpoint_overrides: tuple[str, ...] = ()
    secrets: tuple[tuple[str, Secret], ...] = ()
    empty: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def parse_environment(environ: Mapping[str, str]) -> Environment:
    """Return what ``environ`` says.

    Raises:
        ConfigurationError: a name is a near miss of ours, a value is not understood, two names disagree; all at once.
    """
    reader = _Reader(environ)
    state_dir = reader.text("E2E_STATE_DIR")
    admin_token = reader.either("MOLECULE_ADMIN_TOKEN", secret=True)
    values: dict[str, Any] = {
        "require_live": reader.switch("E2E_REQUIRE_LIVE"),
        "target": reader.target(),
        "control_plane_url": reader.url("MOLECULE_CP_URL"),
        "admin_token": Secret(admin_token) if admin_token is not None else None,
        "tenant_domain": reader.matching("MOLECULE_TENANT_DOMAIN", reader.domain(), _DOMAIN, "a domain name"),
        "run_id": reader.matching(
            "E2E_RUN_ID", reader.text("E2E_RUN_ID"), _RUN_ID, "up to 64 letters, digits, '.', '_' or '-'"
        ),
        "keep_org": reader.switch("E2E_KEEP_ORG"),
        "state_dir": Path(state_dir).expanduser() if state_dir is not None else None,
        "aws_account": reader.matching(
            "E2E_AWS_ACCOUNT", reader.either("E2E_AWS_ACCOUNT"), _ACCOUNT, "an AWS account id of 12 digits"
        ),
        "aws_region": reader.text("E2E_AWS_REGION")
        or environ.get("AWS_REGION")
        or environ.get("AWS_DEFAULT_REGION")
        or None,
        "freeze": reader.text("E2E_FREEZE"),
        "settle_seconds": reader.seconds("E2E_TERMINAL_SETTLE_SECS"),
        "caps": MappingProxyType(
            {stage: cap for name, stage in _CAPS.items() if (cap := reader.seconds(name)) is not None}
        ),
        "continuous_integration": environ.get("CI", "").strip().lower() not in {"", *_OFF},
        "endpoint_overrides": tuple(sorted(name for name in environ if _ENDPOINT_OVERRIDE.fullmatch(name))),
        "secrets": _secrets(environ),
    }
    reader.names()
    if reader.problems:
        raise ConfigurationError(reader.problems)
    return Environment(**values, empty=tuple(reader.empty), notes=tuple(reader.notes))


def derive_tenant_domain(control_plane_url: str) -> str:
    """Return the domain of the tenants that belong to a control plane (docs/platform.md, tenant URL).

    ``api.X`` stands for ``X``, ``staging-api.X`` for ``staging.X``, any other host for itself.
    """
    host = urlsplit(control_plane_url).hostname or ""
    if host.startswith("staging-api."):
        return "staging." + host.removeprefix("staging-api.")
    return host.removeprefix("api.")


class _Reader:
    """Reads single values and gathers what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.problems: list[str] = []
        self.notes: list[str] = []
        self.empty: list[str] = []

    def text(self, name: str) -> str | None:
        value = self.environ.get(name)
        if value is not None and not value.strip():
            self.problems.append(f"{name} is set in the environment but empty; give it a value or unset it")
            return None
        return value.strip() if value is not None else None

    def switch(self, name: str) -> bool | None:
        value = self.environ.get(name)
        if value is None:
            return None
        word = value.strip().lower()
        if word in _ON | _OFF:
            return word in _ON
        self.problems.append(
            f"{name}={value!r} in the environment is neither on (1, true, yes, on) nor off (0, false, no, off);"
            " set one of these or unset it"
        )
        return None

    def seconds(self, name: str) -> float | None:
        text = self.text(name)
        if text is None:
            return None
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and value > 0):
            self.problems.append(
                f"{name}={text!r} in the environment is not a number of seconds above zero; correct it or unset it"
            )
            return None
        return value

    def target(self) -> str | None:
        value = self.text("E2E_TARGET")
        if value is not None and value not in TARGET_NAMES:
            self.problems.append(unknown_target(value, "E2E_TARGET in the environment"))
        return value

    def either(self, name: str, *, secret: bool = False) -> str | None:
        """Return the value of ``name`` or of an older name for it; an empty one counts as missing and is remembered."""
        found: dict[str, str] = {}
        for candidate in (name, *(old for old, new in RENAMED.items() if new == name)):
            value = self.environ.get(candidate)
            if value is None:
                continue
            if value.strip():
                found[candidate] = value.strip()
                if candidate != name:
                    self.notes.append(f"{candidate} is an older name of {name}; it is honoured")
            else:
                self.empty.append(candidate)
        if len(set(found.values())) > 1:
            shown = "different values" if secret else " and ".join(repr(value) for value in found.values())
            self.problems.append(
                f"{' and '.join(found)} in the environment name the same thing and have {shown}; keep one of them"
            )
        return next(iter(found.values()), None)

    def url(self, name: str) -> str | None:
        value = self.either(name)
        if value is None:
            return None
        parts = _base_url(value)
        if parts is None:
            self.problems.append(
                f"{name} in the environment is not the base URL of a control plane; write https://HOST, or unset it"
            )
            return None
        if parts.username is not None or parts.password is not None:
            self.problems.append(f"{name} in the environment carries a user name or password; take it out of the URL")
            return None
        return value.rstrip("/")

    def domain(self) -> str | None:
        value = self.either("MOLECULE_TENANT_DOMAIN")
        return value.lstrip(".") if value is not None else None

    def matching(self, name: str, value: str | None, pattern: re.Pattern[str], what: str) -> str | None:
        if value is not None and not pattern.fullmatch(value):
            self.problems.append(f"{name}={value!r} in the environment is not {what}; correct it or unset it")
        return value

    def names(self) -> None:
        for name in sorted(self.environ):
            meant = near_miss(name)
            if meant is not None:
                self.problems.append(
                    f"{name} is set in the environment, and this harness has no such name; did you mean {meant}?"
                )
            elif name in IGNORED:
                self.notes.append(f"{name} is ignored: {IGNORED[name]}")
            elif name.startswith("E2E_") and name not in OURS:
                self.notes.append(f"{name} is ignored: this harness has no such name")


def unknown_target(value: str, where: str) -> str:
    """Return the problem line for a target that does not exist."""
    return f"unknown target {value!r} in {where}{did_you_mean(value, TARGET_NAMES)} (one of: {', '.join(TARGET_NAMES)})"


def _base_url(value: str) -> SplitResult | None:
    """Return the parts of ``value`` if it is an http or https URL of a host, without query and fragment."""
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or port == 0:
        return None
    return parts


def _secrets(environ: Mapping[str, str]) -> tuple[tuple[str, Secret], ...]:
    """Return what in the environment must be masked wherever it turns up: long enough values under a telling name."""
    found = []
    for name, raw in sorted(environ.items()):
        value = raw.strip()
        ours = name == "MOLECULE_ADMIN_TOKEN" or name in RENAMED
        if _SECRET_NAME.search(name) and len(value) >= (_SHORTEST_SECRET if ours else _LIKELY_SECRET):
            found.append((re.sub("[^a-z0-9]+", "-", name.lower()).strip("-"), Secret(value)))
    return tuple(found)

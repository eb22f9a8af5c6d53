"""The require-live policy: chosen once, printed in the header, stored in the verdict.

A flag may tighten what the environment says and never loosen it; what would is a :class:`ConfigurationError`.
"""

import math
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from e2e.scenario.model import (
    DEFAULT_FORBIDDEN_STANDING,
    DEFAULT_HOLD_SECONDS,
    LIVE_TARGETS,
    PROOF_NAMES,
    TARGET_NAMES,
    Scenario,
)
from e2e.verdict.environment import (
    LOOPBACK_HOSTS,
    STAGING_CONTROL_PLANE,
    ConfigurationError,
    Environment,
    unknown_target,
)

FLOOR: Final[tuple[str, ...]] = PROOF_NAMES
"""The proofs under which require-live cannot go: scenarios may add to them, not take away."""

FLOOR_HOLD_SECONDS: Final = DEFAULT_HOLD_SECONDS
"""The shortest hold that counts on a live target (platform seconds)."""

ALLOWED_CONTROL_PLANES: Final[frozenset[str]] = frozenset({urlsplit(STAGING_CONTROL_PLANE).netloc})
"""The hosts that target staging may talk to, beside loopback."""

KEEP_CHOICES: Final[tuple[str, ...]] = ("never", "on-failure", "always")
EMBEDDED_SPEED: Final = 100.0
LIVE_SPEED: Final = 1.0
REHEARSAL_EXIT_CODE: Final = 5


@dataclass(frozen=True, slots=True)
class Policy:
    """What this session demands.

    ``reasons`` says in words why it is so. ``missing`` are the credentials that are not there: then the session is
    skipped, loudly (require-live never gets here without them). ``live`` is true only where a proof is one of the
    real platform.
    """

    require_live: bool
    target: str
    live: bool
    rehearse: bool
    keep: str
    speed: float
    reasons: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def nothing_live(self) -> bool:
        """True if nothing may run: require-live with an embedded target, and not as a rehearsal (exit 5)."""
        return self.require_live and not self.live and not self.rehearse

    @property
    def skipped(self) -> bool:
        """True if nothing can run for want of credentials (exit 0, verdict ``skipped``, said loudly)."""
        return bool(self.missing)

    @property
    def exit_code_when_proven(self) -> int:
        """The exit code of a session in which everything was proven: a rehearsal never ends 0."""
        return REHEARSAL_EXIT_CODE if self.rehearse or self.nothing_live else 0

    @property
    def header(self) -> str:
        """One line for people: what is demanded, where, and why."""
        words = [
            f"target {self.target} ({'live' if self.live else 'embedded'})",
            "require-live" if self.require_live else "not require-live",
            f"speed {self.speed:g}",
            f"keep {self.keep}",
        ]
        if self.rehearse:
            words.append("REHEARSAL: nothing live is proven")
        if self.nothing_live:
            words.append("NOTHING LIVE CAN BE PROVEN HERE")
        if self.skipped:
            words.append(f"SKIPPED: {len(self.missing)} credentials are missing")
        return "policy: " + ", ".join(words)

    def as_document(self) -> dict[str, object]:
        """Return the policy as it stands in the verdict and in the receipt."""
        return {
            "require_live": self.require_live,
            "target": self.target,
            "live": self.live,
            "rehearse": self.rehearse,
            "keep": self.keep,
            "speed": self.speed,
            "reasons": list(self.reasons),
            "missing": list(self.missing),
        }


def choose_policy(
    environment: Environment,
    *,
    target_flag: str | None = None,
    require_live_flag: bool = False,
    rehearse_flag: bool = False,
    speed_flag: float | None = None,
    keep_flag: str | None = None,
    aws_credentials_found: Callable[[], bool] | None = None,
    loaded_modules: Container[str] = (),
) -> Policy:
    """Return the policy of a session. A flag that is None or False was not given.

    ``aws_credentials_found`` tells whether boto3 finds any; asked only for a live target. By default botocore is asked.
    ``loaded_modules`` names what is loaded in this process: a mock of AWS is no AWS.

    Raises:
        ConfigurationError: flags and environment contradict each other, a live target lacks what it needs; all at once.
    """
    problems: list[str] = []
    reasons: list[str] = []
    require_live, target = _demand(environment, target_flag, require_live_flag, problems, reasons)
    live = _is_live(target, environment)
    if target in LIVE_TARGETS:
        problems += _control_plane_problems(environment, require_live=require_live)
    if live:
        problems += _not_aws(environment, loaded_modules)
    missing: tuple[str, ...] = ()
    if target in LIVE_TARGETS:
        missing = _missing(environment, aws_credentials_found or _botocore_finds_credentials)
        if require_live:
            problems += [f"{line} (needed for target {target} under require-live)" for line in missing]
        if environment.aws_account is None and (require_live or not missing):
            problems.append(_NO_ACCOUNT)
    if problems_of_rehearsal := rehearse_flag and target in LIVE_TARGETS:
        problems.append(f"--rehearse is for an embedded target, not for {target}; leave it out")
    rehearse = rehearse_flag and require_live and not problems_of_rehearsal
    if rehearse:
        reasons.append("--rehearse: runs on an embedded target and ends 5 where it would end 0")
    elif rehearse_flag and not require_live:
        reasons.append("--rehearse changes nothing without require-live")
    speed = _speed(target, speed_flag, problems, live=live)
    keep = _keep(environment, keep_flag, problems, reasons)
    if problems:
        raise ConfigurationError(problems)
    return Policy(require_live, target, live, rehearse, keep, speed, tuple(reasons), missing)


def scenario_refusals(policy: Policy, scenario: Scenario) -> tuple[str, ...]:
    """Return why ``scenario`` must not run under ``policy`` (exit 2). Its list of targets is not looked at."""
    refusals = []
    demanding = policy.target in LIVE_TARGETS or policy.require_live
    where = f"{scenario.path}: scenario {scenario.name}"
    if policy.target in LIVE_TARGETS and scenario.is_red_proof:
        refusals.append(f"{where} expects a failure; on the live target {policy.target} only proof can be expected")
    if not demanding:
        return tuple(refusals)
    absent = [proof for proof in FLOOR if proof not in scenario.prove]
    if absent:
        refusals.append(
            f"{where} does not demand {', '.join(absent)}; no scenario may go under the floor of proofs here"
        )
    if scenario.online.hold_seconds < FLOOR_HOLD_SECONDS:
        refusals.append(
            f"{where} holds for {scenario.online.hold_seconds:g} s; the floor here is {FLOOR_HOLD_SECONDS:g} s"
        )
    allowed = [text for text in DEFAULT_FORBIDDEN_STANDING if text not in scenario.registry_log.forbid_standing]
    if allowed:
        refusals.append(
            f"{where} lets stand in the registry log what the floor forbids: {', '.join(map(repr, allowed))}"
        )
    return tuple(refusals)


_NO_ACCOUNT: Final = "E2E_AWS_ACCOUNT is not set; set it to the id of the AWS account whose instances may be touched"


def _demand(
    environment: Environment,
    target_flag: str | None,
    require_live_flag: bool,
    problems: list[str],
    reasons: list[str],
) -> tuple[bool, str]:
    """Return whether live proof is demanded, and the target; both follow from each other in part."""
    if target_flag is not None and target_flag not in TARGET_NAMES:
        problems.append(unknown_target(target_flag, "--target"))
    said = environment.target
    if said in LIVE_TARGETS and target_flag is not None and target_flag not in LIVE_TARGETS:
        problems.append(
            f"--target {target_flag} would loosen E2E_TARGET={said}; unset E2E_TARGET to run on an embedded target"
        )
    require_live = require_live_flag or environment.require_live is True
    if require_live_flag:
        reasons.append("require-live: --require-live")
    elif require_live:
        reasons.append("require-live: E2E_REQUIRE_LIVE")
    target = target_flag or said
    if target is None:
        target = "staging" if require_live else "local"
        reasons.append(f"target {target}: the default {'under' if require_live else 'without'} require-live")
    else:
        reasons.append(f"target {target}: {'--target' if target_flag else 'E2E_TARGET'}")
    if environment.continuous_integration and target in LIVE_TARGETS and not require_live:
        require_live = True
        reasons.append(f"require-live: CI is set and the target is {target}")
    return require_live, target


def _is_live(target: str, environment: Environment) -> bool:
    """Return whether a proof on ``target`` is one of the real platform: a control plane on loopback is not."""
    host = urlsplit(environment.control_plane_url or STAGING_CONTROL_PLANE).hostname
    return target in LIVE_TARGETS and host not in LOOPBACK_HOSTS


def _not_aws(environment: Environment, loaded_modules: Container[str]) -> list[str]:
    """Return what would make a live session hear of AWS what AWS did not say, a line each."""
    problems = [
        f"{name} is left over in the environment, and target staging talks to AWS itself; unset it"
        for name in environment.endpoint_overrides
    ]
    if "moto" in loaded_modules:
        problems.append("moto is loaded in this process, and what it answers is not AWS; run without it")
    return problems


def _control_plane_problems(environment: Environment, *, require_live: bool) -> list[str]:
    parts = urlsplit(environment.control_plane_url or STAGING_CONTROL_PLANE)
    if parts.hostname in LOOPBACK_HOSTS:
        if require_live:
            return [f"MOLECULE_CP_URL={environment.control_plane_url} is on loopback, which is not live; unset it"]
        return []
    if parts.netloc.lower() not in ALLOWED_CONTROL_PLANES or parts.scheme != "https":
        allowed = ", ".join(f"https://{host}" for host in sorted(ALLOWED_CONTROL_PLANES))
        return [
            f"MOLECULE_CP_URL={environment.control_plane_url} is not a staging control plane; use {allowed} or loopback"
        ]
    return []


def _missing(environment: Environment, aws_credentials_found: Callable[[], bool]) -> tuple[str, ...]:
    missing = []
    if environment.admin_token is None:
        how = "set but empty" if "MOLECULE_ADMIN_TOKEN" in environment.empty else "not set"
        missing.append(f"MOLECULE_ADMIN_TOKEN is {how}; set it to the admin token of the control plane")
    if not aws_credentials_found():
        missing.append(
            "AWS credentials are not found by boto3; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
        )
    return tuple(missing)


def _botocore_finds_credentials() -> bool:
    import botocore.exceptions
    import botocore.session

    try:
        return botocore.session.get_session().get_credentials() is not None
    except botocore.exceptions.BotoCoreError:
        return False


def _speed(target: str, speed_flag: float | None, problems: list[str], *, live: bool) -> float:
    """Return the speed; a staging run that is rehearsed on loopback may go at the speed of its twin."""
    if speed_flag is None:
        return LIVE_SPEED if target in LIVE_TARGETS else EMBEDDED_SPEED
    if not (math.isfinite(speed_flag) and speed_flag > 0):
        problems.append(f"--speed {speed_flag:g} is not a number greater than zero")
    elif live and speed_flag != LIVE_SPEED:
        problems.append(
            f"--speed {speed_flag:g} is impossible on {target}: the live platform runs at its own speed; leave it out"
        )
    return speed_flag


def _keep(environment: Environment, keep_flag: str | None, problems: list[str], reasons: list[str]) -> str:
    if keep_flag is not None and keep_flag not in KEEP_CHOICES:
        problems.append(f"--keep {keep_flag} is unknown (one of: {', '.join(KEEP_CHOICES)})")
    if environment.keep_org is False and keep_flag not in {None, "never"}:
        problems.append(f"--keep {keep_flag} would loosen E2E_KEEP_ORG=0; unset E2E_KEEP_ORG to keep something")
    if keep_flag is None and environment.keep_org is True:
        reasons.append("keep always: E2E_KEEP_ORG")
        return "always"
    return keep_flag or "never"

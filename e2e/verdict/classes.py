"""Classes of failures, outcomes of runs, and the exit codes that pipelines branch on."""

from collections.abc import Iterable
from typing import Literal

CauseClass = Literal["PRODUCT", "INFRA", "DEP_DOWN", "QUOTA", "CONFIG", "LEAK", "HARNESS", "UNKNOWN"]
Outcome = Literal["proven", "failed", "error", "unproven", "skipped"]

OK = 0
PRODUCT_FAILED = 1
CONFIG_WRONG = 2
INFRASTRUCTURE_FAILED = 3
LEAKED = 4
UNPROVEN = 5
HARNESS_FAILED = 70
INTERRUPTED = 130

_PRECEDENCE = (
    PRODUCT_FAILED,
    HARNESS_FAILED,
    LEAKED,
    INFRASTRUCTURE_FAILED,
    CONFIG_WRONG,
    UNPROVEN,
    INTERRUPTED,
)
"""The table of exit codes in its order: of several codes at once the first one here wins."""

_CODE_OF_CLASS: dict[CauseClass, int] = {
    "PRODUCT": PRODUCT_FAILED,
    "HARNESS": HARNESS_FAILED,
    "LEAK": LEAKED,
    "INFRA": INFRASTRUCTURE_FAILED,
    "DEP_DOWN": INFRASTRUCTURE_FAILED,
    "QUOTA": INFRASTRUCTURE_FAILED,
    "CONFIG": CONFIG_WRONG,
    "UNKNOWN": UNPROVEN,
}

MEANINGS: dict[int, str] = {
    OK: "everything demanded was proven",
    PRODUCT_FAILED: "PRODUCT: the concierge or the platform did something wrong",
    HARNESS_FAILED: "HARNESS: a fault of the harness, no fresh receipt, or a red proof that was not met",
    LEAKED: "LEAK: teardown not proven complete",
    INFRASTRUCTURE_FAILED: "INFRA, DEP_DOWN, QUOTA: cloud or dependency; the product was not judged",
    CONFIG_WRONG: "CONFIG: usage, scenario file, credentials, permissions",
    UNPROVEN: "a demanded proof is missing and no failure explains it",
    INTERRUPTED: "interrupted",
}
"""Each exit code in a line, for help texts and documents."""


def code_of(cause_class: CauseClass, *, platform_published_failure: bool = False) -> int:
    """Return the exit code of a class; UNKNOWN is the product's where the platform itself published a failure."""
    if cause_class == "UNKNOWN" and platform_published_failure:
        return PRODUCT_FAILED
    return _CODE_OF_CLASS[cause_class]


def first_code(codes: Iterable[int]) -> int:
    """Return the code that wins among several; none at all is 0.

    Raises:
        ValueError: a code is not in the table.
    """
    given = set(codes) - {OK}
    unknown = given.difference(_PRECEDENCE)
    if unknown:
        raise ValueError(f"not in the table of exit codes: {sorted(unknown)}")
    return next((code for code in _PRECEDENCE if code in given), OK)


def outcome_of(cause_class: CauseClass) -> Outcome:
    """Return the outcome of a run whose first failure has this class."""
    if cause_class == "PRODUCT":
        return "failed"
    return "unproven" if cause_class == "UNKNOWN" else "error"

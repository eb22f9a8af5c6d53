"""A secret value that no output shows by accident."""

import hmac
from typing import Final, NoReturn, final

MASKED: Final = "[masked]"


@final
class Secret:
    """Holds a secret string; every way to print, format or serialise it gives ``[masked]``.

    Only :meth:`reveal` gives the value, so that each use is a visible word in the code. A copy that went through pickle
    has lost the value for good. ``json.dumps`` refuses a Secret, as it refuses any object it does not know.
    """

    __slots__ = ("_value",)

    def __init__(self, value: "str | Secret") -> None:
        self._value: str | None = value.reveal() if isinstance(value, Secret) else str(value)

    def reveal(self) -> str:
        """Return the secret itself.

        Raises:
            ValueError: this one came out of a pickle, where the value was left behind.
        """
        if self._value is None:
            raise ValueError("this secret came out of a pickle and has no value any more")
        return self._value

    def __repr__(self) -> str:
        return MASKED

    __str__ = __repr__

    def __format__(self, specification: str) -> str:
        return MASKED

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        if self._value is None or other._value is None:
            return self is other
        return hmac.compare_digest(
            self._value.encode("utf-8", "surrogatepass"), other._value.encode("utf-8", "surrogatepass")
        )

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, memo: object) -> "Secret":
        return self

    def __reduce__(self) -> tuple[object, tuple[()]]:
        return _without_value, ()

    def __getstate__(self) -> NoReturn:
        raise TypeError("a Secret has no state to hand out")


def _without_value() -> Secret:
    secret = Secret("")
    secret._value = None
    return secret

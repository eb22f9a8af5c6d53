"""What can go wrong on the way to the platform over HTTP, as typed errors with the cause they stand for."""


class PlatformError(Exception):
    """An answer of the platform, or the lack of one, that keeps the harness from going on.

    ``cause`` is the id of a known cause, ``status`` the HTTP status if there was an answer.
    """

    def __init__(self, cause: str, what: str, *, status: int | None = None, detail: str = "") -> None:
        answer = f"HTTP {status}" if status is not None else "no answer"
        super().__init__(f"{what}: {answer}{': ' + detail if detail else ''}")
        self.cause = cause
        self.what = what
        self.status = status
        self.detail = detail


class Unavailable(PlatformError):
    """No answer, a gateway's error or a 5xx: looking again may help, and nothing is known to have happened."""


class Refused(PlatformError):
    """The credentials were refused (401, 403): looking again cannot help."""


class NotReady(PlatformError):
    """The platform answered, but what is due is not there yet: an HTML page where JSON is due, or a 404."""


class Rejected(PlatformError):
    """The platform understood the request and said no (4xx): sending it again cannot help."""

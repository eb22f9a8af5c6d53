"""How the cloud says no."""


class AwsError(Exception):
    """An error answer: code and message as the service spells them, and the HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


class FaithlessAnswerError(Exception):
    """An answer of our own that does not fit the service's published model: a bug of the twin."""

"""How the `docker` program fails: what it prints on standard error, and its exit code."""


class EngineError(Exception):
    """A command of the `docker` program failed; the message is printed as it stands."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code

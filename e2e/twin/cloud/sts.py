"""STS: who am I."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class SecurityTokenService:
    """Knows one account and one user in it."""

    account: str

    def get_caller_identity(self, _request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the account behind the key."""
        return {
            "UserId": "AIDATWINTWINTWINTWIN",
            "Account": self.account,
            "Arn": f"arn:aws:iam::{self.account}:user/embedded-staging",
        }

    def operations(self) -> dict[str, Any]:
        """Return the operations by their API names."""
        return {"GetCallerIdentity": self.get_caller_identity}

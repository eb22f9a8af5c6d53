"""The claude-code adapter's set-up: which model of which provider the agent runs on."""

from typing import NamedTuple

from molecule_runtime.config import WorkspaceConfig

__all__ = ["ModelChoice", "choose_model"]

_PROVIDERS = (
    "anthropic-oauth",
    "anthropic-api",
    "platform",
    "xiaomi-mimo",
    "minimax",
    "zai",
    "kimi-coding",
    "deepseek",
)
_ALIASES = {"claude-code": "anthropic-oauth", "anthropic": "anthropic-api"}


class ModelChoice(NamedTuple):
    """A model and the registered provider that serves it."""

    model: str
    provider: str


def choose_model(config: WorkspaceConfig) -> ModelChoice:
    """Resolve the provider; without an explicit one it is the model's prefix.

    Raises:
        ValueError: the provider is not registered. The agent is then online but not configured, and cannot run a turn.
    """
    name = config.provider or (config.model.partition("/")[0] if "/" in config.model else "anthropic-oauth")
    provider = _ALIASES.get(name, name)
    if provider not in _PROVIDERS:
        raise ValueError(f"provider {name!r} is not in the registry ({', '.join(_PROVIDERS)})")
    return ModelChoice(config.model, provider)

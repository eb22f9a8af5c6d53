"""The workspace's ``config.yaml``: the keys of it that this runtime acts on."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from molecule_runtime import yaml_subset

__all__ = ["WorkspaceConfig", "load_config"]

_DEFAULT_MODEL = "moonshot/kimi-k2.6"
_MINIMUM_HEARTBEAT_SECONDS = 5.0
_MAXIMUM_HEARTBEAT_SECONDS = 300.0


class WorkspaceConfig(NamedTuple):
    """A read ``config.yaml``; times in platform seconds."""

    name: str
    description: str
    version: str
    runtime: str
    model: str
    provider: str | None
    prompt_files: tuple[str, ...]
    heartbeat_interval_seconds: float
    streaming: bool
    push_notifications: bool


def load_config(folder: Path, environment: Mapping[str, str]) -> WorkspaceConfig:
    """Read ``config.yaml`` in ``folder``; the environment outranks the file for model and provider.

    Model: ``MOLECULE_MODEL``, ``MODEL``, ``MODEL_PROVIDER`` (an old name that holds a model), the file. Provider:
    ``LLM_PROVIDER``, the file, the matching entry of ``models``, the model's prefix.

    Raises:
        FileNotFoundError: there is no such file; the runtime then ends.
        ValueError: the file is not UTF-8 or not the YAML that is understood.
    """
    path = folder / "config.yaml"
    if not path.is_file():
        raise FileNotFoundError("Config file not found: /configs/config.yaml")
    document = _mapping(yaml_subset.load(path.read_text(encoding="utf-8")))
    runtime_config = _mapping(document.get("runtime_config"))
    model = (
        environment.get("MOLECULE_MODEL")
        or environment.get("MODEL")
        or environment.get("MODEL_PROVIDER")
        or _text(runtime_config.get("model"))
        or _text(document.get("model"))
    )
    provider = (
        environment.get("LLM_PROVIDER")
        or _text(runtime_config.get("provider"))
        or _text(document.get("provider"))
        or _provider_of(model, runtime_config.get("models"))
    )
    a2a = _mapping(document.get("a2a"))
    interval = _mapping(document.get("observability")).get("heartbeat_interval_seconds")
    prompts = document.get("prompt_files")
    return WorkspaceConfig(
        name=_text(document.get("name")) or "Claude Code Agent",
        description=_text(document.get("description")),
        version=_text(document.get("version")) or "1.0.0",
        runtime=_text(document.get("runtime")) or "claude-code",
        model=model or _DEFAULT_MODEL,
        provider=provider or (None if model else "platform"),
        prompt_files=tuple(str(item) for item in prompts) if isinstance(prompts, list) else ("system-prompt.md",),
        heartbeat_interval_seconds=_interval(interval),
        streaming=a2a.get("streaming") is not False,
        push_notifications=a2a.get("push_notifications") is True,
    )


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return "" if value is None or isinstance(value, (dict, list)) else str(value)


def _provider_of(model: str, models: object) -> str:
    """Return the provider that the file's list of models names for ``model``, or nothing."""
    for entry in models if isinstance(models, list) else ():
        if isinstance(entry, dict) and entry.get("id") == model:
            return _text(entry.get("provider"))
    return ""


def _interval(value: object) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return 30.0
    return min(max(float(value), _MINIMUM_HEARTBEAT_SECONDS), _MAXIMUM_HEARTBEAT_SECONDS)

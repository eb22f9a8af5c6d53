"""Which model, provider and prompts a workspace runs with."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MODELS = "runtime_config:\n  model: own/model\n  models:\n    - id: own/model\n      provider: platform\n"


@pytest.fixture
def load(image_module: Callable[[str], Any], tmp_path: Path) -> Any:
    def load(text: str, **environment: str) -> Any:
        (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
        return image_module("molecule_runtime.config").load_config(tmp_path, environment)

    return load


@pytest.mark.parametrize(
    ("environment", "model"),
    [
        ({"MOLECULE_MODEL": "a/1", "MODEL": "b/2", "MODEL_PROVIDER": "c/3"}, "a/1"),
        ({"MODEL": "b/2", "MODEL_PROVIDER": "c/3"}, "b/2"),
        ({"MODEL_PROVIDER": "c/3"}, "c/3"),
        ({}, "own/model"),
    ],
)
def test_the_environment_outranks_the_file_for_the_model(load: Any, environment: dict[str, str], model: str) -> None:
    assert load(MODELS, **environment).model == model


def test_the_provider_comes_from_environment_then_file_then_the_list_of_models(load: Any) -> None:
    assert load(MODELS, LLM_PROVIDER="zai").provider == "zai"
    assert load("provider: deepseek\n" + MODELS).provider == "deepseek"
    assert load(MODELS).provider == "platform"
    assert load(MODELS, MODEL="moonshot/kimi-k2.6").provider is None


def test_without_prompt_files_the_system_prompt_is_expected(load: Any) -> None:
    assert load("name: A\n").prompt_files == ("system-prompt.md",)
    assert load("prompt_files: []\n").prompt_files == ()


@pytest.mark.parametrize(("given", "taken"), [("20", 20.0), ("1", 5.0), ("900", 300.0), ("soon", 30.0)])
def test_the_heartbeat_interval_is_kept_within_bounds(load: Any, given: str, taken: float) -> None:
    config = load(f"observability:\n  heartbeat_interval_seconds: {given}\n")

    assert config.heartbeat_interval_seconds == taken


def test_an_empty_file_is_a_config_of_defaults(load: Any) -> None:
    config = load("")

    assert (config.name, config.runtime, config.model, config.provider) == (
        "Claude Code Agent", "claude-code", "moonshot/kimi-k2.6", "platform",
    )  # fmt: skip


def test_a_missing_file_is_an_error(image_module: Callable[[str], Any], tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="Config file not found"):
        image_module("molecule_runtime.config").load_config(tmp_path, {})


@pytest.mark.parametrize(
    ("model", "provider", "chosen"),
    [
        ("moonshot/kimi-k2.6", "platform", "platform"),
        ("minimax/MiniMax-M2.7", None, "minimax"),
        ("anthropic/x", None, "anthropic-api"),
        ("claude-x", None, "anthropic-oauth"),
        ("x", "claude-code", "anthropic-oauth"),
    ],
)
def test_a_registered_provider_is_chosen(
    load: Any, image_module: Callable[[str], Any], model: str, provider: str | None, chosen: str
) -> None:
    environment = {"MODEL": model} | ({"LLM_PROVIDER": provider} if provider else {})

    assert image_module("molecule_runtime.adapter").choose_model(load("", **environment)).provider == chosen


@pytest.mark.parametrize("environment", [{"MODEL": "moonshot/kimi-k2.6"}, {"LLM_PROVIDER": "nobody"}])
def test_an_unregistered_provider_leaves_the_agent_unconfigured(
    load: Any, image_module: Callable[[str], Any], environment: dict[str, str]
) -> None:
    with pytest.raises(ValueError, match="not in the registry"):
        image_module("molecule_runtime.adapter").choose_model(load("", **environment))

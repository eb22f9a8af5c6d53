"""What the stand-in for the model understands."""

from collections.abc import Callable
from typing import Any

import pytest

TOOLS = {"create_workspace", "provision_workspace"}


@pytest.fixture
def request_module(image_module: Callable[[str], Any]) -> Any:
    return image_module("molecule_runtime.request")


@pytest.mark.parametrize(
    "text",
    [
        'Create a workspace named "X-1" with model "m/y".',
        'create a workspace named "X-1" and model "m/y"',
        "Please provision a new workspace called 'X-1' using the model m/y.",
        'Use your create_workspace tool to create a workspace. Its name must be exactly "X-1", its model "m/y".',
        'Call the tool named `create_workspace` to make a workspace named "X-1" on model `m/y`',
        "Create exactly one workspace: name: X-1, model: m/y",
        'Create a workspace with {"name": "X-1", "model": "m/y"}.',
        "Create a workspace named X-1 with model m/y. Answer with its id.",
        "create a workspace\nname = X-1\nmodel = m/y\n",
        "Create a workspace named \u201cX-1\u201d with model \u201cm/y\u201d.",
    ],
)
def test_a_request_for_a_workspace_is_understood(request_module: Any, text: str) -> None:
    found = request_module.read_create_request(text, TOOLS)

    assert (found.name, found.model) == ("X-1", "m/y")


def test_a_model_need_not_be_named(request_module: Any) -> None:
    assert request_module.read_create_request('Create a workspace named "X".').model is None


@pytest.mark.parametrize(
    "text",
    [
        "Hello",
        "Which tools do you have?",
        'My dog is named "X".',
        "Create a workspace.",
        'What is the workspace named "X"?',
    ],
)
def test_other_requests_are_not_taken_for_one(request_module: Any, text: str) -> None:
    assert request_module.read_create_request(text, TOOLS) is None


@pytest.mark.parametrize(
    "text",
    ["Which tools do you have?", "List your tools.", "What MCP tools can you use", "Do you have tools available?"],
)
def test_a_question_for_the_tools_is_understood(request_module: Any, text: str) -> None:
    assert request_module.asks_for_tools(text)


def test_another_question_is_not_one_for_the_tools(request_module: Any) -> None:
    assert not request_module.asks_for_tools("How are you?")

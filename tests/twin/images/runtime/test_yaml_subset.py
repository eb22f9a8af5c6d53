"""The YAML reader agrees with a real one on what it understands, and refuses the rest."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml

UNDERSTOOD = {
    "the template's config": """\
# The workspace
name: Claude Code Agent
description: "An agent: quick, \\"quoted\\""
version: 1.0.0
tier: 2
runtime: claude-code
runtime_config:
  model: moonshot/kimi-k2.6   # default
  timeout: 0
  models:
    - id: moonshot/kimi-k2.6
      name: Kimi
      provider: platform
      required_env: []
    - id: minimax/MiniMax-M2.7
      required_env: [MINIMAX_API_KEY, 'OTHER']
prompt_files:
- system-prompt.md
- prompts/extra.md
a2a: {port: 8000, streaming: true}
skills: []
plugins:
""",
    "values of every kind": "a: 1\nb: -2.5\nc: true\nd: False\ne: null\nf: ~\ng: '1'\nh: it's\ni: 1.2.3\nj: http://x:1/y#z\n",
    "a literal block": "a: |\n  one\n    two\n\n  three\nb: 1\n",
    "a literal block without its last newline": "a: |-\n  one\n  two\nb: 1\n",
    "a folded block": "a: >\n  one\n  two\nb: 1\n",
    "sequences in sequences": "- - 1\n  - 2\n- - 3\n",
    "mappings in a sequence with deeper parts": "- a:\n    b: 1\n  c:\n    - 2\n-\n  d: 3\n",
    "an empty item": "- \n- 1\n",
    "quoted keys": "\"a b\": 1\n'c': 2\n",
    "a document marker": "---\na: 1\n",
    "nothing": "",
    "only a comment": "# nothing\n",
    "one scalar": "just text\n",
    "JSON": '{"a": [1, {"b": null}]}',
    "placeholders": 'name: "{{CONCIERGE_NAME}}"\n',
}
REFUSED = ["a: &anchor 1\n", "a: *anchor\n", "a: !tag 1\n", 'a: "open\n', "a: [1, [2]]\n", "a: [1\n", "a: 1\na: 2\n",
           "a: 1\n   b: 2\n", "a:\n\tb: 1\n", "{", "a: 1\n- 2\n"]  # fmt: skip


@pytest.fixture
def load(image_module: Callable[[str], Any]) -> Any:
    return image_module("molecule_runtime.yaml_subset").load


@pytest.mark.parametrize("text", UNDERSTOOD.values(), ids=UNDERSTOOD.keys())
def test_what_it_understands_it_reads_as_yaml_does(load: Any, text: str) -> None:
    assert load(text) == yaml.safe_load(text)


@pytest.mark.parametrize("text", REFUSED)
def test_what_it_does_not_understand_it_refuses(load: Any, text: str) -> None:
    with pytest.raises(ValueError, match=r"line \d|JSON"):
        load(text)

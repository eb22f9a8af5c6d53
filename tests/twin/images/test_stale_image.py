"""The scenario about a stale image demands the digest that a fresh concierge of this twin would get."""

import pytest

from e2e.contract import scenarios_folder
from e2e.twin.images import DEFAULT_IMAGE, catalogue


def test_the_scenario_demands_the_default_image_of_today() -> None:
    (path,) = scenarios_folder().rglob("stale-image.yaml")
    wanted = f"boot: {{image: {catalogue(light_mcp=False)[DEFAULT_IMAGE].reference}}}"

    if wanted not in path.read_text(encoding="utf-8").splitlines():
        pytest.fail(f"the content of the default image has changed; write into {path.name}: {wanted}")

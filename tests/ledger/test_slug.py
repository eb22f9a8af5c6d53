"""A slug says whose it is and that it may be swept."""

import os
import re

import pytest

from e2e.ledger.slug import is_slug_of_ours, new_slug


def test_a_slug_keeps_the_rules_of_the_platform() -> None:
    slug = new_slug("s1.fresh-boot.1", os.urandom)
    assert re.fullmatch(r"[a-z][a-z0-9-]{2,31}", slug)
    assert slug.startswith("e2e-")
    assert is_slug_of_ours(slug)


def test_a_slug_belongs_to_its_run_and_to_no_other() -> None:
    slug = new_slug("s1.fresh-boot.1", os.urandom)
    assert is_slug_of_ours(slug, "s1.fresh-boot.1")
    assert not is_slug_of_ours(slug, "s1.fresh-boot.2")


def test_two_slugs_of_one_run_differ_only_in_their_random_end() -> None:
    slugs = [new_slug("run", lambda _: b"\1\1\1\1"), new_slug("run", lambda _: b"\2\2\2\2")]
    assert slugs[0].removesuffix("01010101") == slugs[1].removesuffix("02020202")
    assert slugs[0] != slugs[1]


@pytest.mark.parametrize(
    "slug",
    ["", "e2e-boot-1", "e2e-cncrg-20260620-1-0a1b2c3d", "x-e2e-boot-0a1b2c3d-0a1b2c3d", "e2e-boot-0a1b2c3d-0a1b2c3g"],
)
def test_other_layouts_are_not_ours(slug: str) -> None:
    assert not is_slug_of_ours(slug)

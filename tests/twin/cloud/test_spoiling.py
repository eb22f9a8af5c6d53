"""What happens to output on its way back."""

import pytest

from e2e.twin.cloud import spoiling

OUTPUT = b"begin 0123456789 end\n"


@pytest.mark.parametrize("output", [OUTPUT, b"A" * 9, b"x"])
def test_one_character_changes_and_the_length_stays(output: bytes) -> None:
    changed = spoiling.changed(output)
    assert len(changed) == len(output)
    assert sum(one != other for one, other in zip(changed, output, strict=True)) == 1


def test_a_cut_keeps_the_head() -> None:
    assert OUTPUT.startswith(spoiling.cut(OUTPUT))
    assert 0 < len(spoiling.cut(OUTPUT)) < len(OUTPUT)


def test_a_doubled_output_is_there_twice_and_an_empty_one_not_at_all() -> None:
    assert spoiling.doubled(OUTPUT).count(OUTPUT) == 2
    assert spoiling.empty(OUTPUT) == b""


def test_noise_leaves_the_output_whole() -> None:
    noisy = spoiling.noisy(OUTPUT)
    assert noisy.count(OUTPUT) == 1
    assert not noisy.startswith(OUTPUT)
    assert not noisy.endswith(OUTPUT)


@pytest.mark.parametrize("way", spoiling.WAYS)
def test_every_way_spoils_and_none_trips_over_nothing(way: str) -> None:
    assert spoiling.WAYS[way](OUTPUT) != OUTPUT
    assert spoiling.WAYS[way](b"") == b""

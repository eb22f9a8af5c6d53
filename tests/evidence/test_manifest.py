"""Whatever is done to a sealed bundle shows."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from e2e.evidence.manifest import MANIFEST, manifest_of, verify


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    (folder / "evidence").mkdir(parents=True)
    (folder / "verdict.json").write_text("{}")
    (folder / "evidence" / "look.json").write_text("[]")
    (folder / MANIFEST).write_text(json.dumps(manifest_of(folder)))
    return folder


def edit(folder: Path, change: Callable[[list[dict[str, object]]], object]) -> None:
    document = json.loads((folder / MANIFEST).read_text())
    change(document["files"])
    (folder / MANIFEST).write_text(json.dumps(document))


def test_an_untouched_bundle_verifies(sealed: Path) -> None:
    assert verify(sealed) == []


def test_changed_missing_and_added_files_are_all_named(sealed: Path) -> None:
    (sealed / "verdict.json").write_text("{ }")
    (sealed / "evidence" / "look.json").unlink()
    (sealed / "new.txt").write_text("x")
    assert verify(sealed) == [
        "evidence/look.json: missing",
        "verdict.json: changed since the bundle was sealed",
        "new.txt: not in the manifest",
    ]


def test_a_file_taken_out_of_both_places_breaks_the_chain(sealed: Path) -> None:
    (sealed / "evidence" / "look.json").unlink()
    edit(sealed, lambda files: files.pop(0))
    assert verify(sealed) == ["verdict.json: the chain of the manifest is broken here"]


def test_the_last_file_taken_out_of_both_places_shows_at_the_end(sealed: Path) -> None:
    (sealed / "verdict.json").unlink()
    edit(sealed, lambda files: files.pop())
    assert verify(sealed) == ["manifest.json: it does not end where its chain does"]


def test_entries_that_change_places_break_the_chain(sealed: Path) -> None:
    edit(sealed, lambda files: files.reverse())
    assert any("chain of the manifest is broken" in problem for problem in verify(sealed))


def test_an_entry_cannot_lead_out_of_the_bundle(sealed: Path) -> None:
    (sealed.parent / "outside").write_text("{}")
    edit(sealed, lambda files: files[1].update(path="../outside"))
    assert "../outside: not a file of this bundle" in verify(sealed)


def test_a_link_is_not_evidence(sealed: Path) -> None:
    (sealed / "verdict.json").rename(sealed.parent / "elsewhere")
    (sealed / "verdict.json").symlink_to(sealed.parent / "elsewhere")
    assert verify(sealed) == ["verdict.json: not a file of this bundle"]
    with pytest.raises(ValueError, match="is not a plain file"):
        manifest_of(sealed)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"files": [{}], "chain": ""}', '{"files": 3, "chain": ""}', "[" * 100_000]
)
def test_what_is_no_manifest_is_one_problem(sealed: Path, text: str) -> None:
    (sealed / MANIFEST).write_text(text)
    (problem,) = verify(sealed)
    assert problem.startswith("manifest.json is not a manifest")


def test_a_bundle_without_manifest_was_never_sealed(tmp_path: Path) -> None:
    assert verify(tmp_path) == ["manifest.json cannot be read: No such file or directory"]

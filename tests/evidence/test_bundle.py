"""A bundle holds masked evidence and can prove that nobody touched it."""

import json
from pathlib import Path

import pytest

from e2e.evidence import Bundle, Masker

SECRET = "swordfish-4711"


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    masker = Masker()
    masker.add(SECRET, "password")
    return Bundle.create(tmp_path / "out" / "run-1", masker=masker)


def test_evidence_is_saved_masked_under_a_reference(bundle: Bundle) -> None:
    reference = bundle.write_json("look-1", {"said": f"it is {SECRET}"})
    assert reference == "evidence/look-1.json"
    assert json.loads((bundle.folder / reference).read_bytes()) == {"said": "it is [masked:password]"}
    assert bundle.write_text("registry.log", f"a {SECRET}\n") == "evidence/registry.log"
    assert (bundle.folder / "evidence/registry.log").read_text() == "a [masked:password]\n"


def test_evidence_is_never_written_over(bundle: Bundle) -> None:
    bundle.write_json("look-1.json", {})
    with pytest.raises(FileExistsError, match="never written over"):
        bundle.write_json("look-1", {})


def test_a_record_may_be_replaced(bundle: Bundle) -> None:
    bundle.write_record("verdict.json", {"outcome": "unproven"})
    assert bundle.write_record("verdict.json", {"outcome": "proven"}) == "verdict.json"
    assert json.loads((bundle.folder / "verdict.json").read_bytes()) == {"outcome": "proven"}


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "a b", "manifest.json", "x" * 200])
def test_a_name_cannot_lead_out_of_the_bundle(bundle: Bundle, name: str) -> None:
    with pytest.raises(ValueError, match="is no name for a file of a bundle"):
        bundle.write_text(name, "")


def test_a_text_that_is_too_long_is_cut_and_says_so(bundle: Bundle) -> None:
    reference = bundle.write_text("long.log", "a" * 600 + "b" * 600, limit=1000)
    text = (bundle.folder / reference).read_text()
    assert text == "a" * 500 + "\n[cut: 200 bytes are left out here]\n" + "b" * 500


def test_a_folder_with_something_in_it_is_no_new_bundle(bundle: Bundle) -> None:
    with pytest.raises(FileExistsError, match="a bundle belongs to one run"):
        Bundle.create(bundle.folder, masker=Masker())


def test_a_sealed_bundle_has_nothing_wrong_with_it(bundle: Bundle) -> None:
    bundle.write_json("look-1", {"a": 1})
    bundle.seal()
    assert Bundle.verify(bundle.folder) == []
    bundle.write_record("verdict.json", {})
    assert Bundle.verify(bundle.folder) == ["verdict.json: not in the manifest"]
    bundle.seal()
    assert Bundle.verify(bundle.folder) == []

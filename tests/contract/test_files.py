"""The data files are found in a checkout and in an installed package, and a damaged installation says so."""

from pathlib import Path

import pytest

from e2e.contract import bundled_folder, contracts_folder, files, scenarios_folder


def test_a_checkout_has_its_files_beside_the_package() -> None:
    assert (contracts_folder() / "mcp-plugin-delivery.contract.json").is_file()
    assert (scenarios_folder() / "fresh_boot.yaml").is_file()


def test_an_installed_package_carries_its_files_inside_and_prefers_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site-packages" / "e2e"
    for folder in (package / "_bundled" / "contracts", package.parent / "contracts", package.parent / "scenarios"):
        folder.mkdir(parents=True)
    monkeypatch.setattr(files, "_PACKAGE", package)
    assert contracts_folder() == package / "_bundled" / "contracts"
    assert scenarios_folder() == package.parent / "scenarios"


def test_a_damaged_installation_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_PACKAGE", tmp_path / "e2e")
    (tmp_path / "contracts").write_text("not a folder")
    with pytest.raises(FileNotFoundError, match=r"contracts/ is neither in the installed package .* reinstall"):
        bundled_folder("contracts")

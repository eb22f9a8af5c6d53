"""Finds the data files that travel with the harness: contracts, schemas and scenarios."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def bundled_folder(name: str) -> Path:
    """Return the folder of data files called ``name``.

    An installed wheel carries the files inside the package; a checkout has them beside it.

    Raises:
        FileNotFoundError: neither place has the folder, so the installation is damaged.
    """
    for candidate in (_PACKAGE / "_bundled" / name, _PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"{name}/ is neither in the installed package nor beside it ({_PACKAGE}); reinstall")


def contracts_folder() -> Path:
    """Return the folder with the delivery contract and the JSON schemas."""
    return bundled_folder("contracts")


def scenarios_folder() -> Path:
    """Return the folder with the scenario files that are shipped."""
    return bundled_folder("scenarios")

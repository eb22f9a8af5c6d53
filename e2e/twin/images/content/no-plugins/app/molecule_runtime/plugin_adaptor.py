"""Wires nothing: in images of before 2026-06-18 no plugin brings an MCP server, whatever lies on disk."""

from collections.abc import Iterable
from pathlib import Path

from molecule_runtime.delivery_contract import DeliveryContract

__all__ = ["install_plugins"]


def install_plugins(folders: Iterable[Path], settings_path: Path, contract: DeliveryContract) -> None:
    """Do nothing."""

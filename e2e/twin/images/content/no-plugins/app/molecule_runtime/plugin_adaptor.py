"""Wires nothing: images of before 2026-06-18 know no plugin that brings an MCP server."""

from collections.abc import Iterable
from pathlib import Path

from molecule_runtime.delivery_contract import DeliveryContract

__all__ = ["install_plugins"]


def install_plugins(folders: Iterable[Path], settings_path: Path, contract: DeliveryContract) -> None:
    """Do nothing."""

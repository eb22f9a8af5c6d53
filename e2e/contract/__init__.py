"""Reads the delivery contract: where the management MCP server is wired, and what it is called.

The contract is the one place for path, key, server name, tool names and payload fields. Harness and twin both
read it here; neither repeats a literal of it.
"""

from e2e.contract.delivery import Contract, ContractError, CreateWorkspaceCall, load_contract, parse_contract
from e2e.contract.files import bundled_folder, contracts_folder, scenarios_folder

__all__ = [
    "Contract",
    "ContractError",
    "CreateWorkspaceCall",
    "bundled_folder",
    "contracts_folder",
    "load_contract",
    "parse_contract",
    "scenarios_folder",
]

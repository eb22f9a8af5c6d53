"""What the creating tool is called."""

from molecule_runtime.delivery_contract import DeliveryContract

__all__ = ["create_verb"]


def create_verb(contract: DeliveryContract) -> str:
    """Return the name that the contract requires."""
    return contract.required_create_tool

"""What the creating tool is called: by the contract's other name, as every published release did."""

from molecule_runtime.delivery_contract import DeliveryContract

__all__ = ["create_verb"]


def create_verb(contract: DeliveryContract) -> str:
    """Return the first of the contract's names that is not the required one."""
    return next(name for name in contract.create_tool_names if name != contract.required_create_tool)

"""Makes the official SDK import quickly: half a second of other people's start-up work is left out.

Importing any part of the SDK runs ``mcp/__init__``, which imports its clients, its HTTP transports and its high-level
server. A server on stdio needs none of them, and every probe of a boot waits for this import. So the packages on the
way to the low-level server are entered without running their ``__init__``; everything that is then imported is the
SDK's own, unchanged. Likewise httpx comes without its command line, and pydantic does not search the installation for
plug-ins.
"""

import importlib.util
import os
import sys
from types import ModuleType

__all__ = ["enter_sdk"]

_PASSED_THROUGH = ("mcp", "mcp.server", "mcp.server.lowlevel")


def enter_sdk() -> None:
    """Prepare the import of ``mcp.server.lowlevel.server``; call it before anything of the SDK is imported.

    Raises:
        ModuleNotFoundError: the SDK is not installed.
    """
    spec = importlib.util.find_spec("mcp")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("the management MCP server needs the mcp package")
    root = spec.submodule_search_locations[0]
    for name in _PASSED_THROUGH:
        package = ModuleType(name)
        package.__path__ = [os.path.join(root, *name.split(".")[1:])]  # noqa: PTH118 - an import path is text
        sys.modules[name] = package
    sys.modules["httpx._main"] = None  # type: ignore[assignment]  # None: an ImportError
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

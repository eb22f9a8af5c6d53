"""Joins the probe's modules to the one program that travels to a host.

The modules are ordinary ones, imported and tested here as they are. On the host they do not exist as files, so the
program makes them from their source under their own names, in the order they need each other, and calls ``main``.
"""

from pathlib import Path

MODULES = ("facts", "docker", "containers", "wiring", "concierge", "cores", "logs", "mcp", "launch", "main")
_PACKAGE = "e2e.probes.on_host"
_JOINT = """\
import sys, types
def _module(name, source):
    module = types.ModuleType(name)
    if source is None:
        module.__path__ = []
    else:
        exec(compile(source, "<" + name + ">", "exec"), module.__dict__)
    sys.modules[name] = module
for _name, _source in _SOURCES:
    _module(_name, _source)
sys.exit(sys.modules[_NAME].main())
"""


def probe_program() -> bytes:
    """Return the probe as one Python program; its standard input is a request, its output the document.

    Raises:
        OSError: the installation lacks a module of the probe.
    """
    parts = _PACKAGE.split(".")
    sources: list[tuple[str, str | None]] = [(".".join(parts[: count + 1]), None) for count in range(len(parts))]
    folder = Path(__file__).parent / "on_host"
    sources += [(f"{_PACKAGE}.{module}", (folder / f"{module}.py").read_text(encoding="utf-8")) for module in MODULES]
    return f"_SOURCES = {sources!r}\n_NAME = {f'{_PACKAGE}.main'!r}\n{_JOINT}".encode()

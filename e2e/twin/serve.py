"""``python -m e2e.twin.serve``: the embedded staging in the foreground, until it is told to stop.

This module is light: what is wrong with the command line is said before anything heavy is imported.
"""

import argparse
import json
import logging
import math
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, NamedTuple, TextIO

from e2e.twin.faults.catalogue import CATALOGUE
from e2e.twin.faults.plan import Fault, FaultError, gate_of, image_of, parse_fault
from e2e.twin.images.catalogue import DEFAULT_IMAGE, Image, catalogue
from e2e.twin.workspace_server.gate import DEFAULT_GATE, POLICIES

if TYPE_CHECKING:
    from e2e.twin.staging import Connections, Settings

USAGE_ERROR = 2
_EXAMPLE = (
    "example: python -m e2e.twin.serve --speed 100 --fault mcp-not-delivered:begin=0,heal=600\n"
    f"faults: {', '.join(kind.name for kind in CATALOGUE)}\ngates: {', '.join(POLICIES)}"
)


class SettingsError(Exception):
    """The command line asks for something that this twin does not have; one line says what."""


def main(arguments: Sequence[str]) -> int:
    """Run a twin and return the exit code: 0 after an orderly end, 2 for a command line that cannot be followed."""
    logging.basicConfig(level=logging.WARNING, format="twin: %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    options = _parser().parse_args(arguments)
    if options.check:
        return _check(sys.stdin, sys.stdout)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        settings = read_settings(options)
    except (SettingsError, FaultError) as error:
        return _refuse(error)
    if options.until_stdin_closes:
        threading.Thread(target=_watch_stdin, args=(stop.set,), name="stdin", daemon=True).start()
    return _serve(settings, stop, as_json=options.json)


def read_settings(options: argparse.Namespace) -> "Settings":
    """Turn the parsed command line into settings.

    Raises:
        SettingsError: unknown image or gate, or a speed that is none.
        FaultError: a fault that is unknown or contradicts the image.
    """
    choices = _choices(options)
    from e2e.twin.staging import Settings

    return Settings(
        images=choices.images,
        image=choices.image,
        gate=choices.gate,
        faults=choices.faults,
        seed=options.seed,
        speed=options.speed,
        control_plane_port=options.port_control_plane,
        gateway_port=options.port_gateway,
        aws_port=options.port_aws,
    )


class _Choices(NamedTuple):
    """What a command line chooses of what there is."""

    images: dict[str, Image]
    image: str
    gate: str
    faults: tuple[Fault, ...]


def _choices(options: argparse.Namespace) -> _Choices:
    """Choose, without importing anything heavy; raises as :func:`read_settings`."""
    faults: tuple[Fault, ...] = tuple(parse_fault(text) for text in options.fault)
    gate = gate_of(faults, options.gate) or DEFAULT_GATE
    if gate not in POLICIES:
        raise SettingsError(f"unknown gate {gate!r}; there are: {', '.join(POLICIES)}")
    if not (math.isfinite(options.speed) and options.speed > 0):
        raise SettingsError(f"speed must be a positive number, not {options.speed:g}")
    images: dict[str, Image] = dict(catalogue(light_mcp=options.light_mcp))
    image = image_of(faults, options.image) or DEFAULT_IMAGE
    if image not in images:
        raise SettingsError(f"unknown image {image!r}; there are: {', '.join(images)}")
    return _Choices(images, image, gate, faults)


def _serve(settings: "Settings", stop: threading.Event, *, as_json: bool) -> int:
    from e2e.twin.listener import PortBusyError
    from e2e.twin.staging import Staging

    try:
        staging = Staging(settings)
    except PortBusyError as error:
        return _refuse(error)
    try:
        connections = staging.start()
        (_announce_json if as_json else _announce)(connections, sys.stdout)
        stop.wait()
    except BrokenPipeError:
        # Whoever started the twin is gone before it was ready: nobody could ever reach it.
        stop.set()
    finally:
        acted = staging.stop()
        if as_json:
            _say_what_acted(acted, sys.stdout)
    return 0


def _check(lines: Iterable[str], out: TextIO) -> int:
    """Answer each command line, a JSON list, with a JSON line: null, or what is wrong with it. Nothing is started."""
    for line in lines:
        problem: str | None = None
        try:
            _choices(_parser().parse_args(json.loads(line)))
        except (SettingsError, FaultError) as error:
            problem = str(error)
        except SystemExit:
            problem = "not a command line of `twin serve`"
        out.write(json.dumps(problem) + "\n")
    return 0


def _say_what_acted(acted: Mapping[str, int], out: TextIO) -> None:
    """Print the last line: how often each fault that was asked for has acted. Nobody may be there to read it."""
    with suppress(BrokenPipeError):
        out.write(json.dumps({"faults_acted": dict(acted)}) + "\n")
        out.flush()


def _announce_json(connections: "Connections", out: TextIO) -> None:
    out.write(json.dumps(asdict(connections)) + "\n")
    out.flush()


def _announce(connections: "Connections", out: TextIO) -> None:
    out.writelines(f"{name:>22}  {value}\n" for name, value in asdict(connections).items())
    out.write("ready; Ctrl-C ends it\n")
    out.flush()


def _watch_stdin(ended: Callable[[], None]) -> None:
    # os.read, since a thread that is inside sys.stdin at exit would keep the interpreter from ending.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    ended()


def _refuse(error: Exception) -> int:
    sys.stderr.write(f"twin serve: {error}\n")
    return USAGE_ERROR


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="twin serve",
        description="The embedded staging in the foreground.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--image", help=f"the image that fresh concierges get (default: {DEFAULT_IMAGE})")
    add("--gate", metavar="VERSION", help=f"version of the online gate (default: {DEFAULT_GATE})")
    add("--fault", action="append", default=[], metavar="NAME[:KEY=VALUE,…]", help="may be repeated")
    add("--seed", type=int, default=0, help="ids repeat with the seed (default: %(default)s)")
    add("--light-mcp", action="store_true", help="images with the management server on the standard library")
    add("--speed", type=float, default=1.0, help="platform seconds per second (default: 1)")
    add("--json", action="store_true", help="print one JSON line when ready")
    add("--check", action="store_true", help="check command lines: JSON lists on standard input, an answer for each")
    add("--until-stdin-closes", action="store_true", help="end when standard input ends")
    for part in ("control-plane", "gateway", "aws"):
        add(f"--port-{part}", type=int, default=0, metavar="PORT", help="loopback port (default: any free one)")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

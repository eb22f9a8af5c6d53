"""Presence: what counts as the management MCP server being here, row by row."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from e2e.contract import load_contract
from e2e.twin.images import BEFORE_FIX_IMAGE, DEFAULT_IMAGE

CONTRACT = load_contract()
KEY, NAME = CONTRACT.key, CONTRACT.mcp_server_name
ENTRY = {"command": "molecule-mcp"}
WIRED = json.dumps({KEY: {NAME: ENTRY}}).encode()


@pytest.fixture
def identity(image_module: Callable[[str], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The installed runtime's identity module, looking into an empty container."""
    monkeypatch.setenv("CONTAINER_ROOT", str(tmp_path))
    return image_module("molecule_runtime.platform_agent_identity")


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Where the container has its settings file."""
    path = Path(str(tmp_path) + CONTRACT.settings_path)
    path.parent.mkdir(parents=True)
    return path


@pytest.fixture
def built(sandbox: Path, build_container: Callable[..., None]) -> Callable[[str], Path]:
    """Builds a container of an image and returns its root."""

    def built(image: str) -> Path:
        rootfs = sandbox / "rootfs"
        rootfs.mkdir()
        build_container(rootfs, image)
        return rootfs

    return built


def _nested(levels: int) -> bytes:
    """A wired settings file whose containers are nested ``levels`` deep (at least 2)."""
    inner = "[" * (levels - 1) + "]" * (levels - 1)
    return f'{{"{KEY}": {{"{NAME}": {{}}}}, "deep": {inner}}}'.encode()


PRESENT = {
    "an entry with a command": WIRED,
    "an entry that is null": json.dumps({KEY: {NAME: None}}).encode(),
    "an entry that is empty": json.dumps({KEY: {NAME: {}}}).encode(),
    "an entry that is a text": json.dumps({KEY: {NAME: "x"}}).encode(),
    "an entry that is disabled": json.dumps({KEY: {NAME: {"disabled": True}}}).encode(),
    "beside other servers and keys": json.dumps({"hooks": {}, KEY: {"a2a": {}, NAME: ENTRY}}).encode(),
    "exactly 64 levels": _nested(64),
    "exactly 1 MiB": WIRED + b" " * (1024 * 1024 - len(WIRED)),
    "a key twice, the last one wired": f'{{"{KEY}": {{}}, "{KEY}": {{"{NAME}": {{}}}}}}'.encode(),
}
ABSENT = {
    "an empty file": b"",
    "an empty object": b"{}",
    "a byte order mark": b"\xef\xbb\xbf" + WIRED,
    "invalid UTF-8": WIRED[:-1] + b', "x": "\xff"}',
    "UTF-16": WIRED.decode().encode("utf-16"),
    "a trailing comma": WIRED[:-1] + b",}",
    "cut in the middle": WIRED[:-3],
    "a wrong case": json.dumps({KEY: {NAME.upper(): ENTRY}}).encode(),
    "an underscore": json.dumps({KEY: {NAME.replace("-", "_"): ENTRY}}).encode(),
    "another server only": json.dumps({KEY: {"platform": ENTRY}}).encode(),
    "the name under another key": json.dumps({KEY.lower(): {NAME: ENTRY}}).encode(),
    "the name at the top": json.dumps({NAME: ENTRY}).encode(),
    "servers as a list": json.dumps({KEY: [NAME]}).encode(),
    "servers as a text": json.dumps({KEY: NAME}).encode(),
    "servers as null": json.dumps({KEY: None}).encode(),
    "a list at the top": json.dumps([{KEY: {NAME: ENTRY}}]).encode(),
    "a text at the top": json.dumps(KEY).encode(),
    "a null at the top": b"null",
    "65 levels": _nested(65),
    "200,000 levels": b"[" * 200_000,
    "200,000 levels, closed": b"[" * 200_000 + b"]" * 200_000,
    "200,000 levels beside the wired server": _nested(200_000),
    "one byte more than 1 MiB": WIRED + b" " * (1024 * 1024 - len(WIRED) + 1),
    "a number too long to convert": WIRED[:-1] + b', "n": ' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("content", PRESENT.values(), ids=PRESENT.keys())
def test_the_name_under_the_key_is_presence_whatever_its_value(identity: Any, settings: Path, content: bytes) -> None:
    settings.write_bytes(content)

    assert identity.mcp_server_present() is True


@pytest.mark.parametrize("content", ABSENT.values(), ids=ABSENT.keys())
def test_a_degenerate_settings_file_is_absence_and_no_error(identity: Any, settings: Path, content: bytes) -> None:
    settings.write_bytes(content)

    assert identity.mcp_server_present() is False


def test_no_settings_file_is_absence(identity: Any) -> None:
    assert identity.mcp_server_present() is False


def test_a_directory_in_place_of_the_settings_file_is_absence(identity: Any, settings: Path) -> None:
    settings.mkdir()

    assert identity.mcp_server_present() is False


def test_a_pipe_in_place_of_the_settings_file_is_absence_and_is_not_waited_for(identity: Any, settings: Path) -> None:
    os.mkfifo(settings)

    assert identity.mcp_server_present() is False


def test_a_pipe_that_holds_a_wired_document_is_absence_all_the_same(identity: Any, settings: Path) -> None:
    os.mkfifo(settings)
    pipe = os.open(settings, os.O_RDWR | os.O_NONBLOCK)
    os.write(pipe, WIRED)

    present = identity.mcp_server_present()

    os.close(pipe)
    assert present is False


def test_a_dangling_link_in_place_of_the_settings_file_is_absence(identity: Any, settings: Path) -> None:
    settings.symlink_to(settings.with_name("gone"))

    assert identity.mcp_server_present() is False


def test_a_link_to_a_wired_settings_file_is_presence(identity: Any, settings: Path) -> None:
    elsewhere = settings.with_name("elsewhere.json")
    elsewhere.write_bytes(WIRED)
    settings.symlink_to(elsewhere)

    assert identity.mcp_server_present() is True


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can drop to a user that may not read")
def test_an_unreadable_settings_file_is_absence(built: Callable[[str], Path]) -> None:
    rootfs = built(DEFAULT_IMAGE)
    settings = Path(str(rootfs) + CONTRACT.settings_path)
    settings.parent.mkdir(parents=True)
    settings.write_bytes(WIRED)
    settings.chmod(0o600)

    assert _ask(rootfs, "agent") == {CONTRACT.runtime_present_field: False}
    settings.chmod(0o644)
    assert _ask(rootfs, "agent") == {CONTRACT.runtime_present_field: True}


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch])
def test_the_retired_binary_is_presence_even_as_a_folder_or_an_empty_file(
    identity: Any, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    binary = Path(str(tmp_path) + CONTRACT.legacy_binary_path)
    binary.parent.mkdir(parents=True)
    make(binary)

    assert identity.mcp_server_present() is True


def test_a_dangling_link_in_place_of_the_retired_binary_is_absence(identity: Any, tmp_path: Path) -> None:
    binary = Path(str(tmp_path) + CONTRACT.legacy_binary_path)
    binary.parent.mkdir(parents=True)
    binary.symlink_to(tmp_path / "gone")

    assert identity.mcp_server_present() is False


def test_the_payload_is_one_explicit_boolean_computed_afresh(identity: Any, settings: Path) -> None:
    assert identity.identity_gate_payload() == {CONTRACT.runtime_present_field: False}
    settings.write_bytes(WIRED)
    assert identity.identity_gate_payload() == {CONTRACT.runtime_present_field: True}


def test_the_image_before_the_fix_says_false_though_the_settings_are_wired(built: Callable[[str], Path]) -> None:
    rootfs = built(BEFORE_FIX_IMAGE)
    settings = Path(str(rootfs) + CONTRACT.settings_path)
    settings.parent.mkdir(parents=True)
    settings.write_bytes(WIRED)

    assert _ask(rootfs) == {CONTRACT.runtime_present_field: False}
    Path(str(rootfs) + CONTRACT.legacy_binary_path).touch()
    assert _ask(rootfs) == {CONTRACT.runtime_present_field: True}


def test_the_default_image_says_true_when_asked_from_outside(built: Callable[[str], Path]) -> None:
    rootfs = built(DEFAULT_IMAGE)
    settings = Path(str(rootfs) + CONTRACT.settings_path)
    settings.parent.mkdir(parents=True)
    settings.write_bytes(WIRED)

    assert _ask(rootfs) == {CONTRACT.runtime_present_field: True}


def _ask(rootfs: Path, user: str = "") -> object:
    """Ask the installed runtime for its payload the way it is asked from outside: by an import in a fresh process."""
    program = (
        "import json; from molecule_runtime.platform_agent_identity import identity_gate_payload; "
        "print(json.dumps(identity_gate_payload()))"
    )
    programs = rootfs / "usr" / "local" / "bin"
    as_user = (f"{programs}/gosu", user) if user else ()
    result = subprocess.run(
        [*as_user, f"{programs}/python3", "-c", program],
        env={"CONTAINER_ROOT": str(rootfs), "PYTHONPATH": f"{rootfs}/app", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(result.stdout)

"""What a root folder has beside the content: bytecode, and the same each time."""

import os
import subprocess
import sys
from pathlib import Path

from e2e.twin.images.rootfs import ImageFile, write_rootfs


def _import(rootfs: Path) -> str:
    command = [sys.executable, "-c", "import module; print(module.ANSWER)"]
    environment = {"PYTHONPATH": f"{rootfs}/app"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def test_python_files_run_from_the_bytecode_that_came_with_them(tmp_path: Path) -> None:
    write_rootfs([ImageFile("app/module.py", 0o644, b"ANSWER = 'compiled'")], tmp_path)
    (tmp_path / "app" / "module.py").write_text("ANSWER = 'compiled again'")

    assert _import(tmp_path) == "compiled"


def test_files_of_the_same_name_and_different_content_each_have_their_own_bytecode(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_rootfs([ImageFile("app/module.py", 0o644, f"ANSWER = {name!r}".encode())], tmp_path / name)

    assert [_import(tmp_path / "one"), _import(tmp_path / "two")] == ["one", "two"]


def test_modes_are_those_of_the_image(tmp_path: Path) -> None:
    write_rootfs([ImageFile("usr/local/bin/x", 0o755, b"#!"), ImageFile("app/y", 0o644, b"")], tmp_path)

    assert (tmp_path / "usr/local/bin/x").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "app/y").stat().st_mode & 0o777 == 0o644


def test_a_narrow_umask_of_the_twin_does_not_lock_the_agent_out(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_rootfs([ImageFile("app/sub/y", 0o644, b"")], tmp_path)
    finally:
        os.umask(before)

    assert {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*") if path.is_dir()} == {0o755}

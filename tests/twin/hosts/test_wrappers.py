"""The small programs that make a folder a machine."""

import os
import subprocess
import sys
from pathlib import Path

from e2e.twin.hosts.wrappers import base_interpreter, host_side_program, install_in_container


def test_host_side_programs_see_the_standard_library_and_this_package_alone() -> None:
    command = host_side_program("json.tool")
    assert command[:3] == [base_interpreter(), "-I", "-S"]
    assert "site-packages" not in command[-1] or "site-packages" in str(Path(__file__))


def test_what_the_image_brings_is_not_replaced(tmp_path: Path) -> None:
    binaries = tmp_path / "usr/local/bin"
    binaries.mkdir(parents=True)
    (binaries / "gosu").write_text("the image's own")
    install_in_container(tmp_path, None)
    assert (binaries / "gosu").read_text() == "the image's own"
    assert os.access(binaries / "python3", os.X_OK)


def test_the_containers_python_is_the_one_the_twin_runs_on(tmp_path: Path) -> None:
    install_in_container(tmp_path, None)
    found = subprocess.run(
        [tmp_path / "usr/local/bin/python", "-c", "import sys; print(sys.prefix)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == sys.prefix

"""The warden: what a killed twin leaves is removed."""

import subprocess
import sys
from pathlib import Path

from e2e.twin.warden import Warden, inhabitants


def test_the_end_of_the_lifeline_ends_who_lives_in_the_sandbox_and_the_sandbox(tmp_path: Path) -> None:
    sandbox = tmp_path / "sandbox"
    (sandbox / "deep").mkdir(parents=True)
    warden = Warden(sandbox)
    inhabitant = subprocess.Popen(["sleep", "60"], env={"PATH": f"{sandbox}/bin:/usr/bin:/bin"}, start_new_session=True)
    bystander = subprocess.Popen(["sleep", "60"], env={"PATH": "/usr/bin:/bin"})
    try:
        assert inhabitants(str(sandbox)) == [inhabitant.pid]
        warden.dismiss()
        assert inhabitant.wait(10) == -9
        assert bystander.poll() is None
        assert not sandbox.exists()
    finally:
        for process in (inhabitant, bystander):
            process.kill()
            process.wait()


def test_after_an_orderly_end_there_is_nothing_to_do(tmp_path: Path) -> None:
    Warden(tmp_path / "gone").dismiss()
    assert tmp_path.exists()


def test_it_needs_no_installed_package() -> None:
    code = "import sys; from e2e.twin import warden; assert not any('site-packages' in str(m) for m in sys.path)"
    root = Path(__file__).resolve().parents[2]
    base = getattr(sys, "_base_executable", sys.executable)
    subprocess.run([base, "-I", "-S", "-c", f"import sys; sys.path.append({str(root)!r}); {code}"], check=True)

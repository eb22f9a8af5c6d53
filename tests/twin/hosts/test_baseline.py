"""What changed in a rootfs."""

from pathlib import Path

from e2e.twin.hosts.baseline import changes, take_baseline


def test_added_changed_and_deleted_entries_are_told_apart(tmp_path: Path) -> None:
    rootfs = tmp_path / "rootfs"
    (rootfs / "app").mkdir(parents=True)
    for name in ("stays", "grows", "goes"):
        (rootfs / "app" / name).write_text(name)
    take_baseline(str(rootfs), str(tmp_path / "baseline.json"))
    assert changes(str(rootfs), str(tmp_path / "baseline.json")) == []
    (rootfs / "app/grows").write_text("longer than before")
    (rootfs / "app/goes").unlink()
    (rootfs / "app/comes").touch()
    assert changes(str(rootfs), str(tmp_path / "baseline.json")) == [
        ("C", "/app"),
        ("A", "/app/comes"),
        ("D", "/app/goes"),
        ("C", "/app/grows"),
    ]


def test_what_is_mounted_is_not_part_of_the_container(tmp_path: Path) -> None:
    rootfs = tmp_path / "rootfs"
    rootfs.mkdir()
    (tmp_path / "configs").mkdir()
    (rootfs / "configs").symlink_to(tmp_path / "configs")
    take_baseline(str(rootfs), str(tmp_path / "baseline.json"))
    (tmp_path / "configs/new").touch()
    assert changes(str(rootfs), str(tmp_path / "baseline.json")) == []

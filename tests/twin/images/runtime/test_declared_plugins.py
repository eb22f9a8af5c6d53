"""The boot's plugin installation: its lines, and that it never stops a boot."""

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from e2e.contract import load_contract

SOURCE = load_contract().plugin_source
NAME = load_contract().plugin_declared_name


@pytest.fixture
def install(image_module: Callable[[str], Any], tmp_path: Path, tenant: Any) -> Callable[..., list[str]]:
    """Installs what is declared into an empty container and returns the lines."""
    (tmp_path / "configs").mkdir()

    def install(declared: str, **environment: str) -> list[str]:
        lines: list[str] = []
        given = {
            "CONTAINER_ROOT": str(tmp_path),
            "MOLECULE_DECLARED_PLUGINS": declared,
            "MOLECULE_GITEA_BASE_URL": tenant.url,
            "MOLECULE_PLATFORM_SPEED": "1000",
        }
        module = image_module("molecule_runtime.declared_plugins")
        module.install_declared_plugins({**given, **environment}, lines.append)
        return lines

    return install


def _archive(*names: str, content: bytes = b"x") -> bytes:
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb") as file, tarfile.open(fileobj=file, mode="w") as tar:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def test_a_declared_plugin_is_installed_under_the_name_of_its_repository(install: Any, tmp_path: Path) -> None:
    assert install(SOURCE) == [f"[plugins] installed {NAME} <- {SOURCE}"]
    assert (tmp_path / "configs" / "plugins" / NAME / "settings-fragment.json").is_file()


def test_what_was_installed_before_is_removed_first(install: Any, tmp_path: Path) -> None:
    old = tmp_path / "configs" / "plugins" / "old"
    old.mkdir(parents=True)

    install("gitea://molecule-ai/unknown")

    assert not (tmp_path / "configs" / "plugins").exists()


def test_nothing_declared_leaves_the_plugins_of_before_alone(install: Any, tmp_path: Path) -> None:
    old = tmp_path / "configs" / "plugins" / "old"
    old.mkdir(parents=True)

    assert install("") == []
    assert old.is_dir()


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("github://o/r", "skip unsupported source: github://o/r"),
        ("presign://x", "skip unsupported source: presign://x"),
        ("name", "skip unsupported source: name"),
        ("gitea://", "bad source: gitea://"),
        ("gitea://o/../r", "bad source: gitea://o/../r"),
        ("gitea://o/r", "fetch/extract failed: gitea://o/r"),
        ("gitea://o", "fetch/extract failed: gitea://o"),
        (SOURCE.replace("#main", "/sub#main"), f"subpath not in archive: sub ({SOURCE.replace('#main', '/sub#main')})"),
    ],
)
def test_every_failure_is_one_line(install: Any, source: str, line: str) -> None:
    assert install(source) == [f"[plugins] {line}"]


def test_sources_are_taken_one_by_one_and_blanks_do_not_matter(install: Any) -> None:
    lines = install(f" name , {SOURCE},, ")

    assert lines == ["[plugins] skip unsupported source: name", f"[plugins] installed {NAME} <- {SOURCE}"]


def test_the_token_goes_with_the_request_only_if_there_is_one(install: Any, tenant: Any) -> None:
    install(SOURCE, MOLECULE_TEMPLATE_REPO_TOKEN="secret")
    install(SOURCE)

    with_token, without = tenant.seen
    assert with_token.headers["authorization"] == "token secret"
    assert "authorization" not in without.headers


@pytest.fixture
def extract(image_module: Callable[[str], Any], tmp_path: Path) -> Any:
    """Unpacks an archive into an empty folder."""
    module = image_module("molecule_runtime.declared_plugins")
    return lambda data: module._extract(data, tmp_path)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a tarball",
        _archive("top/file")[:-20],
        _archive("top/../../escaped"),
        _archive("/absolute"),
        _archive("one/file", "two/file"),
        _archive(),
    ],
    ids=["empty", "no tarball", "cut", "climbs out", "absolute", "two top folders", "nothing in it"],
)
def test_an_archive_that_is_none_or_climbs_out_is_refused(extract: Any, tmp_path: Path, data: bytes) -> None:
    with pytest.raises(Exception, match="tar:") as caught:
        extract(data)
    assert type(caught.value).__name__ == "_FetchError"
    assert not (tmp_path.parent / "escaped").exists()


def test_an_unreachable_forge_is_a_failed_fetch(install: Any) -> None:
    lines = install(SOURCE, MOLECULE_GITEA_BASE_URL="http://127.0.0.1:9")

    assert lines == [f"[plugins] fetch/extract failed: {SOURCE}"]

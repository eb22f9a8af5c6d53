"""Installs the plugins that the platform declared for this workspace.

The entrypoint runs it as root, before the runtime. Only ``gitea://owner/repository[/sub/path][#ref]`` is understood.
Everything that was installed before is removed first, so a fetch that fails leaves the workspace without plugins. No
failure stops the boot: each is one ``[plugins]`` line.
"""

import io
import os
import shutil
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import quote

from molecule_runtime.container import container_path, real_timeout

__all__ = ["PluginSource", "install_declared_plugins", "main", "parse_source"]

_SCHEME = "gitea://"
_DEFAULT_BASE_URL = "https://git.moleculesai.app"
_FETCH_SECONDS = 120
_RETRY_PAUSES_SECONDS = (1, 2, 4)
_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
_MAXIMUM_ARCHIVE_BYTES = 64 * 1024 * 1024


class _FetchError(Exception):
    """The archive could not be fetched or is not one."""


class PluginSource(NamedTuple):
    """Where a plugin comes from."""

    owner: str
    repository: str
    folder: str
    ref: str

    @property
    def name(self) -> str:
        """The name of the folder it is installed in: the last part of the sub-path, else the repository."""
        return PurePosixPath(self.folder).name if self.folder else self.repository


def parse_source(source: str) -> PluginSource | None:
    """Split a ``gitea://`` source; ``None`` if it does not name a repository, or climbs out of one."""
    location, _, ref = source.removeprefix(_SCHEME).partition("#")
    owner, _, rest = location.partition("/")
    repository, _, folder = rest.partition("/")
    repository = repository or owner
    parts = (owner, repository, *folder.split("/"))
    if not owner or any(part in (".", "..") for part in parts):
        return None
    return PluginSource(owner, repository, folder.strip("/"), ref or "main")


def install_declared_plugins(environment: Mapping[str, str], print_line: Callable[[str], None]) -> None:
    """Install everything ``MOLECULE_DECLARED_PLUGINS`` names; an empty variable leaves the plugins of before alone."""
    declared = environment.get("MOLECULE_DECLARED_PLUGINS", "")
    if not declared:
        return
    plugins = Path(container_path("/configs", environment)) / "plugins"
    shutil.rmtree(plugins, ignore_errors=True)
    for source in filter(None, (part.strip() for part in declared.split(","))):
        print_line(f"[plugins] {_install(source, plugins, environment)}")


def _install(source: str, plugins: Path, environment: Mapping[str, str]) -> str:
    """Install one plugin and return the line that tells what came of it."""
    if not source.startswith(_SCHEME):
        return f"skip unsupported source: {source}"
    parsed = parse_source(source)
    if parsed is None:
        return f"bad source: {source}"
    with tempfile.TemporaryDirectory(prefix="plugin-") as scratch:
        try:
            tree = _extract(_fetch(parsed, environment), Path(scratch))
        except _FetchError as error:
            print(error, file=sys.stderr, flush=True)
            return f"fetch/extract failed: {source}"
        content = tree / parsed.folder if parsed.folder else tree
        if not content.is_dir():
            return f"subpath not in archive: {parsed.folder} ({source})"
        try:
            shutil.copytree(content, plugins / parsed.name, dirs_exist_ok=True)
        except (OSError, shutil.Error):
            return f"copy failed: {source}"
    return f"installed {parsed.name} <- {source}"


def _fetch(source: PluginSource, environment: Mapping[str, str]) -> bytes:
    base_url = environment.get("MOLECULE_GITEA_BASE_URL") or _DEFAULT_BASE_URL
    speed = float(environment.get("MOLECULE_PLATFORM_SPEED") or 1)
    path = f"/api/v1/repos/{quote(source.owner)}/{quote(source.repository)}/archive/{quote(source.ref)}.tar.gz"
    request = urllib.request.Request(base_url.rstrip("/") + path)  # noqa: S310 - the base is the operator's
    token = environment.get("MOLECULE_TEMPLATE_REPO_TOKEN")
    if token:
        request.add_header("Authorization", f"token {token}")
    # No proxy of the machine: a container sees only the environment that the platform gives it.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for pause in (*_RETRY_PAUSES_SECONDS, None):
        try:
            with opener.open(request, timeout=real_timeout(_FETCH_SECONDS, speed)) as answer:
                data: bytes = answer.read(_MAXIMUM_ARCHIVE_BYTES)
                return data
        except urllib.error.HTTPError as error:
            error.close()
            if pause is None or error.code not in _TRANSIENT:
                raise _FetchError(f"curl: (22) The requested URL returned error: {error.code}") from error
        except (OSError, ValueError) as error:
            if pause is None or not isinstance(error, TimeoutError):
                raise _FetchError(f"curl: (7) {error}") from error
        time.sleep(pause / speed)
    raise _FetchError("curl: no attempt was left")


def _extract(archive: bytes, folder: Path) -> Path:
    """Unpack files and folders (nothing else, and nothing outside) and return the archive's one top folder."""
    top: set[str] = set()
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
            for member in tar:
                parts = PurePosixPath(member.name).parts
                if not parts or ".." in parts or parts[0] == "/":
                    raise _FetchError(f"tar: {member.name}: outside the archive")
                top.add(parts[0])
                target = folder.joinpath(*parts)
                if member.isdir():
                    target.mkdir(parents=True, exist_ok=True)
                elif member.isfile() and (content := tar.extractfile(member)) is not None:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(content.read())
                    target.chmod(0o755 if member.mode & 0o100 else 0o644)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise _FetchError(f"tar: {error}") from error
    if len(top) != 1:
        raise _FetchError("tar: not an archive of one folder")
    return folder / top.pop()


def main() -> int:
    """Install for the process's own environment; always 0, since no plugin may stop a boot."""
    install_declared_plugins(os.environ, lambda line: print(line, flush=True))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Plugins for boxes that run already."""

import io
import json
import tarfile
from typing import Any

import pytest

from e2e.contract import load_contract
from e2e.twin.workspace_server.delivery import PushError, StageError, is_on_box, push_plugin, stage_plugin

CONTRACT = load_contract()
NAME = CONTRACT.plugin_declared_name


def archive_of(**files: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()


def instance_of(desk: Any, workspace_id: str) -> str:
    return str(desk.row(workspace_id)["instance_id"])


def test_a_plugin_is_staged_from_the_forge_and_pushed_without_its_top_folder(desk: Any, concierge: str) -> None:
    box = desk.box(concierge)
    fingerprint = push_plugin(
        desk.tenant, instance_of(desk, concierge), NAME, stage_plugin(desk.tenant, CONTRACT.plugin_source)
    )
    assert len(fingerprint) == 40
    fragment = json.loads((box / "plugins" / NAME / "settings-fragment.json").read_text())
    assert CONTRACT.mcp_server_name in fragment[CONTRACT.key]


def test_a_push_replaces_what_was_there(desk: Any, concierge: str) -> None:
    folder = desk.box(concierge) / "plugins" / NAME
    folder.mkdir(parents=True)
    (folder / "old").write_text("old")
    push_plugin(desk.tenant, instance_of(desk, concierge), NAME, archive_of(**{"top/plugin.yaml": "x"}))
    assert [path.name for path in folder.iterdir()] == ["plugin.yaml"]


@pytest.mark.parametrize("source", ["presign://x", "gitea://owner/repository", "gitea://owner#main", "name"])
def test_a_source_that_cannot_be_staged_is_refused_without_a_request(desk: Any, source: str) -> None:
    with pytest.raises(StageError, match="not a source that can be staged"):
        stage_plugin(desk.tenant, source)


def test_what_the_forge_does_not_have_is_not_staged(desk: Any) -> None:
    with pytest.raises(StageError, match="HTTP 404"):
        stage_plugin(desk.tenant, "gitea://molecule-ai/nothing#main")


@pytest.mark.parametrize(
    "archive",
    [b"no archive", archive_of(**{"top/../../x": "y"}), archive_of(**{"/etc/x": "y"})],
    ids=["no archive", "upwards", "absolute"],
)
def test_an_archive_that_is_none_or_reaches_outside_is_not_pushed(desk: Any, concierge: str, archive: bytes) -> None:
    box = desk.box(concierge)
    with pytest.raises(PushError):
        push_plugin(desk.tenant, instance_of(desk, concierge), NAME, archive)
    assert list(box.rglob("*")) == []


@pytest.mark.parametrize(
    ("gate", "settings", "on_box"),
    [
        ("2026-06-25", None, True),
        ("2026-06-26", None, False),
        ("2026-06-26", "not JSON", False),
        ("2026-06-26", json.dumps({CONTRACT.key: []}), False),
        ("2026-06-26", json.dumps({CONTRACT.key: {"platform": {}}}), False),
        ("2026-06-26", json.dumps({CONTRACT.key: {CONTRACT.mcp_server_name: {}}}), True),
    ],
)
def test_only_a_version_that_verifies_looks_into_the_settings(
    make_desk: Any, gate: str, settings: str | None, on_box: bool
) -> None:
    desk = make_desk(gate=gate)
    concierge = desk.install_concierge()
    box = desk.box(concierge)
    (box / "plugins" / NAME).mkdir(parents=True)
    (box / "plugins" / NAME / "plugin.yaml").write_text("name: x\n")
    (box / ".claude").mkdir()
    if settings is not None:
        (box / ".claude/settings.json").write_text(settings)
    assert is_on_box(desk.tenant, instance_of(desk, concierge), NAME) is on_box


def test_what_has_no_machine_has_nothing_on_it(desk: Any) -> None:
    assert not is_on_box(desk.tenant, "", NAME)

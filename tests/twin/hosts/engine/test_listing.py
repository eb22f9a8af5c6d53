"""`docker ps`."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.twin.hosts.conftest import Machine

Eventually = Callable[[Callable[[], bool]], None]


def _names(machine: "Machine", *arguments: str) -> list[str]:
    output = machine.docker("ps", *arguments, "--format", "{{.Names}}").stdout
    return output.split()


def test_a_row_says_what_the_engine_says(machine: "Machine") -> None:
    container = machine.run()
    (line,) = machine.docker("ps", "--no-trunc", "--format", "{{json .}}").stdout.splitlines()
    row = json.loads(line)
    assert row["ID"] == container.container_id
    assert row["Names"] == "box"
    assert row["Image"] == "registry.example:5000/team/agent:1.2"
    assert row["State"] == "running"
    assert row["Status"].startswith("Up ")
    assert row["Labels"] == "role=agent"
    assert row["Command"] == '"sleep 600"'
    assert row["Mounts"] == str(machine.host.configs)


def test_ids_are_short_unless_asked_for_whole(machine: "Machine") -> None:
    container = machine.run()
    row = json.loads(machine.docker("ps", "--format", "json").stdout)
    assert row["ID"] == container.container_id[:12]
    assert machine.docker("ps", "-q").stdout == f"{container.container_id[:12]}\n"


def test_only_running_ones_are_listed_unless_all_are_asked_for(machine: "Machine", eventually: Eventually) -> None:
    machine.run(name="alive")
    ended = machine.run("sh", "-c", "exit 4", name="ended")
    eventually(lambda: not ended.is_running())
    assert _names(machine) == ["alive"]
    assert _names(machine, "-a") == ["ended", "alive"]
    assert _names(machine, "--filter", "status=exited") == ["ended"]
    assert "Exited (4)" in machine.docker("ps", "-a").stdout


def test_filters_narrow_the_list(machine: "Machine") -> None:
    container = machine.run(name="ws-one", labels={"role": "agent", "kind": "platform"})
    machine.run(name="ws-two", labels={"role": "agent"})
    assert _names(machine, "--filter", "name=two") == ["ws-two"]
    assert _names(machine, "--filter", "name=^/ws-one$") == ["ws-one"]
    assert _names(machine, "--filter", "label=kind") == ["ws-one"]
    assert _names(machine, "-f", "label=kind=platform", "-f", "label=role=agent") == ["ws-one"]
    assert _names(machine, "--filter", "label=kind=other") == []
    assert _names(machine, "--filter", f"id={container.container_id[:8]}") == ["ws-one"]


def test_a_filter_that_is_not_known_is_an_error(machine: "Machine") -> None:
    machine.run()
    assert "invalid filter 'colour'" in machine.docker("ps", "--filter", "colour=red").stderr
    assert machine.docker("ps", "--filter", "colour").returncode == 125


def test_without_a_format_there_is_a_table(machine: "Machine") -> None:
    machine.run()
    head, row = machine.docker("ps").stdout.splitlines()
    assert head.split()[:2] == ["CONTAINER", "ID"]
    assert row.endswith("box")

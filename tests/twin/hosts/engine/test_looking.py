"""`docker inspect`, `image inspect`, `diff`, `version`, `info`."""

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.twin.hosts.conftest import Machine


def test_inspect_prints_a_list_of_what_is_on_disk(machine: "Machine") -> None:
    container = machine.run()
    for reference in ("box", "/box", container.container_id, container.container_id[:10]):
        assert json.loads(machine.docker("inspect", reference).stdout) == [container.inspect()]


def test_inspect_says_what_it_did_not_find_after_what_it_found(machine: "Machine") -> None:
    machine.run()
    found = machine.docker("inspect", "box", "absent")
    assert found.returncode == 1
    assert len(json.loads(found.stdout)) == 1
    assert found.stderr == "Error: No such object: absent\n"


@pytest.mark.parametrize("reference", ["../..", "", ".", "BOX", "0"])
def test_a_reference_is_no_path(machine: "Machine", reference: str) -> None:
    machine.run()
    assert machine.docker("inspect", "--type", "container", reference).returncode == 1


def test_inspect_takes_simple_templates(machine: "Machine") -> None:
    container = machine.run()
    assert machine.docker("inspect", "-f", "{{.State.Pid}}", "box").stdout == f"{container.pid}\n"


def test_an_image_has_its_digest(machine: "Machine") -> None:
    machine.run()
    digest = "sha256:" + "ab" * 32
    for reference in ("registry.example:5000/team/agent:1.2", digest, f"registry.example:5000/team/agent@{digest}"):
        (image,) = json.loads(machine.docker("image", "inspect", reference).stdout)
        assert image["Id"] == digest
        assert image["RepoDigests"] == [f"registry.example:5000/team/agent@{digest}"]
        assert image["RepoTags"] == ["registry.example:5000/team/agent:1.2"]
        assert not [entry for entry in image["Config"]["Env"] if "s3cret" in entry]


def test_an_image_that_is_not_there_is_an_error(machine: "Machine") -> None:
    found = machine.docker("image", "inspect", "other:1")
    assert (found.returncode, found.stdout.strip()) == (1, "[]")
    assert found.stderr == "Error: No such image: other:1\n"
    assert machine.docker("image", "ls").returncode == 125


def test_looking_leaves_no_difference_and_writing_does(machine: "Machine") -> None:
    machine.run()
    machine.docker("exec", "box", "cat", "/app/greeting.txt")
    machine.docker("exec", "box", "sh", "-c", "ls -R . > /dev/null; env")
    (machine.host.configs / "settings.json").write_text("{}")
    assert machine.docker("diff", "box").stdout == ""
    machine.docker("exec", "box", "touch", "/app/trace")
    assert machine.docker("diff", "box").stdout == "C /app\nA /app/trace\n"


def test_version_and_info_speak_of_an_engine(machine: "Machine") -> None:
    machine.run()
    assert json.loads(machine.docker("version", "--format", "json").stdout)["Server"]["ApiVersion"] == "1.43"
    assert "Server: Docker Engine" in machine.docker("version").stdout
    assert json.loads(machine.docker("info", "--format", "{{json .}}").stdout)["ContainersRunning"] == 1
    assert " Containers: 1" in machine.docker("info").stdout


@pytest.mark.parametrize(
    "command", [("inspect",), ("diff",), ("diff", "a", "b"), ("image", "inspect"), ("frobnicate",), ()]
)
def test_a_call_without_sense_is_an_error(machine: "Machine", command: tuple[str, ...]) -> None:
    found = machine.docker(*command)
    assert found.returncode == 1
    assert found.stderr

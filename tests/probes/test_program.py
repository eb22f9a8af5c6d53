"""The probe travels as one program that needs nothing of ours on the host."""

import ast
import json
import subprocess
import sys
from pathlib import Path

from e2e.contract import load_contract
from e2e.hosts.envelope import SSM_PARAMETER_BYTES, new_marker, wrap
from e2e.probes import on_host
from e2e.probes.look import LaunchRequest, LookRequest, parse_look
from e2e.probes.program import MODULES, probe_program

FOLDER = Path(on_host.__file__).parent
OLDEST = (3, 10)


def request() -> LookRequest:
    contract = load_contract()
    create = contract.create_workspace
    launch = LaunchRequest(create.tool_names, create.arguments("e2e-probe"), True, 60.0, 60.0)
    return LookRequest(contract, "0b9b3c1e-5a6d-4c1f-9a77-3d2b1c0a9e8f", ("c0ffee00-0000-4000-8000-1",), launch=launch)


def test_every_module_travels() -> None:
    assert {path.stem for path in FOLDER.glob("*.py")} == {*MODULES, "__init__"}


def test_it_imports_the_standard_library_and_itself_alone() -> None:
    for module in MODULES:
        for node in ast.walk(ast.parse((FOLDER / f"{module}.py").read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert name.split(".")[0] in sys.stdlib_module_names or name.startswith("e2e.probes.on_host."), name


def test_each_module_needs_only_those_before_it() -> None:
    for number, module in enumerate(MODULES):
        for node in ast.walk(ast.parse((FOLDER / f"{module}.py").read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("e2e.probes.on_host."):
                assert (node.module or "").rpartition(".")[2] in MODULES[:number]


def test_it_is_written_for_the_python_of_the_oldest_host() -> None:
    runner = Path(on_host.__file__).parent.parent.parent / "hosts" / "on_host_runner.py"
    for path in [*FOLDER.glob("*.py"), runner]:
        ast.parse(path.read_text(), feature_version=OLDEST)


def test_with_its_request_it_fits_into_one_command_with_room_to_spare() -> None:
    text = wrap(probe_program(), request().argument(), new_marker("0" * 32))
    assert len(text.encode()) < SSM_PARAMETER_BYTES * 2 / 3


def test_it_runs_isolated_on_a_machine_that_has_nothing(tmp_path: Path) -> None:
    base = getattr(sys, "_base_executable", sys.executable)
    done = subprocess.run(
        [base, "-I", "-S", "-c", probe_program()],
        input=request().argument(),
        capture_output=True,
        env={"PATH": str(tmp_path)},
        cwd=tmp_path,
        check=True,
    )
    look = parse_look(done.stdout)
    assert look.boot_id
    assert look.concierge is None


def test_the_request_holds_no_secret_and_no_literal_of_its_own() -> None:
    document = json.loads(request().argument())
    contract = load_contract()
    assert document["contract"]["settings_path"] == contract.settings_path
    assert document["launch"]["call"]["arguments"] == {"name": "e2e-probe", "model": contract.create_workspace.model}
    for path in FOLDER.glob("*.py"):
        text = path.read_text()
        for literal in (contract.settings_path, contract.key, contract.mcp_server_name, contract.legacy_binary_path):
            assert literal not in text, f"{path.name} repeats {literal} of the contract"

#!/usr/bin/env python3
"""A stand-in for the docker command line: real files and real processes, one folder per container beside it.

It knows what the probe needs and fails loudly on everything else. Arguments that begin with a container path are
mapped into the container's folder, as whole arguments only. Every call is noted in ``calls``.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

HERE = Path(__file__).absolute().parent.parent
ROOTS = ("/configs", "/app", "/opt", "/workspace", "/home/agent", "/usr/local/bin")


def containers() -> list[Path]:
    return sorted(path for path in (HERE / "containers").iterdir() if (path / "inspect.json").exists())


def find(reference: str) -> Path:
    for folder in containers():
        record = json.loads((folder / "inspect.json").read_text())
        if reference in {record["Id"], folder.name} or record["Id"].startswith(reference):
            return folder
    return fail(f"Error: No such object: {reference}", 1)


def fail(text: str, code: int) -> NoReturn:
    sys.stderr.write(text + "\n")
    raise SystemExit(code)


def main(arguments: list[str]) -> None:
    with (HERE / "calls").open("a") as calls:
        calls.write(json.dumps({"arguments": arguments, "environment": dict(os.environ)}) + "\n")
    trouble = HERE / "trouble.json"
    if trouble.exists():
        for prefix, action in json.loads(trouble.read_text()).items():
            if " ".join(arguments).startswith(prefix):
                misbehave(action)
    command, rest = arguments[0], arguments[1:]
    if command == "ps":
        assert rest == ["--all", "--quiet", "--no-trunc"], rest
        for folder in containers():
            print(json.loads((folder / "inspect.json").read_text())["Id"])
    elif command == "inspect":
        print(json.dumps([json.loads((find(one) / "inspect.json").read_text()) for one in rest]))
    elif command == "image":
        assert rest[0] == "inspect", rest
        images = json.loads((HERE / "images.json").read_text()) if (HERE / "images.json").exists() else {}
        if rest[1] not in images:
            print("[]")
            fail(f"Error: No such image: {rest[1]}", 1)
        print(json.dumps([images[rest[1]]]))
    elif command == "logs":
        assert rest[0] == "--timestamps", rest
        for line in (find(rest[1]) / "log").read_bytes().splitlines(keepends=True):
            stamp, stream, text = line.split(b" ", 2)
            os.write(1 if stream == b"o" else 2, stamp + b" " + text)
    elif command == "exec":
        execute(rest)
    else:
        fail(f"unknown command: {command}", 125)


def misbehave(action: str) -> None:
    if action == "hang":
        signal.pause()
    elif action == "flood":
        while True:
            os.write(1, b"x" * 65536)
    else:
        fail("Error response from daemon: " + action, 1)


def execute(rest: list[str]) -> None:
    user, folder = "root", None
    while rest[0].startswith("-"):
        flag = rest.pop(0)
        if flag == "-u":
            user = rest.pop(0)
        elif flag == "-w":
            folder = rest.pop(0)
        elif flag != "-i":
            fail(f"unknown flag {flag}", 125)
    place = find(rest.pop(0))
    record = json.loads((place / "inspect.json").read_text())
    if not record["State"]["Running"]:
        fail("Error response from daemon: container is not running", 1)
    if user not in {"root", "0", *record.get("Users", ["agent", "1000"])}:
        fail(f"unable to find user {user}: no matching entries in passwd file", 126)
    rootfs = str(place / "rootfs")
    # A folder that only root may enter: for everybody else what is below it cannot be told from absent.
    closed = tuple(record.get("ClosedToAgent", ())) if user not in {"root", "0"} else ()
    mapped = [
        "/closed" + word if closed and word.startswith(closed) else rootfs + word if word.startswith(ROOTS) else word
        for word in rest
    ]
    environment = dict(pair.split("=", 1) for pair in record["Config"]["Env"])
    environment["PATH"] = f"{rootfs}/usr/local/bin:/usr/bin:/bin"
    environment["PYTHONPATH"] = f"{rootfs}/app"
    if folder and folder != "/":
        os.chdir(rootfs + folder)
    child = os.fork()
    if child == 0:
        # As with the real engine, the process does not die with the command line that started it.
        os.setsid()
        try:
            os.execvpe(mapped[0], mapped, environment)
        except FileNotFoundError:
            os.write(2, b"OCI runtime exec failed: executable file not found\n")
            os._exit(127)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    raise SystemExit(code if code >= 0 else 128 - code)


main(sys.argv[1:])

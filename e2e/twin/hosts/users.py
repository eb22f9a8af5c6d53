"""The users of a container: root and agent, by name or number."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    ContainerUser = Literal["root", "agent"]
    """The two users that the platform's images have."""


class UnknownUserError(Exception):
    """The container has no such user."""


def container_user(name: str) -> ContainerUser:
    """Return the user that ``name`` stands for: ``root``, ``agent``, ``0``, ``1000``, or one of these with a group.

    Raises:
        UnknownUserError: there is no such user.
    """
    user = name.partition(":")[0]
    if user in {"", "root", "0"}:
        return "root"
    if user in {"agent", "1000"}:
        return "agent"
    raise UnknownUserError(user)


def home(user: ContainerUser, rootfs: str) -> str:
    """Return the home of ``user`` on the machine."""
    return f"{rootfs}/home/agent" if user == "agent" else f"{rootfs}/root"


def with_home(environment: Mapping[str, str], user: ContainerUser, rootfs: str) -> dict[str, str]:
    """Return ``environment`` with the HOME of ``user``, unless the container sets one itself."""
    return {"HOME": home(user, rootfs), **environment}


def become(user: ContainerUser, uid: int | None, gid: int | None) -> None:
    """Turn this process into ``user``; where the agent has no user of its own nothing changes.

    Raises:
        PermissionError: the process is not root.
    """
    if user == "root" or uid is None or gid is None:
        return
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)

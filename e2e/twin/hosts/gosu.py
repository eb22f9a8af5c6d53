"""`gosu USER COMMAND…` in a container: go on as another user (standard library only)."""

import os
import sys

from e2e.twin.hosts.users import UnknownUserError, become, container_user, home


def main(arguments: list[str]) -> None:
    """Become the user and the command; the first two arguments (agent's uid or empty, rootfs) are the wrapper's own."""
    agent, rootfs, *rest = arguments
    if len(rest) < 2:
        sys.exit("Usage: gosu user-spec command [args]")
    uid = int(agent) if agent else None
    try:
        user = container_user(rest[0])
        become(user, uid, uid)
        os.environ["HOME"] = home(user, rootfs)
        os.execvp(rest[1], rest[1:])  # noqa: S606 (the command is the caller's own)
    except UnknownUserError as error:
        sys.exit(
            f"error: failed switching to {rest[0]!r}: unable to find user {error}: no matching entries in passwd file"
        )
    except FileNotFoundError:
        sys.exit(f'error: exec: "{rest[1]}": executable file not found in $PATH')
    except OSError as error:
        sys.exit(f"error: {error}")

"""Installs nothing: this image does not install declared plugins at boot.

The entrypoint runs it as root, before the runtime. A plugin then comes only by the platform's own reconcile.
"""

__all__ = ["main"]


def main() -> int:
    """Do nothing."""
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

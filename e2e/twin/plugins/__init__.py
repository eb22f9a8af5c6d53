"""The plugins that the twin's forge can deliver."""

from e2e.twin.plugins.archive import plugin_archive

__all__ = ["plugin_archive"]

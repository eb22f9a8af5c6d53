"""The machines of the embedded staging: one folder each, with containers that are plain processes."""

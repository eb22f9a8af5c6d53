"""The control plane: organisations, their tenant hosts, hosts for workspaces, image pins, purges (docs/platform.md)."""

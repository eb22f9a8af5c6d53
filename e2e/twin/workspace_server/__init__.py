"""The workspace-server of one tenant: tenant API, registry with its online gate, provisioning (docs/platform.md).

Runs as the main process of the container ``molecule-tenant``; its standard output is the registry log.
"""

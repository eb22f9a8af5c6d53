"""The embedded staging: a real control plane, tenants, hosts and cloud on loopback.

It is started as a process and met on the wire; nothing of the harness imports it.
"""

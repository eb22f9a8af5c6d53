"""Scenario files: how to boot a concierge and what must be proven."""

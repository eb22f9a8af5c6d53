"""The staging end-to-end harness for the Molecule SaaS concierge."""

__version__ = "0.1.0"

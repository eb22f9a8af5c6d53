"""The durable record of what a run created, written before it is created."""

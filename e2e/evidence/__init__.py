"""What was seen, as saved: events, bundles and masking."""

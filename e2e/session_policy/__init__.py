"""What a require-live session demands of pytest itself: whatever keeps a test from testing is not green."""

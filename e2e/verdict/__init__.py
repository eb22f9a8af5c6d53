"""What a run was worth: proofs, causes, classes, exit codes and the require-live policy."""

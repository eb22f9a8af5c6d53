"""What is looked at on a host: the script that is shipped there and the facts it may return."""

"""The spine: one boot from the first request to the verdict."""

"""The `hearthwatch` command: one composition root per process."""

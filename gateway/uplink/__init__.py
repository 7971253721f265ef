"""From the spool to the hub, again and again until the hub says that it has it."""

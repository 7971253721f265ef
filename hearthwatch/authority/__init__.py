"""The hub's own certificate authority: a process that has the key, and its narrow door."""

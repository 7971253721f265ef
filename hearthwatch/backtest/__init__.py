"""Rule sets against the past: readings of files or of the hub's store, played home by home."""

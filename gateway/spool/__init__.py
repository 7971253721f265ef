"""What was accepted and not yet acknowledged by the hub, on disk, in two lanes."""

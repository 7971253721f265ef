"""What is wrong, decided by pure functions of readings, activations and time."""

"""Ways to the hub beside the broker, for activations that it has not acknowledged in time."""

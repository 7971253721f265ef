"""What is connected to a gateway: found by listening and by questions that only read."""

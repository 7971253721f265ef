"""Simulated homes that speak the devices' real bytes, with encoders of their own."""

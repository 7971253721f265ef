"""Measurements, each beside the floor taken in the same run. `./dev bench`."""

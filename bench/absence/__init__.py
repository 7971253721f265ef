"""`./dev eval`: absences in simulated homes that share nothing with device_sims."""

"""One simulated device per file; `device_sims.registry` lists them."""

"""HTTP API, live feed and web page."""

"""The readings store: a port, and its adapters for SQLite and InfluxDB."""

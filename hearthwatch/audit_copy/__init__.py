"""The trail of looks goes somewhere else as it is written, and how far that has come."""

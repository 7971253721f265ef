"""A machine becomes a gateway by a one-time code, and keeps its certificate from ending."""

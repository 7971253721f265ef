"""By what people prove who they are, and what a session may do with that."""

"""The rota: who is on duty at which desk, when, and what is wrong with the hours to come."""

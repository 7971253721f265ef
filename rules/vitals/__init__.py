"""Vital signs that a person measures: what all their rule kinds share. Pure."""

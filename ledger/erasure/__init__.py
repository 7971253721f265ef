"""Erasing a person: what tells of her goes with her key, what is counted stays (ADR 0015)."""

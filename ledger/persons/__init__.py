"""Persons of the register: their files, what they are found by, and lists of them read in."""

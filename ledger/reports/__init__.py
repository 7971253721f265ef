"""Figures of a month or quarter, from rows of the book. Pure.

What the notice wants to see every month and to be gone through every quarter (section 3.3).
"""

"""Service at home beyond the visit (notice, sections 7 and 9): who provides it, referrals to them,
the log of what was done, and what it cost. Pure, but for `book`.
"""

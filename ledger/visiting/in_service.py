"""When somebody is there to be visited: in the service by the register, and at home. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from ledger.forms.joining import DIED, Gap
from ledger.visiting.days import day_number
from ledger.visiting.periods import ALWAYS, Presence

Days = tuple[int, int]


def presence_of(row: Mapping[str, Any], gaps: Sequence[Gap], absences: Sequence[Days]) -> Presence:
    """Who left on a day is owed that day, who died on it is not; between leaving and returning
    nobody is owed anything."""
    joined, until = row["joined_on"], row["left_on"]
    if not (joined or until or gaps or absences):
        return ALWAYS
    out = [(day_number(gap["left_on"]) + 1, day_number(gap["returned_on"]) - 1) for gap in gaps]
    last = day_number(until) - (row["left_why"] == DIED) if until else None
    return Presence(
        from_day=day_number(joined) if joined else None,
        until_day=last,
        absences=(*absences, *(days for days in out if days[0] <= days[1])),
    )

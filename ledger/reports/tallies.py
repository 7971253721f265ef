"""Visits owed and made, of several months together. Pure.

Months are counted each by itself (`ledger/visiting/states.py`); of a quarter visits are added up,
and people are those of its last month.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

Document = dict[str, Any]

# What is of a day and not of a span.
_OF_THE_END: Final = frozenset({"people"})
# Whoever was short in any month; nobody adds up to more people than there are.
_AT_LEAST: Final = frozenset({"people_short"})


def together(months: Sequence[Mapping[str, Any]]) -> Document:
    """Tallies of the same people, oldest month first."""
    last = months[-1]
    return {
        name: (
            last[name]
            if name in _OF_THE_END
            else max(month[name] for month in months)
            if name in _AT_LEAST
            else sum(month[name] for month in months)
        )
        for name in last
    }


def groups_together(months: Sequence[Mapping[str, Any]]) -> Document:
    """`{"total", "tiers"}` of each month; a tier that a month doesn't have counts nothing there."""
    tiers = sorted({tier for month in months for tier in month["tiers"]})
    return {
        "total": together([month["total"] for month in months]),
        "tiers": {
            tier: together([m["tiers"].get(tier) or _nothing(m["total"]) for m in months])
            for tier in tiers
        },
    }


def _nothing(tally: Mapping[str, Any]) -> Document:
    return dict.fromkeys(tally, 0)

"""The homes of an engine: those that were added, and those that it meets by itself. Pure.

Rules that wait for nothing before they have heard something need no home before that. Where a
lane has no others, who lives where is asked when something is heard, restored or looked at: a
province of which nobody has pressed takes no time and no memory.
"""

from collections.abc import Callable

from rules.cells import HomeCells
from rules.rule import HomeFacts

# None: nobody knows such a home.
FactsOf = Callable[[str], HomeFacts | None]


def _nobody(_home: str) -> HomeFacts | None:
    return None


class Homes(dict[str, HomeCells]):
    """One thread adds; others may look."""

    __slots__ = ("_facts_of", "_since_ms")

    def __init__(self) -> None:
        super().__init__()
        self._facts_of: FactsOf = _nobody
        self._since_ms = 0

    def meet(self, facts_of: FactsOf, since_ms: int) -> None:
        """Whoever was not added is asked for from now on, as if added at `since_ms`."""
        self._facts_of, self._since_ms = facts_of, since_ms

    def __missing__(self, home: str) -> HomeCells:
        """KeyError: nobody knows it."""
        known = self.look(home)
        if known is None:
            raise KeyError(home)
        self[home] = known
        return known

    def find(self, home: str) -> HomeCells | None:
        """What is known of a home, which is met if it has to be."""
        known = self.look(home)
        return None if known is None else self.setdefault(home, known)

    def look(self, home: str) -> HomeCells | None:
        """The same, and nothing is kept: for other threads."""
        known = self.get(home)
        if known is None:
            facts = self._facts_of(home)
            known = None if facts is None else HomeCells(facts, self._since_ms)
        return known

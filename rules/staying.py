"""Who is away, as the rules are told: an observation `stay` of a home, from the book. Pure.

`values["active"]` 0 or 1, `attrs["stay"]`: `away`, `hospital` or `visitors`; of an absence that
activity ended `values["cut_short_ms"]`, how long it was still to last. It is told when one begins
or ends and again after a restart, so it may come twice. Days on which nobody was at home, or
more people than usual, are not this person's usual days: rules that learn leave them out.
"""

from collections.abc import Mapping
from typing import Any, Final

from rules.rule import Observation

STAY: Final = "stay"
AWAY: Final = "away"
HOSPITAL: Final = "hospital"
VISITORS: Final = "visitors"
STAY_KINDS: Final = frozenset({AWAY, HOSPITAL, VISITORS})
# One for all: an empty set of its own takes more room than the rest of a home's stays.
_NOBODY: Final = frozenset[str]()


class Staying:
    """The stays of one home. `_ended_ms`: when the last one ended. It never changes: of a home that
    nobody has ever left, all rules have the same."""

    __slots__ = ("_active", "_ended_ms")

    def __init__(self, active: frozenset[str] = _NOBODY, ended_ms: int = -1) -> None:
        self._active = active or _NOBODY
        self._ended_ms = ended_ms

    def told(self, observation: Observation, now_ms: int) -> "Staying":
        """What is so once this was told."""
        kind = observation.attrs.get("stay")
        if not isinstance(kind, str) or kind not in STAY_KINDS:
            return self
        if observation.values.get("active"):
            return Staying(self._active | {kind}, self._ended_ms)
        if kind in self._active:
            return Staying(self._active - {kind}, now_ms)
        return self

    def now(self, kind: str) -> bool:
        return kind in self._active

    def since(self, start_ms: int) -> bool:
        """Whether what began at this time is no usual time: a stay goes on, or has ended in it."""
        return bool(self._active) or self._ended_ms > start_ms

    def dump(self) -> dict[str, Any]:
        return {"active": sorted(self._active), "ended": self._ended_ms}

    @classmethod
    def load(cls, document: Mapping[str, Any] | None) -> "Staying":
        """None: a state of before there were stays."""
        if document is None:
            return NO_STAY
        active = STAY_KINDS.intersection(str(kind) for kind in document["active"])
        ended_ms = int(document["ended"])
        return cls(active, ended_ms) if active or ended_ms != NO_STAY._ended_ms else NO_STAY


NO_STAY: Final = Staying()

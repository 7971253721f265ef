"""Who is killed, in which order, for how long, and how long after the one before. Pure: a seed's
plan is the same on every machine; when each of it comes is the machine's."""

import random
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

NODE: Final = "node"
WORKER: Final = "worker"
WEB: Final = "web"
ESCALATION: Final = "escalation"
# How many of each there are.
COUNTS: Final[Mapping[str, int]] = MappingProxyType({NODE: 3, WORKER: 3, WEB: 2, ESCALATION: 2})
# How often each kind comes among so many kills. A node takes ten seconds to come back, and no other
# may go meanwhile: more of them would only make the run longer.
SHARES: Final[Mapping[str, int]] = MappingProxyType({NODE: 3, WORKER: 5, WEB: 3, ESCALATION: 2})
# An init system starts again at once, or a moment later; somebody who looks first takes longer.
AWAY_S: Final = (0.2, 4.0)
# Between two kills: most of them meet another one that is still coming back.
GAP_S: Final = (0.2, 3.0)
# One that can't be now, as its like is away, lets so many behind it go first.
AHEAD: Final = 8


class Kill(NamedTuple):
    kind: str
    number: int
    away_s: float
    gap_s: float

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.number}"


def plan(seed: int, kills: int, kinds: Sequence[str] = tuple(COUNTS)) -> list[Kill]:
    """A pile of cards is dealt again and again, so that each kind has its share of a short run
    too; the first cards are one of each."""
    r = random.Random(seed)
    dealt: list[str] = r.sample(list(kinds), len(kinds))
    while len(dealt) < kills:
        pile = [kind for kind in kinds for _card in range(SHARES[kind])]
        dealt += r.sample(pile, len(pile))
    return [
        Kill(
            kind,
            r.randrange(COUNTS[kind]),
            round(r.uniform(*AWAY_S), 1),
            round(r.uniform(*GAP_S), 1),
        )
        for kind in dealt[:kills]
    ]


def may_go(kill: Kill, up: frozenset[str]) -> bool:
    """Whether enough stay: of the broker's nodes a majority that is whole, of the others one."""
    alike = {f"{kill.kind}-{number}" for number in range(COUNTS[kill.kind])}
    others = (alike - {kill.name}) & up
    needed = len(alike) - 1 if kill.kind == NODE else 1
    return kill.name in up and len(others) >= needed


def take_next(waiting: list[Kill], up: frozenset[str]) -> Kill | None:
    """The first that may go, taken out of the plan; None: none of the next few may."""
    for at, kill in enumerate(waiting[:AHEAD]):
        if may_go(kill, up):
            return waiting.pop(at)
    return None

"""One home: built, metered in every way, judged by every method."""

from collections.abc import Sequence
from typing import Final, Protocol

from bench.absence import crest, crest_with, european, machines, real, rural, subtropical
from bench.absence.finding_out import County
from bench.absence.going import CALENDARS, travels
from bench.absence.houses import Calendar, House
from bench.absence.judging import Score, judge, rule_alarms
from bench.absence.meters import Meter, record
from bench.absence.rivals import METHODS, alarms


class Family(Protocol):
    """A module of homes, or a family of real ones."""

    @property
    def NAME(self) -> str: ...  # noqa: N802 - a module's constant

    def build(self, seed: int, days: int, calendar: Calendar = travels) -> House: ...


TUNING: Final[Sequence[Family]] = (european, rural, machines)
# Made of packages that are fetched when they are first needed (`bench.absence.packages`).
PACKAGED: Final[Sequence[Family]] = (crest, *crest_with.FAMILIES, *real.FAMILIES)
OWN: Final = {family.NAME: family for family in (*TUNING, subtropical)}
FAMILIES: Final = {family.NAME: family for family in (*PACKAGED, *OWN.values())}
REAL: Final = frozenset(family.NAME for family in real.FAMILIES)
RULE: Final = "this rule"

# By meter and method.
Scores = dict[tuple[str, str], Score]


def one_home(
    family: str,
    seed: int,
    days: int,
    meters: Sequence[Meter],
    going: str = "travels",
    *,
    told: bool = True,
) -> Scores:
    """Every meter and method on one home. going: the calendar of its absences. told: whether the
    rule hears what people find out about its alarms."""
    built = FAMILIES[family]
    house = built.build(seed, days, CALENDARS[going])
    scores = {}
    for meter in meters:
        if meter.every_min < getattr(built, "finest_min", 1):
            continue
        if meter.two_way and not getattr(built, "feeds_in", False):
            continue
        tape = record(house, meter, seed)
        # Of real homes nobody knows it.
        county = County(house) if told and family not in REAL else None
        found = {RULE: rule_alarms(tape, house, county)}
        found.update({method: alarms(tape, method) for method in METHODS})
        for method, minutes in found.items():
            scores[meter.name, method] = judge(minutes, house, tape)
    return scores

"""What the register says of villages, as the rules take it: which homes are one village, and who in
them depends on electricity."""

from collections.abc import Iterable, Mapping, Sequence, Set
from functools import lru_cache
from typing import Final

from hearthwatch.person_facts import conditions_of, copd_of
from ledger.views import REGION_DEPTH_MAX, RosterIndex, Row
from rules.rule import REGION_PREFIX, DeviceFacts, HomeFacts

# Words in a person's conditions, or in a device's kind, model or label, that say so. A register is
# written by people: both languages, and the usual abbreviations.
POWERED_AID: Final = (
    "oxygen",
    "concentrator",
    "ventilator",
    "respirator",
    "cpap",
    "bipap",
    "制氧",
    "吸氧",
    "氧疗",
    "呼吸机",
    "透析机",
)
# Devices of a province are of few kinds and models, and called alike: each is read once.
NAMES_KEPT: Final = 4096


def village_of(region: str | None, regions: Mapping[str, Row]) -> str:
    """The village above a group, or the region itself where none is above it."""
    code, seen = region, 0
    while code is not None and seen < REGION_DEPTH_MAX:
        row = regions.get(code)
        if row is None:
            break
        if row["level"] == "village":
            return code
        code, seen = row["parent"], seen + 1
    return region or ""


def needs_power(ailments: Iterable[Sequence[str]], devices: Iterable[Row]) -> str:
    """How the register knows that somebody here depends on electricity; empty: it does not.
    `ailments`: each person's conditions."""
    for conditions in ailments:
        if conditions and _named(" ".join(conditions)):
            return "conditions"
    for row in devices:
        if _names_aid(row["kind"], row["model"], row["label"]):
            return "device"
    return ""


def homes_of(index: RosterIndex, villages: Set[str] | None = None) -> dict[str, str]:
    """Home → its village, of the whole register or of these villages."""
    found = {home: village_of(row["region"], index.regions) for home, row in index.homes.items()}
    if villages is None:
        return found
    return {home: village for home, village in found.items() if village in villages}


def home_facts(
    index: RosterIndex,
    devices: Mapping[str, tuple[DeviceFacts, ...]],
    homes: Mapping[str, str],
    villages: Iterable[str],
) -> list[HomeFacts]:
    """The villages, then their homes (`homes_of`). A region that has no home (any more) is told as
    well: what its rules think of homes that have moved must end."""
    of_home: dict[str, list[Row]] = {}
    for row in index.devices.values():
        if row["home"] in homes:
            of_home.setdefault(row["home"], []).append(row)
    told = []
    members: dict[str, list[HomeFacts]] = {code: [] for code in villages}
    for home, village in homes.items():
        people = index.residents(home)
        # Sealed: opened once.
        ailments = [conditions_of(person["conditions"]) for person in people]
        facts = HomeFacts(
            home=home,
            region=village,
            persons=tuple(str(p["id"]) for p in people),
            devices=devices.get(home, ()),
            needs_power=needs_power(ailments, of_home.get(home, ())),
            copd=copd_of(ailments),
        )
        told.append(facts)
        members.setdefault(village, []).append(facts)
    regions = [
        HomeFacts(home=f"{REGION_PREFIX}{code}", members=tuple(of_village))
        for code, of_village in members.items()
        if code
    ]
    return [*regions, *told]


def facts_of_home(index: RosterIndex, home: str) -> HomeFacts | None:
    """Of one home, for rules that ask neither for its devices nor for its village's; None: there is
    none of that name."""
    row = index.homes.get(home)
    if row is None:
        return None
    people = index.residents(home)
    return HomeFacts(
        home=home,
        region=village_of(row["region"], index.regions),
        persons=tuple(str(p["id"]) for p in people),
        copd=copd_of([conditions_of(person["conditions"]) for person in people]),
    )


@lru_cache(maxsize=NAMES_KEPT)
def _names_aid(kind: str, model: str, label: str) -> bool:
    return _named(f"{kind} {model} {label}")


def _named(text: str) -> bool:
    lower = text.lower()
    return any(word in lower for word in POWERED_AID)

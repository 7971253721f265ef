"""By which gateways the register says that somebody is heard, for who shares them among shards."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from hearthwatch.region_facts import homes_of, village_of
from ingest.presence import Presence
from ledger.register import Register
from ledger.register_changes import Touched
from ledger.views import RosterIndex, Row
from rules.rule import GATEWAY_PREFIX, REGION_PREFIX

METER: Final = "power"
Heard = tuple[str, Sequence[str]]


class ShardRoster:
    """Reads the index that is in force at each call."""

    def __init__(self, register: Register, presence: Presence) -> None:
        self._register, self._presence = register, presence

    def subjects(self, touched: Touched | None) -> Iterator[Heard]:
        """Each with the gateways by which it is heard: that of the meter first."""
        index = self._register.index
        regions, gateways = set(index.regions), set(index.gateways)
        villages = None
        if touched is not None:
            villages = {village_of(region, index.regions) for region in touched.regions}
            regions &= villages
            gateways &= touched.gateways
        for region in regions:
            yield f"{REGION_PREFIX}{region}", ()
        for gateway in gateways:
            yield f"{GATEWAY_PREFIX}{gateway}", (gateway,)
        homes = homes_of(index, villages)
        rows = (row for row in index.devices.values() if row["home"] in homes)
        yield from _homes(homes, rows)

    def of_gateways(self, gateways: Iterable[str]) -> Iterator[Heard]:
        """The gateways, and the homes that have something behind them."""
        index = self._register.index
        homes: set[str] = set()
        for gateway in gateways:
            if gateway in index.gateways:
                yield f"{GATEWAY_PREFIX}{gateway}", (gateway,)
            behind = [*self._presence.devices_of.get(gateway, {}).values()]
            homes.update(home for home in behind if home is not None and home in index.homes)
        if homes:
            yield from _homes(homes, (r for r in index.devices.values() if r["home"] in homes))

    def touching(self, subjects: Iterable[str]) -> Touched:
        index = self._register.index
        regions: set[str] = set()
        gateways: set[str] = set()
        for subject in subjects:
            if subject.startswith(GATEWAY_PREFIX):
                gateways.add(subject.removeprefix(GATEWAY_PREFIX))
            elif subject.startswith(REGION_PREFIX):
                regions.add(subject.removeprefix(REGION_PREFIX))
            else:
                row = index.homes.get(subject)
                regions.add((row["region"] if row is not None else None) or "")
        return Touched(regions=frozenset(regions), gateways=frozenset(gateways))

    def knows(self, subject: str) -> bool:
        index = self._register.index
        if subject.startswith(GATEWAY_PREFIX):
            return subject.removeprefix(GATEWAY_PREFIX) in index.gateways
        if subject.startswith(REGION_PREFIX):
            return subject.removeprefix(REGION_PREFIX) in index.regions
        return subject in index.homes

    def village_of(self, home: str) -> str | None:
        index: RosterIndex = self._register.index
        row = index.homes.get(home)
        village = village_of(row["region"], index.regions) if row is not None else ""
        return f"{REGION_PREFIX}{village}" if village else None


def _homes(homes: Iterable[str], devices: Iterable[Row]) -> Iterator[Heard]:
    by_home: Mapping[str, dict[str, bool]] = {home: {} for home in homes}
    for row in devices:
        its = by_home[row["home"]]
        its[row["gateway"]] = its.get(row["gateway"], False) or row["kind"] == METER
    for home, gateways in by_home.items():
        yield home, sorted(gateways, key=lambda gateway: (not gateways[gateway], gateway))

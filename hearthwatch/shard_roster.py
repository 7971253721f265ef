"""By which gateways the register says that somebody is heard, for who shares them among shards."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Final, NamedTuple

from hearthwatch.region_facts import homes_of, village_of
from ingest.presence import Presence
from ingest.shard_subjects import shard_for
from ledger.register import Register
from ledger.register_changes import Touched
from ledger.views import RosterIndex, Row
from rules.rule import GATEWAY_PREFIX, REGION_PREFIX

METER: Final = "power"
Heard = tuple[str, Sequence[str]]


class _Sorted(NamedTuple):
    """Everybody, and for whom each shard is, by which register and gateways."""

    roster: RosterIndex
    heard_in: Mapping[str, int]
    everybody: Mapping[str, Sequence[str]]
    by_shard: Sequence[Mapping[str, Sequence[str]]]


class ShardRoster:
    """Reads the index that is in force at each call. The lane's thread's, but for `forget`."""

    def __init__(self, register: Register, presence: Presence) -> None:
        self._register, self._presence = register, presence
        # For shards that begin one after the other.
        self._sorted: _Sorted | None = None

    def forget(self) -> None:
        """No shard begins just now."""
        self._sorted = None

    def moves(
        self, shard: int, mine: Set[str], heard_in: Mapping[str, int], shards: int
    ) -> Iterator[Heard]:
        """Who is for this shard and not its own yet; and who is its own and for another one."""
        known = self._sorted
        if (
            known is None
            or known.roster is not self._register.index
            or len(known.by_shard) != shards
            or known.heard_in != heard_in
        ):
            known = self._sorted = self._sort(dict(heard_in), shards)
        here = known.by_shard[shard] if shard < shards else {}
        yield from ((subject, here[subject]) for subject in here.keys() - mine)
        for subject in mine - here.keys():
            if subject in known.everybody:
                yield subject, known.everybody[subject]

    def _sort(self, heard_in: Mapping[str, int], shards: int) -> _Sorted:
        index = self._register.index
        everybody = dict(self.subjects(None))
        by_shard: list[dict[str, Sequence[str]]] = [{} for _shard in range(shards)]
        for subject, gateways in everybody.items():
            by_shard[shard_for(subject, gateways, heard_in, shards)][subject] = gateways
        return _Sorted(index, heard_in, everybody, by_shard)

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
        its, gateway = by_home[row["home"]], row["gateway"]
        its[gateway] = its.get(gateway, False) or row["kind"] == METER
    # Of many homes one gateway: one tuple for all of them.
    alone: dict[str, Sequence[str]] = {}
    for home, gateways in by_home.items():
        if len(gateways) == 1:
            [gateway] = gateways
            yield home, alone.setdefault(gateway, (gateway,))
        else:
            ranked = sorted((not has_meter, name) for name, has_meter in gateways.items())
            yield home, [name for _rank, name in ranked]

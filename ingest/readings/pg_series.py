"""The numbers of series on the server, learned when a series is first written."""

from array import array
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import psycopg

from contract.errors import ContractError
from ingest.readings.pg_lane_state import storable
from ingest.readings.port import SeriesKey

# Series of one worker: a million devices with three values each are several workers' work.
SERIES_MAX: Final = 3_000_000
_GIVEN: Final = (
    " FROM unnest(%b::text[], %b::text[], %b::text[], %b::text[])"
    " AS given(gateway, device, kind, field)"
)
_KNOWN: Final = (
    "SELECT s.gateway, s.device, s.kind, s.field, s.id"
    f"{_GIVEN} JOIN readings.series s USING (gateway, device, kind, field) WHERE s.shard = %s"
)
# Of a worker of another shard until now, as after the shards were made anew: it is this one's.
_ADD: Final = (
    "INSERT INTO readings.series AS s (gateway, device, kind, field, shard)"
    f" SELECT gateway, device, kind, field, %s{_GIVEN}"
    " ON CONFLICT (gateway, device, kind, field) DO UPDATE SET shard = excluded.shard"
    " RETURNING gateway, device, kind, field, id"
)


class SeriesNumbers:
    """Each series has a place of its own here, which the batch holds; the server's number of a
    place is 0 until it is learned."""

    def __init__(self) -> None:
        self._places: dict[SeriesKey, dict[str, int]] = {}
        self._numbers: array[int] = array("I")
        self._unknown: list[tuple[int, SeriesKey, str]] = []

    def places(self, key: SeriesKey) -> dict[str, int]:
        """The places of a device's fields; `place` adds one."""
        fields = self._places.get(key)
        if fields is None:
            fields = self._places[key] = {}
        return fields

    def place(self, key: SeriesKey, field: str, fields: dict[str, int]) -> int:
        if len(self._numbers) >= SERIES_MAX:
            raise ContractError("too_many_series", f"over {SERIES_MAX} series")
        place = fields[field] = len(self._numbers)
        self._numbers.append(0)
        self._unknown.append((place, key, field))
        return place

    @property
    def complete(self) -> bool:
        return not self._unknown

    def learn(self, raw: "psycopg.Connection[Any]", shard: int) -> None:
        """The numbers of all places, of new series as well; `learned` after the commit."""
        by_name: dict[tuple[str, ...], list[int]] = {}
        for place, key, field in self._unknown:
            by_name.setdefault(tuple(map(storable, (*key, field))), []).append(place)
        missing = dict.fromkeys(by_name)
        for sql in (_KNOWN, _ADD):
            columns = [list(column) for column in zip(*missing, strict=True)]
            given = (*columns, shard) if sql is _KNOWN else (shard, *columns)
            for *name, number in raw.execute(sql, given):
                del missing[tuple(name)]
                for place in by_name[tuple(name)]:
                    self._numbers[place] = number
            if not missing:
                return

    def learned(self) -> None:
        self._unknown = []

    def numbers(self, places: "array[int]") -> npt.NDArray[np.uint32]:
        known = np.frombuffer(self._numbers, np.uint32)
        return known[np.frombuffer(places, np.uint32)] if len(places) else known[:0].copy()

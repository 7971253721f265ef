"""What is in the book and in the store of readings, as rows for the judge."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from ingest.readings.packing import unpack_batch, unpack_chunk
from tests.chaos.checker import Alarm, Event, Task
from tests.cluster.judge import Kept, Mark
from tests.cluster.light import KWH, METER
from tests.cluster.province import Province

HOUR_MS: Final = 3_600_000
# Each commit's readings are copied by the database itself: batches are joined and folded, and then
# a reading that was written twice is there once. A joined one has a number that was there before.
WITNESS: Final = """
CREATE TABLE readings.written (seq bigint PRIMARY KEY, body bytea NOT NULL);
CREATE FUNCTION readings.witness() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO readings.written VALUES (NEW.seq, NEW.body) ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER witness AFTER INSERT ON readings.batch
  FOR EACH ROW EXECUTE FUNCTION readings.witness();
"""
# Series, moment, value.
Reading = tuple[int, int, float]
EVENTS: Final = "SELECT id, gateway, device, kind, alarm FROM event ORDER BY seq"
_ALARMS: Final = (
    "SELECT id, gateway, device, event_count, state FROM alarm"
    " WHERE kind = 'sos' AND gateway IS NOT NULL"
)
_TASKS: Final = "SELECT id, alarm FROM task WHERE kind = 'emergency'"
_STEPS: Final = "SELECT alarm, round, step FROM escalation_step"
_FENCES: Final = "SELECT shard, fence FROM readings.shard"
_HELD: Final = (
    "SELECT pid, application_name FROM pg_stat_activity"
    " WHERE application_name LIKE 'hearthwatch-readings-%'"
)
_LAST_CALL: Final = "SELECT coalesce(max(at_ms), 0) FROM entry WHERE fact = 'told'"


def watch_readings(province: Province) -> None:
    """Before anything is stored."""
    province.make_readings_tables()
    province.run(WITNESS)


def events(province: Province) -> list[Event]:
    return [Event(*row) for row in province.rows(EVENTS)]


def alarms(province: Province) -> list[Alarm]:
    return [Alarm(*row) for row in province.rows(_ALARMS)]


def tasks(province: Province) -> list[Task]:
    return [Task(*row) for row in province.rows(_TASKS)]


def fences(province: Province) -> dict[int, int]:
    return {int(shard): int(fence) for shard, fence in province.rows(_FENCES)}


def holders(province: Province) -> dict[int, set[int]]:
    """By shard, the server's processes that serve a worker's connection for it."""
    found: dict[int, set[int]] = {}
    for pid, name in province.rows(_HELD):
        found.setdefault(int(name.rpartition("-")[2]), set()).add(int(pid))
    return found


def last_call_ms(province: Province) -> int:
    return int(province.rows(_LAST_CALL)[0][0])


def calls(province: Province) -> list[tuple[str, int, int]]:
    """As the entries tell them: each was sent to somebody."""
    sql = (
        "SELECT subject, data::json ->> 'round', data::json ->> 'step'"
        " FROM entry WHERE fact = 'told'"
    )
    return [(alarm, int(round_), int(step)) for alarm, round_, step in province.rows(sql)]


def steps(province: Province) -> list[tuple[str, int, int]]:
    return [(row[0], row[1], row[2]) for row in province.rows(_STEPS)]


def entries(province: Province, topics: frozenset[str], after: int, through: int) -> list[int]:
    listed = ", ".join(f"'{topic}'" for topic in sorted(topics))
    sql = (
        f"SELECT seq FROM entry WHERE topic IN ({listed})"  # noqa: S608 - own text
        f" AND seq > {after} AND seq <= {through} ORDER BY seq"
    )
    return [int(row[0]) for row in province.rows(sql)]


def newest_entry(province: Province) -> int:
    return int(province.rows("SELECT coalesce(max(seq), 0) FROM entry")[0][0])


def marks(province: Province) -> dict[str, Mark]:
    """By spool, the furthest: one that changed its shard has two."""
    found: dict[str, Mark] = {}
    for spool, contiguous, beyond in province.rows(
        "SELECT spool, contiguous, beyond FROM readings.mark ORDER BY contiguous"
    ):
        found[spool] = Mark(int(contiguous), str(beyond))
    return found


def kept(province: Province) -> dict[str, Kept]:
    """By gateway: each reading that is in the store, as often as it was committed to it."""
    series = {
        int(number): (gateway, (device, field) == (METER, "energy_kwh"), (device, kind))
        for number, gateway, device, kind, field in province.rows(
            "SELECT id, gateway, device, kind, field FROM readings.series"
        )
    }
    written = Counter(_waiting(province, "readings.written"))
    numbers: dict[str, list[int]] = {}
    others: dict[str, set[object]] = {}
    for key in {*_waiting(province, "readings.batch"), *_folded(province)}:
        number, moment_ms, value = key
        gateway, is_meter, device = series[number]
        if is_meter:
            numbers.setdefault(gateway, []).extend([round(value / KWH)] * max(written[key], 1))
        elif device[0] != METER:
            others.setdefault(gateway, set()).add((device, moment_ms))
    gateways = numbers.keys() | others.keys()
    return {name: Kept(numbers.get(name, []), len(others.get(name, ()))) for name in gateways}


def _waiting(province: Province, table: str) -> Iterator[Reading]:
    for (body,) in province.rows(f"SELECT body FROM {table}"):  # noqa: S608 - own text
        rows = unpack_batch(bytes(body))
        columns = (rows.series.tolist(), rows.moments_ms.tolist(), rows.values.tolist())
        yield from zip(*columns, strict=True)


def _folded(province: Province) -> Iterator[Reading]:
    for number, hour, body in province.rows("SELECT series, hour, body FROM readings.chunk"):
        offsets_ms, values = unpack_chunk(bytes(body))
        for offset_ms, value in zip(offsets_ms.tolist(), values.tolist(), strict=True):
            yield int(number), int(hour) * HOUR_MS + offset_ms, value


def speaking(province: Province) -> dict[int, int]:
    """By shard, how many gateways are heard in it."""
    sql = "SELECT shard, count(DISTINCT gateway) FROM readings.series GROUP BY shard ORDER BY shard"
    return {int(shard): int(count) for shard, count in province.rows(sql)}

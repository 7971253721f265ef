"""What of a reading is kept: its values, and of its attributes the registers."""

import json

import pytest

from contract.moment import to_iso
from ingest.readings.sqlite_reader import SqliteReader
from tests.ingest.both_lanes import NOW_MS, Hub


@pytest.fixture
def hub(tmp_path):
    made = Hub(tmp_path)
    yield made
    made.close()


def metered(**attrs) -> bytes:
    item = {
        "id": "i-1",
        "seq": 1,
        "device": "meter-1",
        "kind": "power",
        "measured_at": to_iso(NOW_MS),
        "received_at": to_iso(NOW_MS),
        "values": {"energy_kwh": 12.5},
        "attrs": attrs,
    }
    envelope = {"v": 1, "gateway": "gw-1", "spool": "s", "clock": "synced", "items": [item]}
    return json.dumps(envelope).encode()


def stored(folder) -> dict[str, list[float]]:
    reader = SqliteReader(folder / "readings.db")
    found = reader.series("gw-1", "meter-1", None, None, NOW_MS, NOW_MS + 1, "raw")
    return {series.field: [point[1] for point in series.points] for series in found}


def test_what_a_meter_says_was_given_is_kept_beside_what_was_taken(hub, tmp_path) -> None:
    hub.readings(metered(reverse_energy_kwh=7.25, energy_t1_kwh=3.0))
    assert stored(tmp_path) == {"energy_kwh": [12.5], "reverse_energy_kwh": [7.25]}


def test_words_are_not(hub, tmp_path) -> None:
    hub.readings(metered(reverse_energy_kwh="much"))
    assert stored(tmp_path) == {"energy_kwh": [12.5]}

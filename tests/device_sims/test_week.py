"""A few homes for a day: what their devices say, drivers, codec and rules hear, whole and right."""

from bench.week import Figures, week
from device_sims.devices import dlt645_meter
from device_sims.roster import METER_POLL_S, households

HOMES, DAYS = 9, 1
# At midnight, and then every quarter of an hour until the next one.
POLLS = DAYS * 86_400 // METER_POLL_S
ITEMS_A_POLL = 4


def test_every_byte_is_read_as_it_was_meant() -> None:
    found = week(HOMES, DAYS)
    assert found.homes == HOMES
    assert found.compared_values == HOMES * POLLS
    assert found.meter_requests == HOMES * POLLS * ITEMS_A_POLL
    assert (found.wrong_values, found.refused_requests) == (0, 0)
    assert not found.undecodable
    assert not found.faults
    plugs = sum(h.fitted("plug") is not None for h in households(HOMES, 1))
    from_plugs = found.items["power"] - HOMES * POLLS
    assert plugs * POLLS <= from_plugs <= plugs * (POLLS + 1)  # both midnights may be in
    # Each press is heard by the rules as one call.
    assert found.items["sos"] == found.presses == HOMES
    assert found.findings["sos (urgent)"] == HOMES
    assert {"motion", "contact", "blood_pressure", "device_health"} <= found.items.keys()


def test_processes_share_the_villages() -> None:
    together = week(HOMES, DAYS, processes=2)
    alone = week(HOMES, DAYS)
    assert together.homes == HOMES
    # Who presses when follows from the process; what meters and sensors say does not.
    for kind in ("power", "motion", "contact", "blood_pressure", "sos"):
        assert together.items[kind] == alone.items[kind], kind


def test_a_meter_that_tells_another_register_is_noticed(monkeypatch) -> None:
    right = dlt645_meter.bcd

    def wrong(value: float, size_bytes: int, decimals: int) -> bytes:
        return right(value + (0.01 if size_bytes == 4 else 0), size_bytes, decimals)

    monkeypatch.setattr(dlt645_meter, "bcd", wrong)
    found: Figures = week(1, DAYS)
    assert found.wrong_values == found.compared_values > 0

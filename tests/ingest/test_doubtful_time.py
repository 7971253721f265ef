"""What the hub makes of times that a gateway without a clock gave, up to the alarm."""

import json

import pytest

from contract.moment import to_iso
from ingest.doubtful_time import place
from ingest.wire import decode
from tests.ingest.both_lanes import NOW_MS, Hub

DAY_MS = 86_400_000
MINUTE_MS = 60_000
PI_MS = 600_000  # the gateway's clock: ten minutes past 1970


def item(seq=1, kind="blood_pressure", *, measured_ms, received_ms=None, **attrs):
    values = {"systolic_mmhg": 200.0, "diastolic_mmhg": 120.0}
    return {
        "id": f"i-{seq}",
        "seq": seq,
        "device": "cuff-1" if kind == "blood_pressure" else "button-1",
        "kind": kind,
        "measured_at": to_iso(measured_ms),
        "received_at": to_iso(measured_ms if received_ms is None else received_ms),
        "values": values if kind == "blood_pressure" else {},
        "attrs": attrs,
    }


def envelope(*items, clock="doubtful", sent_ms=PI_MS) -> bytes:
    head = {"v": 1, "gateway": "gw-1", "spool": "s", "sent_at": to_iso(sent_ms), "clock": clock}
    return json.dumps({**head, "items": items}).encode()


@pytest.fixture
def hub(tmp_path):
    made = Hub(tmp_path)
    yield made
    made.close()


FRESH = {
    "marked by the gateway": item(measured_ms=PI_MS, time="doubtful", age_s=2.5),
    "of a gateway that marks nothing": item(measured_ms=PI_MS),
    "of an earlier boot, so placed": item(
        measured_ms=NOW_MS - 3 * DAY_MS, time="doubtful", age_s=40.0
    ),
    "without an age": item(measured_ms=PI_MS, time="doubtful"),
}


@pytest.mark.parametrize("reading", FRESH.values(), ids=FRESH.keys())
def test_a_pressure_measured_now_behind_a_gateway_in_1970_wakes_somebody(hub, reading):
    hub.readings(envelope(reading))
    assert hub.alarms() == [("blood_pressure", "urgent")]


OLD = {
    "the cuff's memory": item(measured_ms=NOW_MS - 3 * DAY_MS, received_ms=PI_MS, replayed=True),
    "waited for days without a clock": item(measured_ms=PI_MS, time="doubtful", age_s=3 * 86_400),
    "waited and corrected": item(measured_ms=NOW_MS - 3 * DAY_MS, time="corrected"),
    "of a boot that knew the time": item(measured_ms=NOW_MS - 3 * DAY_MS),
}


@pytest.mark.parametrize("reading", OLD.values(), ids=OLD.keys())
def test_an_old_one_wakes_nobody_whatever_the_clock(hub, reading):
    hub.readings(envelope(reading))
    assert hub.alarms() == []


def test_one_that_waited_at_a_gateway_that_marks_nothing_wakes_nobody(hub):
    hub.readings(envelope(item(measured_ms=PI_MS), sent_ms=PI_MS + DAY_MS))
    assert hub.alarms() == []


def test_doubtful_items_keep_order_and_distance_and_lie_in_the_present():
    first = item(1, measured_ms=PI_MS - 90_000, time="doubtful", age_s=90.25)
    second = item(2, measured_ms=PI_MS - 60_000, time="doubtful", age_s=60.75)
    taken = decode(envelope(second, first), "gw-1")
    place(taken, NOW_MS)
    assert [one.measured_at_ms for one in taken.items] == [NOW_MS - 60_750, NOW_MS - 90_250]
    place(taken, NOW_MS)  # a batch that is tried again
    assert [one.measured_at_ms for one in taken.items] == [NOW_MS - 60_750, NOW_MS - 90_250]


def test_what_the_device_measured_before_the_receipt_stays_before_it():
    pulse = item(measured_ms=PI_MS - 4_000, received_ms=PI_MS, time="doubtful", age_s=1.0)
    taken = decode(envelope(pulse), "gw-1")
    place(taken, NOW_MS)
    assert taken.items[0].measured_at_ms == NOW_MS - 5_000


def test_an_item_that_a_known_clock_dated_is_left_behind_a_doubtful_one():
    """It waited through a power cut; its envelope says only what the clock is now."""
    taken = decode(envelope(item(measured_ms=NOW_MS - DAY_MS)), "gw-1")
    place(taken, NOW_MS)
    assert taken.items[0].measured_at_ms == NOW_MS - DAY_MS
    assert taken.items[0].attrs == {}


@pytest.mark.parametrize("age", [-1, "soon", True, 1e300], ids=str)
def test_an_age_that_is_none_counts_as_now(age):
    taken = decode(envelope(item(measured_ms=PI_MS, time="doubtful", age_s=age)), "gw-1")
    place(taken, NOW_MS)
    assert NOW_MS - 1_000 <= taken.items[0].measured_at_ms <= NOW_MS


@pytest.mark.parametrize("sent_at", ["", "soon", "1970-01-01T00:00:00"])
def test_an_envelope_without_a_readable_moment_is_taken(sent_at):
    payload = json.loads(envelope(item(measured_ms=PI_MS)))
    taken = decode(json.dumps({**payload, "sent_at": sent_at}).encode(), "gw-1")
    place(taken, NOW_MS)
    assert taken.items[0].measured_at_ms == NOW_MS


def test_one_bad_item_beside_it_changes_nothing():
    taken = decode(envelope(item(measured_ms=PI_MS - 2_000), {"id": "x"}), "gw-1")
    assert len(taken.bad) == 1
    place(taken, NOW_MS)
    assert taken.items[0].measured_at_ms == NOW_MS - 2_000


def test_a_press_is_fresh_and_says_that_its_clock_is_doubtful(hub):
    hub.urgent(envelope(item(kind="sos", measured_ms=PI_MS, action="press", time="doubtful")))
    ((measured_ms, received_ms, attrs),) = hub.rows(
        "SELECT measured_at_ms, received_at_ms, attrs FROM event"
    )
    assert (measured_ms, received_ms) == (NOW_MS, PI_MS)
    assert json.loads(attrs)["time"] == "doubtful"
    ((evidence,),) = hub.rows("SELECT evidence FROM alarm")
    assert json.loads(evidence)["clock_doubtful"] is True
    assert "late" not in json.loads(evidence)


def test_a_press_that_waited_is_late_and_raised_as_ever(hub):
    waited = item(kind="sos", measured_ms=PI_MS, action="press", time="doubtful", age_s=3600)
    hub.urgent(envelope(waited))
    assert hub.alarms() == [("sos", "urgent")]
    ((evidence,),) = hub.rows("SELECT evidence FROM alarm")
    assert json.loads(evidence)["delay_s"] == 3600


def test_the_same_item_again_with_its_corrected_time_is_a_duplicate(hub):
    hub.urgent(envelope(item(kind="sos", measured_ms=PI_MS, action="press", time="doubtful")))
    hub.now_ms += MINUTE_MS
    again = item(kind="sos", measured_ms=NOW_MS - 5, action="press", time="corrected")
    hub.urgent(envelope(again, clock="synced"))
    ((count, measured_ms),) = hub.rows("SELECT count(*), max(measured_at_ms) FROM event")
    assert (count, measured_ms) == (1, NOW_MS)

"""Rows as objects: what is unknown is null, what is broken hides nothing."""

from typing import Any

import pytest

from contract.moment import from_iso
from dashboard.masking import masked_name, masked_phone
from ledger.device_views import device_state, gateway_counts, is_open_radio
from ledger.schema import ALARM, DEVICE
from ledger.views import (
    RosterIndex,
    age_years,
    alarm_object,
    roster_index,
)

NOW_MS = from_iso("2026-11-23T08:00:00Z")
HOUR_MS, DAY_MS = 3_600_000, 86_400_000


@pytest.mark.parametrize(
    ("born", "at", "age"),
    [
        ("1941-03-02", "2026-03-01T23:59:59Z", 84),
        ("1941-03-02", "2026-03-02T00:00:00Z", 85),
        ("1940-02-29", "2026-02-28T12:00:00Z", 85),
        ("1940-02-29", "2026-03-01T12:00:00Z", 86),
        ("", "2026-03-02T00:00:00Z", None),
        ("unknown", "2026-03-02T00:00:00Z", None),
    ],
)
def test_age(born: str, at: str, age: int | None) -> None:
    assert age_years(born, from_iso(at)) == age


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "ok"),
        ({"last_seen_ms": NOW_MS - DAY_MS}, "ok"),
        # A plain button is never expected to speak; one that reports by itself is, daily.
        ({"last_seen_ms": NOW_MS - 9 * DAY_MS}, "ok"),
        ({"last_seen_ms": NOW_MS - DAY_MS, "reports_itself": True}, "ok"),
        ({"last_seen_ms": NOW_MS - DAY_MS - 1, "reports_itself": True}, "silent"),
        ({"last_seen_ms": NOW_MS - HOUR_MS - 1, "kind": "power"}, "silent"),
        ({"last_seen_ms": 0, "kind": "power", "expected_interval_s": 0}, "ok"),
        ({"last_seen_ms": NOW_MS - HOUR_MS - 1, "expected_interval_s": 3600}, "silent"),
        ({"last_seen_ms": None}, "never_seen"),
        ({"fault": "battery_low"}, "fault"),
        ({"fault": "battery_low", "home": None}, "unbound"),
        ({"fault": "battery_low", "last_seen_ms": None}, "fault"),
    ],
)
def test_device_state(changes: dict[str, Any], state: str) -> None:
    row = dict.fromkeys(c.name for c in DEVICE.columns)
    row |= {"home": "h", "kind": "sos", "last_seen_ms": NOW_MS} | changes
    assert device_state(row, NOW_MS) == state


def alarm_row(**changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(c.name for c in ALARM.columns)
    row |= {"raised_at_ms": 0, "ingested_at_ms": 0, "last_event_ms": 0, "evidence": "{}"}
    return row | changes


def test_an_alarm_shows_even_when_nothing_around_it_is_known() -> None:
    row = alarm_row(home="gone", gateway="g", device="d", acknowledged_by="x", evidence="{broken")
    shown = alarm_object(row, RosterIndex())
    assert (shown["home"], shown["persons"], shown["evidence"]) == (None, [], {})
    assert shown["device_label"] == "d"
    assert shown["acknowledged_by"] == {"username": "x", "name": "x"}


def test_a_loop_of_regions_ends() -> None:
    roster = roster_index(
        regions=[
            {"code": "1", "name": "a", "parent": "2"},
            {"code": "2", "name": "b", "parent": "1"},
        ]
    )
    assert set(roster.region_path("1")) == {"a", "b"}
    assert roster.region_path("9") == []


def test_counts_of_a_gateway() -> None:
    devices = [
        {"gateway": "g", "device": "a", "home": "h"},
        {"gateway": "g", "device": "b", "home": "h"},
        {"gateway": "g", "device": "c", "home": None},
        {"gateway": "x", "device": "a", "home": "i"},
    ]
    assert gateway_counts("g", roster_index(devices=devices)) == (1, 3)


def test_masks() -> None:
    assert (masked_name("张桂英"), masked_name("")) == ("张**", "")
    assert masked_phone("13800000001") == "138****0001"
    assert masked_phone("5551") == "****"


@pytest.mark.parametrize(
    ("model", "is_open"),
    [
        ("EV1527", True),
        ("ev-1527 433MHz", True),
        ("PT2262", True),
        ("433 MHz 按钮", True),
        ("rf433", True),
        ("Zigbee SNZB-01", False),
        ("DL/T 645-2007", False),
        ("", False),
    ],
)
def test_a_radio_that_proves_nothing_is_called_so(model: str, is_open: bool) -> None:
    """On the page, beside the device: whoever is near can record its press and send it again."""
    assert is_open_radio(model) == is_open

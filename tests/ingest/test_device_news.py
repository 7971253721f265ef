"""What the rules about devices hear: little, and nothing of it missing."""

from datetime import UTC, datetime

from contract.envelope import DeviceStatus, Status
from ingest.device_news import (
    APART_MS,
    BESIDE_MS,
    DAILY_MS,
    DEVICES_MAX,
    STATUS_EVERY_MS,
    DeviceNews,
)
from ingest.newest import Newest
from ingest.presence import DEVICES_PER_GATEWAY_MAX
from ingest.wire import WireItem
from rules.rule import DEVICE_PRESS, DEVICE_STATUS, DEVICE_WORD

NOW_MS = 1_795_363_200_000
HOMES = {"button": "home-1", "meter": "home-2", "stranger": None}


def status(mains: bool | None = None, **seen_ms: int) -> Status:
    devices = [
        DeviceStatus(device=name, last_seen_at_ms=at, battery_pct=None)
        for name, at in seen_ms.items()
    ]
    return Status(gateway="gw-1", online=True, mains=mains, devices=devices)


def word(kind: str = "device_health", values=None, **attrs) -> WireItem:
    moment = datetime.fromtimestamp(NOW_MS / 1000, tz=UTC)
    return WireItem(
        id="i",
        seq=1,
        device="button",
        kind=kind,
        measured_at=moment,
        received_at=moment,
        values=values or {},
        attrs=attrs,
    )


def test_a_heartbeat_is_told_by_home_and_seldom() -> None:
    news = DeviceNews()
    told = news.statuses(status(button=5, meter=7, stranger=9), HOMES, {("gw-1", "button")}, NOW_MS)
    assert [(home, o.kind, o.device) for home, o in told] == [
        ("home-1", DEVICE_STATUS, "gw-1"),
        ("home-2", DEVICE_STATUS, "gw-1"),
    ]
    assert [(dict(o.values), dict(o.attrs)) for _home, o in told] == [
        ({"button": 5.0}, {"button": True}),
        ({"meter": 7.0}, {}),
    ]
    before_ms = NOW_MS + STATUS_EVERY_MS - 1
    assert news.statuses(status(button=6), HOMES, set(), before_ms) == []
    assert len(news.statuses(status(button=6), HOMES, set(), before_ms + 1)) == 2


def test_a_device_missing_from_the_heartbeat_still_reports_by_itself() -> None:
    # After its gateway's restart nothing is listed, and time passes for it all the same.
    (_, told), _ = DeviceNews().statuses(status(), HOMES, {("gw-1", "button")}, NOW_MS)
    assert (dict(told.values), dict(told.attrs)) == ({}, {"button": True})


def test_a_battery_is_told_when_it_changed() -> None:
    news = DeviceNews()
    told = [
        news.item("gw-1", word(values={"battery_pct": pct, "link_quality": 80.0}), NOW_MS)
        for pct in (50.0, 50.2, 50.0, 49.0, 50.0)
    ]
    assert [None if t is None else t.values["battery_pct"] for t in told] == [
        50.0,
        None,
        None,
        49.0,
        50.0,
    ]
    assert news.item("gw-1", word(values={"signal_dbm": -60.0}), NOW_MS) is None


def test_faults_recoveries_and_presses_are_always_told() -> None:
    news = DeviceNews()
    for _ in range(2):
        for attrs in ({"fault": "offline"}, {"recovered": "offline"}):
            told = news.item("gw-1", word(**attrs), NOW_MS)
            assert told is not None
            assert (told.kind, told.device, dict(told.attrs)) == (DEVICE_WORD, "gw-1/button", attrs)
        told = news.item("gw-1", word("sos", action="press"), NOW_MS)
        assert told is not None
        assert (told.kind, told.device) == (DEVICE_PRESS, "gw-1/button")
    assert news.item("gw-1", word("power", values={"power_w": 3.0}), NOW_MS) is None


def test_mains_of_a_gateway_are_told_when_they_change() -> None:
    news = DeviceNews()
    told = [news.mains_of(status(mains), NOW_MS) for mains in (None, True, True, False, False)]
    assert [None if t is None else t.values["mains"] for t in told] == [None, 1.0, None, 0.0, None]
    assert told[3] is not None
    assert told[3].device == "gw-1/gw-1"


def test_two_words_of_its_own_show_that_a_device_reports_by_itself() -> None:
    news, health = DeviceNews(), word(values={"battery_pct": 80.0})
    assert not news.shows_itself("gw-1", health, NOW_MS)
    # The same waking, a fault, and what comes with a press prove nothing.
    assert not news.shows_itself("gw-1", health, NOW_MS + APART_MS - 1)
    assert not news.shows_itself("gw-1", word(fault="offline"), NOW_MS + APART_MS)
    news.item("gw-1", word("sos", action="press"), NOW_MS + APART_MS)
    assert not news.shows_itself("gw-1", health, NOW_MS + APART_MS + 1)
    assert news.shows_itself("gw-1", health, NOW_MS + APART_MS + BESIDE_MS)


def test_what_comes_with_a_movement_or_at_restarts_of_a_bridge_shows_nothing() -> None:
    news, health = DeviceNews(), word(values={"battery_pct": 80.0})
    for hours in range(0, 12, 2):
        at_ms = NOW_MS + hours * APART_MS
        news.reading("gw-1", word("motion", values={"active": 1.0}), at_ms)
        assert not news.shows_itself("gw-1", health, at_ms)
    for days in range(1, 5):
        assert not news.shows_itself("gw-1", health, NOW_MS + days * (DAILY_MS + 1) * 2)


def named(device: str, battery: float) -> WireItem:
    item = word(values={"battery_pct": battery})
    item.device = device
    return item


def test_a_gateway_that_makes_up_names_forgets_its_own_devices_alone() -> None:
    news = DeviceNews()
    assert news.item("gw-1", named("button", 80), NOW_MS) is not None
    assert news.item("gw-2", named("button", 80), NOW_MS) is not None
    assert DEVICES_MAX == DEVICES_PER_GATEWAY_MAX
    for number in range(DEVICES_MAX):
        made_up = named(f"x-{number}", 50)
        news.item("gw-2", made_up, NOW_MS)
        news.shows_itself("gw-2", made_up, NOW_MS)
        made_up.kind = "motion"
        news.reading("gw-2", made_up, NOW_MS)
    gateway = news._of("gw-2")
    tables = (gateway.told, gateway.word_ms, gateway.spoke_ms)
    assert [len(table) for table in tables] == [DEVICES_MAX] * 3
    # Of the made-up gateway's own button it is told once more, of the other's not.
    assert news.item("gw-1", named("button", 80), NOW_MS) is None
    assert news.item("gw-2", named("button", 80), NOW_MS) is not None


def test_what_was_put_last_is_kept() -> None:
    table: Newest[str, int] = Newest(2)
    for key, value in (("a", 1), ("b", 2), ("a", 3), ("c", 4)):
        table.put(key, value)
    assert [table.get(key) for key in "abc"] == [3, None, 4]

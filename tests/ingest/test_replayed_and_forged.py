"""Messages that somebody has recorded, changed or made up: a replayed press is no second press, a
changed past changes nothing, and a gateway speaks for its own devices alone."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contract.envelope import ENVELOPE_BYTES_MAX, ENVELOPE_ITEMS_MAX
from ingest.urgent_lane import Committed, decode_message
from ledger.place import SqliteBook
from ledger.schema import ALARM, EVENT, QUARANTINE
from tests.adapters.hub_bench import ROSTER, Bench, press

TWO_HOMES = (
    ROSTER
    + """
[[gateway]]
id = "gw-2"
region = "1"
[[home]]
id = "home-2"
region = "1"
address = "三里垭村五组 1 号"
[[home.device]]
gateway = "gw-2"
device = "button-2"
kind = "sos"
"""
)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path, SqliteBook(path=tmp_path / "hub" / "hub.db"), TWO_HOMES)
    yield bench
    bench.hub.close()


def deliver(bench: Bench, topic: str, payload: bytes) -> Committed:
    batch = [decode_message(topic.encode(), payload)]
    return bench.change(lambda unit: bench.hub.urgent._take_all(unit, batch))


def changed(payload: bytes, **changes: Any) -> bytes:
    """The same envelope with other fields; those of its one item by their names."""
    document = json.loads(payload)
    of_item = document["items"][0]
    for name, value in changes.items():
        (of_item if name in of_item else document)[name] = value
    return json.dumps(document).encode()


def test_a_recorded_press_is_acknowledged_again_and_is_no_second_press(bench: Bench) -> None:
    for _ in range(5):
        committed = bench.deliver(press(1))
        [(gateway, ack)] = committed.acks
        assert (gateway, list(ack.ids)) == ("gw-1", ["press-1"])
    assert (bench.count(EVENT), bench.count(ALARM)) == (1, 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"seq": 99},
        {"device": "button-9"},
        {"kind": "smoke"},
        {"measured_at": "2026-01-01T00:00:00.000Z"},
        {"attrs": {"action": "clear"}},
        {"spool": "spool-9"},
        {"sent_at": "2031-01-01T00:00:00.000Z"},
    ],
    ids=str,
)
def test_a_recorded_press_with_another_past_changes_no_past(
    bench: Bench, changes: dict[str, Any]
) -> None:
    """Its id is known: what was stored first stands, byte for byte."""
    bench.deliver(press(1))
    before = bench.rows(EVENT)
    bench.deliver(changed(press(1), **changes))
    assert bench.rows(EVENT) == before
    assert bench.count(ALARM) == 1


def test_a_gateway_that_names_another_in_its_message_is_not_heard(bench: Bench) -> None:
    """The broker lets it write to its own topic alone; what stands inside must agree."""
    committed = deliver(bench, "hw/v1/gw-2/activation", press(1))
    assert committed.acks == []
    assert bench.count(EVENT) == 0
    [kept] = bench.rows(QUARANTINE)
    assert kept["gateway"] == "gw-2"


def test_a_press_of_somebody_elses_button_is_no_alarm_of_that_home(bench: Bench) -> None:
    """gw-2 says that button-1 was pressed: it has none, so it is an unknown button behind gw-2,
    which somebody looks at, and the home of gw-1's button-1 is left in peace."""
    deliver(bench, "hw/v1/gw-2/activation", changed(press(1), gateway="gw-2"))
    [alarm] = bench.rows(ALARM)
    assert alarm["home"] != "home-1"
    bench.deliver(changed(press(2), device="button-2"))
    assert {row["home"] for row in bench.rows(ALARM)}.isdisjoint({"home-1", "home-2"})


def test_a_known_id_of_another_gateway_silences_no_press(bench: Bench) -> None:
    """Who guesses the id of a press to come and uses it up first must not swallow it."""
    deliver(bench, "hw/v1/gw-2/activation", changed(press(1), gateway="gw-2"))
    bench.deliver(press(1))
    assert "home-1" in {row["home"] for row in bench.rows(ALARM)}


@pytest.mark.parametrize(
    "payload",
    [
        b"x" * (ENVELOPE_BYTES_MAX + 1),
        changed(press(1), items=json.loads(press(1))["items"] * (ENVELOPE_ITEMS_MAX + 1)),
        b'{"v":1,"items":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":' * 40_000 + b"1" + b"}" * 40_000,
        changed(press(1), gateway="x" * 100_000),
    ],
    ids=["bytes", "items", "lists in lists", "objects in objects", "a name"],
)
def test_an_oversized_message_is_kept_aside_and_the_next_press_comes_in(
    bench: Bench, payload: bytes
) -> None:
    committed = bench.deliver(payload)
    assert committed.acks == []
    assert bench.count(EVENT) == 0
    assert bench.count(QUARANTINE) == 1
    assert len(bytes(bench.rows(QUARANTINE)[0]["raw"])) <= ENVELOPE_BYTES_MAX
    bench.deliver(press(2))
    assert bench.count(EVENT) == 1

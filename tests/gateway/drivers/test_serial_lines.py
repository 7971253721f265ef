"""What every driver of a serial line owes: pieces, garbage, truncation, floods, wrong keys.

A new serial driver is built from its `example` and fed the first good frame of its vectors; LINES
holds what needs more than that.
"""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.config import ConfigError
from contract.item import check_measurement
from gateway.driver import (
    BusDriver,
    Decoded,
    DecodeRequest,
    DriverSpec,
    StreamDriver,
    Undecodable,
)
from gateway.registry import DRIVERS

VECTORS = Path(__file__).parents[2] / "vectors"
NOW_MS = 1_795_000_000_000
# Above what any driver keeps on purpose, far below a flood.
DRIVER_BYTES_MAX = 30_000
FLOOD_BYTES = 60_000


def telegram() -> bytes:
    vectors = json.loads((VECTORS / "dsmr_p1.json").read_text())
    [found] = [v for v in vectors if v["id"] == "dsmr-v5_two_mbus"]
    return found["input"]["text"].encode()


@dataclass(frozen=True, kw_only=True)
class Line:
    """A driver as configured and bytes of its device; seen: what it made of them, compared."""

    config: Mapping[str, Any]
    good: bytes = b""
    seen: Callable[[Any, list], Any] = lambda _driver, found: [(m.device, m.values) for m in found]
    # A driver whose bytes have no checksum: a changed bit is another value.
    checked: bool = field(default=True)


LINES = {
    "cms50": Line(
        config={"device": "o"},
        good=bytes.fromhex("8532044861") * 4,
        seen=lambda driver, _found: driver.counters["packets"],
        checked=False,
    ),
    "dlt645": Line(config={"meters": [{"address": "000000000161"}]}),
    "dsmr": Line(config={"device": "p1", "every_s": 0}, good=telegram()),
    "ev1527": Line(config={}, good=bytes.fromhex("AAA4251C014A03A2B1E1E855"), checked=False),
    "modbus": Line(config={"meters": [{"unit": 248, "map": "pzem004t"}]}),
    "pulse-counter": Line(
        config={"device": "m", "impulses_per_kwh": 1000, "mode": "line", "debounce_ms": 0},
        good=b"\nP 1\nP 2\nP 3\n",
        seen=lambda driver, _found: driver.counters["pulses"],
        checked=False,
    ),
}


def of_its_own(spec: DriverSpec) -> Line:
    vectors = json.loads((VECTORS / f"{spec.name.replace('-', '_')}.json").read_text())
    good = next(v["input"] for v in vectors if "invalid" not in v["expected"])
    frames = bytes.fromhex(good) * 2  # what has no checksum counts when it is said twice
    return Line(config=spec.example, good=frames, checked=False)


# A modem is no source: gateway/second_path tests it.
LINES |= {
    name: of_its_own(spec)
    for name, spec in DRIVERS.items()
    if spec.transport == "serial" and name not in {*LINES, "gsm-sms"}
}
STREAMS = [name for name, line in LINES.items() if line.good]
BUSES = [name for name, line in LINES.items() if not line.good]


def measured(outcomes) -> list:
    for outcome in outcomes:
        assert isinstance(outcome, Decoded | Undecodable)
    return [m for o in outcomes if isinstance(o, Decoded) for m in o.measurements]


def held_bytes(thing: object) -> int:
    """The size of an object with everything it holds of its own."""
    total = 0
    seen: set[int] = set()
    todo = [thing]
    while todo:
        one = todo.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        total += sys.getsizeof(one)
        if isinstance(one, Mapping):
            todo += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple | set):
            todo += one
        todo += vars(one).values() if hasattr(one, "__dict__") and not callable(one) else ()
        names = [n for kind in type(one).__mro__ for n in getattr(kind, "__slots__", ())]
        todo += [getattr(one, n) for n in names if not callable(one) and hasattr(one, n)]
    return total


def inputs(name: str) -> list[bytes]:
    """Every recorded input of a driver, as bytes."""
    file = {"cms50": "medical_serial", "dsmr": "dsmr_p1", "ev1527": "rf433"}.get(name)
    path = VECTORS / f"{file or name.replace('-', '_')}.json"
    found = []
    for vector in json.loads(path.read_text()):
        given_input = vector["input"]
        if isinstance(given_input, str):
            found.append(bytes.fromhex(given_input))
        elif "text" in given_input:
            found.append(given_input["text"].encode("latin-1"))
    return found


def test_every_serial_driver_is_in_this_suite() -> None:
    serial = {name for name, spec in DRIVERS.items() if spec.transport == "serial"} - {"gsm-sms"}
    assert set(LINES) == serial - {"gsm-sms"}
    for name, line in LINES.items():
        driver = DRIVERS[name].build(line.config)
        assert isinstance(driver, BusDriver if name in BUSES else StreamDriver)
        assert DRIVERS[name].line is not None


@pytest.mark.parametrize("name", STREAMS)
def test_however_a_line_is_cut_it_says_the_same(name) -> None:
    line = LINES[name]
    whole = DRIVERS[name].build(line.config)
    expected = line.seen(whole, measured(whole.feed(line.good, NOW_MS, 0)))
    assert expected
    for at in range(1, len(line.good)):
        driver = DRIVERS[name].build(line.config)
        found = measured(driver.feed(line.good[:at], NOW_MS, 0))
        found += measured(driver.feed(line.good[at:], NOW_MS, 0))
        assert line.seen(driver, found) == expected, at
    driver = DRIVERS[name].build(line.config)
    pieces = [line.good[at : at + 1] for at in range(len(line.good))]
    found = [m for piece in pieces for m in measured(driver.feed(piece, NOW_MS, 0))]
    assert line.seen(driver, found) == expected


@pytest.mark.parametrize("name", STREAMS)
@settings(max_examples=60)
@given(data=st.data())
def test_behind_and_between_garbage_a_line_is_understood_again(name, data) -> None:
    line = LINES[name]
    driver = DRIVERS[name].build(line.config)
    found = []
    for _ in range(3):
        garbage = data.draw(st.binary(max_size=300))
        found += measured(driver.feed(garbage, NOW_MS, 0))
    driver.flush(NOW_MS, 3000)
    found = measured(driver.feed(line.good * 2, NOW_MS, 60_000))
    assert line.seen(driver, found)
    for measurement in found:
        check_measurement(measurement)


@pytest.mark.parametrize("name", sorted(LINES))
def test_a_flood_does_not_fill_the_memory(name) -> None:
    starts = [b"\x68", b"\xaa", b"/", b"\x80", b"\x01\x04", b"\xaa\xb1", b"\x00", b"\xff", b"x"]
    # Starts without end, and one start whose frame never ends.
    floods = [(b"", start) for start in starts] + [(start, b"x") for start in starts]
    for pattern, fill in floods:
        driver = DRIVERS[name].build(LINES[name].config)
        chunk = (fill * 1000)[:1000]
        measured(driver.feed(pattern, NOW_MS, 0))
        before = held_bytes(driver)
        for number in range(FLOOD_BYTES // 1000):
            measured(driver.feed(chunk, NOW_MS + number, number))
        assert held_bytes(driver) - before < DRIVER_BYTES_MAX, (pattern, fill)


@pytest.mark.parametrize("name", BUSES)
@settings(max_examples=40)
@given(st.lists(st.tuples(st.binary(max_size=80), st.integers(0, 5000)), max_size=20))
def test_a_bus_asks_on_whatever_it_hears(name, steps) -> None:
    driver = DRIVERS[name].build(LINES[name].config)
    at = 0
    for data, after_ms in steps:
        at += after_ms
        found = measured(driver.tick(NOW_MS + at, at))
        driver.next_request(NOW_MS + at, at)
        found += measured(driver.feed(data, NOW_MS + at, at))
        driver.wake(NOW_MS + at, at)
        for measurement in found:
            check_measurement(measurement)
    for _ in range(50):
        at += 10_000
        driver.tick(NOW_MS + at, at)
        if driver.next_request(NOW_MS + at, at) is not None:
            return
    raise AssertionError("it asks no more")


@pytest.mark.parametrize("name", sorted(LINES))
def test_an_input_cut_anywhere_is_survived_and_gives_no_other_value(name) -> None:
    for raw in inputs(name):
        decode = DRIVERS[name].decode_once
        whole = [m.values for m in measured(decode(DecodeRequest(data=raw, now_ms=NOW_MS)))]
        for end in range(0, len(raw), max(1, len(raw) // 60)):
            found = measured(decode(DecodeRequest(data=raw[:end], now_ms=NOW_MS)))
            if LINES[name].checked:
                assert all(m.values in whole for m in found), (raw, end)


@pytest.mark.parametrize("name", [n for n, line in LINES.items() if line.checked])
def test_a_changed_byte_gives_no_other_value(name) -> None:
    # Telegrams before DSMR 4 have no checksum: the port believes them when two agree.
    for raw in (r for r in inputs(name) if not (name == "dsmr" and b"1-3:0.2.8" not in r)):
        decode = DRIVERS[name].decode_once
        whole = [m.values for m in measured(decode(DecodeRequest(data=raw, now_ms=NOW_MS)))]
        for at in range(0, len(raw), max(1, len(raw) // 60)):
            broken = raw[:at] + bytes((raw[at] ^ 0x05,)) + raw[at + 1 :]
            found = measured(decode(DecodeRequest(data=broken, now_ms=NOW_MS)))
            assert all(m.values in whole for m in found), (raw, at)


@pytest.mark.parametrize("name", sorted(LINES))
def test_every_documented_key_is_known_and_a_wrong_one_named(name) -> None:
    spec = DRIVERS[name]
    assert spec.settings
    for key in (k for k in spec.settings if "." not in k):
        with pytest.raises(ConfigError, match="did you mean"):
            spec.build({**LINES[name].config, f"{key}z": 1})

"""What is fuzzed and what must hold: every driver of the registry, and the meter bus as a whole.

A driver that joins the registry is fuzzed by itself: its decoder always, with the vectors of the
file that VECTOR_FILES or its name says; fed in pieces too when it is a stream driver that needs no
configuration or has one in CONFIGS. `EXTRA` holds what only one format can promise.
"""

import json
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from random import Random
from typing import Any, Final

from contract.config import ConfigError
from contract.item import check_measurement
from gateway.driver import (
    RAW_SHOWN_MAX,
    Decoded,
    DecodeRequest,
    DriverSpec,
    Outcome,
    RetainedDriver,
    StreamDriver,
    Undecodable,
)
from gateway.drivers.generic_mqtt.driver import GenericMqtt
from gateway.drivers.generic_mqtt.spec import EXAMPLE_RULES
from gateway.registry import DRIVERS
from tests.fuzz import dlt645_bus, dlt645_frames, gsm_modem, meter_bus, modbus_bus, serial_frames
from tests.fuzz.engine import Target
from tests.fuzz.mutations import INPUT_BYTES_MAX, mutate_json

VECTORS: Final = Path(__file__).parents[1] / "vectors"
VECTOR_FILES: Final[Mapping[str, str]] = {
    "ev1527": "rf433",
    "tasmota": "tasmota_shelly_esphome",
    "shelly": "tasmota_shelly_esphome",
    "esphome": "tasmota_shelly_esphome",
    "cms50": "medical_serial",
    "dsmr": "dsmr_p1",
}
CONFIGS: Final[Mapping[str, Mapping[str, Any]]] = {
    "cms50": {"device": "oximeter"},
    "dsmr": {"device": "p1", "every_s": 0},
    "pulse-counter": {"device": "s0", "impulses_per_kwh": 1000},
}
# Whose configuration costs ten times a message: every input has a new driver all the same.
BUILDERS: Final[Mapping[str, Callable[[], Any]]] = {
    "generic-mqtt": lambda: GenericMqtt(EXAMPLE_RULES),
}
# What it decodes is time itself: bytes at once are other pulses than bytes in turn.
TIMED: Final = frozenset({"pulse-counter"})
NOW_MS: Final = 1_795_392_309_000
# Between the topic (or the characteristic) and the payload of a message.
SEPARATOR: Final = b"\x00"
# One message in so many is one that the broker kept.
RETAINED_EVERY: Final = 4


def check(outcomes: list[Outcome]) -> frozenset[Hashable]:
    """Every promise about outcomes; returns their kinds."""
    kinds: list[Hashable] = []
    for outcome in outcomes:
        if isinstance(outcome, Undecodable):
            assert outcome.code, "no code"
            assert outcome.code.isascii()
            assert len(outcome.raw) <= RAW_SHOWN_MAX, f"{len(outcome.raw)} raw bytes"
            kinds.append(outcome.code)
        else:
            assert isinstance(outcome, Decoded), type(outcome)
            for measurement in outcome.measurements:
                check_measurement(measurement)
                kinds.append((measurement.kind, *sorted(measurement.values)))
            kinds.append(outcome.fields.get("frame", len(outcome.fields)))
        # What `hearthwatch decode` prints.
        json.dumps(dict(outcome.fields), ensure_ascii=True)
    return frozenset(kinds)


def decode_target(spec: DriverSpec) -> Target:
    if spec.transport == "mqtt":
        return _messages(spec)

    def run(data: bytes) -> frozenset[Hashable]:
        decoder = spec.decoder()
        return check(decoder(DecodeRequest(data=data, now_ms=NOW_MS)))

    extra = EXTRA.get(spec.name, {})
    return Target(name=spec.name, run=_fed(spec, run), seeds=_frames(spec.name), **extra)


def _messages(spec: DriverSpec) -> Target:
    """Topic, separator, payload; half of the changes respect that the payload is JSON."""
    new = _builder(spec)
    retains = new is not None and isinstance(new(), RetainedDriver)

    def run(data: bytes) -> frozenset[Hashable]:
        head, _, payload = data.partition(SEPARATOR)
        topic = head.decode("utf-8", "replace")
        characteristic = topic.rpartition("/")[2] or None
        request = DecodeRequest(
            data=payload, topic=topic, characteristic=characteristic, now_ms=NOW_MS
        )
        kinds = check(spec.decoder()(request))
        if new is None:
            return kinds
        driver = new()
        if retains and len(data) % RETAINED_EVERY == 0:
            kept = driver.decode_retained(topic, payload, NOW_MS)
            assert not _pressed(kept), "an old message is no press"
            return kinds | check(kept)
        return kinds | check(driver.decode(topic, payload, NOW_MS))

    def repair(random: Random, data: bytes) -> bytes:
        head, separator, payload = data.partition(SEPARATOR)
        return head + separator + mutate_json(random, payload)

    return Target(name=spec.name, run=run, seeds=_frames(spec.name), repair=repair)


def _fed(
    spec: DriverSpec, whole: Callable[[bytes], frozenset[Hashable]]
) -> Callable[[bytes], frozenset[Hashable]]:
    """The decoder, and the driver itself fed in pieces: no promise may depend on the cuts."""
    new = _builder(spec)
    if new is None or not isinstance(new(), StreamDriver):
        return whole
    timed = spec.name in TIMED

    def run(data: bytes) -> frozenset[Hashable]:
        kind = whole(data)
        driver = new()
        step = 1 + len(data) % 7
        pieces: list[Outcome] = []
        for at in range(0, len(data), step):
            pieces += driver.feed(data[at : at + step], NOW_MS, at)
        pieces += driver.flush(NOW_MS, len(data))
        check(pieces)
        assert driver.flush(NOW_MS, len(data)) == [], "flush left something behind"
        at_once = new()
        together = [*at_once.feed(data, NOW_MS, 0), *at_once.flush(NOW_MS, 0)]
        assert timed or _good(pieces) == _good(together), "the cuts decide what is decoded"
        return kind

    return run


def _good(outcomes: list[Outcome]) -> list[dict[str, Any]]:
    return [dict(o.fields) for o in outcomes if isinstance(o, Decoded)]


def _pressed(outcomes: list[Outcome]) -> bool:
    found = [m for o in outcomes if isinstance(o, Decoded) for m in o.measurements]
    return any(measurement.kind == "sos" for measurement in found)


def _builder(spec: DriverSpec) -> Callable[[], Any] | None:
    """What makes a new driver; None for one that nothing here configures."""
    if spec.name in BUILDERS:
        return BUILDERS[spec.name]
    config = CONFIGS.get(spec.name, spec.example)
    try:
        spec.build(config)
    except ConfigError:
        return None
    return lambda: spec.build(config)


def _frames(name: str) -> list[bytes]:
    """The known frames; those of a driver without vectors begin with nothing."""
    path = VECTORS / f"{VECTOR_FILES.get(name, name.replace('-', '_'))}.json"
    if not path.exists():
        return [b"\x00"]
    return [_frame(vector) for vector in json.loads(path.read_text())]


def _frame(vector: Mapping[str, Any]) -> bytes:
    given = vector["input"]
    if isinstance(given, dict) and "rx" in given:
        return "\r\n".join(given["rx"]).encode()
    if isinstance(given, dict) and "text" in given:
        return str(given["text"]).encode("latin-1")[:INPUT_BYTES_MAX]
    if isinstance(given, dict):
        payload = given["payload"]
        text = payload if isinstance(payload, str) else json.dumps(payload)
        return given["topic"].encode() + SEPARATOR + text.encode()
    try:
        raw = bytes.fromhex(given)
    except ValueError:
        raw = given.encode()
    if "characteristic" in vector:
        return f"ble/cuff/{vector['characteristic']}".encode() + SEPARATOR + raw
    return raw[:INPUT_BYTES_MAX]


EXTRA: Final[Mapping[str, Mapping[str, Any]]] = {
    "dlt645": {
        "tokens": (b"\x68", b"\x16", b"\xfe\xfe\xfe\xfe", b"\x68\xaa\xaa\xaa\xaa\xaa\xaa\x68"),
        "fresh": dlt645_frames.fresh,
        "repair": dlt645_frames.repair,
    },
    "cms50": {"tokens": (b"\xf5\xf5", b"\xf6\xf6\xf6", b"\xf0\xc4\x5f", b"\x80\x00\x40\x48\x60")},
    "dsmr": {
        "tokens": (b"/ISk5\\X\r\n\r\n", b"!\r\n", b"\r\n1-0:1.8.1(00001.001*kWh)\r\n"),
        "fresh": serial_frames.telegram_fresh,
        "repair": serial_frames.telegram_repair,
    },
    "modbus": {
        "tokens": (b"\x01\x04\x04", b"\x01\x84\x02", b"\xf8\x04\x14"),
        "fresh": serial_frames.modbus_fresh,
        "repair": serial_frames.modbus_repair,
    },
    "ev1527": {"tokens": (b"\xaa\xa4", b"\xaa\xb1", b"\xaa\xb0", b"\x55", b"\xaa\xa0\x55")},
}


def targets() -> dict[str, Target]:
    """Every target by its name: the drivers, and what is made of them."""
    found = {spec.name: decode_target(spec) for spec in DRIVERS.values()}
    seeds = _frames("dlt645")
    found["dlt645-framer"] = dlt645_frames.target(seeds)
    found["dlt645-bus"] = meter_bus.target(dlt645_bus.PROTOCOL, seeds)
    found["gsm-modem"] = gsm_modem.target()
    found["modbus-bus"] = meter_bus.target(modbus_bus.PROTOCOL, _frames("modbus"))
    return found

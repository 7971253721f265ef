"""The P1 driver beside dsmr-parser: its own telegrams, and an hour of a bad line.

The telegrams are those that dsmr-parser is tested with (recorded meters of six kinds). For the
hour their numbers go on as a meter's would and the seal is made anew; dsmr-parser, which refuses
a wrong one, says what each telegram holds. Between meter and driver a seeded line loses, garbles,
cuts and repeats bytes. The hour is simulated.
"""

import json
import random
import re
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from dsmr_parser import telegram_specifications as specifications
from dsmr_parser.exceptions import InvalidChecksumError
from dsmr_parser.parsers import TelegramParser

from contract.item import Measurement
from gateway.driver import Decoded, DecodeRequest
from gateway.drivers.dsmr import SPEC

RECORDED = {
    v["id"].removeprefix("dsmr-"): v["input"]["text"]
    for v in json.loads((Path(__file__).parents[2] / "vectors" / "dsmr_p1.json").read_text())
}
PARSERS = {
    "v2_2": specifications.V2_2,
    "v3": specifications.V3,
    "v5_two_mbus": specifications.V5,
    "v5-corrupt": specifications.V5,
    "unpadded_crc": specifications.V5,
    "fluvius_v171": specifications.BELGIUM_FLUVIUS,
    "fluvius_v171_alt": specifications.BELGIUM_FLUVIUS,
    "esy5q3db1024_v304": specifications.Q3D,
    "esy5q3da1004_v304": specifications.Q3D,
    # Recorded behind its decryption.
    "sagemcom_t210_d_r": {**specifications.SAGEMCOM_T210_D_R, "general_global_cipher": False},
    "iskra_ie": specifications.ISKRA_IE,
}
# What dsmr-parser calls a quantity in its various meters, and what one of its unit is of ours.
POWER = ("CURRENT_ELECTRICITY_USAGE", "CURRENT_ELECTRICITY_DELIVERY")
TOTALS = ("ELECTRICITY_IMPORTED_TOTAL", "ELECTRICITY_USED_TARIFF_TOTAL")
TARIFFS = tuple(f"ELECTRICITY_USED_TARIFF_{n}" for n in (1, 2, 3, 4))
EXPORTED = tuple(f"ELECTRICITY_DELIVERED_TARIFF_{n}" for n in (1, 2, 3, 4))
BESIDE = {
    "current_a": "INSTANTANEOUS_CURRENT_L1",
    "voltage_v": "INSTANTANEOUS_VOLTAGE_L1",
    "voltage_b_v": "INSTANTANEOUS_VOLTAGE_L2",
    "voltage_c_v": "INSTANTANEOUS_VOLTAGE_L3",
    "current_b_a": "INSTANTANEOUS_CURRENT_L2",
    "current_c_a": "INSTANTANEOUS_CURRENT_L3",
}
SCALES = {"kWh": Decimal(1), "Wh": Decimal("0.001"), "kW": Decimal(1000), "W": Decimal(1)}
HOUR_S = 3600
EVERY_S = 30
START_MS = 1_795_000_000_000


def oracle(name: str, telegram: str) -> dict[str, float]:
    """The numbers of a reading, values and attributes, as dsmr-parser reads the telegram."""
    parsed: Any = TelegramParser(PARSERS[name]).parse(telegram)

    def number(name: str) -> Decimal | None:
        found = getattr(parsed, name, None)
        if found is None or found.value is None:
            return None
        return Decimal(found.value) * SCALES.get(found.unit, Decimal(1))

    said: dict[str, float] = {}
    total = next((v for name in TOTALS if (v := number(name)) is not None), None)
    tariffs = [v for name in TARIFFS if (v := number(name)) is not None]
    energy = total if total is not None else sum(tariffs, Decimal(0)) if len(tariffs) > 1 else None
    if energy is not None:
        said["energy_kwh"] = float(energy)
    usage, delivery = (number(name) for name in POWER)
    if usage is not None:
        said["power_w"] = float(usage - (delivery or 0))
    exported = number("ELECTRICITY_EXPORTED_TOTAL")
    given = [v for name in EXPORTED if (v := number(name)) is not None]
    if exported is not None or given:
        said["reverse_energy_kwh"] = float(sum(given) if exported is None else exported)
    for ours, theirs in BESIDE.items():
        if (found := number(theirs)) is not None:
            said[ours] = float(found)
    return said


def numbers(reading: Measurement) -> dict[str, float]:
    return {k: v for k, v in {**reading.values, **reading.attrs}.items() if k != "tariff"}


# One is damaged, one a heat meter's without electricity.
@pytest.mark.parametrize("name", sorted(RECORDED.keys() - {"v5-corrupt", "unpadded_crc"}))
def test_a_recorded_telegram_says_what_dsmr_parser_says(name: str) -> None:
    text = RECORDED[name]
    [decoded] = SPEC.decoder()(DecodeRequest(data=text.encode("latin-1"), now_ms=START_MS))
    assert isinstance(decoded, Decoded)
    port = SPEC.build({"device": "p1", "every_s": 0})
    for _ in range(2):  # without a seal a telegram counts when the one before agrees
        outcomes = port.feed(text.encode("latin-1"), START_MS)
    [reading] = [m for o in outcomes if isinstance(o, Decoded) for m in o.measurements]
    said = oracle(name, text)
    assert said, "dsmr-parser found nothing to compare with"
    assert numbers(reading) == pytest.approx(said, abs=1e-9)


def test_what_dsmr_parser_refuses_is_refused() -> None:
    text = RECORDED["v5-corrupt"]
    with pytest.raises(InvalidChecksumError):
        oracle("v5-corrupt", text)
    outcomes = SPEC.build({"device": "p1"}).feed(text.encode("latin-1"), START_MS)
    assert not [o for o in outcomes if isinstance(o, Decoded)]


def seal(content: bytes) -> bytes:
    """CRC-16/ARC bit by bit."""
    crc = 0
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return f"{crc:04X}".encode()


@dataclass
class Meter:
    """A recorded telegram whose registers and power go on, with the width they had."""

    name: str
    seed: random.Random
    sealed: bool = field(init=False)
    step: int = 0

    def __post_init__(self) -> None:
        self.sealed = not RECORDED[self.name].rstrip().endswith("!")

    def telegram(self) -> str:
        self.step += 1
        power_w = 50 + self.seed.randrange(900)
        text = RECORDED[self.name]
        text = re.sub(r"(1-0:1\.8\.[012]\()([\d.]+)", self._counted, text)
        text = re.sub(r"(1-0:1\.7\.0\()([\d.]+)(\*kW)", self._power(power_w), text)
        content, _, _ = text.rpartition("!")
        raw = content + "!"
        return raw + (seal(raw.encode("latin-1")).decode() if self.sealed else "") + "\r\n"

    def _counted(self, match: "re.Match[str]") -> str:
        digits = match[2]
        decimals = len(digits.partition(".")[2])
        value = Decimal(digits) + Decimal(self.step).scaleb(-min(decimals, 3))
        return match[1] + f"{value:0{len(digits)}.{decimals}f}"

    def _power(self, power_w: int) -> Any:
        def put(match: "re.Match[str]") -> str:
            decimals = len(match[2].partition(".")[2])
            value = Decimal(power_w).scaleb(-3)
            return match[1] + f"{value:0{len(match[2])}.{decimals}f}" + match[3]

        return put


def spoilt(seed: random.Random, raw: bytes, *, parity: bool, seen: Counter[str]) -> bytes:
    """What the line makes of a telegram. With parity a garbled byte is noticed and left out."""
    kinds = ["good", "lost", "cut", "byte lost", "noise", "garbled", "twice"]
    kind = seed.choices(kinds, weights=[70, 5, 5, 5, 5, 6, 4])[0]
    seen[kind] += 1
    at = seed.randrange(len(raw))
    if kind == "lost":
        return b""
    if kind == "cut":
        return raw[at:]
    if kind == "byte lost" or (kind == "garbled" and parity):
        return raw[:at] + raw[at + 1 :]
    if kind == "noise":
        return raw[:at] + seed.randbytes(seed.randrange(1, 30)) + raw[at:]
    if kind == "garbled":
        return raw[:at] + bytes((raw[at] ^ 1 << seed.randrange(8),)) + raw[at + 1 :]
    return raw + raw if kind == "twice" else raw


@pytest.mark.parametrize(
    ("name", "period_s"),
    [("v5_two_mbus", 1), ("fluvius_v171", 1), ("v3", 10), ("v2_2", 10)],
)
@pytest.mark.parametrize("number", [1, 3])
def test_an_hour_of_a_bad_line(name: str, period_s: int, number: int) -> None:
    seed = random.Random(f"{name} {number}")
    meter = Meter(name, seed)
    port = SPEC.build({"device": "p1", "every_s": EVERY_S})
    told: dict[int, str] = {}
    whole: list[int] = []
    readings: list[Measurement] = []
    seen: Counter[str] = Counter()
    for second in range(0, HOUR_S, period_s):
        text = meter.telegram()
        told[second] = text
        raw = spoilt(seed, text.encode("latin-1"), parity=not meter.sealed, seen=seen)
        whole += [second] if text.encode("latin-1") in raw else []
        at, now_ms = 0, START_MS + second * 1000
        while at < len(raw):
            piece = raw[at : at + seed.randrange(1, 200)]
            at += len(piece)
            readings += [
                m
                for o in port.feed(piece, now_ms, second * 1000)
                if isinstance(o, Decoded)
                for m in o.measurements
                if m.kind == "power"
            ]
    assert len(seen) == 7, seen
    seconds = [(r.measured_at_ms - START_MS) // 1000 for r in readings]
    for second, reading in zip(seconds, readings, strict=True):
        said = oracle(name, told[second])
        assert numbers(reading) == pytest.approx(said, abs=1e-9), second
    # A reading is due every half minute, and comes with the next whole telegram.
    for before, after in pairwise([*seconds, HOUR_S]):
        assert [s for s in whole if before + EVERY_S <= s < after] == []
    assert seconds[0] <= whole[1]

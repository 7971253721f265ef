"""The presence radar: when presence is told, and what a line without a checksum must not tell."""

import pytest

from gateway.driver import Decoded, Undecodable
from gateway.drivers.ld2410 import SILENCE_MS, SPEC, Radar

NOW_MS = 1_795_000_000_000
STILL = bytes.fromhex("F4F3F2F10D0002AA0251000000003B00005500F8F7F6F5")
NOBODY = bytes.fromhex("F4F3F2F10D0002AA00000000000037000055 00F8F7F6F5".replace(" ", ""))
MOVING = STILL.replace(b"\xaa\x02", b"\xaa\x01")


class Line:
    def __init__(self) -> None:
        self.radar = SPEC.build({"device": "r", "every_s": 60})
        assert isinstance(self.radar, Radar)
        self.now_ms = NOW_MS

    def say(self, *reports: bytes) -> list[tuple[str, object]]:
        found = []
        for report in reports:
            self.now_ms += 100
            found += self.radar.feed(report, self.now_ms, self.now_ms - NOW_MS)
        return [_short(m) for o in found if isinstance(o, Decoded) for m in o.measurements]

    def quiet(self, ms: int) -> list[tuple[str, object]]:
        self.now_ms += ms
        found = self.radar.flush(self.now_ms, self.now_ms - NOW_MS)
        return [_short(m) for o in found if isinstance(o, Decoded) for m in o.measurements]


def _short(m) -> tuple[str, object]:
    return m.kind, m.values["present"] if m.kind == "presence" else dict(m.attrs)


def test_presence_is_told_when_it_changes_and_once_a_minute() -> None:
    line = Line()
    assert line.say(STILL, STILL, STILL, MOVING, MOVING) == [("presence", 1.0)]
    assert line.say(*[STILL] * 597) == [("presence", 1.0)]
    assert line.say(NOBODY, NOBODY) == [("presence", 0.0)]


def test_a_single_report_changes_nothing() -> None:
    line = Line()
    line.say(STILL, STILL)
    assert line.say(NOBODY, STILL, NOBODY, STILL, STILL) == []


@pytest.mark.parametrize("place", range(len(STILL)))
def test_a_changed_byte_never_becomes_another_state(place: int) -> None:
    """Bit 7 of a byte is set on bad lines, and bytes are lost."""
    broken = STILL[:place] + bytes((STILL[place] ^ 0x80,)) + STILL[place + 1 :]
    lost = STILL[:place] + STILL[place + 1 :]
    for damaged in (broken, lost):
        line = Line()
        line.say(STILL, STILL)
        assert line.say(damaged, STILL, damaged, STILL, STILL) == []


def test_silence_is_a_fault_once_and_ends_with_the_next_report() -> None:
    line = Line()
    line.say(STILL, STILL)
    assert line.quiet(SILENCE_MS - 1) == []
    assert line.quiet(1) == [("device_health", {"fault": "no_data"})]
    assert line.quiet(SILENCE_MS) == []
    recovered = ("device_health", {"recovered": "no_data"})
    assert line.say(STILL, STILL) == [recovered, ("presence", 1.0)]


def test_engineering_reports_say_the_same() -> None:
    payload = bytes.fromhex("01AA0251000000003B0000") + bytes(20) + b"\x55\x00"
    raw = STILL[:4] + len(payload).to_bytes(2, "little") + payload + STILL[-4:]
    assert Line().say(raw, raw) == [("presence", 1.0)]


def test_a_length_that_lies_costs_one_report() -> None:
    line = Line()
    lying = STILL[:4] + b"\xff\xff" + STILL[6:]
    found = line.radar.feed(lying + STILL + STILL, NOW_MS)
    assert [type(o) for o in found] == [Undecodable, Decoded, Decoded]

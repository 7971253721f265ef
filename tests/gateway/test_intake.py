"""From a driver's outcomes to the spool: damage is told at a bearable rate, nothing is blocked."""

import pytest

from contract.item import Measurement, check_measurement
from gateway.driver import Decoded, Undecodable
from gateway.sources.intake import DEVICES_MAX, REPORT_EVERY_MS, Intake
from tests.adapters.gateway_items import NOW_MS, press


class Desk:
    """An intake with a clock we turn and a spool that remembers."""

    def __init__(self) -> None:
        self.now_ms = NOW_MS
        self.offered: list[Measurement] = []
        self.room = True
        self.logged: list[str] = []
        self.intake = Intake(
            self.offer, lambda: self.now_ms, lambda event, detail: self.logged.append(event)
        )

    def offer(self, batch: list[Measurement]) -> bool:
        if self.room:
            self.offered += batch
        return self.room

    def damage(self, code: str = "bad_checksum", source: str = "meters") -> None:
        frame = Undecodable(code=code, detail="sum 16, said 17", raw=bytes(range(256)))
        self.intake.take(source, [frame])

    @property
    def faults(self) -> list[tuple[str, object, object]]:
        return [(m.device, m.attrs["code"], m.attrs["count"]) for m in self.offered]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_damage_is_told_once_for_a_source_and_code_and_time(desk: Desk) -> None:
    for _ in range(5):
        desk.damage()
    assert desk.faults == [("meters", "bad_checksum", 1)]
    desk.damage(code="too_long")
    desk.damage(source="rf")
    assert desk.faults[1:] == [("meters", "too_long", 6), ("rf", "bad_checksum", 1)]
    desk.now_ms += REPORT_EVERY_MS - 1
    desk.damage()
    assert len(desk.faults) == 3
    desk.now_ms += 1
    desk.damage()
    assert desk.faults[3:] == [("meters", "bad_checksum", 8)]
    assert desk.intake.undecodable == {"meters": 8, "rf": 1}


def test_a_clock_that_went_back_does_not_silence_the_reports(desk: Desk) -> None:
    desk.damage()
    desk.now_ms -= 400 * 86_400_000
    desk.damage()
    assert len(desk.faults) == 2


def test_a_report_keeps_the_contract(desk: Desk) -> None:
    desk.intake.take("Zähler 1", [Undecodable(code="c" * 500, detail="d" * 500, raw=b"\xff" * 512)])
    (report,) = desk.offered
    check_measurement(report)
    assert report.urgent
    assert report.attrs["fault"] == "undecodable"
    assert len(str(report.attrs["raw_hex"])) <= 256


def test_good_frames_beside_damage_get_through(desk: Desk) -> None:
    good = Decoded(fields={}, measurements=[press(1)])
    bad = Undecodable(code="noise", detail="", raw=b"\x00")
    desk.intake.take("rf", [bad, good, bad, good])
    assert [m.kind for m in desk.offered] == ["device_health", "sos", "sos"]


def test_a_driver_that_raised_is_told_with_its_bytes(desk: Desk) -> None:
    desk.intake.failed("rf", KeyError("planted"), b"\x12\x34")
    assert desk.faults == [("rf", "driver_failed", 1)]
    assert desk.offered[0].attrs["raw_hex"] == "1234"
    assert "driver_failed" in desk.logged


def test_a_full_spool_is_told_in_the_log_and_nothing_raises(desk: Desk) -> None:
    desk.room = False
    desk.intake.take("rf", [Decoded(fields={}, measurements=[press(1)])])
    assert desk.logged == ["spool_queue_full"]


def test_signs_of_devices_are_remembered_within_bounds(desk: Desk) -> None:
    for number in range(DEVICES_MAX + 10):
        desk.intake.take("rf", [Decoded(fields={}, measurements=[press(number)])])
    assert len(desk.intake.last_seen_ms) == DEVICES_MAX
    again = press(0, at_ms=NOW_MS + 5)
    desk.intake.take("rf", [Decoded(fields={}, measurements=[again])])
    assert desk.intake.last_seen_ms["button-0"] == NOW_MS + 5

"""Times of what waits in a spool: through kills, power cuts, jumps, damage and an older version."""

import json
import shutil
import sqlite3
import zlib
from pathlib import Path

import pytest

from contract.item import Measurement
from gateway.clock import Clock, Machine
from gateway.spool.boots import BOOTS_KEPT
from gateway.spool.lane import Lane, LaneSettings
from tests.adapters.gateway_items import NOW_MS, press, uuids
from tests.adapters.machine_clocks import MachineClocks

URGENT = LaneSettings(keep_acked=True)
OLD = Path(__file__).parent / "spools/activation_before_boots.sql"
HOUR_MS = 3_600_000


class Bench:
    """A machine and its lane; a process may end and another go on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.machine = MachineClocks()
        self.number = 0
        self.start()

    def start(self) -> None:
        self.clock = self.machine.process()
        path = self.folder / "activation.db"
        self.lane = Lane(path, URGENT, uuids(), self.clock.now_ms(), times=self.clock)

    def kill(self) -> None:
        """Nothing is closed: what the file and its log hold goes on elsewhere."""
        after = self.folder / "after"
        after.mkdir()
        for name in ("activation.db", "activation.db-wal"):
            shutil.copyfile(self.folder / name, after / name)
        self.killed = self.lane
        self.folder = after
        self.start()

    def press(self) -> None:
        self.number += 1
        self.lane.append([press(self.number, at_ms=self.clock.now_ms())])

    def told(self):
        return self.lane.told(self.lane.waiting(0, 500, self.clock.now_ms()))

    def times(self) -> list[int]:
        return [item.measured_at_ms for item in self.told()]

    def marks(self) -> list[object]:
        return [item.attrs.get("time") for item in self.told()]


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def test_before_the_clock_knows_it_is_sent_all_the_same_and_afterwards_with_its_time(bench):
    bench.press()
    before = bench.told()
    assert (before[0].measured_at_ms, before[0].attrs["time"]) == (5_000, "doubtful")
    bench.machine.pass_ms(7_000)
    assert bench.told()[0].attrs["age_s"] == 7.0
    bench.machine.set_by_ntp(NOW_MS)
    after = bench.told()
    assert (after[0].id, after[0].seq) == (before[0].id, before[0].seq)
    assert (bench.times(), bench.marks()) == ([NOW_MS - 7_000], ["corrected"])


def test_what_a_trusted_clock_dated_has_no_mark_and_no_stamp(bench):
    bench.machine.set_by_ntp(NOW_MS)
    bench.press()
    assert (bench.times(), bench.marks()) == ([NOW_MS + 1_000], [None])
    (body,) = bench.lane._connection.execute("SELECT body FROM item").fetchone()
    assert "stamp" not in json.loads(body)


def test_killed_before_and_after_the_step_it_is_corrected_once(bench):
    bench.press()
    bench.kill()
    bench.machine.pass_ms(7_000)
    assert bench.marks() == ["doubtful"]
    bench.machine.set_by_ntp(NOW_MS)
    assert bench.times() == [NOW_MS - 7_000]
    bench.lane.note_time()
    bench.kill()
    assert (bench.times(), bench.marks()) == ([NOW_MS - 7_000], ["corrected"])


def test_a_process_that_starts_in_a_boot_that_knew_the_time_knows_it_too(bench):
    bench.press()
    bench.machine.set_by_ntp(NOW_MS)
    bench.lane.note_time()
    # Nine hours without NTP, and somebody sets the clock while no process looks.
    bench.machine.set_by_hand(-400 * 24 * HOUR_MS)
    bench.kill()
    assert bench.clock.state() == "synced"
    bench.press()
    assert bench.times() == [NOW_MS, NOW_MS + 2_000]
    assert bench.marks() == ["corrected", None]


def test_items_of_a_boot_that_knew_the_time_have_it_in_the_next_that_does_not(bench):
    bench.press()
    bench.machine.set_by_ntp(NOW_MS)
    bench.lane.note_time()
    bench.machine.power_cut("boot-2")
    bench.kill()
    bench.press()
    assert bench.marks() == ["corrected", "doubtful"]
    assert bench.times()[0] == NOW_MS


def test_items_of_a_boot_that_never_knew_keep_their_place(bench):
    bench.machine.set_by_ntp(NOW_MS)
    bench.press()
    bench.machine.power_cut("boot-2")
    bench.kill()
    bench.press()
    bench.machine.pass_ms(1_000)
    bench.press()
    bench.machine.power_cut("boot-3")
    bench.kill()
    bench.machine.set_by_ntp(NOW_MS + HOUR_MS)
    bench.press()
    first, second, third, fourth = bench.times()
    assert bench.marks() == [None, "doubtful", "doubtful", None]
    assert first < second < third < fourth
    assert third - second == 1_000
    assert second == first + 5_000


def test_a_jump_of_a_trusted_clock_reorders_nothing(bench):
    bench.machine.set_by_ntp(NOW_MS)
    for by_ms in (-HOUR_MS, HOUR_MS, 400 * 24 * HOUR_MS, -400 * 24 * HOUR_MS):
        bench.press()
        bench.machine.set_by_hand(by_ms)
    bench.press()
    times = bench.times()
    assert times == sorted(times)
    assert times[-1] - times[0] == 4_000


def test_a_cuffs_own_time_is_not_shifted(bench):
    memory = Measurement(
        device="cuff-1",
        kind="blood_pressure",
        measured_at_ms=NOW_MS - HOUR_MS,
        received_at_ms=bench.clock.now_ms(),
        own_time=True,
    )
    bench.lane.append([memory])
    bench.machine.set_by_ntp(NOW_MS)
    (answer,) = bench.told()
    assert answer.measured_at_ms == NOW_MS - HOUR_MS
    assert answer.received_at_ms == NOW_MS


def test_a_spool_of_the_version_before_goes_on(tmp_path):
    made = sqlite3.connect(tmp_path / "activation.db")
    made.executescript(OLD.read_text())
    made.close()
    bench = Bench(tmp_path)
    assert bench.lane.last_seq == 3
    bench.press()
    bench.machine.set_by_ntp(NOW_MS)
    # What was stored without a stamp is sent as it stands, and is no worse than before.
    assert bench.times() == [NOW_MS, 5_000, NOW_MS]
    assert bench.marks() == [None, None, "corrected"]
    assert [item.seq for item in bench.told()] == [2, 3, 4]
    bench.lane.rewind(0)
    assert [item.seq for item in bench.told()] == [1, 2, 3, 4]


def test_a_flipped_bit_in_a_stamp_is_noticed(bench):
    bench.press()
    connection = bench.lane._connection
    (body,) = connection.execute("SELECT body FROM item").fetchone()
    connection.execute("UPDATE item SET body = ?", (body.replace(b'"at_ms":5', b'"at_ms":7'),))
    assert bench.told() == []
    assert bench.lane.damaged == 1


def test_a_stamp_that_makes_no_sense_costs_its_row_alone(bench):
    bench.press()
    bench.press()
    connection = bench.lane._connection
    (body,) = connection.execute("SELECT body FROM item WHERE seq = 1").fetchone()
    body = body.replace(b'"boot":', b'"boat":')
    connection.execute("UPDATE item SET body = ?, crc = ? WHERE seq = 1", (body, zlib.crc32(body)))
    assert [item.seq for item in bench.told()] == [2]


@pytest.mark.parametrize("known", [True, False], ids=["while open", "at the start"])
def test_a_rescued_file_keeps_stamps_and_boots(bench, known):
    bench.press()
    bench.machine.set_by_ntp(NOW_MS)
    bench.lane.note_time()
    bench.machine.power_cut("boot-2")
    bench.kill()
    if not known:
        bench.lane.boots = ()
    bench.lane.rescue(NOW_MS)
    assert (bench.times(), bench.marks()) == ([NOW_MS], ["corrected"])
    bench.lane.reopen()
    assert [boot.name for boot in bench.lane.boots] == ["boot-1", "boot-2"]


def test_boots_are_bounded_and_the_oldest_items_stay(bench):
    bench.press()
    for number in range(2, BOOTS_KEPT + 5):
        bench.machine.power_cut(f"boot-{number}")
        bench.lane._times = bench.machine.process()
        bench.press()
    rows = bench.lane._connection.execute("SELECT count(*) FROM boot").fetchone()
    assert rows == (BOOTS_KEPT,) == (len(bench.lane.boots),)
    assert len(bench.told()) == bench.number


def test_the_clock_survives_a_reading_that_was_interrupted():
    """Milliseconds pass between the two clocks: that is no step."""
    readings = iter([1_000, 1_000, 1_000, 3_000, 3_000, 3_500])
    clock = Clock(
        machine=Machine(
            boot=lambda: "b",
            boot_ms=lambda: next(readings),
            wall_ms=lambda: NOW_MS,
            kept=lambda: True,
        )
    )
    assert clock.now_ms() == NOW_MS
    assert clock.now_ms() == NOW_MS + 2_000

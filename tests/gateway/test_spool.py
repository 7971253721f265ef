"""The spool: callbacks after the commit, one commit for what is queued, refusals, a full disk."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from contract.item import Item, Measurement
from gateway.spool.spool import (
    FAULT_EVERY_MS,
    TELEMETRY_QUEUE_MAX,
    URGENT_QUEUE_MAX,
    Spool,
    SpoolEdges,
    SpoolInUse,
    SpoolState,
)
from gateway.spool.writer import COMMIT_ROWS_MAX
from tests.adapters.gateway_items import NOW_MS, press, reading, uuids
from tests.adapters.tiny_disk import fill, tiny_disk
from tests.adapters.worn_card import WornCard

DEADLINE_S = 30.0
DISK_BYTES = 4 << 20
RESERVE_BYTES = 1 << 20


class Bench:
    """A spool whose commits and log lines we collect, and whose clock is ours."""

    def __init__(self, folder: Path, edges: SpoolEdges | None = None, **settings: int) -> None:
        self.folder = folder
        self.now_ms = NOW_MS
        self.logged: list[str] = []
        self.commits: list[list[Item]] = []
        self.spool = Spool(
            folder,
            gateway="gw-1",
            new_uuid=uuids(),
            now_ms=lambda: self.now_ms,
            log=lambda event, detail: self.logged.append(f"{event} {detail}"),
            edges=edges,
            **settings,
        )
        self.spool.urgent.on_commit = self.on_commit

    def on_commit(self, items: Sequence[Item]) -> None:
        self.commits.append(list(items))

    @property
    def accepted(self) -> list[Item]:
        return [item for commit in self.commits for item in commit]

    def came_round(self) -> None:
        """Until both threads have done all that was queued before this."""
        for writer in (self.spool.telemetry, self.spool.urgent):
            done = threading.Event()
            writer.call(done.set)
            assert done.wait(DEADLINE_S), f"thread {writer.name} hangs"

    def state(self) -> SpoolState:
        answers: list[SpoolState] = []
        self.spool.urgent.call(lambda: answers.append(self.spool.state()))
        self.came_round()
        return answers[0]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "spool")
    yield made
    made.spool.close()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    with tiny_disk(tmp_path / "disk", DISK_BYTES) as folder:
        yield folder


def stored(path: Path) -> list[int]:
    """Straight from the file, by a connection of our own."""
    connection = sqlite3.connect(path)
    try:
        return [row[0] for row in connection.execute("SELECT seq FROM item ORDER BY seq")]
    finally:
        connection.close()


def test_a_callback_finds_its_rows_in_the_file(bench: Bench) -> None:
    seen: list[list[int]] = []

    def look(items: Sequence[Item]) -> None:
        bench.on_commit(items)
        seen.append(stored(bench.folder / "activation.db"))

    bench.spool.urgent.on_commit = look
    bench.spool.start()
    bench.spool.offer([press(1)])
    bench.came_round()
    bench.spool.offer([press(2), press(3)])
    bench.came_round()
    assert seen == [[1], [1, 2, 3]]


def test_what_is_queued_shares_one_commit_in_order(bench: Bench) -> None:
    for number in range(50):
        assert bench.spool.offer([press(number)])
    bench.spool.start()
    bench.came_round()
    assert len(bench.commits) == 1
    assert [item.device for item in bench.accepted] == [f"button-{n}" for n in range(50)]
    assert [item.seq for item in bench.accepted] == list(range(1, 51))


def test_a_backlog_is_cut_into_bearable_commits(bench: Bench) -> None:
    count = 2 * COMMIT_ROWS_MAX + 10
    for number in range(count):
        bench.spool.offer([press(number)])
    bench.spool.start()
    bench.came_round()
    assert [len(commit) for commit in bench.commits] == [COMMIT_ROWS_MAX, COMMIT_ROWS_MAX, 10]
    assert [item.seq for item in bench.accepted] == list(range(1, count + 1))


def test_each_measurement_goes_to_its_lane(bench: Bench) -> None:
    bench.spool.start()
    bench.spool.offer([reading(1), press(2), reading(3)])
    bench.came_round()
    assert stored(bench.folder / "activation.db") == [1]
    assert stored(bench.folder / "telemetry.db") == [1, 2]
    assert [item.device for item in bench.accepted] == ["button-2"]


def test_close_commits_what_is_queued(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.spool.start()
    for number in range(20):
        bench.spool.offer([press(number), reading(number)])
    bench.spool.close()
    assert len(stored(tmp_path / "activation.db")) == 20
    assert len(stored(tmp_path / "telemetry.db")) == 20


BAD: list[tuple[str, dict[str, object]]] = [
    ("unknown value", {"kind": "power", "values": {"horse_power": 1.0}}),
    ("not a number", {"kind": "power", "values": {"power_w": float("nan")}}),
    ("time", {"kind": "power", "measured_at_ms": 1 << 62}),
    ("name", {"kind": "power", "device": "卧室/sos"}),
    ("half a character", {"kind": "power", "attrs": {"a": "\ud800"}}),
    ("no scalar", {"kind": "power", "attrs": {"a": [1]}}),
    ("infinite attr", {"kind": "power", "attrs": {"a": float("inf")}}),
    ("kind", {"kind": "poetry"}),
]


def bad(changes: dict[str, object]) -> Measurement:
    fields: dict[str, object] = {
        "device": "meter-1",
        "measured_at_ms": NOW_MS,
        "received_at_ms": NOW_MS,
        **changes,
    }
    return Measurement(**fields)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize("changes", [b[1] for b in BAD], ids=[b[0] for b in BAD])
def test_a_bad_reading_blocks_nothing_and_is_told(bench: Bench, changes: dict[str, object]) -> None:
    bench.spool.start()
    bench.spool.offer([reading(1), bad(changes), reading(2)])
    bench.came_round()
    bench.came_round()  # the fault, offered by the telemetry thread
    assert stored(bench.folder / "telemetry.db") == [1, 2]
    assert bench.spool.telemetry.refused == 1
    assert [item.kind for item in bench.accepted] == ["device_health"]
    assert str(bench.accepted[0].attrs["fault"]).startswith("spool_")
    assert any(line.startswith("spool_refused") for line in bench.logged)


def test_a_press_that_was_garnished_wrongly_is_still_a_press(bench: Bench) -> None:
    bench.spool.start()
    bench.spool.offer(
        [
            bad({"kind": "sos", "device": "卧室/sos", "attrs": {"action": "hold", "x": "\ud800"}}),
            bad({"kind": "fall", "measured_at_ms": -1}),
            bad({"kind": "smoke", "values": {"gas_ppm": float("nan")}}),
            press(4),
        ]
    )
    bench.came_round()
    presses = [item for item in bench.accepted if item.kind != "device_health"]
    assert [item.kind for item in presses] == ["sos", "fall", "smoke", "sos"]
    assert presses[0].attrs["action"] == "hold"
    assert presses[1].measured_at_ms == NOW_MS
    assert presses[2].values == {}
    assert [item.seq for item in bench.spool.urgent.lane.waiting(0, 9, NOW_MS)][:4] == [1, 2, 3, 4]


def test_a_callback_or_a_job_that_raises_does_not_end_the_thread(bench: Bench) -> None:
    def raises(_items: Sequence[Item]) -> None:
        raise RuntimeError("planted")

    def wrong() -> None:
        raise ZeroDivisionError

    bench.spool.urgent.on_commit = raises
    bench.spool.start()
    bench.spool.offer([press(1)])
    bench.spool.urgent.call(wrong)
    bench.came_round()
    bench.spool.offer([press(2)])
    bench.came_round()
    assert stored(bench.folder / "activation.db") == [1, 2]
    assert len([line for line in bench.logged if line.startswith("spool_job_failed")]) == 3


def test_a_press_that_no_sync_takes_is_not_told_as_received_and_not_written_twice(
    tmp_path: Path,
) -> None:
    card = WornCard()
    card.worn = False
    bench = Bench(tmp_path / "spool", SpoolEdges(connect=card))
    found: list[bool] = []
    bench.spool.urgent.on_found = lambda: found.append(True)
    bench.spool.start()
    card.worn = True
    bench.spool.offer([press(1)])
    bench.came_round()
    assert not bench.accepted
    assert found
    assert bench.spool.urgent.refused
    card.worn = False
    bench.spool.offer([press(2)])
    bench.came_round()
    assert bench.accepted[-1].device == "button-2"
    kept = [item.device for item in bench.spool.urgent.lane.waiting(0, 9, NOW_MS)]
    assert [device for device in kept if device != "gw-1"] == ["button-1", "button-2"]
    bench.spool.close()


def test_the_same_trouble_is_told_once_an_hour(bench: Bench) -> None:
    bench.spool.start()
    nan = bad({"kind": "power", "values": {"power_w": float("nan")}})
    for after_ms in (0, 1000, FAULT_EVERY_MS - 1, FAULT_EVERY_MS):
        bench.now_ms = NOW_MS + after_ms
        bench.spool.offer([nan])
        bench.came_round()
    bench.came_round()
    assert [item.measured_at_ms - NOW_MS for item in bench.accepted] == [0, FAULT_EVERY_MS]
    assert bench.spool.telemetry.refused == 4


def test_a_disk_that_stands_still_sheds_readings_and_no_press(bench: Bench) -> None:
    """The threads come round only when everything was offered."""
    for number in range(TELEMETRY_QUEUE_MAX):
        assert bench.spool.offer([reading(number)])
    assert not bench.spool.offer([reading(-1), press(0)])
    assert (bench.spool.telemetry.refused, bench.spool.urgent.refused) == (1, 0)
    for number in range(1, 200):
        assert bench.spool.offer([press(number)])
    bench.spool.start()
    bench.came_round()
    presses = [item.device for item in bench.accepted if item.kind == "sos"]
    assert presses == [f"button-{n}" for n in range(200)]
    # And it is told why something is missing.
    faults = [item.attrs for item in bench.accepted if item.kind == "device_health"]
    assert [attrs["fault"] for attrs in faults] == ["spool_queue_full"]


def test_more_presses_than_can_wait_are_refused_aloud(bench: Bench) -> None:
    """No callback, no tone: the button repeats itself, and the person presses again."""
    for number in range(URGENT_QUEUE_MAX):
        assert bench.spool.offer([press(number)])
    assert not bench.spool.offer([press(-1)])
    assert bench.spool.urgent.refused > 0
    assert any("spool_refused" in line for line in bench.logged)
    bench.spool.start()
    bench.came_round()
    assert len(bench.accepted) == URGENT_QUEUE_MAX
    assert bench.spool.offer([press(-1)])
    bench.came_round()
    assert bench.accepted[-1].device == "button--1"


def test_evicted_readings_are_told_to_the_hub(tmp_path: Path) -> None:
    bench = Bench(tmp_path, telemetry_bytes_max=20_000)
    bench.spool.start()
    for number in range(200):
        bench.spool.offer([reading(number, padding=2)])
        bench.came_round()
    state = bench.state()
    bench.came_round()
    assert state.evicted > 0
    assert [item.attrs["fault"] for item in bench.accepted] == ["spool_evicted"]
    bench.spool.close()


def test_two_gateways_never_share_a_folder(bench: Bench) -> None:
    with pytest.raises(SpoolInUse, match="another gateway"):
        Bench(bench.folder)


def test_the_state_tells_the_oldest_that_waits(bench: Bench) -> None:
    bench.spool.start()
    bench.spool.offer([press(1, NOW_MS - 5000), press(2)])
    bench.came_round()
    assert bench.state().oldest_received_ms == NOW_MS - 5000
    bench.spool.urgent.call(lambda: bench.spool.urgent.lane.ack([1], None, NOW_MS))
    bench.came_round()
    state = bench.state()
    assert state.oldest_received_ms == NOW_MS
    assert state.last_seq == 2


def test_a_full_disk_refuses_readings_and_still_takes_presses(small: Path) -> None:
    folder = small / "spool"
    bench = Bench(folder, reserve_bytes=RESERVE_BYTES)
    bench.spool.start()
    bench.spool.offer([press(0), reading(0)])
    bench.came_round()
    assert (folder / "reserve").stat().st_size == RESERVE_BYTES
    fill(small, leave_bytes=0)
    for number in range(1, 40):
        bench.spool.offer([reading(number, padding=20)])
        bench.came_round()
    assert bench.spool.telemetry.refused > 0
    assert bench.spool.urgent.refused == 0
    for number in range(1, 101):
        bench.spool.offer([press(number)])
        bench.came_round()
    presses = [item.device for item in bench.accepted if item.kind == "sos"]
    assert presses == [f"button-{n}" for n in range(101)]
    assert not (folder / "reserve").exists()
    assert bench.spool.urgent.refused == 0
    bench.spool.close()
    again = Bench(folder, reserve_bytes=RESERVE_BYTES)
    kept = [item.device for item in again.spool.urgent.lane.waiting(0, 1000, NOW_MS)]
    assert [device for device in kept if device != "gw-1"] == presses
    again.spool.close()


def test_when_nothing_is_left_a_press_is_refused_aloud_and_room_makes_it_work(
    small: Path,
) -> None:
    """Nothing is promised that can't be kept: no callback, so no tone."""
    bench = Bench(small / "spool", reserve_bytes=RESERVE_BYTES)
    bench.spool.start()
    bench.spool.offer([press(0)])
    bench.came_round()
    (small / "spool" / "reserve").unlink()
    other = fill(small, leave_bytes=0)
    number = 0
    while not bench.spool.urgent.refused and number < 2000:
        number += 1
        bench.spool.offer([press(number)])
        bench.came_round()
    assert bench.spool.urgent.refused
    presses = [item for item in bench.accepted if item.kind == "sos"]
    assert len(presses) == number  # 0 … number - 1, and not the last
    other.unlink()
    bench.spool.offer([press(5000)])
    bench.came_round()
    assert bench.accepted[-1].device in ("button-5000", "gw-1")
    assert "button-5000" in [item.device for item in bench.accepted]
    kept = bench.spool.urgent.lane.waiting(0, 5000, NOW_MS)
    assert [item.seq for item in kept] == list(range(1, len(kept) + 1))
    assert {item.id for item in bench.accepted} == {item.id for item in kept}
    state = bench.state()
    assert state.free_bytes > 0
    assert (small / "spool" / "reserve").exists()
    bench.spool.close()

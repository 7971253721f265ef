"""The trail goes to a collector of syslog, and no row is missing there whatever becomes of it."""

import asyncio
import json
import ssl
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import trustme

from hearthwatch.__main__ import main
from hearthwatch.audit_copy.config import AuditCopyConfig, Collector, audit_copy_config
from hearthwatch.audit_copy.copying import AuditCopy
from hearthwatch.audit_copy.sinks import Away, KeptPlaces
from hearthwatch.audit_copy.syslog import SyslogSink, framed, message
from ledger.schema import AUDIT, ENTRY
from ledger.trail_copy import compare
from tests.adapters.hub_bench import Bench, press
from tests.adapters.log_collector import HEADER, LogCollector
from tests.adapters.sealed import sealed_file

HOST = "hub-1.county.example"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path, sealed_file(tmp_path / "hub" / "hub.db"))
    yield bench
    bench.hub.close()


class Site:
    """A hub's copy of its trail, and authorities for who may be its collector."""

    def __init__(self, bench: Bench, folder: Path) -> None:
        self.bench, self.folder = bench, folder
        self.authority, self.rogue = trustme.CA(), trustme.CA()
        self.authority.cert_pem.write_to_path(folder / "log-ca.pem")
        self.told: list[tuple[str, str]] = []
        self.engines = []

    def server(self, authority: trustme.CA | None = None, name: str = "127.0.0.1"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        (authority or self.authority).issue_cert(name).configure_cert(context)
        return context

    def copy(self, port: int, **more: object) -> AuditCopy:
        """As of a hub that has just been started."""
        given = {"ca_file": self.folder / "log-ca.pem", **more}
        collector = Collector(host="127.0.0.1", port=port, **given)
        engine = self.bench.book.open_copier()
        self.engines.append(engine)
        kept = KeptPlaces(self.bench.hub.writer, engine, AuditCopyConfig(syslog=collector))
        sink = SyslogSink(collector, kept, HOST)
        return AuditCopy(engine, sink, lambda event, text: self.told.append((event, text)))

    def looked(self, *actors: str) -> None:
        for actor in actors:
            self.bench.change(
                lambda unit, a=actor: unit.audit(a, "revealed", "person:p-1", "王的", owner="p-1")
            )

    def rows(self) -> set[tuple[str, int]]:
        return {
            (table.name, row["seq"]) for table in (AUDIT, ENTRY) for row in self.bench.rows(table)
        }


@pytest.fixture
def site(bench: Bench, tmp_path: Path) -> Iterator[Site]:
    site = Site(bench, tmp_path)
    yield site
    for engine in site.engines:
        engine.dispose()


def all_of_it(copy: AuditCopy) -> None:
    async def steps() -> None:
        while await copy.step():
            continue

    asyncio.run(steps())


def fails(copy: AuditCopy) -> str:
    """One round of what the hub does for ever: it is told why, and asked anew the next time."""

    async def pause(_seconds: float) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(copy.run(pause))
    return copy.trouble


def there(*collectors: LogCollector) -> set[tuple[str, int]]:
    """Rows by what the messages say."""
    found = set()
    for one in collectors:
        for text in one.messages:
            document = json.loads(HEADER.match(text)["words"])
            found.add((document["table"], document["seq"]))
    return found


@pytest.mark.parametrize("plain", [False, True])
def test_every_row_is_a_message_as_the_standards_have_it(site: Site, plain: bool) -> None:
    with closing(LogCollector(None if plain else site.server())) as collector:
        site.bench.deliver(press(1))
        site.looked("duty-1", "duty-2")
        more = {"plain": True, "ca_file": None} if plain else {}
        all_of_it(site.copy(collector.port, **more))
        assert there(collector) == site.rows()
        assert len(collector.messages) == len(site.rows())
        assert collector.wrong == []
        heads = [HEADER.match(text) for text in collector.messages]
        assert {head["pri"] for head in heads} == {"110"}
        assert {head["host"] for head in heads} == {HOST}
        assert {(head["app"], head["proc"]) for head in heads} == {("hearthwatch", "-")}
        assert {head["id"] for head in heads} == {"audit", "entry"}
        assert "王的" not in "".join(collector.messages)
        audits = [head for head in heads if head["id"] == "audit"]
        assert all(head["at"].startswith("2026-") for head in audits)
        # What came is as good a witness as a file: the command reads what a collector wrote down.
        file = site.folder / "collected.log"
        file.write_text("".join(f"{text}\n" for text in collector.messages))
        engine = site.bench.book.open_copier()
        site.engines.append(engine)
        with engine.connect() as connection, file.open() as lines:
            assert compare(connection, lines).agrees
        site.bench.change(lambda unit: unit.execute("DELETE FROM audit WHERE actor = 'duty-1'"))
        with engine.connect() as connection, file.open() as lines:
            assert len(compare(connection, lines).missing) == 1


def test_another_hub_goes_on_where_this_one_was(site: Site) -> None:
    with closing(LogCollector(site.server())) as collector:
        site.looked("duty-1")
        all_of_it(site.copy(collector.port))
        before = len(collector.messages)
        site.looked("duty-2")
        all_of_it(site.copy(collector.port))
        assert len(collector.messages) == before + 1


def test_a_collector_that_is_away_misses_nothing(site: Site) -> None:
    first = LogCollector(site.server())
    site.looked("duty-1")
    copy = site.copy(first.port)
    all_of_it(copy)
    first.close()
    site.looked("duty-2", "duty-3")
    assert "127.0.0.1" in fails(copy)
    site.looked("duty-4")
    with closing(LogCollector(site.server(), first.port)) as second:
        all_of_it(copy)
        assert there(first, second) == site.rows()
        assert site.told[0][0] == "audit_not_copied"


def test_a_collector_that_is_killed_while_it_reads_misses_nothing(site: Site) -> None:
    """What was written into the line of one that dies counts for nothing."""
    first = LogCollector(site.server())
    site.looked(*(f"duty-{number}" for number in range(50)))
    first.kills = lambda text: '"actor":"duty-20"' in text
    copy = site.copy(first.port)
    assert fails(copy)
    first.close()
    with closing(LogCollector(site.server(), first.port)) as second:
        all_of_it(copy)
        assert len(there(first)) >= 20
        assert ("audit", site.bench.rows(AUDIT)[-1]["seq"]) in there(second)
        assert there(first, second) == site.rows()


def test_what_was_read_and_not_stored_comes_again(site: Site) -> None:
    """It ended the connection in good order, and died before it had written down what it read."""
    first = LogCollector(site.server())
    site.looked("duty-1", "duty-2")
    copy = site.copy(first.port)
    all_of_it(copy)
    first.messages.clear()
    first.close()
    site.looked("duty-3")
    assert fails(copy)
    with closing(LogCollector(site.server(), first.port)) as second:
        all_of_it(copy)
        assert there(second) == site.rows()


def test_one_that_ends_without_a_word_is_believed_the_second_time(site: Site) -> None:
    with closing(LogCollector(site.server())) as collector:
        collector.blunt = True
        site.looked("duty-1")
        copy = site.copy(collector.port)
        assert "without TLS's own end" in fails(copy)
        assert copy.known == {}
        all_of_it(copy)
        count = len(collector.messages)
        site.looked("duty-2")
        all_of_it(copy)
        assert len(collector.messages) == count + 1
        assert there(collector) == site.rows()


def test_one_that_never_ends_its_half_is_not_believed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hearthwatch.audit_copy.syslog.TIMEOUT_S", 0.2)
    with closing(LogCollector()) as collector:
        collector.ends_its_half = False
        site.looked("duty-1")
        copy = site.copy(collector.port, plain=True, ca_file=None)
        assert "not done in" in fails(copy)
        assert copy.known == {}


@pytest.mark.parametrize("what", ["another authority", "another name", "no TLS"])
def test_nothing_is_said_to_who_is_not_the_collector(site: Site, what: str) -> None:
    context = {
        "another authority": site.server(site.rogue),
        "another name": site.server(name="elsewhere.example"),
        "no TLS": None,
    }[what]
    with closing(LogCollector(context)) as collector:
        site.looked("duty-1")
        assert fails(site.copy(collector.port))
        assert collector.messages == []


def test_a_collector_may_ask_who_we_are(site: Site) -> None:
    context = site.server()
    context.verify_mode = ssl.CERT_REQUIRED
    site.authority.configure_trust(context)
    mine = site.authority.issue_cert("hub-1.county.example")
    files = {"cert_file": site.folder / "hub.pem", "key_file": site.folder / "hub.key"}
    mine.cert_chain_pems[0].write_to_path(files["cert_file"])
    mine.private_key_pem.write_to_path(files["key_file"])
    with closing(LogCollector(context)) as collector:
        site.looked("duty-1")
        # Of TLS 1.3 the client hears that it is refused only after it has sent.
        assert fails(site.copy(collector.port))
        assert collector.messages == []
        all_of_it(site.copy(collector.port, **files))
        assert there(collector) == site.rows()


def test_a_hub_that_ends_waits_for_no_collector(site: Site) -> None:
    with closing(LogCollector()) as collector:
        collector.ends_its_half = False
        site.looked("duty-1")
        copy = site.copy(collector.port, plain=True, ca_file=None)

        async def story() -> None:
            task = asyncio.create_task(copy.run())
            while not collector.messages:  # noqa: ASYNC110 - a thread has no event
                await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        async def bounded() -> None:
            # Far below the time that a collector has.
            async with asyncio.timeout(10):
                await story()

        asyncio.run(bounded())


def test_a_frame_ends_by_its_length_and_a_host_is_printable() -> None:
    line = '{"table":"entry","seq":1,"link":"00"}'
    assert message(line, "a b").startswith(b"<110>1 - - hearthwatch - entry - {")
    assert framed([b"ab\nc", "王".encode()]) == b"4 ab\nc" + b"3 \xe7\x8e\x8b"


def test_settings_say_where_and_how(tmp_path: Path) -> None:
    found = audit_copy_config(
        {"syslog": "log.county.example", "ca_file": "log-ca.pem"}, "audit_copy", tmp_path
    )
    assert found is not None
    assert found.syslog == Collector(
        host="log.county.example", port=6514, ca_file=tmp_path / "log-ca.pem"
    )
    plain = audit_copy_config({"syslog": "[::1]", "private": True}, "audit_copy", tmp_path)
    assert plain is not None
    assert plain.syslog == Collector(host="::1", port=601, plain=True)


def test_the_doctor_says_how_far_it_has_come(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "hub.toml"
    table = '[audit_copy]\nsyslog = "127.0.0.1:1"\n'
    config.write_text(f'data_dir = "hub"\n{table}')
    site.looked("duty-1")
    main(["doctor", "--hub", str(config)])
    [line] = [x for x in capsys.readouterr().out.splitlines() if "copy of the trail" in x]
    assert "rows wait" in line
    config.write_text('data_dir = "hub"\n')
    main(["doctor", "--hub", str(config)])
    assert "copy of the trail  none" in capsys.readouterr().out


def test_away_is_said_with_the_collectors_name(site: Site) -> None:
    with closing(LogCollector()) as gone:
        port = gone.port
    site.looked("duty-1")
    with pytest.raises(Away, match=f"127.0.0.1:{port}"):
        asyncio.run(site.copy(port).step())

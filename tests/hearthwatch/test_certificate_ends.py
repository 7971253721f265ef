"""The broker's certificate and the authority's are told of before their end, by a clock of the
test's; and what the broker shows is looked at as a gateway would."""

import asyncio
import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from hearthwatch.__main__ import main
from hearthwatch.authority import certificates, keys
from hearthwatch.authority.door import Door
from hearthwatch.broker_config import BrokerConfig
from hearthwatch.certificate_ends import (
    DAY_MS,
    CertificateEnds,
    RefusedError,
    days_left,
    measure_ends,
    served,
    stage_of,
)
from hearthwatch.enrolling import NoEnrolling
from hearthwatch.enrolment_config import EnrolmentConfig
from hearthwatch.housekeeping import House
from ledger.schema import ALARM
from tests.adapters.hub_bench import Bench
from tests.adapters.sealed import sealed_file

NOW = dt.datetime.now(tz=dt.UTC)  # noqa: TID251 - OpenSSL judges by the machine's clock
NOW_MS = int(NOW.timestamp() * 1000)


def test_stages_are_reached_one_after_the_other() -> None:
    def at(days: float) -> int | None:
        return stage_of(NOW_MS + int(days * DAY_MS), NOW_MS)

    assert [at(days) for days in (61, 60, 31, 30, 8, 7, 0.01)] == [None, 60, 60, 30, 30, 7, 7]
    assert at(0) == at(-5) == 0
    assert days_left(NOW_MS + 3 * DAY_MS - 1, NOW_MS) == 2


class World:
    def __init__(self, folder: Path) -> None:
        self.bench = Bench(folder, sealed_file(folder / "hub" / "hub.db"))
        self.wall_ms = NOW_MS
        self.key = certificates.new_key()
        self.authority = certificates.self_signed(self.key, NOW)
        self.ends_ms = NOW_MS + certificates.SERVER_DAYS * DAY_MS
        self.refused = ""
        self.away = False
        self.said: list[tuple[str, int | None]] = []
        self.log: list[str] = []
        self.restart()

    def restart(self) -> None:
        hub = self.bench.hub
        house = House(hub.config, hub.side, hub.reader, NoEnrolling(), self.bench.clock.now_ms)

        async def tell(rule, failed, evidence, severity="technical", /) -> None:
            self.said.append((rule, evidence.get("days_left") if failed else None))
            self.bench.clock.at_ms += 1
            await house._told(rule, failed, evidence, severity)

        self.ends = CertificateEnds(
            self._look,
            lambda: certificates.pem_of(self.authority),
            lambda: self.wall_ms,
            tell,
            lambda event, text: self.log.append(f"{event} {text}"),
        )

    def _look(self, pem: str) -> int:
        assert "BEGIN CERTIFICATE" in pem
        if self.away:
            raise ConnectionRefusedError("refused")
        if self.refused:
            raise RefusedError(self.refused)
        return self.ends_ms

    def look(self, days: float = 0) -> None:
        self.wall_ms += int(days * DAY_MS)
        asyncio.run(self.ends.look())

    def alarms(self) -> list[tuple[str, str, str, int]]:
        return [
            (
                row["rule"].removeprefix("watchdog_"),
                row["state"],
                row["severity"],
                row["event_count"],
            )
            for row in self.bench.rows(ALARM)
        ]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.bench.hub.close()


def test_it_is_told_at_each_stage_once_and_ends_with_the_renewal(world: World) -> None:
    world.look()
    world.look(days=764)
    assert world.alarms() == []
    for _ in range(10):
        world.look(days=1)
    assert world.alarms() == [("broker_certificate", "open", "technical", 1)]
    world.look(days=22)
    world.look(days=1)
    assert world.alarms() == [("broker_certificate", "open", "technical", 2)]
    world.look(days=21)
    assert world.alarms() == [("broker_certificate", "open", "watch", 3)]
    told = [days for rule, days in world.said if rule.endswith("broker_certificate")]
    assert told == [None, 60, 29, 7]
    world.ends_ms = world.wall_ms + 825 * DAY_MS
    world.look()
    assert world.alarms() == [("broker_certificate", "closed", "watch", 3)]


async def test_a_process_that_keeps_no_house_knows_and_leaves_the_telling_to_the_other(
    world: World,
) -> None:
    hub = world.bench.hub
    house = House(hub.config, hub.side, hub.reader, NoEnrolling(), world.bench.clock.now_ms)
    house.ends = world.ends
    world.wall_ms += 800 * DAY_MS
    seeing = asyncio.create_task(house.see())
    async with asyncio.timeout(20):
        while "broker" not in world.ends.ends_ms:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0)
        world.refused = "over"
        await world.ends.look()
    seeing.cancel()
    assert world.ends.ends_ms["broker"] == world.ends_ms
    assert world.ends.refused == "over"
    assert (world.said, world.alarms()) == ([], [])


def test_an_alarm_of_before_a_restart_ends_too(world: World) -> None:
    world.look(days=800)
    world.restart()
    world.ends_ms = world.wall_ms + 825 * DAY_MS
    world.look()
    assert [state for _rule, state, *_ in world.alarms()] == ["closed"]


def test_the_authoritys_own_end_is_told_also_while_the_broker_is_away(world: World) -> None:
    world.away = True
    world.look(days=365 * 10 - 50)
    assert world.alarms() == [("authority_certificate", "open", "technical", 1)]
    assert world.log == ["certificates_not_looked_at refused"]


def test_what_no_gateway_believes_is_told_at_once(world: World) -> None:
    world.refused = "certificate has expired"
    world.look()
    world.look()
    assert world.alarms() == [("broker_refused", "open", "watch", 1)]
    world.refused = ""
    world.look()
    assert world.alarms() == [("broker_refused", "closed", "watch", 1)]


def test_figures_have_both_ends_and_nothing_where_there_are_none(world: World) -> None:
    def figures(ends: CertificateEnds | None) -> dict[str, float]:
        registry = CollectorRegistry()
        measure_ends(registry, ends)
        return {m.name: m.samples[0].value for m in registry.collect()}

    world.look()
    found = figures(world.ends)
    assert found["hearthwatch_broker_certificate_ends_seconds"] == world.ends_ms // 1000
    assert found["hearthwatch_authority_certificate_ends_seconds"] > world.ends_ms // 1000
    assert set(figures(None).values()) == {0.0}


@contextmanager
def serving(folder: Path) -> Iterator[int]:
    """A port that shows what lies in the folder, and wants a certificate as the broker does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    context.load_verify_locations(folder / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                line, _address = server.accept()
            except OSError:
                return
            try:
                context.wrap_socket(line, server_side=True).close()
            except OSError:
                line.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(10)


def place(port: int, host: str = "127.0.0.1") -> EnrolmentConfig:
    return EnrolmentConfig(
        authority=Path("none"),
        url="https://hub.example",
        broker_host=host,
        broker_port=port,
        crl_file=Path("none"),
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "hub.example"])
def test_it_is_looked_at_where_gateways_see_it(tmp_path: Path, host: str) -> None:
    """By its name outside, also where that leads nowhere from here."""
    keys.init(tmp_path, host, NOW)
    pem = (tmp_path / "ca.pem").read_text()
    with serving(tmp_path) as port:
        ends_ms = served(place(port, host), BrokerConfig(host="127.0.0.1"), pem)
    assert days_left(ends_ms, NOW_MS) in (824, 825)


@pytest.mark.parametrize("what", ["over", "another name", "another authority"])
def test_what_a_gateway_would_refuse_is_refused_here(tmp_path: Path, what: str) -> None:
    made = NOW - dt.timedelta(days=826) if what == "over" else NOW
    keys.init(tmp_path, "elsewhere.example" if what == "another name" else "127.0.0.1", made)
    pem = (tmp_path / "ca.pem").read_text()
    if what == "another authority":
        pem = certificates.pem_of(certificates.self_signed(certificates.new_key(), NOW))
    with serving(tmp_path) as port, pytest.raises(RefusedError):
        served(place(port), BrokerConfig(host="127.0.0.1"), pem)


def test_nobody_at_the_port_is_no_refusal(tmp_path: Path) -> None:
    keys.init(tmp_path, "127.0.0.1", NOW)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(OSError, match="refused"):
        served(place(port), BrokerConfig(host="127.0.0.1"), (tmp_path / "ca.pem").read_text())


@pytest.mark.parametrize(
    ("age_days", "told"),
    [(0, "ok    broker's cert."), (800, "warn  broker's cert."), (826, "fail  broker's cert.")],
)
def test_the_doctor_says_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], age_days: int, told: str
) -> None:
    folder = tmp_path / "authority"
    keys.init(folder, "127.0.0.1", NOW - dt.timedelta(days=age_days))
    door = Door(tmp_path / "socket", keys.load(folder), lambda _event, _detail: None)
    thread = threading.Thread(target=door.serve_forever)
    thread.start()
    try:
        with serving(folder) as port:
            (tmp_path / "hub.toml").write_text(
                'data_dir = "hub"\n[enrolment]\nauthority = "socket"\n'
                f'url = "https://hub.example"\nbroker = "127.0.0.1:{port}"\ncrl_file = "crl.pem"\n'
            )
            main(["doctor", "--hub", str(tmp_path / "hub.toml")])
    finally:
        door.shutdown()
        thread.join()
        door.server_close()
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith(told) for line in lines), lines
    main(["doctor", "--hub", str(tmp_path / "hub.toml")])
    assert "fail  authority" in capsys.readouterr().out

"""The hub's heartbeat outwards, and the press that tests the whole way, by hand-set clocks."""

import asyncio
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import pytest

from alarms.outbox import TableOutbox
from alarms.telling import TellingSettings
from alarms.trial_press import TrialPresses
from contract import topics
from contract.codec import decode_envelope, encode_ack
from contract.config import ConfigError
from contract.envelope import Ack
from contract.moment import from_iso
from hearthwatch.clock import PlannedClock
from hearthwatch.hub import Hub
from hearthwatch.hub_config import HubConfig, load
from hearthwatch.notify_config import NotifyConfig
from hearthwatch.watchdog.config import WatchdogConfig
from hearthwatch.watchdog.heartbeat import Heartbeat
from hearthwatch.watchdog.press import DailyPress, last_due_ms
from ingest.urgent_lane import decode_message
from ledger.place import SqliteBook
from ledger.schema import ALARM, ENTRY, EVENT, OUTBOX, TEST_PRESS
from rules.config import default_rules
from tests.adapters.hub_bench import Bench

DELIVERED = "UPDATE outbox SET state = 'delivered' WHERE id = ?"
RECEIPT = "https://receipts.example.org/hook"


@dataclass
class Reply:
    status_code: int = 200

    @property
    def is_success(self) -> bool:
        return self.status_code < 300


class Outside:
    """The receiver, the hub's parts and the clock of a heartbeat, all by hand."""

    def __init__(self) -> None:
        self.at_s = 0.0
        self.status = 200
        self.got = 0
        self.parts = {"book": "ok", "broker_urgent": "ok"}
        self.commit_fails = False
        self.told: list[float | None] = []
        self.book_fails = False
        self.log: list[str] = []
        self.beat = Heartbeat(
            self._request,
            checks=lambda: self.parts,
            commits=self._commit,
            told=self._tell,
            late_after_s=300,
            monotonic=lambda: self.at_s,
            log=lambda event, text: self.log.append(text),
        )

    async def _request(self) -> Reply:
        if self.status == 0:
            raise ConnectionError("https://secret.example.org is not there")
        self.got += 1
        return Reply(self.status)

    async def _commit(self) -> None:
        if self.commit_fails:
            raise OSError("disk full")

    async def _tell(self, late_s: float | None) -> None:
        if self.book_fails:
            raise OSError("disk full")
        self.told.append(late_s)

    def beats(self, count: int, every_s: float = 60) -> None:
        async def run() -> None:
            for _ in range(count):
                await self.beat.beat()
                self.at_s += every_s

        asyncio.run(run())


def test_a_hub_that_is_well_is_heard_outside() -> None:
    outside = Outside()
    outside.beats(3)
    assert (outside.got, outside.told, outside.beat.state()) == (3, [], "ok")


@pytest.mark.parametrize(
    "broken",
    [
        lambda outside: outside.parts.update(broker_urgent="not connected"),
        lambda outside: outside.parts.update(due="not looked for 20 s"),
        lambda outside: setattr(outside, "commit_fails", True),
    ],
    ids=["broker", "due", "commits"],
)
def test_a_hub_that_is_not_well_is_silent(broken) -> None:
    outside = Outside()
    outside.beats(1)
    broken(outside)
    outside.beats(3)
    assert outside.got == 1


@pytest.mark.parametrize("status", [0, 404, 500])
def test_what_is_not_delivered_is_told_after_its_time_and_ended_by_the_next(status) -> None:
    outside = Outside()
    outside.beats(1)
    outside.status = status
    outside.beats(3)
    assert (outside.told, outside.beat.state()) == ([], "ok")
    outside.beats(3)
    assert outside.told == [300.0]
    assert outside.beat.state().startswith("not delivered for 420 s: address")
    assert "secret" not in " ".join([*outside.log, outside.beat.state()])
    outside.status = 200
    outside.beats(1)
    assert outside.told[-1] is None
    assert outside.beat.state() == "ok"


def test_what_could_not_be_told_is_told_by_the_next_beat() -> None:
    outside = Outside()
    outside.beats(1)
    outside.status, outside.book_fails = 500, True
    outside.beats(6)
    assert outside.told == []
    outside.book_fails = False
    outside.beats(1)
    assert outside.told == [420.0]
    outside.status, outside.book_fails = 200, True
    outside.beats(1)
    outside.book_fails = False
    outside.beats(1)
    assert outside.told[-1] is None


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-11-23T08:00:00+08:00", "2026-11-23T03:00:00+08:00"),
        ("2026-11-23T03:00:00+08:00", "2026-11-23T03:00:00+08:00"),
        ("2026-11-23T02:59:59+08:00", "2026-11-22T03:00:00+08:00"),
    ],
)
def test_the_newest_time_that_is_not_to_come(now: str, due: str) -> None:
    assert last_due_ms(from_iso(now), 180, ZoneInfo("Asia/Shanghai")) == from_iso(due)


def test_the_hour_is_the_countys(tmp_path) -> None:
    """[notify] says in which zone the county lies; where clocks are put forward the night of the
    change has its test as well."""
    berlin = ZoneInfo("Europe/Berlin")
    config = HubConfig(
        data_dir=tmp_path / "hub",
        book=SqliteBook(path=tmp_path / "hub" / "hub.db"),
        notify=NotifyConfig(telling=TellingSettings(zone=berlin)),
        watchdog=WatchdogConfig(test_home="home-test"),
    )
    hub = Hub(config, PlannedClock(), default_rules())
    assert hub.watchdog.zone is berlin
    hub.close()
    for now, due in (
        ("2026-11-23T08:00:00+01:00", "2026-11-23T03:00:00+01:00"),
        ("2027-03-28T08:00:00+02:00", "2027-03-28T03:00:00+02:00"),
        ("2027-03-28T01:30:00+01:00", "2027-03-27T03:00:00+01:00"),
    ):
        assert last_due_ms(from_iso(now), 180, berlin) == from_iso(due)


class Way:
    """A hub without its broker; what the press publishes is handed to its lane."""

    def __init__(self, tmp_path, receipt: str | None = None) -> None:
        self.bench = Bench(tmp_path, SqliteBook(path=tmp_path / "hub" / "hub.db"))
        self.hub = self.bench.hub
        self.at_s = 0.0
        self.published: list[tuple[str, bytes]] = []
        # What is broken on the way.
        self.cut: set[str] = set()
        self.config = WatchdogConfig(test_home="home-test", test_within_s=5, receipt_url=receipt)
        self.presses = TrialPresses(TableOutbox(), "hub-test", "home-test", receipt)
        self.hub.book.on_test = self.presses.noted
        self.daily = DailyPress(
            self.config,
            self.presses,
            self.hub.writer,
            lambda unit, found: self.hub.book.take(unit, found, replayable=False),
            client=lambda: self,
            now_ms=lambda: self.bench.clock.at_ms,
            monotonic=lambda: self.at_s,
            zone=ZoneInfo("Asia/Shanghai"),
            log=lambda _event, _text: None,
            furnished=self.hub.roster_changed,
            pause=self.pause,
        )

    def publish_soon(self, topic: str, payload: bytes) -> bool:
        self.published.append((topic, payload))
        if "broker" not in self.cut and not ("first" in self.cut and len(self.published) == 1):
            decoded = decode_message(topic.encode(), payload)
            committed = self.bench.change(lambda unit: self.hub.urgent._take_all(unit, [decoded]))
            for gateway, ack in committed.acks:
                if "acknowledged" not in self.cut:
                    self.hear(topics.topic(gateway, "ack"), encode_ack(ack))
        return True

    def hear(self, topic: str, payload: bytes) -> None:
        self.daily.on_messages([(topic.encode(), payload, 0)], self)

    def ack(self, _packet_ids) -> None: ...

    async def pause(self, seconds: float) -> None:
        """What the dispatcher does meanwhile."""
        self.at_s += seconds
        for row in self.bench.rows(OUTBOX):
            if row["channel"] == "gateway_command" and "command" not in self.cut:
                self.hear(topics.topic(row["target"], "command"), row["body"].encode())
            if row["channel"] == "webhook" and "receipt" not in self.cut:
                self.bench.change(lambda unit, i=row["id"]: unit.execute(DELIVERED, (i,)))

    def press(self):
        assert self.bench.change(self.daily._furnish)
        return asyncio.run(self.daily.press())


@pytest.fixture
def way(tmp_path):
    ways = []

    def make(receipt: str | None = None) -> Way:
        ways.append(Way(tmp_path, receipt))
        return ways[-1]

    yield make
    for one in ways:
        one.hub.close()


def test_a_test_press_goes_the_whole_way_and_disturbs_nobody(way) -> None:
    one = way()
    outcome = one.press()
    assert outcome.missing is None
    [(topic, payload)] = one.published
    assert topic == "hw/v1/hub-test/activation"
    [item] = decode_envelope(payload).items
    assert (item.kind, item.attrs["action"]) == ("sos", "test")
    [event] = one.bench.rows(EVENT)
    assert (event["id"], event["home"], event["alarm"]) == (item.id, "home-test", None)
    [row] = one.bench.rows(TEST_PRESS)
    assert (row["id"], row["result"], row["missing"]) == (item.id, "ok", "")
    assert row["judged_at_ms"] is not None
    assert one.bench.rows(ALARM) == []
    assert [r["channel"] for r in one.bench.rows(OUTBOX)] == ["gateway_command"]


@pytest.mark.parametrize(
    ("cut", "missing"),
    [("broker", "stored"), ("acknowledged", "acknowledged"), ("command", "command")],
)
def test_what_is_missing_is_named_and_is_an_alarm_until_the_next_good_one(
    way, cut, missing
) -> None:
    one = way()
    one.cut = {cut}
    assert one.press().missing == missing
    [alarm] = one.bench.rows(ALARM)
    assert (alarm["kind"], alarm["severity"], alarm["reason"]) == (
        "watchdog",
        "technical",
        "test_failed",
    )
    assert (alarm["home"], alarm["region"], alarm["state"]) == (None, None, "open")
    one.cut = set()
    one.bench.clock.at_ms += 86_400_000
    assert one.press().missing is None
    [alarm] = one.bench.rows(ALARM)
    assert (alarm["state"], alarm["outcome"]) == ("closed", "recovered")


def test_a_press_that_the_broker_let_fall_is_sent_again_as_a_gateway_does(way) -> None:
    one = way()
    one.cut = {"first"}
    assert one.press().missing is None
    first, again = one.published
    assert again == first
    assert len(one.bench.rows(EVENT)) == 1


def test_rules_that_say_nothing_are_found_out(way) -> None:
    one = way()
    one.hub.book.on_test = lambda _unit, _finding: None
    assert one.press().missing == "judged"


def test_the_channel_of_receipts_has_to_take_it(way) -> None:
    one = way(RECEIPT)
    one.cut = {"receipt"}
    assert one.press().missing == "receipt"
    told = [row["body"] for row in one.bench.rows(OUTBOX) if row["channel"] == "webhook"]
    assert all("[TEST]" in body for body in told)
    assert [("failed" in body) for body in told].count(True) == 1
    one.cut = set()
    assert one.press().missing is None


def test_one_press_a_day_and_none_lost_by_a_restart(way) -> None:
    one = way()
    looked: list[int] = []

    async def looks() -> None:
        for _ in range(3):
            if await one.daily._due():
                await one.daily.press()
            looked.append(len(one.published))
            one.bench.clock.at_ms += 60_000

    one.bench.change(one.daily._furnish)
    asyncio.run(looks())
    assert looked == [1, 1, 1]
    one.bench.clock.at_ms += 86_400_000
    asyncio.run(looks())
    assert looked[-1] == 2
    # One that is under way when the hub is killed is made again.
    one.bench.change(lambda unit: one.presses.begin(unit, "cut off"))
    one.bench.change(one.daily._furnish)
    rows = {row["id"]: row for row in one.bench.rows(TEST_PRESS)}
    assert (rows["cut off"]["result"], rows["cut off"]["missing"]) == ("failed", "restart")
    # A clock that is set back does not keep it silent for years.
    one.bench.clock.at_ms -= 400 * 86_400_000
    assert asyncio.run(one.daily._due())


def test_what_is_no_answer_is_passed_over(way) -> None:
    one = way()
    one.hear("hw/v1/hub-test/ack", b"\xff nothing")
    one.hear("hw/v1/hub-test/command", b"{}")
    one.hear("hw/v1/hub-test/ack", encode_ack(Ack(spool="s", ids=["another"])))
    assert one.press().missing is None
    assert [e["fact"] for e in one.bench.rows(ENTRY) if e["topic"] == "alarm"] == []


def config(tmp_path, text: str) -> WatchdogConfig:
    path = tmp_path / "hub.toml"
    path.write_text(f'data_dir = "data"\n{text}')
    return load(path).watchdog


def test_the_watchdog_of_a_hub_toml(tmp_path) -> None:
    (tmp_path / "address").write_text("https://beat.example.org/0d5c\n")
    found = config(
        tmp_path, '[watchdog]\nurl_file = "address"\ntest_home = "home-test"\ntest_at = "02:30"\n'
    )
    assert found.url == "https://beat.example.org/0d5c"
    assert (found.test_home, found.test_minute, found.test_gateway) == (
        "home-test",
        150,
        "hub-test",
    )
    assert "beat" not in repr(found)
    off = config(tmp_path, "")
    assert (off.url, off.test_home) == (None, None)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('test_at = "25:00"', "test_at"),
        ('test_home = "家"', "test_home"),
        ('url = "beat.example.org"', "url"),
        ("interval_s = 1", "interval_s"),
        ('receipt_url = "https://x.example.org"', "receipt_url"),
        ('methud = "GET"', "method"),
    ],
)
def test_a_mistake_names_its_key(tmp_path, text: str, key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        config(tmp_path, f"[watchdog]\n{text}\n")

"""The escalation beside providers that fail in every way: no step waits for them, and what became
of each message can be counted.

Real sockets, the real hub's book, watch of what is due and dispatcher; the clock is the test's, and
so are all time-outs. It moves a second at a time, when everything has come to rest.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import select

from alarms.dispatcher import ATTEMPT_TIMEOUT_S
from alarms.escalation.defaults import default_policies
from alarms.lifecycle import Outcome
from alarms.notifiers.webhook import Webhook
from alarms.outbox import WebhookTarget
from alarms.outbox_rows import AGE_MAX_MS, AGED_ATTEMPTS_MIN, PER_TARGET_MAX
from hearthwatch.notices import CONNECTIONS_MAX
from hearthwatch.notify_config import NotifyConfig
from ledger.schema import ESCALATION, ESCALATION_STEP, OUTBOX
from ledger.unit_of_work import UnitOfWork
from tests.adapters.hard_provider import (
    FAULTS,
    OF_STATUS,
    RETRY_AFTER_S,
    SAYS_YES,
    HardProvider,
    Patience,
    Patient,
    Watched,
)
from tests.adapters.notices import NOW_MS, built
from tests.adapters.processes import until
from tests.adapters.telling_bench import Channel, Office

ALARMS, AT_ONCE, APART_S = 200, 20, 3
SEED = 7
# The hub looks for what is due this often.
TICK_MS = 1_000
# Of the alarms in the first village, where a duty officer's telephone never takes anything.
WITH_BROKEN = 5
# The second provider is down until then.
OPENS_AFTER_S = 45
SECRET = "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQ="

VILLAGES = """
[[region]]
code = "1"
name = "county"
level = "county"
[[region]]
code = "111"
name = "town"
level = "town"
parent = "1"
[[region]]
code = "11101"
name = "one"
level = "village"
parent = "111"
[[region]]
code = "11102"
name = "two"
level = "village"
parent = "111"
[[gateway]]
id = "gw-1"
region = "1"
"""
ROSTER = VILLAGES + "".join(
    f'[[home]]\nid = "home-{n}"\nregion = "1110{1 + (n >= WITH_BROKEN)}"\naddress = "a"\n'
    f'[[home.person]]\nid = "p-{n}"\nname = "n"\nvisitor = "visitor-{n % 10}"\n'
    for n in range(ALARMS)
)
STAFF = {
    **{f"visitor-{n}": ("visitor", f"1110{1 + n // 5}") for n in range(10)},
    "duty-1": ("duty", "1"),
    "duty-2": ("duty", "11101"),
    "town-1": ("manager", "111"),
    "county-1": ("manager", "1"),
}
PHONES = {name: f"+86138000000{n:02}" for n, name in enumerate(STAFF)}
BROKEN = frozenset({PHONES["duty-2"], PHONES["duty-2"].removeprefix("+86")})


class Night:
    """One hub with its providers, and the hands on its clock."""

    def __init__(self, office: Office) -> None:
        self.office, self.hub = office, office.hub
        now_ms = office.bench.clock.now_ms
        self.sms = HardProvider(now_ms, seed=SEED, faults=FAULTS, broken=BROKEN)
        self.second = HardProvider(now_ms, seed=SEED, faults=FAULTS, broken=BROKEN)
        self.system = HardProvider(now_ms, seed=SEED, faults=OF_STATUS)
        self.providers = (self.sms, self.second, self.system)
        self.patience = Patience(now_ms)
        self.counted: Counter[str] = Counter()
        self.raised: dict[str, int] = {}
        # The hub sleeps so many real seconds less between two looks.
        office.bench.clock.speed = lambda: 1e9

    async def begin(self, client: httpx2.AsyncClient) -> None:
        await self.sms.open()
        await self.system.open()
        folder, url = self.office.bench.folder, f"{self.system.url}/hook"
        self.office.channels = {
            "aliyun_sms": Watched(built("aliyun_sms", client, folder, api=self.sms.url), self.sms),
            "tencent_sms": Watched(
                built("tencent_sms", client, folder, api=self.second.url), self.second
            ),
            "webhook": Watched(
                Webhook(client, {url: SECRET}, lambda: NOW_MS // 1000, {url}), self.system
            ),
            "gateway_command": Channel(),
        }
        target = WebhookTarget(url=url, severities=frozenset({"urgent"}), private=True)
        self.hub.book._outbox._webhooks = (target,)
        for name, (role, region) in STAFF.items():
            self.office.account(name, role, region)
            for channel in ("aliyun_sms", "tencent_sms"):
                self.office.point(name, channel, PHONES[name])
        self.office.bench.change(self.hub.roster_changed)
        self.hub.to_loop.open()
        self.office.start(patience=self.patience, count=self._count)
        self.hub.side.dispatcher = self.office.sending
        self.watch = asyncio.create_task(self.hub._watch_due())

    def _count(self, _channel: str, state: str) -> None:
        self.counted[state] += 1

    def press(self, number: int) -> None:
        alarm = self.office.alarm(str(number), home=f"home-{number}")
        self.raised[alarm] = self.office.bench.clock.at_ms

    async def pass_ms(self, ms: int) -> None:
        await until(self.rests, "rest")
        clock = self.office.bench.clock
        # In the writer's thread: no transaction sees two times.
        self.office.bench.change(lambda _unit: setattr(clock, "at_ms", clock.at_ms + ms))
        self.patience.passed()
        self.office.sending.wake()

    def rests(self) -> bool:
        """Nothing is due any more, and whatever is under way hangs at a provider."""
        now_ms = self.office.bench.clock.at_ms
        hanging = {key for provider in self.providers for key in provider.hanging}
        under_way = set(self.office.sending._under_way)
        if self.patience.ending() or not under_way <= hanging:
            return False
        due = (OUTBOX.c.state == "pending") & (OUTBOX.c.next_at_ms <= now_ms)
        with self.hub.reader.connect() as connection:
            late = select(ESCALATION.c.alarm).where(ESCALATION.c.due_running_ms <= now_ms)
            if connection.execute(late.limit(1)).first() is not None:
                return False
            rows = connection.execute(select(OUTBOX.c.id, OUTBOX.c.target).where(due)).all()
        waiting = Counter(target for key, target in rows if key not in under_way)
        places = Counter(target for key, target in rows if key in under_way)
        return all(places[target] >= PER_TARGET_MAX for target in waiting)

    def requests(self) -> int:
        return sum(len(done) for provider in self.providers for done in provider.asked.values())

    async def end(self) -> None:
        self.watch.cancel()
        await asyncio.gather(self.watch, return_exceptions=True)
        for provider in self.providers:
            await provider.close()


@pytest.fixture
async def night(tmp_path: Path) -> AsyncIterator[Night]:
    notify = NotifyConfig(channels={"aliyun_sms": None, "tencent_sms": None})
    office = Office(tmp_path, roster=ROSTER, notify=notify)
    night = Night(office)
    # As many as may hang, as the hub has.
    limits = httpx2.Limits(max_connections=CONNECTIONS_MAX)
    async with httpx2.AsyncClient(transport=Patient(limits=limits)) as client:
        await night.begin(client)
        yield night
        await night.end()
        await office.close()


async def test_every_step_is_in_time_and_every_message_accounted_for(night: Night) -> None:
    await _through_the_steps(night)
    _in_time(night)
    _close_all(night)
    await _until_settled(night)
    _adds_up(night)
    _as_they_said(night)


async def _through_the_steps(night: Night) -> None:
    last_s = max(step.after_ms for step in _steps()) // 1000
    begins_s = APART_S * (ALARMS // AT_ONCE - 1)
    for second in range(begins_s + last_s + 1):
        at, begins = divmod(second, APART_S)
        if begins == 0 and at < ALARMS // AT_ONCE:
            for number in range(at * AT_ONCE, (at + 1) * AT_ONCE):
                night.press(number)
        if second == OPENS_AFTER_S:
            await night.second.open()
        await night.pass_ms(TICK_MS)
    await until(night.rests, "rest")


def _steps():
    return default_policies().of("urgent", "sos", "", ()).steps


def _in_time(night: Night) -> None:
    """Each of the policy's steps, once, at its time; and nothing besides."""
    assert night.sms.count("silent")
    assert night.second.count("taken_and_silent")
    assert any(detail == "tencent_sms: ConnectError" for _event, detail in night.office.log)
    fired: dict[str, dict[int, int]] = {}
    for row in night.office.bench.rows(ESCALATION_STEP):
        assert row["round"] == 1
        fired.setdefault(row["alarm"], {})[row["step"]] = row["at_ms"]
    assert fired.keys() == night.raised.keys()
    wanted = {number: step.after_ms for number, step in enumerate(_steps(), 1)}
    for alarm, raised_ms in night.raised.items():
        late = {n: at_ms - raised_ms - wanted[n] for n, at_ms in fired[alarm].items()}
        assert late.keys() == wanted.keys()
        assert all(0 <= ms <= TICK_MS for ms in late.values()), (alarm, late)


def _close_all(night: Night) -> None:
    def close(unit: UnitOfWork) -> None:
        for alarm in night.raised:
            night.hub.book.acknowledge(unit, alarm, "duty-1")
            night.hub.book.close(unit, alarm, "duty-1", Outcome.REAL_EMERGENCY, "")

    night.office.bench.change(close)


async def _until_settled(night: Night) -> None:
    """A day and more, in which one telephone never takes anything."""
    hours_ms = AGE_MAX_MS // AGED_ATTEMPTS_MIN
    for _leap in range(2 * AGED_ATTEMPTS_MIN):
        await until(night.rests, "rest")
        if all(row["state"] != "pending" for row in night.office.bench.rows(OUTBOX)):
            return
        # Time-outs among what hangs, then what is retried.
        for ms in (int(ATTEMPT_TIMEOUT_S * 1000), hours_ms):
            await night.pass_ms(ms)
    raise AssertionError("something is tried for ever")


def _adds_up(night: Night) -> None:
    rows = [r for r in night.office.bench.rows(OUTBOX) if r["channel"] != "gateway_command"]
    states = Counter(row["state"] for row in rows)
    commands = len(night.raised)
    attempts = sum(row["attempts"] for row in rows)
    ended = states["delivered"] + states["refused"] + states["dead"]
    # Every attempt was counted as what became of it; a command is one that is delivered.
    assert attempts + commands == night.counted.total()
    assert attempts - ended == night.counted["pending"] > 0
    assert night.counted["delivered"] == states["delivered"] + commands
    assert night.counted["refused"] == states["refused"] > 0
    assert night.counted["dead"] == states["dead"] > 0
    assert states["dropped"] + ended == len(rows)
    # And each has met a provider, or a port where none was.
    nobody_there = sum(detail == "tencent_sms: ConnectError" for _event, detail in night.office.log)
    assert attempts == night.requests() + nobody_there
    assert not {"outbox_not_served", "not_notified"} & {event for event, _text in night.office.log}
    # Whoever was told has a message, and who could not be reached at once a second one.
    written = {(r["alarm"], r["recipient"], r["channel"], r["step"]): r for r in rows}
    for step in night.office.bench.rows(ESCALATION_STEP):
        for name, channels in json.loads(step["told"]):
            for channel in channels:
                at = f"{step['round']}.{step['step']}"
                row = written[step["alarm"], name, channel, at]
                other = "tencent_sms" if channel == "aliyun_sms" else "aliyun_sms"
                if row["bypassed"]:
                    assert (step["alarm"], name, other, at) in written
                else:
                    assert row["state"] == "delivered" or row["attempts"] == 0


def _as_they_said(night: Night) -> None:
    """What a row says is what its provider said last, and nothing is sent after a yes."""
    asked = {key: done for provider in night.providers for key, done in provider.asked.items()}
    rows = {row["id"]: row for row in night.office.bench.rows(OUTBOX)}
    assert asked.keys() <= rows.keys()
    for key, done in asked.items():
        row, last = rows[key], done[-1]
        assert (row["state"] == "delivered") == (last in SAYS_YES), (key, done)
        assert (row["state"] == "refused") == (last == "no_for_good"), (key, done)
        assert not SAYS_YES & set(done[:-1]), (key, done)
        # The same id each time: a provider that keeps ids could have dropped the second.
        if row["channel"] != "tencent_sms":
            assert row["attempts"] == len(done), (key, done)
        if row["state"] == "dead":
            assert row["target"] == PHONES["duty-2"], done
    _waited_as_asked(night)
    shown: Counter[str] = Counter()
    for provider in night.providers:
        assert not provider.mixed_up
        shown += provider.shown
    doubled = [key for key, times in shown.items() if times > 1]
    assert doubled
    for key in doubled:
        unknown = sum(fault.startswith("taken") for fault in asked[key]) + ("twice" in asked[key])
        assert shown[key] <= 1 + unknown, asked[key]
    assert {fault for done in asked.values() for fault in done} == set(FAULTS)
    # One lie can't be known: a yes for what is never shown. The next step comes all the same.
    unseen = [rows[key]["alarm"] for key, done in asked.items() if done[-1] == "never_shown"]
    assert unseen
    assert set(unseen) <= night.raised.keys()
    reached = {rows[key]["alarm"] for key in shown if rows[key]["recipient"] is not None}
    assert reached == night.raised.keys()


def _waited_as_asked(night: Night) -> None:
    """Nobody asks again before the time that Retry-After named."""
    waits = [
        provider.times[key][n + 1] - provider.times[key][n]
        for provider in night.providers
        for key, done in provider.asked.items()
        for n, fault in enumerate(done[:-1])
        if fault == "http_429"
    ]
    assert min(waits) >= RETRY_AFTER_S * 1000

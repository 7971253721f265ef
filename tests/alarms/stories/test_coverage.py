"""Stories of a desk that is not manned, told from the whole hub: its rota, its register, its policy
of `coverage` and the outbox, with time that only the story moves."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from alarms.lifecycle import Outcome
from alarms.notifier import Refused
from alarms.rota.days import day_number
from alarms.rota.model import Change, Desk, Hours, ShiftKey
from alarms.rota.plan import weekly
from alarms.telling import TellingSettings
from hearthwatch.notify_config import NotifyConfig
from rules.local_time import at_minute_ms
from tests.adapters.processes import until
from tests.adapters.telling_bench import Channel, Office

DAY = day_number("2026-11-23")  # a Monday
SPLIT = (
    Hours(name="day", start_min=8 * 60, length_min=12 * 60),
    Hours(name="night", start_min=20 * 60, length_min=12 * 60),
)
ROSTER = """
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
name = "village"
level = "village"
parent = "111"
[[gateway]]
id = "gw-1"
region = "1"
[[home]]
id = "home-1"
region = "11101"
address = "a"
[[home.person]]
id = "p-1"
name = "n"
visitor = "chen"
"""
STAFF = {
    "li": ("duty", "111"),
    "zhou": ("duty", "111"),
    "chen": ("visitor", "11101"),
    "town-1": ("manager", "111"),
    "county-1": ("manager", "1"),
}
TICK_S = 60


def at(day: int, clock: str) -> int:
    hours, minutes = clock.split(":")
    return at_minute_ms(DAY + day, int(hours) * 60 + int(minutes))


class Town:
    """A town's desk by day and night, everybody with two ways that were proved."""

    def __init__(self, folder: Path) -> None:
        notify = NotifyConfig(channels={"aliyun_sms": None, "web_push": None})
        self.office = Office(folder, TellingSettings(), roster=ROSTER, notify=notify)
        self.office.channels = {"aliyun_sms": Channel(), "web_push": Channel()}
        self.hub, self.clock = self.office.hub, self.office.bench.clock
        self.seen: set[str] = set()
        self.clock.at_ms = at(-1, "7:00")
        for name, (role, region) in STAFF.items():
            self.office.account(name, role, region)
            self.office.point(name, "web_push", f"push:{name}")
            self.office.point(name, "aliyun_sms", f"sms:{name}")
        self.office.bench.change(self._furnish)
        self.clock.at_ms = at(0, "7:00")
        self.wait_until(at(0, "7:01"))

    def _furnish(self, unit) -> None:
        self.hub.roster_changed(unit)
        book = self.hub.side.rota.book
        book.set_desk(unit, Desk(id="town", name="值班室", region="111"), "town-1", "")
        teams = {"day": [["li"]], "night": [["zhou"]]}
        pattern = weekly(id="round", desk="town", from_day=DAY - 1, hours=SPLIT, teams=teams)
        book.set_pattern(unit, pattern, "town-1", "")

    def gives(self, day: int, name: str, *people: str) -> None:
        change = Change(key=ShiftKey(desk="town", day=DAY + day, name=name), people=people)
        book = self.hub.side.rota.book
        self.office.bench.change(lambda u: book.change_shifts(u, [change], "town-1", ""))

    def wait_until(self, then_ms: int) -> None:
        """The hub looks at everything that is due, minute by minute."""
        while self.clock.at_ms < then_ms:
            self.clock.at_ms = min(then_ms, self.clock.at_ms + TICK_S * 1000)
            while self.office.bench.change(self.hub.book.fire_due):
                continue
            self.office.bench.change(self.hub.side.rota.fire_due)

    def told(self, *expected: str, wakes: bool | None = None) -> None:
        """Every message since the last look, as `who:channel`, and none besides."""
        new = [row for row in self.office.rows() if row["id"] not in self.seen]
        self.seen |= {row["id"] for row in new}
        assert sorted(f"{r['recipient']}:{r['channel']}" for r in new) == sorted(expected)
        if wakes is not None:
            assert {not row["quiet"] for row in new} == {wakes}

    def alarms(self) -> list[tuple[str, str]]:
        sql = "SELECT reason, severity FROM alarm WHERE state <> 'closed' ORDER BY number"
        return self.office.bench.change(lambda u: u.execute(sql).fetchall())

    def acknowledges(self, who: str) -> None:
        """The one that is open."""
        sql = "SELECT id FROM alarm WHERE state <> 'closed'"
        [(alarm,)] = self.office.bench.change(lambda u: u.execute(sql).fetchall())
        self.office.bench.change(lambda u: self.hub.book.acknowledge(u, alarm, who))


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    town = Town(tmp_path)
    town.told()
    yield town
    town.hub.close()


def test_an_empty_shift_is_told_hours_ahead_and_wakes_when_it_is_near(town: Town) -> None:
    """Tomorrow's day has nobody: told at eight tonight, and again at six in the morning, by a
    message that the quiet hours do not keep until half past six."""
    town.gives(1, "day")
    town.wait_until(at(0, "19:59"))
    town.told()
    town.wait_until(at(0, "20:00"))
    assert town.alarms() == [("nobody", "technical")]
    town.told("town-1:web_push", wakes=False)
    town.wait_until(at(0, "20:29"))
    town.told()
    town.wait_until(at(0, "20:30"))
    town.told("county-1:web_push", wakes=False)
    # Nobody has it after four hours: again, by all ways.
    town.wait_until(at(1, "0:30"))
    town.told("town-1:web_push", "town-1:aliyun_sms", wakes=False)
    town.wait_until(at(1, "1:00"))
    town.told("county-1:web_push", "county-1:aliyun_sms", wakes=False)
    # And by its repetition at five both have been told once more.
    town.wait_until(at(1, "5:59"))
    town.told(
        *("town-1:web_push", "town-1:aliyun_sms"), *("county-1:web_push", "county-1:aliyun_sms")
    )
    town.wait_until(at(1, "6:00"))
    assert town.alarms() == [("nobody", "watch")]
    town.told("town-1:web_push", "town-1:aliyun_sms", wakes=True)
    # Who says "I see to it" is left alone until it begins with nobody.
    town.acknowledges("town-1")
    town.wait_until(at(1, "6:59"))
    town.told()
    town.gives(1, "day", "zhou")
    town.wait_until(at(1, "9:00"))
    assert town.alarms() == []


def test_a_shift_that_begins_with_nobody_is_heard_by_who_has_it_and_then_by_all(town: Town) -> None:
    town.gives(0, "night")
    town.wait_until(at(0, "8:00"))
    town.told("town-1:web_push")
    town.acknowledges("town-1")
    # Taken for an hour, and nothing came of it.
    town.wait_until(at(0, "9:00"))
    town.told("town-1:web_push", "town-1:aliyun_sms")
    town.acknowledges("county-1")
    town.gives(0, "night", "li")
    town.wait_until(at(1, "7:00"))
    assert town.alarms() == []


def test_a_telephone_that_nobody_has_proved_is_told_by_day(town: Town) -> None:
    town.wait_until(at(0, "8:30"))
    unproved = "UPDATE contact_point SET verified_at_ms = NULL WHERE owner = 'zhou'"
    town.office.bench.change(lambda u: u.execute(unproved))
    town.wait_until(at(0, "8:32"))
    assert town.alarms() == [("unverified", "technical")]
    town.told("town-1:web_push", wakes=False)
    town.wait_until(at(0, "9:02"))
    town.told("county-1:web_push", wakes=False)
    proved = "UPDATE contact_point SET verified_at_ms = 1 WHERE owner = 'zhou'"
    town.office.bench.change(lambda u: u.execute(proved))
    town.wait_until(at(0, "20:00"))
    assert town.alarms() == []


async def test_an_endpoint_that_died_is_told_before_the_shift(town: Town) -> None:
    """Nobody at the browser, nobody at the number: their providers say so to one call, and who
    plans hears that the night's officer can't be reached."""
    town.wait_until(at(0, "8:30"))
    town.office.start()
    for channel in ("web_push", "aliyun_sms"):
        answers = town.office.channels[channel].answers
        for way in ("push", "sms"):
            answers[f"{way}:zhou"] = Refused(detail="410 Gone", dead_contact=True)
    alarm = town.office.alarm("1", home="home-1", severity="watch", rule="weight")
    town.office.tell(alarm, "zhou", "web_push", "push:zhou")
    town.office.sending.wake()
    dead = "SELECT count(*) FROM contact_point WHERE dead_since_ms IS NOT NULL"
    await until(
        lambda: town.office.bench.change(lambda u: u.execute(dead).fetchone()[0]) == 2,
        "both of them dead",
    )
    town.office.bench.change(
        lambda u: town.hub.book.close(u, alarm, "li", Outcome.MEDICAL_ADVICE, "")
    )
    town.seen = {row["id"] for row in town.office.rows()}
    town.wait_until(at(0, "8:32"))
    assert town.alarms() == [("dead_contact", "technical")]
    town.told("town-1:web_push", wakes=False)
    await town.office.close()


def test_a_village_that_nobody_goes_to(town: Town) -> None:
    def leaves(unit) -> None:
        unit.execute("UPDATE account SET disabled = ? WHERE username = 'chen'", (True,))
        town.hub.roster_changed(unit)

    town.office.bench.change(leaves)
    town.wait_until(at(0, "7:05"))
    assert town.alarms() == [("no_responder", "technical")]
    town.told("town-1:web_push", wakes=False)
    town.wait_until(at(0, "7:40"))
    town.told("county-1:web_push", wakes=False)

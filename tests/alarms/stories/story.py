"""Stories about an alarm: a real book on a real file, a staff, and time that only the story moves.

`told` names every notification since the last look, as `who:channel`, and there must be no other.
"""

import json
from pathlib import Path

from alarms.book import AlarmBook
from alarms.lifecycle import Outcome, TaskMove
from alarms.reasons import DeclineReason, ReopenReason
from alarms.responders import Target
from alarms.stays import NewStay
from hearthwatch.clock import PlannedClock
from ledger.database import open_writer
from ledger.writer import Writer
from tests.adapters.book import Book, ListOutbox, finding
from tests.adapters.escalation import Staff, escalating, person

# Monday 2026-11-23 03:00 in the county.
NIGHT_MS = 1_795_374_000_000
HOUR_S = 3_600
DAY_S = 24 * HOUR_S
# The hub looks this often at what has no exact time of its own.
TICK_MS = 1_000


DARK = {
    "home": "region:v1",
    "rule": "village_dark",
    "severity": "urgent",
    "reason": "many_meters_silent",
}


def _furnish(unit) -> None:
    """home-1 and home-2 in the village v1; home-1 has a button that says well."""
    unit.execute("INSERT INTO region VALUES ('610926', '', 'county', NULL)")
    unit.execute("INSERT INTO region VALUES ('v1', '', 'village', '610926')")
    for home in ("home-1", "home-2"):
        unit.execute(
            "INSERT INTO home (id, region, address, access_note) VALUES (?, 'v1', '', '')", (home,)
        )
    unit.execute(
        "INSERT INTO service_user (id, home, name, sex, born, phone, categories, grade,"
        " conditions, contacts) VALUES ('p1', 'home-1', '', '', '', '', '[]', '', '[]', '[]')"
    )
    unit.execute(
        "INSERT INTO gateway (id, name, online, status) VALUES ('gw-1', '', ?, '{}')", (True,)
    )
    unit.execute(
        'INSERT INTO "device" (gateway, device, home, kind, model, label, asks)'
        " VALUES ('gw-1', 'well-1', 'home-1', '', '', '', ?)",
        (True,),
    )


def county() -> Staff:
    """A small county: each with the channels in the order in which they want to be reached."""
    return Staff(
        {
            Target.RESPONSIBLE: [person("visitor1", "push", "sms", role="visitor")],
            Target.DUTY: [person("duty1", "push", "voice"), person("duty2", "push", "voice")],
            Target.TEAM: [
                person("visitor1", "push", "sms", role="visitor"),
                person("visitor2", "sms", role="visitor"),
                person("visitor3", "sms", role="visitor"),
            ],
            Target.CONTACTS: [person("contact:p1/1", "sms", role="contact")],
            Target.SUPERVISOR_TOWN: [person("town1", "voice", role="manager")],
            Target.SUPERVISOR_COUNTY: [person("county1", "voice", role="manager")],
        }
    )


class StoryOutbox(ListOutbox):
    """Writes down who is told; a dead phone's notification can't even be written."""

    def __init__(self) -> None:
        super().__init__()
        self.dead: set[str] = set()
        self.written: list[tuple[str, str]] = []
        self.news: list[tuple[str, str]] = []
        self.keys: set[tuple[str, int, int, str, str]] = set()

    def notify(self, unit, alarm, responder, point, *, step, round, urgent, wakes, news) -> None:
        if responder.id in self.dead:
            raise RuntimeError("no such number")
        key = (alarm["id"], round, step, responder.id, point.channel)
        if key in self.keys:
            return  # as the table does
        self.keys.add(key)
        self.written.append((alarm["id"], f"{responder.id}:{point.channel}"))
        if news:
            self.news.append((responder.id, news))


class Story(Book):
    def __init__(self, path: Path | None, staff: Staff | None = None) -> None:
        self.wall_ms, self.running_ms, self.boots = NIGHT_MS, 5_000_000, 1
        self.staff = staff or county()
        self.log: list[str] = []
        self.keys = 0
        super().__init__(path)
        self.objects.region_of = lambda home, _gw: "v1" if home else "610926"
        self.outbox = StoryOutbox()
        self.open()
        self.start()
        self.do(_furnish)

    def open(self) -> None:
        self.clock = PlannedClock(
            None,
            lambda: self.wall_ms,
            lambda: self.running_ms,
            f"boot-{self.boots}",
            lambda: self.running_ms,
        )
        self.writer = Writer(open_writer(self.path), self.clock.now_ms, self.events.extend)
        self.alarms = AlarmBook(
            self.objects, self.outbox, escalating(self.clock.look, self.staff), self.ask_first
        )
        self.writer.attach(self.alarms)

    # Time and machines.

    def wait(self, seconds: float) -> None:
        """So long passes, and the hub does what it does meanwhile."""
        rest_ms = int(seconds * 1000)
        self._fire()
        while rest_ms > 0:
            step_ms = min(rest_ms, self._sleeps_ms() or rest_ms)
            self.wall_ms += step_ms
            self.running_ms += step_ms
            rest_ms -= step_ms
            self._fire()

    def _sleeps_ms(self) -> int | None:
        """None: nothing has been promised."""
        next_ms = self.alarms.next_in_ms()
        quiet = self.rows(
            "SELECT 1 FROM alarm WHERE state = 'open' AND ((ask_until_ms IS NOT NULL AND answer"
            " IS NULL) OR (held_until_ms IS NOT NULL AND released_at_ms IS NULL))"
        )
        if quiet:
            return TICK_MS
        return None if next_ms is None else max(1, next_ms)

    def _fire(self) -> None:
        while self.do(self.alarms.fire_due):
            pass

    def clock_jumps(self, *, hours: float) -> None:
        """Somebody sets the wall; the machine runs on."""
        self.wall_ms += int(hours * 3_600_000)

    def kill(self, away_s: float = 0) -> None:
        """kill -9 and a start: nothing is left but the file."""
        self.writer.close()
        self.wall_ms += int(away_s * 1000)
        self.running_ms += int(away_s * 1000)
        self.open()
        self.start()

    def power_cut(self, away_s: float = 0, *, clock_off_hours: float = 0) -> None:
        self.boots += 1
        self.wall_ms += int(clock_off_hours * 3_600_000)
        self.running_ms = 1_000 - int(away_s * 1000)
        self.kill(away_s)

    # What happens at home.

    def press(self, home: str = "home-1", **changes) -> str:
        self.keys += 1
        now_ms = self.clock.now_ms()
        one = finding(str(self.keys), home=home, at_ms=now_ms + self.keys, **changes)
        found = self.do(lambda u: self.alarms.take(u, one, gateway="gw-1", replayable=False))
        assert isinstance(found, str)
        return found

    def says_well(self, home: str = "home-1") -> None:
        now_ms = self.clock.now_ms()
        self.do(lambda u: self.alarms.said_well(u, home, "gw-1/well-1", now_ms))

    def goes_away(self, days: int) -> None:
        now_ms = self.clock.now_ms()
        stay = NewStay(
            id="s1",
            home="home-1",
            person=None,
            kind="away",
            note="",
            from_ms=now_ms,
            until_ms=now_ms + days * DAY_S * 1000,
        )
        self.do(lambda u: self.alarms.stays.begin(u, stay, "duty1"))

    def light_again(self) -> None:
        one = finding("light", at_ms=self.clock.now_ms(), phase="cleared", **DARK)
        self.do(lambda u: self.alarms.take(u, one))

    # What people do.

    def acknowledges(self, who: str, alarm: str) -> None:
        self.do(lambda u: self.alarms.acknowledge(u, alarm, who))

    def assigns(self, who: str, alarm: str, to: str) -> None:
        self.do(lambda u: self.alarms.assign(u, alarm, who, to))

    def extends(self, who: str, alarm: str) -> None:
        self.do(lambda u: self.alarms.handing.extend(u, alarm, who))

    def hands_over(self, who: str, alarm: str, to: str) -> None:
        self.do(lambda u: self.alarms.handing.hand_over(u, alarm, who, to))

    def declines(self, who: str, alarm: str, reason: DeclineReason = DeclineReason.BUSY) -> None:
        self.do(lambda u: self.alarms.handing.decline(u, alarm, who, reason))

    def releases(self, who: str, alarm: str) -> None:
        self.do(lambda u: self.alarms.handing.release(u, alarm, who, DeclineReason.SHIFT_ENDS))

    def merges(self, who: str, alarm: str, into: str) -> None:
        self.do(lambda u: self.alarms.handing.merge(u, alarm, who, into))

    def reopens(self, who: str, alarm: str) -> None:
        why = ReopenReason.CLOSED_BY_MISTAKE
        self.do(lambda u: self.alarms.handing.reopen(u, alarm, who, why))

    def goes(self, who: str, alarm: str, *moves: TaskMove) -> None:
        task = self.alarm(alarm)["task"]
        for move in moves or (TaskMove.ACCEPT,):
            self.do(lambda u, m=move: self.alarms.move_task(u, task, who, m, "sitting up, talks"))

    def closes(self, who: str, alarm: str, outcome: Outcome = Outcome.REAL_EMERGENCY) -> None:
        self.do(lambda u: self.alarms.close(u, alarm, who, outcome, "as found"))

    # What is seen.

    def told(self, *expected: str, of: str | None = None) -> None:
        """Every notification since the last look, in any order, and none besides."""
        new = [who for alarm, who in self.outbox.written if of in (None, alarm)]
        self.outbox.written = [w for w in self.outbox.written if of not in (None, w[0])]
        assert sorted(new) == sorted(expected)

    def alarm(self, alarm: str) -> dict:
        (row,) = self.rows("SELECT * FROM alarm WHERE id = ?", alarm)
        return dict(row)

    def is_(self, alarm: str, state: str, holder: str | None = None) -> None:
        row = self.alarm(alarm)
        assert (row["state"], row["holder"]) == (state, holder)

    def history(self, alarm: str) -> list[str]:
        """Facts with their reasons, the steps among them."""
        rows = self.rows(
            "SELECT fact, reason, data FROM entry WHERE topic = 'alarm' AND subject = ?"
            " ORDER BY seq",
            alarm,
        )
        return [
            f"{r['fact']} {json.loads(r['data'])['step']} {r['reason']}"
            if r["fact"] == "told"
            else r["fact"]
            for r in rows
        ]

    def steps(self, alarm: str) -> list[tuple[int, int, int]]:
        """(round, step, late_ms)."""
        sql = (
            "SELECT round, step, late_ms FROM escalation_step WHERE alarm = ? ORDER BY round, step"
        )
        return [tuple(row) for row in self.rows(sql, alarm)]

    def end(self) -> None:
        self.told()
        self.writer.close()

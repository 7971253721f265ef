"""What humans found out about silences, for the rules. In the writer's thread.

Who closes an alarm says how it was, whoever went there says it in the record of the visit, and some
outcomes say it by themselves. The rules are told a minute later, when a slip of the finger was
taken back, and anew when it is corrected; `present` is one immutable value that other threads may
read.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from alarms.heard_from import SETTLE_MS
from alarms.lifecycle import AlarmState, IllegalMove, Outcome
from alarms.rows import Row, fetch, find_alarm
from ledger.cursor import Cursor
from rules.found_out import FoundOut, Word

# Alarms that a human's answer teaches something.
TAUGHT_KINDS: Final = frozenset({"no_sign_of_life"})
# The answer in the record of a visit.
FOUND_OUT: Final = "found_out"
# What was said so long ago the rules have heard, unless the hub was down since then: a week of the
# county's alarms is read at a start.
KEPT_MS: Final = 7 * 86_400_000

# What an outcome says by itself. The others say nothing: `social` and `accidental` are of presses,
# and who was visited after no answer may have been anywhere.
_BY_OUTCOME: Final[Mapping[str, FoundOut]] = {
    Outcome.REAL_EMERGENCY: FoundOut.NEEDED_HELP,
    Outcome.MEDICAL_ADVICE: FoundOut.NEEDED_HELP,
    Outcome.ANSWERED_WELL: FoundOut.WAS_IN_AND_WELL,
}

_ALARMS: Final = (
    "SELECT * FROM alarm WHERE kind = 'no_sign_of_life'"
    " AND raised_at_ms > (SELECT coalesce(max(raised_at_ms), 0) FROM alarm) - ?"
    " ORDER BY number"
)


class Told(NamedTuple):
    """What the rules are told of the alarm that was raised in a home at this time. seen_ms: no
    later than somebody was seen."""

    raised_ms: int
    until_ms: int
    seen_ms: int
    found_out: FoundOut

    @property
    def word(self) -> Word:
        return Word(self.raised_ms, self.until_ms, self.found_out)


# Home → what is known of its alarms, by their ids.
Known = Mapping[str, Mapping[str, Told]]


@dataclass(slots=True)
class Said:
    """Of one alarm. closed_ms: when it was; by_closing: what that says, for_sure: whatever is in
    records; visits: by id when they were recorded and made, and what they say."""

    home: str
    raised_ms: int
    handled_ms: int
    closed_ms: int | None = None
    by_closing: FoundOut | None = None
    for_sure: bool = False
    visits: dict[str, tuple[int, int, FoundOut]] = field(default_factory=dict)

    @property
    def said_ms(self) -> int:
        visits = (at_ms for at_ms, _made_ms, _word in self.visits.values())
        return max([self.closed_ms or self.raised_ms, *visits])

    def told(self) -> Told | None:
        """None: nobody has said anything."""
        until_ms = self.closed_ms or self.said_ms
        if self.by_closing is not None and (self.for_sure or not self.visits):
            return Told(self.raised_ms, until_ms, self.handled_ms, self.by_closing)
        if self.visits:
            _at_ms, made_ms, word = max(self.visits.values())
            return Told(self.raised_ms, until_ms, max(made_ms, self.raised_ms), word)
        return None


class FoundOutWords:
    def __init__(self) -> None:
        self._said: dict[str, Said] = {}
        self._settles_ms: int | None = None
        self.present: Known = {}

    def reload(self, cursor: Cursor) -> None:
        self._said, self.present, self._settles_ms = {}, {}, 0
        # In the order in which they were raised.
        for row in fetch(cursor, _ALARMS, (KEPT_MS,)):
            self._note(cursor, row)

    def follow(self, cursor: Cursor, alarms: Iterable[Row], visits: Iterable[Row]) -> None:
        """What others have written. Of a call that is open nobody has said anything yet."""
        for row in alarms:
            over = row["state"] == AlarmState.CLOSED or row["reopened"]
            if over or row["kind"] in TAUGHT_KINDS:
                self.changed(cursor, row)
        for visit in visits:
            self.visited(cursor, visit)

    def changed(self, cursor: Cursor, row: Row) -> None:
        """An alarm was closed or opened again."""
        children = fetch(cursor, "SELECT * FROM alarm WHERE merged_into = ?", (row["id"],))
        for each in (row, *children):
            if each["kind"] in TAUGHT_KINDS:
                self._note(cursor, each)

    def visited(self, cursor: Cursor, visit: Row) -> None:
        """A visit was written down or corrected; one that is silent on it changes nothing."""
        alarm = visit["alarm"] or _alarm_of(cursor, visit["task"])
        if alarm is None:
            return
        known = alarm in self._said and visit["id"] in self._said[alarm].visits
        if not known and _word_of(visit) is None:
            return
        for row in fetch(cursor, "SELECT * FROM alarm WHERE id = ?", (alarm,)):
            self.changed(cursor, row)

    def _note(self, cursor: Cursor, row: Row) -> None:
        """Look at an alarm anew, with its visits and what it was merged into."""
        parent = None
        if row["merged_into"] is not None:
            parent = find_alarm(cursor, row["merged_into"])
        visits = [visit for each in (row, parent) if each for visit in _visits_of(cursor, each)]
        said = said_of(row, parent, visits, _arrived_ms(cursor, row["task"]))
        before = self._said.get(row["id"])
        told_before = before is not None and before.told() is not None
        if said.told() is None and told_before:
            # It was taken back: the rules hear that, too.
            said.by_closing = FoundOut.UNKNOWN
        if said.told() is not None:
            self._said[row["id"]] = said
            self._settles_ms = 0

    def fire_due(self, now_ms: int) -> None:
        """Tell what has settled, forget what is old."""
        if self._settles_ms is None or now_ms < self._settles_ms:
            return
        self._settles_ms = None
        present: dict[str, dict[str, Told]] = {}
        for alarm, said in list(self._said.items()):
            told, settles_ms = said.told(), said.said_ms + SETTLE_MS
            if told is None or said.said_ms + KEPT_MS < now_ms:
                del self._said[alarm]
            elif settles_ms <= now_ms:
                present.setdefault(said.home, {})[alarm] = told
            else:
                self._settles_ms = min(settles_ms, self._settles_ms or settles_ms)
                if (before := self.present.get(said.home, {}).get(alarm)) is not None:
                    present.setdefault(said.home, {})[alarm] = before
        if present != self.present:
            self.present = present


def check_found_out(word: str | None, kind: str) -> FoundOut | None:
    """What somebody says of this kind of alarm. IllegalMove: no such word, or nobody asks."""
    if word is None:
        return None
    if kind not in TAUGHT_KINDS:
        raise IllegalMove("unknown_found_out", f"nobody asks that of an alarm of kind {kind}")
    try:
        return FoundOut(word)
    except ValueError:
        allowed = ", ".join(sorted(FoundOut))
        raise IllegalMove("unknown_found_out", f"{word[:40]!r} is not one of {allowed}") from None


def by_closing(row: Row) -> tuple[FoundOut | None, bool]:
    """What the end of an alarm says, and whether it is for sure: then a visit's record doesn't
    count. Whoever needed help did, whatever else was written down."""
    if row["state"] != AlarmState.CLOSED:
        return None, False
    said, outcome = row["found_out"], _BY_OUTCOME.get(row["outcome"] or "")
    if said not in (None, FoundOut.UNKNOWN) and row["outcome"] != Outcome.REAL_EMERGENCY:
        return FoundOut(said), True
    return outcome, outcome is FoundOut.NEEDED_HELP


def said_of(row: Row, parent: Row | None, visits: Iterable[Row], arrived_ms: int | None) -> Said:
    """parent: the alarm that it was merged into; arrived_ms: when somebody was there. Whoever
    closes an alarm may do so long after he has seen anybody."""
    handled_ms = max(arrived_ms or row["acknowledged_at_ms"] or 0, row["raised_at_ms"])
    said = Said(row["home"], row["raised_at_ms"], handled_ms)
    said.by_closing, said.for_sure = by_closing(row)
    said.closed_ms = row["closed_at_ms"] if row["state"] == AlarmState.CLOSED else None
    if parent is not None and said.by_closing is None:
        said.by_closing, said.for_sure = by_closing(parent)
        said.closed_ms = parent["closed_at_ms"] or said.closed_ms
    said.visits = {
        visit["id"]: (visit["recorded_at_ms"], visit["visited_at_ms"], word)
        for visit in visits
        if (word := _word_of(visit)) is not None
    }
    return said


def _visits_of(cursor: Cursor, alarm: Row) -> list[Row]:
    sql = "SELECT * FROM visit WHERE alarm = ? OR task = ?"
    return fetch(cursor, sql, (alarm["id"], alarm["task"]))


def _word_of(visit: Row) -> FoundOut | None:
    if visit["voided_at_ms"] is not None or visit["duplicate_of"] is not None:
        return None
    said = json.loads(visit["record"]).get(FOUND_OUT)
    known = (word for word in FoundOut if word is not FoundOut.UNKNOWN)
    return next((word for word in known if word == said), None)


def _alarm_of(cursor: Cursor, task: str | None) -> str | None:
    if task is None:
        return None
    found = cursor.execute("SELECT alarm FROM task WHERE id = ?", (task,)).fetchone()
    return None if found is None else found[0]


def _arrived_ms(cursor: Cursor, task: str | None) -> int | None:
    found = cursor.execute("SELECT arrived_at_ms FROM task WHERE id = ?", (task,)).fetchone()
    return None if found is None else found[0]

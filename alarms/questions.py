"""The questions that stand: put, answered, over. In the writer's thread, as the book's own.

Rows that ask are few (a question lasts minutes) and are held here, so that a press looks at them
and not at every open alarm.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from alarms.lifecycle import ANSWER_CLOSING
from alarms.question import Answer, answers, asking, calls_for_help, due, may_ask
from alarms.rows import AlarmRows, AskedAt, Row, askable, latest_heartbeat_ms
from contract.moment import to_iso
from ledger.unit_of_work import SYSTEM, UnitOfWork
from rules.finding import Finding

# Seconds that a rule asks in a home before anybody is sent; 0: never.
AskFirst = Callable[[str, str], int]


def never(_rule: str, _home: str) -> int:
    return 0


class AskOutbox(Protocol):
    def ask(self, unit: UnitOfWork, alarm: Mapping[str, Any], at: AskedAt) -> None: ...
    def ask_over(self, unit: UnitOfWork, alarm: Mapping[str, Any]) -> None: ...


class Questions:
    """`send`: an alarm goes on as one that never asked. `close`: the elder has answered."""

    def __init__(
        self,
        rows: AlarmRows,
        outbox: AskOutbox,
        ask_first: AskFirst,
        *,
        send: Callable[[UnitOfWork, Row], None],
        close: Callable[[UnitOfWork, Row], None],
    ) -> None:
        self._rows = rows
        self._outbox = outbox
        self._ask_first = ask_first
        self._send = send
        self._close = close
        self._asking: dict[str, Row] = {}
        self._clock_checked = False

    def reload(self, rows: Iterable[Row]) -> None:
        self._asking = {row["id"]: row for row in rows if asking(row)}
        self._clock_checked = False

    def follow(self, rows: Iterable[Row]) -> None:
        """Alarms that others have written."""
        for row in rows:
            if asking(row):
                self._asking[row["id"]] = row
            else:
                self._asking.pop(row["id"], None)

    def wanted(self, unit: UnitOfWork, finding: Finding) -> tuple[AskedAt, int] | None:
        """Where this finding's home can be asked, and until when; None: act at once."""
        seconds = self._ask_first(finding.rule, finding.home)
        if not may_ask(finding, seconds):
            return None
        at = askable(unit.cursor, finding.home)
        return None if at is None else (at, unit.now_ms + seconds * 1000)

    def put(self, unit: UnitOfWork, row: Row, at: AskedAt) -> None:
        """The row holds its times already."""
        self._asking[row["id"]] = row
        data = {"device": f"{at.gateway}/{at.device}", "until": to_iso(row["ask_until_ms"])}
        self._rows.alarm_entry(unit, row, "asked", SYSTEM, data=data)
        self._outbox.ask(unit, row, at)

    def said_well(self, unit: UnitOfWork, home: str, device: str, at_ms: int) -> None:
        """The elder's "I'm well", at `device`: ends every question of the home that it answers."""
        if not self._asking:
            return
        for row in [r for r in self._of(home) if answers(r, at_ms, unit.now_ms)]:
            self._end(row, "well", min(at_ms, unit.now_ms))
            if row["cleared_at_ms"] is None:
                row["cleared_at_ms"] = row["answered_at_ms"]
            self._rows.write_alarm(unit, row)
            self._rows.alarm_entry(unit, row, "answered_well", SYSTEM, data={"device": device})
            self._outbox.ask_over(unit, row)
            if row["kind"] in ANSWER_CLOSING:
                self._close(unit, row)

    def heard(self, unit: UnitOfWork, finding: Finding) -> None:
        """A call for help ends the questions of its home."""
        if not self._asking or not calls_for_help(finding):
            return
        for row in self._of(finding.home):
            self._end(row, "help", unit.now_ms)
            data = {"device": finding.device or ""}
            self._over(unit, row, "answered_help", data)

    def fire_due(self, unit: UnitOfWork) -> bool:
        """End the questions whose time has come; True when more wait for their transaction."""
        if not self._asking:
            return False
        if not self._clock_checked:
            self._check_clock(unit)
        for alarm in due(self._asking.values(), unit.now_ms):
            self.unanswered(unit, self._asking[alarm])
        return bool(due(self._asking.values(), unit.now_ms))

    def unanswered(self, unit: UnitOfWork, row: Row) -> None:
        self._end(row, "none", None)
        self._over(unit, row, "not_answered", None)

    def taken(self, unit: UnitOfWork, row: Row) -> None:
        """A human has it: before its state changes."""
        if self._asking.pop(row["id"], None) is not None:
            self._outbox.ask_over(unit, row)

    def _of(self, home: str) -> list[Row]:
        return [row for row in self._asking.values() if row["home"] == home]

    def _end(self, row: Row, answer: Answer, at_ms: int | None) -> None:
        del self._asking[row["id"]]
        row["answer"] = answer
        row["answered_at_ms"] = at_ms

    def _over(
        self, unit: UnitOfWork, row: Row, fact: str, data: Mapping[str, object] | None
    ) -> None:
        self._rows.write_alarm(unit, row)
        self._rows.alarm_entry(unit, row, fact, SYSTEM, data=data)
        self._outbox.ask_over(unit, row)
        self._send(unit, row)

    def _check_clock(self, unit: UnitOfWork) -> None:
        """Once after a start: where heartbeats are stored that came later than it is now, the clock
        was set back and says nothing of how long a question has stood. It is over."""
        self._clock_checked = True
        latest_ms = latest_heartbeat_ms(unit.cursor)
        if latest_ms is not None and latest_ms > unit.now_ms:
            for row in self._asking.values():
                row["ask_until_ms"] = min(row["ask_until_ms"], unit.now_ms)

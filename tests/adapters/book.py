"""A real book on a temporary SQLite file, with the smallest objects that the rooms ask for."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from alarms.book import AlarmBook
from ledger.database import open_writer
from ledger.feed import FeedEvent
from ledger.unit_of_work import UnitOfWork
from ledger.views import to_json
from ledger.writer import Writer
from rules.finding import Finding, episode_id
from tests.adapters.escalation import escalating, one_clock
from tests.adapters.migrated import migrated

NEW_HOME = "INSERT INTO home (id, region, address, access_note) VALUES (?, ?, '', '')"


class PlainObjects:
    """Rows as they are."""

    def alarm(self, row) -> bytes:
        return to_json({"id": row["id"], "state": row["state"], "version": row["version"]})

    def task(self, row, alarm) -> bytes:
        return to_json({"id": row["id"], "state": row["state"]})

    def stay(self, row) -> bytes:
        return to_json({"id": row["id"]})

    def visit(self, row) -> bytes:
        return to_json({"id": row["id"]})

    def device(self, row) -> bytes:
        return to_json({"device": row["device"]})

    def gateway(self, row) -> bytes:
        return to_json({"id": row["id"]})

    def region_of(self, home, gateway) -> str | None:
        return "610926" if home else None


class ListOutbox:
    """Remembers what was to be sent."""

    def __init__(self) -> None:
        self.raised: list[str] = []
        self.reassured: list[str] = []
        self.asked: list[tuple[str, str, str]] = []
        self.over: list[str] = []
        self.on_the_way_told: list[tuple[str, str]] = []

    def on_the_way(self, unit, alarm, task) -> None:
        self.on_the_way_told.append((alarm["id"], task))

    def ask(self, unit, alarm, at) -> None:
        self.asked.append((alarm["id"], at.gateway, at.device))

    def ask_over(self, unit, alarm) -> None:
        self.over.append(alarm["id"])

    def alarm_raised(self, unit, alarm) -> None:
        self.raised.append(alarm["id"])

    def reassure(self, unit, alarm) -> None:
        self.reassured.append(alarm["id"])


class Book:
    """Writer and alarm book with an injected clock."""

    def __init__(self, path: Path | None) -> None:
        """None: the book is elsewhere, and whoever makes this opens it."""
        self.path = path and migrated(path)
        self.now_ms = 1_000_000
        self.events: list[FeedEvent] = []
        self.outbox = ListOutbox()
        self.objects = PlainObjects()
        # By name of the rule.
        self.asks_for_s: dict[str, int] = {}
        self.open()

    def ask_first(self, rule: str, _home: str) -> int:
        return self.asks_for_s.get(rule, 0)

    def open(self) -> None:
        self.writer = Writer(open_writer(self.path), lambda: self.now_ms, self.events.extend)
        self.alarms = AlarmBook(
            self.objects, self.outbox, escalating(one_clock(lambda: self.now_ms)), self.ask_first
        )
        self.writer.attach(self.alarms)

    def start(self) -> "Book":
        self.writer.start()
        return self

    def do(self, apply: Callable[[UnitOfWork], object]) -> object:
        return self.writer.submit(apply).result(10)

    def rows(self, sql: str, *parameters) -> list[sqlite3.Row]:
        connection = sqlite3.connect(self.path)
        connection.row_factory = sqlite3.Row
        try:
            return connection.execute(sql, parameters).fetchall()
        finally:
            connection.close()

    def facts(self, topic: str) -> list[str]:
        """Without who was told, which has tests of its own."""
        sql = "SELECT fact FROM entry WHERE topic = ? AND fact <> 'told' ORDER BY seq"
        return [row["fact"] for row in self.rows(sql, topic)]


def finding(key="1", home="home-1", rule="sos", at_ms=1000, **changes) -> Finding:
    fields = {
        "episode": episode_id(home, rule, key),
        "home": home,
        "rule": rule,
        "kind": rule,
        "severity": "urgent",
        "phase": "raised",
        "reason": "pressed",
        "raised_at_ms": at_ms,
        "at_ms": at_ms,
        "device": "button-1",
    }
    return Finding(**{**fields, **changes})

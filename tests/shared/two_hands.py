"""A story whose moves are made by two processes in turn, each with its own memory of one book on
PostgreSQL; the first of them is the one that looks for what is due."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg

from alarms.book import AlarmBook
from hearthwatch.clock import PlannedClock
from ledger.changes import Changes
from ledger.place import PostgresBook
from ledger.unit_of_work import UnitOfWork
from ledger.writer import Writer
from tests.adapters.escalation import escalating
from tests.alarms.stories.story import Story


class Row(dict):
    """As SQLite's: by name, and in the order of its columns."""

    def __iter__(self) -> Iterator[Any]:
        return iter(self.values())


class Hand:
    def __init__(self, story: "TwoHands") -> None:
        connection = story.place.open_shared()
        self.writer = Writer(connection, story.clock.now_ms, story.events.extend)
        self.alarms = AlarmBook(
            story.objects,
            story.outbox,
            escalating(story.clock.look, story.staff),
            story.ask_first,
        )
        self.writer.attach(self.alarms)
        self.writer.follow = self.follow
        self._story = story

    def follow(self, unit: UnitOfWork, changes: Changes) -> None:
        self._story.followed += 1
        self.alarms.follow(unit, changes)


class TwoHands(Story):
    def __init__(self, place: PostgresBook, staff: Any = None) -> None:
        self.place = place
        self.hands: list[Hand] = []
        self.turn = 0
        # How often one has heard of the other.
        self.followed = 0
        super().__init__(None, staff)

    def open(self) -> None:
        self.clock = PlannedClock(
            None,
            lambda: self.wall_ms,
            lambda: self.running_ms,
            f"boot-{self.boots}",
            lambda: self.running_ms,
        )
        for hand in self.hands:
            hand.writer.close()
        self.hands = [Hand(self), Hand(self)]
        self._take(0)

    def start(self) -> "TwoHands":
        for hand in self.hands:
            hand.writer.start()
        return self

    def _take(self, turn: int) -> None:
        self.turn = turn
        self.writer, self.alarms = self.hands[turn].writer, self.hands[turn].alarms

    def do(self, apply: Callable[[UnitOfWork], object]) -> object:
        try:
            return super().do(apply)
        finally:
            self._take(1 - self.turn)

    def _fire(self) -> None:
        alarms, writer = self.hands[0].alarms, self.hands[0].writer
        while writer.submit(alarms.fire_due).result(10):
            continue

    def _sleeps_ms(self) -> int | None:
        self._take(0)
        return super()._sleeps_ms()

    def rows(self, sql: str, *parameters: object) -> list[Row]:
        address = self.place.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address) as raw:
            found = raw.execute(sql.replace("?", "%s"), parameters)
            names = [column[0] for column in found.description]
            return [Row(zip(names, row, strict=True)) for row in found.fetchall()]

    def end(self) -> None:
        self.told()
        for hand in self.hands:
            hand.writer.close()
        assert self.followed

"""What must hold of the response to alarms, by the tables and by the true time alone.

  R1  a step comes at most a tick after its time, as long as the hub is up; after it was down at
      most a tick after it is back
  R2  no step is fired twice, and nobody is told the same twice
  R3  nothing but a human closes
  R4  once somebody has it, nobody is told any more until it calls again

Delays are written here again, as the service promises them: a mistake in the program's own table
would not be seen otherwise.
"""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# After step n of a round, so long until the next; the last one: until the next round.
GAP_MS = {0: 30_000, 1: 30_000, 2: 30_000, 3: 120_000, 4: 120_000, 5: 300_000}
LAST = 5
TAKEN_MS = 300_000
ARRIVE_MS = 45 * 60_000
HANDOVER_MS = 120_000
TICK_MS = 1_000


class Violation(AssertionError):  # noqa: N818 - what is violated is a promise
    """Something that was promised did not hold."""


@dataclass(slots=True)
class Expected:
    """What comes next for an alarm and when at the latest, by the true time."""

    step: int
    by_ms: int


class Oracle:
    def __init__(self, true_ms: Callable[[], int], tick_ms: int = TICK_MS) -> None:
        self._true_ms = true_ms
        self._tick_ms = tick_ms
        self._up_since_ms: int | None = None
        self._seq = 0
        self._connection: sqlite3.Connection | None = None
        self.trace: list[str] = []
        self.facts: Counter[str] = Counter()
        self.expected: dict[str, Expected] = {}
        # Alarm → when somebody must have done something with it.
        self.taken: dict[str, int] = {}
        self.arriving: dict[str, int] = {}
        self.offered: dict[str, int] = {}
        self.state: dict[str, str] = {}
        self.holder: dict[str, str] = {}
        self.fired: set[tuple[str, int, int]] = set()
        self.round: dict[str, int] = defaultdict(int)
        self.late_max_ms = 0
        self._looked_ms = 0

    # What the world asks.

    def hub_is_up(self, up: bool) -> None:
        self._up_since_ms = self._true_ms() if up else None

    def is_closed(self, alarm: str) -> bool:
        return self.state.get(alarm) == "closed"

    def holder_of(self, alarm: str) -> str:
        return self.holder.get(alarm, "nobody")

    def task_of(self, alarm: str) -> str:
        row = self._ask("SELECT task FROM alarm WHERE id = ?", alarm)
        return str(row[0]) if row and row[0] else "none"

    def offered_to(self, alarm: str) -> str | None:
        row = self._ask("SELECT handover_to FROM alarm WHERE id = ?", alarm)
        return None if row is None else row[0]

    def sibling_of(self, alarm: str) -> str:
        """Another open alarm of the same home."""
        row = self._ask(
            "SELECT b.id FROM alarm a JOIN alarm b ON b.home = a.home AND b.id <> a.id"
            " WHERE a.id = ? AND b.state <> 'closed'",
            alarm,
        )
        return "none" if row is None else str(row[0])

    def knows_episode(self, episode: str) -> bool:
        return self._ask("SELECT 1 FROM alarm WHERE id = ?", episode) is not None

    def counts(self) -> dict[str, int]:
        told = sum(1 for _ in self.fired)
        return {**self.facts, "steps": told, "late_max_ms": self.late_max_ms}

    def _ask(self, sql: str, *parameters):
        assert self._connection is not None
        return self._connection.execute(sql, parameters).fetchone()

    # What has been committed.

    def look(self, path: Path) -> None:
        """Read the entries that are new; each was committed at this true moment."""
        if self._connection is None:
            self._connection = sqlite3.connect(path, isolation_level=None)
        self.read_on()

    def read_on(self) -> None:
        assert self._connection is not None
        rows = self._connection.execute(
            "SELECT seq, topic, subject, fact, actor, reason, data FROM entry"
            " WHERE seq > ? ORDER BY seq",
            (self._seq,),
        ).fetchall()
        for seq, topic, alarm, fact, actor, reason, text in rows:
            self._seq = seq
            if topic == "task":
                self._task(alarm, fact)
                continue
            self.facts[fact] += 1
            self.trace.append(f"{self._true_ms():>10} {alarm[:8]} {fact} {actor} {reason} {text}")
            self._fact(alarm, fact, actor, reason, json.loads(text))
        del self.trace[:-200]
        self.late(self._tick_ms)

    def _fact(  # noqa: PLR0912 - a case for each fact
        self, alarm: str, fact: str, actor: str, reason: str, data: dict
    ) -> None:
        match fact:
            case "raised" | "reopened" | "given_up" | "ack_expired":
                if fact == "ack_expired":
                    self._in_time(alarm, self.taken.get(alarm))
                self._free(alarm)
                self.state[alarm] = "open"
                self.expected[alarm] = Expected(step=1, by_ms=self._true_ms())
            case "told":
                self._told(alarm, data["round"], data["step"], reason)
            case "acknowledged" | "assigned" | "extended" | "confirmed" | "taken_over":
                self._quiet(alarm)
                if fact in ("acknowledged", "confirmed", "taken_over"):
                    self.holder[alarm] = actor
                    if fact != "acknowledged":
                        self.offered.pop(alarm, None) if data.get("from") == actor else None
                if fact == "assigned":
                    self.holder.setdefault(alarm, actor)
                self._has_it(alarm, fact)
            case "handed_over":
                self.offered.pop(alarm, None)
                self.holder[alarm] = actor
                self._quiet(alarm)
                self._has_it(alarm, fact)
            case "in_response":
                self._quiet(alarm)
                self.holder.setdefault(alarm, actor)
                self.state[alarm] = "in_response"
                self.taken.pop(alarm, None)
                self.arriving[alarm] = self._true_ms() + ARRIVE_MS
            case "given_back":
                self.state[alarm] = "acknowledged"
                self.arriving.pop(alarm, None)
                self.taken[alarm] = self._true_ms() + TAKEN_MS
            case "not_arrived":
                self._in_time(alarm, self.arriving.pop(alarm, None))
                self.expected[alarm] = Expected(step=0, by_ms=self._true_ms())
            case "handover_offered":
                self.offered[alarm] = self._true_ms() + HANDOVER_MS
            case "handover_refused" | "handover_lapsed":
                self.offered.pop(alarm, None)
            case "closed" | "merged":
                if actor == "system":
                    raise Violation(f"R3 {alarm} was closed by nobody")
                self._free(alarm)
                self.state[alarm] = "closed"

    def _task(self, task: str, fact: str) -> None:
        """Somebody is with the person: nobody is waited for any more."""
        if fact in ("arrived", "completed"):
            row = self._ask("SELECT alarm FROM task WHERE id = ?", task)
            self.arriving.pop(row[0], None)
            self._quiet(row[0])

    def _has_it(self, alarm: str, fact: str) -> None:
        row = self._ask("SELECT state FROM alarm WHERE id = ?", alarm)
        self.state[alarm] = row[0]
        if self.state[alarm] == "acknowledged":
            self.arriving.pop(alarm, None)
            self.taken[alarm] = self._true_ms() + TAKEN_MS
        elif fact != "handed_over" and self._on_the_way(alarm):
            self.arriving[alarm] = self._true_ms() + ARRIVE_MS

    def _on_the_way(self, alarm: str) -> bool:
        sql = "SELECT state FROM task WHERE alarm = ? ORDER BY number DESC LIMIT 1"
        row = self._ask(sql, alarm)
        return row is not None and row[0] in ("accepted", "departed")

    def _free(self, alarm: str) -> None:
        for waiting in (self.expected, self.taken, self.arriving, self.offered, self.holder):
            waiting.pop(alarm, None)

    def _quiet(self, alarm: str) -> None:
        self.expected.pop(alarm, None)

    def _told(self, alarm: str, round_: int, step: int, reason: str) -> None:
        if (alarm, round_, step) in self.fired:
            raise Violation(f"R2 {alarm}: step {step} of round {round_} was fired twice")
        self.fired.add((alarm, round_, step))
        now_ms = self._true_ms()
        expected = self.expected.get(alarm)
        if self.state.get(alarm) == "closed":
            raise Violation(f"R4 {alarm} is closed, and step {step} is told")
        if reason == "repeated":
            # Heard again: what comes next comes no later for it.
            if expected is None or expected.step <= step:
                self.expected[alarm] = Expected(step=1 if step == 0 else 2, by_ms=now_ms + 30_000)
            return
        if expected is None:
            raise Violation(f"R4 {alarm}: somebody has it, and step {step} is told")
        if step != expected.step:
            raise Violation(f"{alarm}: step {step} instead of {expected.step}")
        self._in_time(alarm, expected.by_ms)
        after = 1 if step == LAST else step + 1
        began_ms = now_ms if step == LAST else min(now_ms, expected.by_ms)
        self.expected[alarm] = Expected(step=after, by_ms=began_ms + GAP_MS[step])

    def settle(self) -> None:
        """Everybody a step names was written one notification for each way, and nobody besides."""
        assert self._connection is not None
        wanted: Counter[tuple[str, int, int, str, str]] = Counter()
        steps = self._connection.execute("SELECT alarm, round, step, told FROM escalation_step")
        for alarm, round_, step, told in steps:
            wanted.update(
                (alarm, round_, step, who, channel)
                for who, channels in json.loads(told)
                for channel in channels
            )
        found: Counter[tuple[str, int, int, str, str]] = Counter()
        rows = self._connection.execute(
            "SELECT alarm, channel, recipient, step FROM outbox WHERE step <> ''"
        )
        for alarm, channel, who, step in rows:
            round_, number = map(int, step.split("."))
            # Below 0: told outside of the steps.
            if number >= 0:
                found[(alarm, round_, number, who, channel)] += 1
        if found != wanted:
            raise Violation(f"R2 doubled or missing: {(found - wanted) | (wanted - found)}")
        if found and max(found.values()) > 1:
            raise Violation("R2 somebody was told twice")

    # Time.

    def late(self, tick_ms: int) -> None:
        """Nothing that was promised is further away than a tick, as long as the hub is up."""
        if self._up_since_ms is None or self._true_ms() < self._looked_ms + tick_ms:
            return
        self._looked_ms = self._true_ms()
        for what, waiting in (
            ("a step", {a: e.by_ms for a, e in self.expected.items()}),
            ("its expiry", self.taken),
            ("its arrival", self.arriving),
            ("its handover", self.offered),
        ):
            for alarm, by_ms in waiting.items():
                late_ms = self._true_ms() - max(by_ms, self._up_since_ms)
                if late_ms > tick_ms:
                    raise Violation(f"R1 {alarm}: {what} is {late_ms} ms late")

    def _in_time(self, alarm: str, by_ms: int | None) -> None:
        if by_ms is None:
            raise Violation(f"R1 {alarm}: nothing of the kind was due")
        up_ms = self._up_since_ms if self._up_since_ms is not None else self._true_ms()
        late_ms = self._true_ms() - max(by_ms, up_ms)
        if late_ms > self._tick_ms:
            raise Violation(f"R1 {alarm}: {late_ms} ms late")
        self.late_max_ms = max(self.late_max_ms, late_ms)

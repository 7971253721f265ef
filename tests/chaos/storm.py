"""A run: presses and faults by a seeded schedule, then everything healed, then the judgement."""

import heapq
import itertools
import random
import select
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.chaos import books
from tests.chaos.checker import Accepted, Verdict, check
from tests.chaos.faults import FAULTS, Hands, Injected
from tests.chaos.logs import tracebacks
from tests.chaos.options import Options
from tests.chaos.program import TROUBLE_S, Program, reap
from tests.chaos.village import Village

# So long without anything new in the book is longer than any pause of a client: it is stuck …
SETTLE_S: Final = 300.0
# … and so long is longer than a hub needs for the backlog of the longest run on a busy machine.
SETTLE_MOST_S: Final = 3600.0
# A hub that has acknowledged everything has committed it long since.
QUIET_S: Final = 5.0
START_S: Final = 120.0
LOOK_S: Final = 0.5
# Until everybody is up, every home is tried so often.
FIRST_PRESSES_S: Final = 2.0
# Told in the schedule.
LONG_S: Final = 45.0
TURN_S: Final = 0.01
# Faults beside the kills: one of these so many kills.
KILLS_PER_FAULT: Final = 4
# Faults that a program may meet at its start, and refuse to begin.
AT_A_START: Final = frozenset({"full", "ro", "fsync"})
# Presses ahead of or behind the kills' progress change the pace by at most this.
PACE_MAX: Final = 3.0


@dataclass(slots=True)
class Told:
    """What the report says of one fault."""

    injected: int = 0
    redelivered: int = 0
    recovery_worst_s: float = 0.0
    recoveries: int = 0


@dataclass(slots=True)
class Outcome:
    options: Options
    verdict: Verdict
    told: dict[str, Told]
    kills: dict[str, int]
    starts: dict[str, int]
    exits: dict[str, dict[int, int]]
    refused: dict[str, dict[int, int]]
    overdue: dict[str, int]
    pressed: int
    redelivered: int
    seconds: float
    settle_s: float
    settled: bool
    book: str
    tracebacks: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Recovery:
    fault: str
    healed_s: float
    homes: frozenset[str]


class Deck:
    """Faults in an order of chance, each as often as the others; what can't be now comes later."""

    def __init__(self, cards: list[str], r: random.Random) -> None:
        self.cards = cards
        self._r = r
        self._pile: list[str] = []

    def draw(self, inject: Callable[[str], bool]) -> None:
        if not self._pile:
            self._pile = self._r.sample(self.cards, len(self.cards))
        done = next((card for card in self._pile if inject(card)), None)
        if done is not None:
            self._pile.remove(done)


class Storm:
    def __init__(self, options: Options, folder: Path, say: Callable[[str], None]) -> None:
        self.options = options
        self.r = random.Random(options.seed)
        self.village = Village(folder, options, self.r)
        self.hands = Hands(self.village, self.r)
        self.say = say
        self.told = {fault: Told() for fault in options.faults}
        self.accepted: dict[str, Accepted] = {}
        self._accepted_at: dict[str, float] = {}
        self.in_book: set[str] = set()
        self._seq = 0
        self._redelivered_at = 0
        self._last_fault: dict[str, str] = {}
        self._recoveries: list[_Recovery] = []
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._looked_s = 0.0
        self._began_s = 0.0
        self._told_s = 0.0
        # Of a planted mistake: since when an item is in no spool's care and not in the book.
        self._nowhere_s: dict[str, float] = {}

    @property
    def kills(self) -> int:
        return sum(program.kills for program in self.village.programs.values())

    def run(self) -> Outcome:
        try:
            self._start()
            self._began_s = time.monotonic()
            self._blow()
            stormed_s = time.monotonic() - self._began_s
            settled, settle_s = self._settle()
            return self._outcome(stormed_s, settled, settle_s)
        finally:
            self.village.end()

    # The phases.

    def _start(self) -> None:
        village = self.village
        book = village.book
        if isinstance(book, books.PostgresServer):
            assert book.program is not None
            book.program.start(time.monotonic())
            self._until(book.make, START_S, "the database's server answers")
        for program in village.programs.values():
            if program.process is None:
                program.start(time.monotonic())
        waits = set(village.homes)

        def everybody_is_heard() -> bool:
            now_s = time.monotonic()
            if now_s - self._looked_s > FIRST_PRESSES_S:
                for name in waits:
                    village.press(name)
                self._look()
            waits.difference_update(
                self.accepted[i].gateway for i in self.in_book if i in self.accepted
            )
            return not waits

        self._until(everybody_is_heard, START_S, f"a press of every home in the book: {waits}")

    def _blow(self) -> None:
        options, homes = self.options, list(self.village.homes)
        others = Deck([fault for fault in options.faults if fault != "kill"], self.r)
        next_kill_s = next_other_s = next_press_s = self._began_s
        ends_s = self._began_s + options.minutes * 60
        before = len(self.accepted)
        presses_s = options.gap_s * options.kills / options.activations
        while (now_s := time.monotonic()) < ends_s:
            done = len(self.accepted) - before
            enough = self.kills >= options.kills and done >= options.activations
            if self._loss_is_plain(now_s) if options.planted else enough and self._has_shown():
                break
            if now_s >= next_press_s:
                self.village.press(self.r.choice(homes))
                behind = (self.kills / options.kills) / max(done / options.activations, 1e-9)
                pace = min(max(behind, 1 / PACE_MAX), PACE_MAX) if done > 50 else 1.0
                next_press_s = max(next_press_s + presses_s / pace, now_s - LOOK_S)
            if now_s >= next_kill_s:
                next_kill_s = now_s + self.r.expovariate(1 / options.gap_s)
                if "kill" in options.faults:
                    self._inject("kill", now_s)
            if others.cards and now_s >= next_other_s:
                next_other_s = now_s + self.r.expovariate(1 / (options.gap_s * KILLS_PER_FAULT))
                others.draw(lambda fault: self._inject(fault, now_s))
            self._turn(now_s, min(next_press_s, next_kill_s) - now_s)
        self._tell(time.monotonic())

    def _has_shown(self) -> bool:
        """A run without one of its faults, or in which nothing came twice, shows nothing."""
        twice = any(told.redelivered for told in self.told.values())
        return twice and all(told.injected for told in self.told.values())

    def _loss_is_plain(self, now_s: float) -> bool:
        """A planted mistake has shown: its gateway is done with what has not come for long."""
        missing = (self.accepted.keys() - self.in_book) & self.village.done_with()
        self._nowhere_s = {item: self._nowhere_s.get(item, now_s) for item in missing}
        return any(now_s - since_s > QUIET_S for since_s in self._nowhere_s.values())

    def _inject(self, fault: str, now_s: float) -> bool:
        """False: there was nobody to do it to just now."""
        self.hands.now_s = now_s
        done = FAULTS[fault](self.hands)
        if done is None:
            return False
        self.told[fault].injected += 1
        self._note(f"{fault} {done.victim} for {done.lasts_s:.1f} s")
        ends_s = now_s + done.lasts_s + TROUBLE_S
        for program in self._troubled(fault, done.victim):
            program.trouble_until_s = max(program.trouble_until_s, ends_s)
        homes = frozenset(
            {done.victim} if done.victim in self.village.homes else self.village.homes
        )
        for home in homes:
            self._last_fault[home] = fault
        if done.lasts_s == 0:
            self._recoveries.append(_Recovery(fault, now_s, homes))
            return True
        self.hands.busy.add(done.victim)

        def heal(done: Injected = done) -> None:
            done.undo()
            self._note(f"{fault} {done.victim} over")
            self.hands.busy.discard(done.victim)
            self._recoveries.append(_Recovery(fault, time.monotonic(), homes))

        heapq.heappush(self._timers, (now_s + done.lasts_s, next(self._numbers), heal))
        return True

    def _troubled(self, fault: str, victim: str) -> list[Program]:
        """Who may find at its start that what it writes to can't be had: whoever's disk it is, and
        a hub without its server."""
        programs = self.village.programs
        without = [programs["hub"]] if victim == "postgresql" else []
        return [programs[victim], *without] if fault in AT_A_START else without

    def _settle(self) -> tuple[bool, float]:
        """Heal everything; then all that was accepted must come into the book by itself."""
        while self._timers:
            heapq.heappop(self._timers)[2]()
        for program in self.village.programs.values():
            program.go_on()
        began_s = quiet_since_s = came_s = time.monotonic()
        come = 0

        def over() -> bool:
            """All is in the book; or no home has anything left to send, or nothing comes any more,
            and still it is not."""
            nonlocal quiet_since_s, came_s, come
            self._look()
            now_s = time.monotonic()
            if self.village.waiting() != 0:
                quiet_since_s = now_s
            if len(self.in_book) > come:
                come, came_s = len(self.in_book), now_s
            stuck = now_s - quiet_since_s > QUIET_S or now_s - came_s > SETTLE_S
            return self._arrived() or stuck

        try:
            self._until(over, SETTLE_MOST_S, "everything accepted in the book")
        except TimeoutError as error:
            self.say(str(error))
        return self._arrived(), time.monotonic() - began_s

    def _arrived(self) -> bool:
        up = all(program.running for program in self.village.programs.values())
        return up and self.in_book >= self.accepted.keys()

    def _outcome(self, stormed_s: float, settled: bool, settle_s: float) -> Outcome:
        village, options = self.village, self.options
        before = set(self.accepted)
        events = books.events(village.book, 0)[1]
        self._look()
        # What was accepted while the book was read, a button's sign of life, may be in neither.
        judged = before | {event.id for event in events}
        verdict = check(
            {i: item for i, item in self.accepted.items() if i in judged},
            village.pressed,
            events,
            books.alarms(village.book),
            books.tasks(village.book),
        )
        programs = village.programs.items()
        return Outcome(
            options=options,
            verdict=verdict,
            told=self.told,
            kills={name: program.kills for name, program in programs},
            starts={name: program.starts for name, program in programs},
            exits={name: program.exits for name, program in programs if program.exits},
            refused={name: program.refused for name, program in programs if program.refused},
            overdue={name: program.overdue for name, program in programs if program.overdue},
            pressed=sum(village.pressed.values()),
            redelivered=sum(told.redelivered for told in self.told.values()),
            seconds=stormed_s,
            settle_s=settle_s,
            settled=settled,
            book=village.book.version,
            tracebacks=dict(tracebacks(village.folder)),
        )

    # Turns.

    def _turn(self, now_s: float, rest_s: float) -> None:
        while self._timers and self._timers[0][0] <= now_s:
            heapq.heappop(self._timers)[2]()
        for program in self.village.programs.values():
            program.tend(now_s)
        if now_s - self._looked_s > LOOK_S:
            self._look()
            self._tell(now_s)
        select.select([], [], [], min(max(rest_s, 0.0), TURN_S))

    def _until(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        ends_s = time.monotonic() + seconds
        while not condition():
            now_s = time.monotonic()
            if now_s > ends_s:
                raise TimeoutError(f"not within {seconds:.0f} s: {what}")
            for program in self.village.programs.values():
                program.tend(now_s)
            select.select([], [], [], 0.1)

    def _look(self) -> None:
        """At the spools first: what is accepted is then never younger than the book."""
        now_s = self._looked_s = time.monotonic()
        for name in self.village.homes:
            for item, accepted in self.village.accepted(name).items():
                self.accepted[item] = accepted
                self._accepted_at[item] = self.hands.proved_s[name] = now_s
        self._seq, new = books.events(self.village.book, self._seq)
        if new:
            self.hands.book_proved_s = now_s
        for event in new:
            self.in_book.add(event.id)
            self._recovered(event.gateway, self._accepted_at.get(event.id, 0.0))
        self._count_redeliveries()
        known = {p.process.pid for p in self.village.programs.values() if p.process is not None}
        reap(known)

    def _recovered(self, home: str, accepted_s: float) -> None:
        """The first press of a home after a fault has come through."""
        rest = []
        for recovery in self._recoveries:
            if home in recovery.homes and accepted_s > recovery.healed_s:
                told = self.told[recovery.fault]
                told.recoveries += 1
                took_s = self._looked_s - recovery.healed_s
                told.recovery_worst_s = max(told.recovery_worst_s, took_s)
                if took_s > LONG_S:
                    self._note(f"{home} heard {took_s:.0f} s after {recovery.fault}")
            else:
                rest.append(recovery)
        self._recoveries = rest

    def _count_redeliveries(self) -> None:
        with self.village.redelivered.open("rb") as file:
            file.seek(self._redelivered_at)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._redelivered_at += len(whole)
        for item in whole.decode().split():
            accepted = self.accepted.get(item)
            fault = self._last_fault.get(accepted.gateway) if accepted else None
            if fault is not None:
                self.told[fault].redelivered += 1

    def _note(self, text: str) -> None:
        at = time.strftime("%H:%M:%S", time.gmtime())
        with (self.village.folder / "storm.log").open("a") as log:
            log.write(f"{at} {text}\n")

    def _tell(self, now_s: float) -> None:
        if now_s - self._told_s > 15:
            self._told_s = now_s
            waits = len(self.accepted.keys() - self.in_book)
            self.say(
                f"{now_s - self._began_s:6.0f} s  {self.kills} kills  {len(self.accepted)} accepted"
                f"  {waits} under way"
            )

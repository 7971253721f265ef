"""The engine: observations and time in, findings out. Pure and deterministic.

For each home it holds one monitor per rule. Observations go to the monitors that listen to their
kind; timers wait in a heap with lazy entries (an entry may be older than the monitor's wish: it
is checked and put back when it comes up). Before a monitor sees an observation, its timers due
by then are fired, so findings don't depend on how often `advance` is called.

                    observe(home, item, now)         advance(now)
                              |                           |
        home -> kind -> (cell, cell)        heap of (due, home, rule, cell)
          (those of its region last)
                              \\                         /
                               monitor.observe / monitor.fire -> findings
                               feed: -> observations for other cells (rules.derived)
"""

import heapq
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, cast

from rules.cells import (
    Cell,
    HomeCells,
    check_feeds,
    differs,
    hearers,
    is_for,
    params_of,
    state_bytes,
    subject_of,
)
from rules.derived import Feed, FeedMonitor
from rules.finding import Finding
from rules.rule import (
    DEVICE_KINDS,
    GATEWAY_PREFIX,
    NOTHING,
    REGION_PREFIX,
    HomeFacts,
    Monitor,
    Observation,
    Rule,
    RuleView,
    Subject,
    SubjectKind,
    former_names,
    takes_copd,
)

# Problems kept until somebody asks; more only says the same of more homes.
PROBLEMS_MAX: Final = 1000

_SUBJECTS: Final[tuple[SubjectKind, ...]] = ("home", "gateway", "region")

_BAD_STATE: Final = (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError)


class Engine:
    """All rules for all homes of one lane. Not thread-safe: one thread owns it."""

    def __init__(
        self, rules: Sequence[Rule], lane: Literal["urgent", "readings"] | None = None
    ) -> None:
        mine = (rule for rule in rules if lane is None or rule.kind.lane == lane)
        self._rules = tuple(sorted(mine, key=lambda rule: rule.name))
        names = [rule.name for rule in self._rules]
        if len(set(names)) != len(names):
            raise ValueError(f"two rules of one name among {names}")
        check_feeds(self._rules)
        self._about_devices = frozenset(
            rule.name
            for rule in self._rules
            if not DEVICE_KINDS.isdisjoint(rule.kind.listens(rule.params))
        )
        self._hearers = {subject: hearers(self._rules, subject) for subject in _SUBJECTS}
        self._homes: dict[str, HomeCells] = {}
        self._heap: list[tuple[int, str, str, Cell]] = []
        self._dirty: list[Cell] = []
        self._problems: list[str] = []

    # Homes.

    def add_home(self, home: HomeFacts, now_ms: int) -> None:
        """Watch a home from now on; timers that need no observation start here.

        Adding a home again applies its new overrides and devices and keeps what was learned.
        ConfigError when an override can't be used (nothing has changed then). A region is best
        added before its homes.
        """
        rules = self._of_subject(home.home)
        params = {rule.name: params_of(rule, home) for rule in rules if differs(rule, home)}
        old = self._homes.get(home.home)
        known = self._homes[home.home] = HomeCells(home, now_ms, {} if old is None else old.cells)
        if old is None:
            self._forget_hearers(home.home)
        # What a gateway has that no home claims can come and go between two facts, unlisted.
        unlisted = home.home.startswith(GATEWAY_PREFIX)
        for rule in rules:
            cell = known.cells.get(rule.name)
            if cell is None:
                if not rule.kind.starts_idle:
                    self._start(known, rule)
                continue
            wanted = params.get(rule.name, rule.params)
            about_devices = rule.name in self._about_devices
            devices = home.devices if about_devices else ()
            members = home.members if about_devices else ()
            copd = home.copd if takes_copd(rule.kind) else ""
            told = (cell.subject.devices, cell.subject.members, cell.subject.copd)
            same = cell.params == wanted and told == (devices, members, copd)
            if not same or (unlisted and about_devices):
                cell.params = wanted
                cell.subject = self._subject(known, rule)
                self._reload(cell, cell.monitor.dump())
                self._touch(cell)
            cell.rule = rule
            self._schedule(cell)

    def remove_home(self, home: str) -> None:
        """Stop watching; unknown homes are fine. Its states in the store are the caller's."""
        known = self._homes.pop(home, None)
        self._forget_hearers(home)
        for cell in () if known is None else known.cells.values():
            cell.scheduled_ms = None
            cell.dirty = False

    def homes(self) -> list[str]:
        return list(self._homes)

    def configure(self, rules: Sequence[Rule]) -> None:
        """Put other parameters or severities of the same rules into force. They reach a home when
        it is added again; what it learned is kept. ValueError when a rule is missing or new."""
        mine = {rule.name: rule for rule in rules}
        if any(
            rule.name not in mine or mine[rule.name].kind is not rule.kind for rule in self._rules
        ):
            raise ValueError("only the parameters of rules can be changed while they run")
        self._rules = tuple(mine[rule.name] for rule in self._rules)
        self._hearers = {subject: hearers(self._rules, subject) for subject in _SUBJECTS}

    @property
    def wants_devices(self) -> bool:
        """Whether any rule asks for the devices of a home."""
        return bool(self._about_devices)

    # The hot path.

    def observe(self, home: str, observation: Observation, now_ms: int) -> list[Finding]:
        """What the rules say to an observation of this home.

        KeyError when the home was never added. The empty answer is one shared list: don't
        change it.
        """
        known = self._homes[home]
        cells = known.hears.get(observation.kind)
        if cells is None:
            cells = self._hear(known, observation.kind)
        found = NOTHING
        for cell in cells:
            monitor = cell.monitor
            due_ms = monitor.due_ms
            if due_ms is not None and due_ms <= now_ms:
                fired = self._fire(cell, now_ms)
                if fired:
                    found = found + fired
            new = monitor.observe(observation, now_ms)
            if new:
                found = found + new
            if not cell.dirty:
                cell.dirty = True
                self._dirty.append(cell)
            if cell.feeds:
                for derived in cast("FeedMonitor", monitor).take_derived():
                    found = found + self.observe(home, derived, now_ms)
            due_ms = monitor.due_ms
            if due_ms is not None and (cell.scheduled_ms is None or due_ms < cell.scheduled_ms):
                self._schedule(cell)
        return found

    # Time.

    def advance(self, now_ms: int) -> list[Finding]:
        """Fire every timer due by now, in the order of (due, home, rule)."""
        heap = self._heap
        found = NOTHING
        while heap and heap[0][0] <= now_ms:
            due_ms, _home, _rule, cell = heapq.heappop(heap)
            if cell.scheduled_ms != due_ms:
                continue
            cell.scheduled_ms = None
            if cell.monitor.due_ms == due_ms:
                new = cell.monitor.fire(due_ms)
                self._touch(cell)
                if new:
                    found = found + new
            self._schedule(cell)
        return found

    def next_due_ms(self) -> int | None:
        """The earliest moment at which `advance` has something to do."""
        heap = self._heap
        while heap:
            due_ms, _home, _rule, cell = heap[0]
            if cell.scheduled_ms == due_ms and cell.monitor.due_ms == due_ms:
                return due_ms
            heapq.heappop(heap)
            if cell.scheduled_ms == due_ms:
                cell.scheduled_ms = None
                self._schedule(cell)
        return None

    def resume(self, now_ms: int) -> None:
        """Say that the hub was not listening until now. Call it once after the states were
        restored at a start: what kept silent meanwhile gets its full time again."""
        for known in self._homes.values():
            for cell in known.cells.values():
                cell.monitor.resume(now_ms)
                self._touch(cell)
                self._schedule(cell)

    # State.

    def take_dirty(self) -> list[tuple[str, str, bytes]]:
        """(home, rule, state) of everything that changed since the last call."""
        rows = []
        for cell in self._dirty:
            if cell.dirty:
                cell.dirty = False
                rows.append((cell.home, cell.rule.name, state_bytes(cell)))
        self._dirty = []
        return rows

    def restore(self, home: str, rule: str, state: bytes) -> None:
        """Put back a state that `take_dirty` gave. What can't be used is told by
        `take_problems` and the rule starts afresh: never a crash."""
        cell = self._cell(home, rule)
        if cell is None:
            self._problem(f"{home}/{rule}: state of a home or rule that is not configured")
            return
        try:
            document = json.loads(state)
            kind = cell.rule.kind
            if document["kind"] != kind.name and document["kind"] not in former_names(kind):
                raise ValueError(f"state of kind {document['kind']!r}")
            if document["v"] > kind.state_version:
                raise ValueError(f"state version {document['v']!r} is newer than this program")
        except _BAD_STATE as error:
            self._problem(f"{home}/{rule}: unreadable state, starts afresh: {error!r:.200}")
            return
        if self._reload(cell, document):
            cell.dirty = False
        self._schedule(cell)

    def take_problems(self) -> list[str]:
        """What went wrong with states since the last call, one line each."""
        problems, self._problems = self._problems, []
        return problems

    def view(self, home: str, now_ms: int) -> list[RuleView]:
        """Every rule's present opinion of a home; KeyError when it was never added."""
        known = self._homes[home]
        return [self._view(known, rule, now_ms) for rule in self._of_subject(home)]

    # Inside.

    def _view(self, known: HomeCells, rule: Rule, now_ms: int) -> RuleView:
        cell = known.cells.get(rule.name)
        # A rule that has heard nothing yet thinks what it would think if it began now.
        monitor = self._monitor(known, rule) if cell is None else cell.monitor
        opinion = monitor.view(now_ms)
        explanation = opinion.explanation
        if not known.facts.signed.get(rule.name, not rule.awaits_signature):
            explanation = {**explanation, "limits_unconfirmed": True}
        return RuleView(
            rule=rule.name,
            kind=rule.kind.name,
            state=opinion.state,
            since_ms=opinion.since_ms,
            explanation=explanation,
        )

    def _of_subject(self, home: str) -> list[Rule]:
        subject = subject_of(home)
        return [rule for rule in self._rules if is_for(rule, subject)]

    def _forget_hearers(self, home: str) -> None:
        """A region came or went: its homes look anew who hears them."""
        if subject_of(home) == "region":
            code = home.removeprefix(REGION_PREFIX)
            for known in self._homes.values():
                if known.facts.region == code:
                    known.hears = {}

    def _hear(self, known: HomeCells, kind: str) -> tuple[Cell, ...]:
        """The cells of a home that want a kind of item, started if this is the first of it. Feeds
        come last, so that every rule has seen a reading before what is made of it; behind them the
        region, which is one look more where it hears this kind and none where it doesn't."""
        home = known.facts
        rules = self._hearers[subject_of(home.home)].get(kind, ())
        if any(differs(rule, home) for rule in self._rules):
            wants = [
                rule
                for rule in self._of_subject(home.home)
                if kind in rule.kind.listens(params_of(rule, home))
            ]
            rules = tuple(sorted(wants, key=lambda rule: (isinstance(rule.kind, Feed), rule.name)))
        found = tuple(known.cells.get(rule.name) or self._start(known, rule) for rule in rules)
        region = self._homes.get(f"{REGION_PREFIX}{home.region}") if home.region else None
        if region is not None and region is not known:
            found += self._hear(region, kind)
        known.hears[kind] = found
        return found

    def _cell(self, home: str, rule: str) -> Cell | None:
        known = self._homes.get(home)
        if known is None:
            return None
        cell = known.cells.get(rule)
        if cell is not None:
            return cell
        for configured in self._of_subject(home):
            if configured.name == rule:
                return self._start(known, configured)
        return None

    def _start(self, known: HomeCells, rule: Rule) -> Cell:
        params = params_of(rule, known.facts)
        monitor = self._monitor(known, rule)
        cell = Cell(self._subject(known, rule), rule, params, monitor)
        known.cells[rule.name] = cell
        self._touch(cell)
        self._schedule(cell)
        return cell

    def _monitor(self, known: HomeCells, rule: Rule) -> Monitor:
        params = params_of(rule, known.facts)
        return rule.kind.start(self._subject(known, rule), params, known.since_ms)

    def _subject(self, known: HomeCells, rule: Rule) -> Subject:
        return Subject(
            home=known.facts.home,
            rule=rule.name,
            kind=rule.kind.name,
            severity=rule.severity,
            devices=known.facts.devices if rule.name in self._about_devices else (),
            members=known.facts.members if rule.name in self._about_devices else (),
            copd=known.facts.copd if takes_copd(rule.kind) else "",
            since_ms=known.since_ms,
        )

    def _fire(self, cell: Cell, now_ms: int) -> list[Finding]:
        found = NOTHING
        due_ms = cell.monitor.due_ms
        while due_ms is not None and due_ms <= now_ms:
            found = found + cell.monitor.fire(due_ms)
            due_ms = cell.monitor.due_ms
        return found

    def _reload(self, cell: Cell, document: Mapping[str, Any]) -> bool:
        try:
            cell.monitor = cell.rule.kind.load(cell.subject, cell.params, document)
        except _BAD_STATE as error:
            self._problem(f"{cell.home}/{cell.rule.name}: state not usable: {error!r:.200}")
            return False
        return True

    def _touch(self, cell: Cell) -> None:
        if not cell.dirty:
            cell.dirty = True
            self._dirty.append(cell)

    def _schedule(self, cell: Cell) -> None:
        """Keep one live heap entry at or before the monitor's due time."""
        due_ms = cell.monitor.due_ms
        if due_ms is None or (cell.scheduled_ms is not None and cell.scheduled_ms <= due_ms):
            return
        cell.scheduled_ms = due_ms
        heapq.heappush(self._heap, (due_ms, cell.home, cell.rule.name, cell))

    def _problem(self, text: str) -> None:
        if len(self._problems) < PROBLEMS_MAX:
            self._problems.append(text)

"""The engine: observations and time in, findings out. Pure and deterministic.

For each home it holds one monitor per rule. Observations go to the monitors that listen to their
kind; timers wait in a heap with lazy entries (an entry may be older than the monitor's wish: it
is checked and put back when it comes up). Before a monitor sees an observation, its timers due
by then are fired, so findings don't depend on how often `advance` is called.

                    observe(home, item, now)         advance(now)
                              |                           |
        home -> kind -> (cell, cell)        heap of (due, home, rule, cell)
                              \\                         /
                               monitor.observe / monitor.fire -> findings
                               feed: -> observations for other cells (rules.derived)
"""

import heapq
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, cast

from rules.derived import Feed, FeedMonitor
from rules.finding import Finding
from rules.rule import (
    DEVICE_KINDS,
    GATEWAY_PREFIX,
    NOTHING,
    DeviceFacts,
    HomeFacts,
    Monitor,
    Observation,
    Rule,
    RuleView,
    Subject,
)

# Problems kept until somebody asks; more only says the same of more homes.
PROBLEMS_MAX: Final = 1000

# Made once: `json.dumps` with options of its own makes an encoder for each call.
_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

_BAD_STATE: Final = (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError)


class _Cell:
    """One rule for one home. `scheduled_ms`: the due time of its entry in the heap, if any;
    `feeds`: its monitor makes observations for the rules behind it."""

    __slots__ = ("dirty", "feeds", "home", "monitor", "params", "rule", "scheduled_ms", "subject")

    def __init__(self, subject: Subject, rule: Rule, params: Any, monitor: Monitor) -> None:
        self.home = subject.home
        self.subject = subject
        self.rule = rule
        self.params = params
        self.monitor = monitor
        self.feeds = isinstance(rule.kind, Feed)
        self.scheduled_ms: int | None = None
        self.dirty = False

    def __lt__(self, other: "_Cell") -> bool:
        # Entries equal in (due, home, rule) can only be stale twins of one cell.
        return False


class Engine:
    """All rules for all homes of one lane. Not thread-safe: one thread owns it."""

    def __init__(
        self, rules: Sequence[Rule], lane: Literal["urgent", "readings"] | None = None
    ) -> None:
        self._rules = tuple(
            sorted(
                (rule for rule in rules if lane is None or rule.kind.lane == lane),
                key=lambda rule: rule.name,
            )
        )
        names = [rule.name for rule in self._rules]
        if len(set(names)) != len(names):
            raise ValueError(f"two rules of one name among {names}")
        _check_feeds(self._rules)
        self._about_devices = frozenset(
            rule.name
            for rule in self._rules
            if not DEVICE_KINDS.isdisjoint(rule.kind.listens(rule.params))
        )
        self._cells: dict[str, dict[str, _Cell]] = {}
        self._listeners: dict[str, dict[str, tuple[_Cell, ...]]] = {}
        self._heap: list[tuple[int, str, str, _Cell]] = []
        self._dirty: list[_Cell] = []
        self._problems: list[str] = []

    # Homes.

    def add_home(self, home: HomeFacts, now_ms: int) -> None:
        """Watch a home from now on; timers that need no observation start here.

        Adding a home again applies its new overrides and devices and keeps what was learned.
        ConfigError when an override can't be used (nothing has changed then).
        """
        wanted = self._wanted(home)
        # What a gateway has that no home claims can come and go between two facts, unlisted.
        gateway = home.home.startswith(GATEWAY_PREFIX)
        old = self._cells.get(home.home, {})
        cells: dict[str, _Cell] = {}
        for rule, params in wanted:
            cell = old.get(rule.name)
            about_devices = rule.name in self._about_devices
            devices = home.devices if about_devices else ()
            unlisted = gateway and about_devices
            if cell is None:
                subject = _subject(home.home, rule, devices, now_ms)
                monitor = rule.kind.start(subject, params, now_ms)
                cell = _Cell(subject, rule, params, monitor)
                self._touch(cell)
            elif cell.params != params or cell.subject.devices != devices or unlisted:
                cell.params = params
                cell.subject = _subject(home.home, rule, devices, now_ms)
                self._reload(cell, cell.monitor.dump())
                self._touch(cell)
            self._schedule(cell)
            cells[rule.name] = cell
        self._cells[home.home] = cells
        self._listeners[home.home] = _listeners(cells)

    def remove_home(self, home: str) -> None:
        """Stop watching; unknown homes are fine. Its states in the store are the caller's."""
        for cell in self._cells.pop(home, {}).values():
            cell.scheduled_ms = None
            cell.dirty = False
        self._listeners.pop(home, None)

    def homes(self) -> list[str]:
        return list(self._cells)

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
        cells = self._listeners[home].get(observation.kind)
        if cells is None:
            return NOTHING
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
        for cells in self._cells.values():
            for cell in cells.values():
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
                rows.append((cell.home, cell.rule.name, _state_bytes(cell)))
        self._dirty = []
        return rows

    def restore(self, home: str, rule: str, state: bytes) -> None:
        """Put back a state that `take_dirty` gave. What can't be used is told by
        `take_problems` and the rule starts afresh: never a crash."""
        cell = self._cells.get(home, {}).get(rule)
        if cell is None:
            self._problem(f"{home}/{rule}: state of a home or rule that is not configured")
            return
        try:
            document = json.loads(state)
            if document["kind"] != cell.rule.kind.name:
                raise ValueError(f"state of kind {document['kind']!r}")
            if document["v"] > cell.rule.kind.state_version:
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
        views = []
        for name, cell in self._cells[home].items():
            opinion = cell.monitor.view(now_ms)
            explanation = opinion.explanation
            if cell.rule.awaits_signature:
                explanation = {**explanation, "limits_unconfirmed": True}
            views.append(
                RuleView(
                    rule=name,
                    kind=cell.rule.kind.name,
                    state=opinion.state,
                    since_ms=opinion.since_ms,
                    explanation=explanation,
                )
            )
        return views

    # Inside.

    def _wanted(self, home: HomeFacts) -> list[tuple[Rule, Any]]:
        subject = "gateway" if home.home.startswith(GATEWAY_PREFIX) else "home"
        wanted = []
        for rule in self._rules:
            if rule.kind.subject not in (subject, "either"):
                continue
            params = rule.overrides.get(home.home, rule.params)
            table = home.overrides.get(rule.name)
            if table:
                params = rule.kind.parse(table, f"{home.home}.{rule.name}", params)
            wanted.append((rule, params))
        return wanted

    def _fire(self, cell: _Cell, now_ms: int) -> list[Finding]:
        found = NOTHING
        due_ms = cell.monitor.due_ms
        while due_ms is not None and due_ms <= now_ms:
            found = found + cell.monitor.fire(due_ms)
            due_ms = cell.monitor.due_ms
        return found

    def _reload(self, cell: _Cell, document: Mapping[str, Any]) -> bool:
        try:
            cell.monitor = cell.rule.kind.load(cell.subject, cell.params, document)
        except _BAD_STATE as error:
            self._problem(f"{cell.home}/{cell.rule.name}: state not usable: {error!r:.200}")
            return False
        return True

    def _touch(self, cell: _Cell) -> None:
        if not cell.dirty:
            cell.dirty = True
            self._dirty.append(cell)

    def _schedule(self, cell: _Cell) -> None:
        """Keep one live heap entry at or before the monitor's due time."""
        due_ms = cell.monitor.due_ms
        if due_ms is None or (cell.scheduled_ms is not None and cell.scheduled_ms <= due_ms):
            return
        cell.scheduled_ms = due_ms
        heapq.heappush(self._heap, (due_ms, cell.home, cell.rule.name, cell))

    def _problem(self, text: str) -> None:
        if len(self._problems) < PROBLEMS_MAX:
            self._problems.append(text)


def _subject(home: str, rule: Rule, devices: tuple[DeviceFacts, ...], now_ms: int) -> Subject:
    return Subject(
        home=home,
        rule=rule.name,
        kind=rule.kind.name,
        severity=rule.severity,
        devices=devices,
        since_ms=now_ms,
    )


def _check_feeds(rules: Sequence[Rule]) -> None:
    """A feed reads what devices say, never what a feed says: nothing can go round in circles."""
    feeds = [(rule, rule.kind) for rule in rules if isinstance(rule.kind, Feed)]
    made = frozenset[str]().union(*(kind.emits for _rule, kind in feeds))
    for rule, kind in feeds:
        circle = kind.listens(rule.params) & made
        if circle:
            raise ValueError(f"the feed {rule.name!r} listens to {sorted(circle)}, made by a feed")


def _listeners(cells: Mapping[str, _Cell]) -> dict[str, tuple[_Cell, ...]]:
    """Who hears what, in the order of the rules' names; feeds last, so that every rule has seen
    the reading itself before what is made of it."""
    by_kind: dict[str, tuple[_Cell, ...]] = {}
    for cell in sorted(cells.values(), key=lambda cell: (cell.feeds, cell.rule.name)):
        for kind in sorted(cell.rule.kind.listens(cell.params)):
            by_kind[kind] = (*by_kind.get(kind, ()), cell)
    return by_kind


def _state_bytes(cell: _Cell) -> bytes:
    kind = cell.rule.kind
    document = {"v": kind.state_version, "kind": kind.name, **cell.monitor.dump()}
    return _encode(document).encode()

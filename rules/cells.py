"""What the engine holds of homes and rules: cells, and who wants to hear what. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, cast

import msgspec

from rules.asleep import Asleep
from rules.derived import is_feed
from rules.rule import (
    GATEWAY_PREFIX,
    REGION_PREFIX,
    Copd,
    DeviceFacts,
    HomeFacts,
    Monitor,
    Place,
    Rule,
    RuleView,
    Subject,
    SubjectKind,
)
from rules.waiting import Patient, Waiting, show_meters

# Nine times as quick as `json`, and a home's states are written every quarter of an hour. A float
# of numpy's is a float.
_encode: Final = msgspec.json.Encoder(enc_hook=float).encode


class Cell:
    """One rule for one home. `scheduled_ms`: the due time of its entry in the heap, if any;
    `feeds`: its monitor makes observations for the rules behind it; `waiting`: quarter-hours that
    it may look at later, of which it has seen those before number `seen`."""

    __slots__ = (
        "dirty",
        "feeds",
        "monitor",
        "params",
        "rule",
        "scheduled_ms",
        "seen",
        "subject",
        "waiting",
    )

    def __init__(
        self, subject: Subject, rule: Rule, params: Any, monitor: Monitor, *, feeds: bool
    ) -> None:
        self.subject = subject
        self.rule = rule
        self.params = params
        self.monitor = monitor
        self.feeds = feeds
        self.scheduled_ms: int | None = None
        self.dirty = False
        self.waiting: Waiting | None = None
        self.seen = 0

    @property
    def home(self) -> str:
        return self.subject.home

    def wait(self, waiting: Waiting) -> None:
        """Look at quarter-hours later, from where the state stands."""
        self.waiting = waiting
        show_meters(self.monitor, waiting)
        calm = cast("Patient", self.monitor).calm()
        # Nothing waits for a rule without patience: one that starts afresh has missed nothing.
        self.seen = waiting.count if calm.until_ms < 0 else waiting.stood(self.rule.name)
        if self not in waiting.cells:
            waiting.cells = (*waiting.cells, self)
        waiting.narrow(calm, self.monitor.due_ms)

    def __lt__(self, other: object) -> bool:
        # Entries equal in (due, home, rule) can only be stale twins of one cell.
        return False


class Cells:
    """The cells of one home by the names of their rules: few enough to look through, where a
    dictionary of eleven takes twice the room."""

    __slots__ = ("_all",)

    def __init__(self) -> None:
        # Another one with each that comes: somebody may look from another thread.
        self._all: tuple[Cell, ...] = ()

    def get(self, rule: str) -> Cell | None:
        for cell in self._all:
            if cell.rule.name == rule:
                return cell
        return None

    def __getitem__(self, rule: str) -> Cell:
        cell = self.get(rule)
        if cell is None:
            raise KeyError(rule)
        return cell

    def __contains__(self, rule: str) -> bool:
        return self.get(rule) is not None

    def __iter__(self) -> Iterator[str]:
        return (cell.rule.name for cell in self._all)

    def values(self) -> Sequence[Cell]:
        return self._all

    def add(self, cell: Cell) -> None:
        """One of a rule that has none."""
        self._all = (*self._all, cell)


# Until something is heard of a home. Never changed.
_NOBODY_HEARS: Final[dict[str, tuple[Cell, ...]]] = {}


class HomeCells:
    """What the engine has of one home. Cells come when something is heard that their rule wants,
    at once only where a rule waits from the beginning: most homes have few kinds of devices.
    asleep: restored states of which nothing was heard since.
    hears: per kind of item the cells that want it, as far as any was heard; registers: those that
    want a meter's register alone, which is most of what is heard.
    waiting: its quarter-hours, once there were any."""

    __slots__ = ("asleep", "cells", "facts", "hears", "registers", "since_ms", "waiting")

    def __init__(self, facts: HomeFacts, since_ms: int, before: "HomeCells | None" = None) -> None:
        self.facts = facts
        self.since_ms = since_ms
        self.cells: Cells = Cells() if before is None else before.cells
        self.asleep: Asleep | None = None if before is None else before.asleep
        self.hears = _NOBODY_HEARS
        self.registers: tuple[Cell, ...] | None = None
        self.waiting: Waiting | None = None if before is None else before.waiting

    def place(
        self,
        devices: tuple[DeviceFacts, ...] = (),
        members: tuple[HomeFacts, ...] = (),
        copd: Copd = "",
    ) -> Place:
        """One for all rules that are told the same."""
        place = Place(self.facts.home, devices, members, copd, self.since_ms)
        told = (cell.subject.place for cell in self.cells.values())
        return next((other for other in told if other == place), place)

    def sleeps(self, rule: Rule) -> bool:
        return self.asleep is not None and rule.name in self.asleep.states


def subject_of(home: str) -> SubjectKind:
    if home.startswith(REGION_PREFIX):
        return "region"
    return "gateway" if home.startswith(GATEWAY_PREFIX) else "home"


def is_for(rule: Rule, subject: SubjectKind) -> bool:
    wanted = rule.kind.subject
    return wanted == subject or (wanted == "either" and subject != "region")


def differs(rule: Rule, home: HomeFacts) -> bool:
    # Asked of each rule in each home at a start; most have nothing of their own.
    overrides = home.overrides
    return home.home in rule.overrides or (bool(overrides) and bool(overrides.get(rule.name)))


def params_of(rule: Rule, home: HomeFacts) -> Any:
    """The parameters of a rule in a home; ConfigError when an override can't be used."""
    params = rule.overrides.get(home.home, rule.params)
    table = home.overrides.get(rule.name)
    if table:
        params = rule.kind.parse(table, f"{home.home}.{rule.name}", params)
    return params


def check_feeds(rules: Sequence[Rule]) -> None:
    """A feed reads what devices say, never what a feed says: nothing can go round in circles."""
    feeds = [(rule, rule.kind) for rule in rules if is_feed(rule.kind)]
    made = frozenset[str]().union(*(kind.emits for _rule, kind in feeds))
    for rule, kind in feeds:
        circle = kind.listens(rule.params) & made
        if circle:
            raise ValueError(f"the feed {rule.name!r} listens to {sorted(circle)}, made by a feed")


def hearers(rules: Sequence[Rule], subject: SubjectKind) -> dict[str, tuple[Rule, ...]]:
    """Who wants which kind of item where no home differs; feeds last."""
    by_kind: dict[str, tuple[Rule, ...]] = {}
    for rule in sorted(rules, key=lambda rule: (is_feed(rule.kind), rule.name)):
        if is_for(rule, subject):
            for kind in sorted(rule.kind.listens(rule.params)):
                by_kind[kind] = (*by_kind.get(kind, ()), rule)
    return by_kind


def state_bytes(cell: Cell, head: bytes) -> bytes:
    """`head`: `rules.asleep.head_of` the cell's parameters."""
    due_ms = cell.monitor.due_ms
    wake = b"null" if due_ms is None else b"%d" % due_ms
    body = _encode(cell.monitor.dump())
    return b"".join((head, wake, b"," if len(body) > len(b"{}") else b"", body[1:]))


def rule_view(home: HomeFacts, rule: Rule, monitor: Monitor, now_ms: int) -> RuleView:
    opinion = monitor.view(now_ms)
    explanation = opinion.explanation
    if not home.signed.get(rule.name, not rule.awaits_signature):
        explanation = {**explanation, "limits_unconfirmed": True}
    return RuleView(
        rule=rule.name,
        kind=rule.kind.name,
        state=opinion.state,
        since_ms=opinion.since_ms,
        explanation=explanation,
        listens=rule.kind.listens(rule.params),
    )

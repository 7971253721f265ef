"""The rules of a lane: who hears what, and who looks at quarter-hours later. Pure.

Each change of a monitor goes through here once more: a cell that changed is to be written, one
that is behind catches up, one that has heard something may have less patience than before.
"""

from collections.abc import Sequence
from typing import Final, cast

from rules.asleep import Bed, Unusable, head_of, monitor_of
from rules.cells import Cell, HomeCells, differs, hearers, is_for, params_of, subject_of
from rules.derived import POWER_SLOT, Keeper, is_feed
from rules.rule import (
    DEVICE_KINDS,
    Monitor,
    Rule,
    SubjectKind,
    Title,
    hears_no_register,
    is_patient,
)
from rules.waiting import EVER, Patient, Waiting, show_meters

POWER: Final = "power"
# What most readings are of: power, and of a meter its register alone. Heard by all who hear power
# but those to whom a register says nothing.
REGISTER_KWH: Final = "energy_kwh"

_SUBJECTS: Final[tuple[SubjectKind, ...]] = ("home", "gateway", "region")


class Listeners:
    """The rules of one lane, and which of their cells are to be written."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(rules)
        self._dirty: list[Cell] = []
        self._sort_out()

    def _sort_out(self) -> None:
        self._hearers = {subject: hearers(self._rules, subject) for subject in _SUBJECTS}
        self._of_subject = {
            subject: [rule for rule in self._rules if is_for(rule, subject)]
            for subject in _SUBJECTS
        }
        # Asked once: whether a kind is one costs more than all else of a cell's beginning.
        self._feeds = frozenset(rule.name for rule in self._rules if is_feed(rule.kind))
        self._patient = frozenset(rule.name for rule in self._rules if is_patient(rule.kind))
        keepers = (r for r in self._rules if is_feed(r.kind) and POWER_SLOT in r.kind.emits)
        self._no_registers = frozenset(r.name for r in self._rules if hears_no_register(r.kind))
        self._keeper = next((rule.name for rule in keepers), "")
        self._titles = {r.name: Title(r.name, r.kind.name, r.severity) for r in self._rules}
        self._by_name = {rule.name: rule for rule in self._rules}
        self._heads = {rule.name: head_of(rule.kind, rule.params) for rule in self._rules}
        # What begins like this may sleep, where no home differs: looked up for each state of a
        # province at a start. Rules about devices that gateways or villages have are read at once:
        # what the roster says now may end what they wait for.
        self._about_devices = frozenset(
            rule.name
            for rule in self._rules
            if not DEVICE_KINDS.isdisjoint(rule.kind.listens(rule.params))
        )
        # Waiting from the beginning; and whether any home has parameters of its own by rules.toml.
        self._beginners = {
            subject: [rule for rule in of if not rule.kind.starts_idle]
            for subject, of in self._of_subject.items()
        }
        self._differing = any(rule.overrides for rule in self._rules)
        self._beds = {
            subject: {
                rule.name: Bed(rule, self._heads[rule.name], rule.name in self._about_devices)
                for rule in self._of_subject[subject]
                if subject == "home" or rule.name not in self._about_devices
            }
            for subject in _SUBJECTS
        }

    def _wanting(self, known: HomeCells, kind: str) -> Sequence[Rule]:
        """The rules of a home that want a kind of item."""
        home = known.facts
        if not any(differs(rule, home) for rule in self._rules):
            return self._hearers[subject_of(home.home)].get(kind, ())
        wants = [
            rule
            for rule in self._of_subject[subject_of(home.home)]
            if kind in rule.kind.listens(params_of(rule, home))
        ]
        return sorted(wants, key=lambda rule: (rule.name in self._feeds, rule.name))

    # Quarter-hours that wait.

    def _let_wait(self, known: HomeCells, cell: Cell) -> None:
        """A cell has a monitor: it may look at quarter-hours later, or keeps them for the others.
        Bounds of before hold only if they were those of all who want quarter-hours now."""
        if cell.rule.name == self._keeper:
            waiting = known.waiting = cast("Keeper", cell.monitor).waiting
            waiting.owner = cell
            for other in known.cells.values():
                if other.rule.name in self._patient:
                    other.wait(waiting)
            wanting = [
                *self._wanting(known, POWER_SLOT),
                *self._hearers["region"].get(POWER_SLOT, ()),
            ]
            if any(r.name not in self._patient or r.name not in waiting.told for r in wanting):
                waiting.until_ms = -1
        elif known.waiting is not None and cell.rule.name in self._patient:
            cell.wait(known.waiting)

    def _catch_up(self, cell: Cell, until_now_ms: int = EVER) -> None:
        waiting = cell.waiting
        if waiting is None or cell.seen == waiting.count:
            return
        slots = waiting.since(cell.seen, until_now_ms)
        # First: a rule that breaks over them is not shown them for ever. The very number of the
        # home, where it is that: one for all of its cells.
        cell.seen = waiting.count if until_now_ms == EVER else cell.seen + len(slots)
        self._touch(cell)
        if waiting.owner is not None:
            self._touch(waiting.owner)
        cast("Patient", cell.monitor).catch_up(slots, waiting.device)

    def _tune(self, cell: Cell) -> None:
        """A rule has heard something: it may have less patience than before."""
        if cell.waiting is not None:
            monitor = cast("Patient", cell.monitor)
            cell.waiting.narrow(monitor.calm(), monitor.due_ms)

    def _touch(self, cell: Cell) -> None:
        if not cell.dirty:
            cell.dirty = True
            self._dirty.append(cell)


def caught_up(cell: Cell) -> Monitor:
    """For a look from another thread: the monitor, or one like it that has seen what waits.
    What waits is taken first: it may see twice what was caught up meanwhile, that's nothing."""
    waiting = cell.waiting
    slots = () if waiting is None else waiting.since(cell.seen)
    if waiting is None or not slots:
        return cell.monitor
    try:
        document = cell.monitor.dump()
    except RuntimeError:
        # It changed meanwhile; what it thought a moment ago is as good.
        return cell.monitor
    monitor = monitor_of(cell.rule, cell.subject, cell.params, document)
    if isinstance(monitor, Unusable):
        return cell.monitor
    show_meters(monitor, waiting)
    cast("Patient", monitor).catch_up(slots, waiting.device)
    return monitor


def see(
    monitor: Monitor, waiting: Waiting | None, rule: str, told_after_ms: int, until_ms: int
) -> Monitor:
    """What waits for a state that sleeps, of a span of the hub's time."""
    if waiting is not None:
        show_meters(monitor, waiting)
        slots = waiting.since(waiting.stood(rule), until_ms)
        new = [slot for slot in slots if slot[2] > told_after_ms]
        cast("Patient", monitor).catch_up(new, waiting.device)
    return monitor

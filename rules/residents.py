"""Who lives where: the homes that are watched, the cells of each and their states. Pure.

add_home -> cells of rules that wait from the beginning
restore  -> asleep: the bytes as they came (rules.asleep)
               |  something is heard, a timer comes, somebody looks, other parameters
               v
            a cell with its monitor -> dirty -> take_dirty: bytes again
"""

from collections.abc import Sequence
from typing import Any, Final, Literal

from rules.asleep import (
    Asleep,
    Unusable,
    head_of,
    may_sleep,
    monitor_of,
    read_state,
    wake_ms,
    with_devices,
)
from rules.cells import (
    Cell,
    HomeCells,
    check_feeds,
    differs,
    is_for,
    params_of,
    state_bytes,
    subject_of,
)
from rules.homes import FactsOf, Homes
from rules.listeners import POWER, Listeners
from rules.rule import (
    GATEWAY_PREFIX,
    REGION_PREFIX,
    HomeFacts,
    Monitor,
    Rule,
    Subject,
    takes_copd,
)
from rules.timers import Timers

# Problems kept until somebody asks; more only says the same of more homes.
PROBLEMS_MAX: Final = 1000


class Residents(Listeners):
    """The homes of one lane; `rules.engine` adds what they hear and the passing of time."""

    def __init__(
        self, rules: Sequence[Rule], lane: Literal["urgent", "readings"] | None = None
    ) -> None:
        mine = (rule for rule in rules if lane is None or rule.kind.lane == lane)
        super().__init__(sorted(mine, key=lambda rule: rule.name))
        names = [rule.name for rule in self._rules]
        if len(set(names)) != len(names):
            raise ValueError(f"two rules of one name among {names}")
        check_feeds(self._rules)
        self._homes = Homes()
        self._timers = Timers()
        self._problems: list[str] = []
        self._expecting = False

    # Homes.

    @property
    def meets(self) -> bool:
        """Whether homes need not be added: its rules wait for nothing before they have heard
        something, and ask neither for devices nor for villages."""
        idle = all(rule.kind.starts_idle for rule in self._rules)
        return idle and not (self._about_devices or self._of_subject["region"])

    def meet(self, facts_of: FactsOf, now_ms: int) -> None:
        """Whoever was not added is asked for when something is heard of them, as if they had been
        added now; only an engine that `meets`."""
        self._homes.meet(facts_of, now_ms)

    def add_home(self, home: HomeFacts, now_ms: int) -> None:
        """Watch a home from now on; timers that need no observation start here.

        Adding a home again applies its new overrides and devices and keeps what was learned.
        ConfigError when an override can't be used (nothing has changed then). A region is best
        added before its homes.
        """
        rules = self._of_subject[subject_of(home.home)]
        params = {}
        if home.overrides or self._differing:
            params = {rule.name: params_of(rule, home) for rule in rules if differs(rule, home)}
        old = self._homes.get(home.home)
        known = self._homes[home.home] = HomeCells(home, now_ms, old)
        if old is None:
            self._forget_hearers(home.home)
            self._begin(known)
            return
        self._stir(known, old.facts)
        if known.waiting is not None and home.overrides != old.facts.overrides:
            # Others may want quarter-hours from now on.
            known.waiting.until_ms = -1
        # What a gateway has that no home claims can come and go between two facts, unlisted.
        unlisted = home.home.startswith(GATEWAY_PREFIX)
        for rule in rules:
            cell = known.cells.get(rule.name)
            if cell is None:
                continue
            wanted = params.get(rule.name, rule.params)
            about_devices = rule.name in self._about_devices
            devices = home.devices if about_devices else ()
            members = home.members if about_devices else ()
            copd = home.copd if takes_copd(rule.kind) else ""
            told = (cell.subject.devices, cell.subject.members, cell.subject.copd)
            same = cell.params == wanted and told == (devices, members, copd)
            cell.params = wanted
            if not same or (unlisted and about_devices):
                cell.subject = self._subject(known, rule)
                self._reload(cell)
                self._touch(cell)
            cell.rule = rule
            self._timers.plan(cell)
        self._begin(known)

    def _begin(self, known: HomeCells) -> None:
        """Rules that wait from the beginning, but for those whose states are still to come."""
        if self._expecting:
            return
        for rule in self._beginners[subject_of(known.facts.home)]:
            if not (rule.name in known.cells or known.sleeps(rule)):
                self._start(known, rule)

    def expect_states(self) -> None:
        """What was stored is put back behind the homes, until `resume`: nothing begins before that
        would be thrown away by its state."""
        self._expecting = True

    def remove_home(self, home: str) -> None:
        """Stop watching; unknown homes are fine. Its states in the store are the caller's."""
        known = self._homes.pop(home, None)
        self._forget_hearers(home)
        if known is None:
            return
        for cell in known.cells.values():
            cell.scheduled_ms = None
            cell.dirty = False
        _uncircle(known)

    def let_go(self) -> None:
        """Another engine takes the place of this one, which is asked for a view at most: what only
        its circles hold is free at once, and need not be found by the collector."""
        for known in self._homes.values():
            _uncircle(known)

    def homes(self) -> list[str]:
        return list(self._homes)

    def watches(self, home: str) -> bool:
        return home in self._homes

    def configure(self, rules: Sequence[Rule]) -> None:
        """Put other parameters or severities of the same rules into force. They reach a home when
        it is added again; what it learned is kept. ValueError when a rule is missing or new."""
        mine = {rule.name: rule for rule in rules}
        if any(
            rule.name not in mine or mine[rule.name].kind is not rule.kind for rule in self._rules
        ):
            raise ValueError("only the parameters of rules can be changed while they run")
        if any(mine[rule.name] is not rule for rule in self._rules):
            self._rules = tuple(mine[rule.name] for rule in self._rules)
            self._sort_out()

    @property
    def wants_devices(self) -> bool:
        """Whether any rule asks for the devices of a home."""
        return bool(self._about_devices)

    # State.

    def take_dirty(self) -> list[tuple[str, str, bytes]]:
        """(home, rule, state) of everything that changed since the last call."""
        rows = []
        for cell in self._dirty:
            if cell.dirty:
                cell.dirty = False
                head = self._head(cell.rule, cell.params)
                if cell.rule.name in self._about_devices:
                    head = with_devices(head, cell.subject.devices)
                rows.append((cell.home, cell.rule.name, state_bytes(cell, head)))
        self._dirty = []
        return rows

    def restore(self, home: str, rule: str, state: bytes) -> None:
        """Put back a state that `take_dirty` gave, asleep where that will do. What can't be used is
        told by `take_problems` once it is read, and the rule starts afresh: never a crash."""
        known = self._homes.get(home) or self._homes.find(home)
        if known is not None and self._lay_down(known, rule, state):
            return
        cell = self._cell(home, rule)
        if cell is None:
            self._problem(f"{home}/{rule}: state of a home or rule that is not configured")
            return
        if self._read(cell, state):
            cell.dirty = False
            self._let_wait(self._homes[home], cell)
        self._timers.plan(cell)

    def take_problems(self) -> list[str]:
        """What went wrong with states since the last call, one line each."""
        problems, self._problems = self._problems, []
        return problems

    def resume(self, now_ms: int) -> None:
        """Say that the hub was not listening until now. Call it once after the states were
        restored at a start: what kept silent meanwhile gets its full time again."""
        self._expecting = False
        for known in self._homes.values():
            self._begin(known)
            asleep = known.asleep
            if asleep is not None and asleep.resumed_ms is not None:
                self._wake_all(known)
            for cell in known.cells.values():
                self._catch_up(cell)
                cell.monitor.resume(now_ms)
                self._touch(cell)
                self._timers.plan(cell)
            if known.asleep is not None:
                known.asleep.resumed_ms = now_ms

    # States that sleep.

    def _lay_down(self, known: HomeCells, name: str, state: bytes) -> bool:
        """Keep a state as it is until it is needed; False when it must be read at once."""
        facts, asleep = known.facts, known.asleep
        bed = self._beds[subject_of(facts.home)].get(name)
        if bed is None or name in known.cells:
            return False
        rule, head, of_devices = bed
        if of_devices:
            head = with_devices(head, facts.devices)
        if (facts.overrides or rule.overrides) and differs(rule, facts):
            return False
        if name == self._keeper and not self._patient.isdisjoint(known.cells):
            # Where those stand who are awake must be known.
            return False
        if asleep is None:
            asleep = Asleep(self._rules)
        if asleep.resumed_ms is not None or not may_sleep(head, state):
            return False
        try:
            due_ms = wake_ms(head, state)
        except ValueError:
            return False
        known.asleep = asleep
        # The rule's own name: one text for all homes.
        asleep.states[rule.name] = state
        if due_ms is not None:
            self._timers.plan_asleep(due_ms, facts.home, rule.name)
        return True

    def _stir(self, known: HomeCells, old: HomeFacts) -> None:
        """A home's facts were given again: wake what is judged otherwise from now on."""
        asleep, facts = known.asleep, known.facts
        copd, devices = facts.copd != old.copd, facts.devices != old.devices
        settled = asleep is not None and asleep.rules is self._rules and not facts.overrides
        if asleep is None or (settled and not copd and not devices):
            return
        before = {rule.name: rule.params for rule in asleep.rules}
        asleep.rules = self._rules
        for name in list(asleep.states):
            rule = self._by_name[name]
            told = rule.params != before[name] or (copd and takes_copd(rule.kind))
            told = told or (devices and name in self._about_devices)
            if told or differs(rule, facts):
                self._touch(self._start(known, rule))

    def _rouse(self, home: str, name: str) -> None:
        """The timer of a sleeping state has come: its rule decides whether anything is due."""
        known = self._homes.get(home)
        if known is not None and known.sleeps(self._by_name[name]):
            self._start(known, self._by_name[name])

    def _wake_all(self, known: HomeCells) -> None:
        while known.asleep is not None:
            self._start(known, self._by_name[next(iter(known.asleep.states))])

    def _wake(self, cell: Cell, known: HomeCells, asleep: Asleep) -> None:
        """Read the state of a cell that has just been made. Somebody may look from another thread:
        at each moment the home has its state or its cell."""
        name = cell.rule.name
        if not self._read(cell, asleep.states[name]):
            self._touch(cell)
        self._let_wait(known, cell)
        if asleep.resumed_ms is not None:
            self._catch_up(cell, asleep.resumed_ms)
            cell.monitor.resume(asleep.resumed_ms)
            self._touch(cell)
        known.cells.add(cell)
        del asleep.states[name]
        if not asleep.states:
            known.asleep = None

    # Inside.

    def _head(self, rule: Rule, params: Any) -> bytes:
        mine = self._by_name[rule.name]
        return self._heads[rule.name] if params is mine.params else head_of(rule.kind, params)

    def _forget_hearers(self, home: str) -> None:
        """A region came or went: its homes look anew who hears them."""
        if subject_of(home) == "region":
            code = home.removeprefix(REGION_PREFIX)
            for known in self._homes.values():
                if known.facts.region == code:
                    known.hears, known.registers = {}, None

    def _hear(self, known: HomeCells, kind: str) -> tuple[Cell, ...]:
        """The cells of a home that want a kind of item, started if this is the first of it. Feeds
        come last, so that every rule has seen a reading before what is made of it; behind them the
        region, which is one look more where it hears this kind and none where it doesn't."""
        home, rules = known.facts, self._wanting(known, kind)
        found = tuple(known.cells.get(rule.name) or self._start(known, rule) for rule in rules)
        region = self._homes.get(f"{REGION_PREFIX}{home.region}") if home.region else None
        if region is not None and region is not known:
            found += self._hear(region, kind)
        known.hears = {**known.hears, kind: found}
        return found

    def _hear_registers(self, known: HomeCells) -> tuple[Cell, ...]:
        power = known.hears.get(POWER) or self._hear(known, POWER)
        known.registers = tuple(c for c in power if c.rule.name not in self._no_registers)
        return known.registers

    def _cell(self, home: str, rule: str) -> Cell | None:
        known = self._homes.find(home)
        if known is None:
            return None
        cell = known.cells.get(rule)
        if cell is not None:
            return cell
        configured = self._by_name.get(rule)
        if configured is None or not is_for(configured, subject_of(home)):
            return None
        return self._start(known, configured)

    def _start(self, known: HomeCells, rule: Rule) -> Cell:
        """A rule begins in a home, or wakes up there."""
        params, subject = params_of(rule, known.facts), self._subject(known, rule)
        monitor = rule.kind.start(subject, params, known.since_ms)
        cell = Cell(subject, rule, params, monitor, feeds=rule.name in self._feeds)
        if (
            rule.name in self._patient
            and self._keeper
            and known.sleeps(self._by_name[self._keeper])
        ):
            self._start(known, self._by_name[self._keeper])
        if known.asleep is not None and rule.name in known.asleep.states:
            self._wake(cell, known, known.asleep)
        else:
            known.cells.add(cell)
            self._let_wait(known, cell)
            self._touch(cell)
        self._timers.plan(cell)
        return cell

    def _subject(self, known: HomeCells, rule: Rule) -> Subject:
        facts, title = known.facts, self._titles[rule.name]
        about_devices = rule.name in self._about_devices
        copd = facts.copd if facts.copd and takes_copd(rule.kind) else ""
        if not (about_devices or copd):
            return Subject(known.place(), title)
        devices, members = (facts.devices, facts.members) if about_devices else ((), ())
        return Subject(known.place(devices, members, copd), title)

    def _read(self, cell: Cell, state: bytes) -> bool:
        return self._put(cell, read_state(cell.rule, cell.subject, cell.params, state))

    def _reload(self, cell: Cell) -> None:
        """The same state under other facts or parameters."""
        self._catch_up(cell)
        document = cell.monitor.dump()
        self._put(cell, monitor_of(cell.rule, cell.subject, cell.params, document))
        self._let_wait(self._homes[cell.home], cell)

    def _put(self, cell: Cell, monitor: Monitor | Unusable) -> bool:
        if isinstance(monitor, Unusable):
            self._problem(f"{cell.home}/{cell.rule.name}: {monitor.detail}")
            return False
        cell.monitor = monitor
        return True

    def _problem(self, text: str) -> None:
        if len(self._problems) < PROBLEMS_MAX:
            self._problems.append(text)


def _uncircle(known: HomeCells) -> None:
    """Cells know what waits, and what waits knows its cells."""
    if known.waiting is not None:
        known.waiting.cells, known.waiting.owner = (), None

"""Escalation policies as typed tables, checked: every mistake names file, key and remedy. Pure.

`default.toml` beside this module is the example with all keys.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Literal, cast, get_args

from alarms.responders import Target
from contract.config import ConfigError, bounded, check_keys, get, name_of, one_of
from ledger.roster import CATEGORIES

Points = Literal["first", "second", "all"]

_SEVERITIES: Final = ("urgent", "watch", "technical")
_POLICY_KEYS: Final = (
    "name",
    "severities",
    "kinds",
    "categories",
    "regions",
    "repeat_s",
    "taken_s",
    "holder_first_s",
    "arrive_s",
    "quiet",
    "wakes",
    "step",
)
_STEP_KEYS: Final = ("after_s", "targets", "persons", "channels", "points")
_QUIET: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")

# A step that comes a week later escalates nothing.
DELAY_MAX_S: Final = 7 * 86_400
# Shorter, and a step would come before anybody can have looked at the one before.
DELAY_MIN_S: Final = 5
# Urgent calls repeat within this time, whatever a file says: nobody's call stays unanswered.
URGENT_REPEAT_MAX_S: Final = 1_800
# Taken is not answered: an urgent alarm that nobody goes to wakes again at least this soon.
URGENT_TAKEN_MAX_S: Final = 1_800
STEPS_MAX: Final = 20
POLICIES_MAX: Final = 100
PERSONS_MAX: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`persons`: at most so many who have not been told in this round; 0: all of the targets."""

    after_ms: int
    targets: tuple[Target, ...]
    persons: int = 0
    channels: tuple[str, ...] = ()
    points: Points = "first"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """Minutes of the local day; the end may lie on the next."""

    from_minute: int
    to_minute: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Empty `kinds`, `categories`, `regions` mean all. `arrive_ms` 0: arrival is not watched.
    `wakes`: told in the quiet hours of [notify] too, as what is urgent always is."""

    name: str
    severities: frozenset[str]
    kinds: frozenset[str]
    categories: frozenset[str]
    regions: tuple[str, ...]
    repeat_ms: int
    taken_ms: int
    holder_first_ms: int
    arrive_ms: int
    quiet: Quiet | None
    wakes: bool
    steps: tuple[Step, ...]

    def fits(self, severity: str, kind: str, region: str, categories: Iterable[str]) -> bool:
        return (
            severity in self.severities
            and (not self.kinds or kind in self.kinds)
            and (not self.categories or not self.categories.isdisjoint(categories))
            and (not self.regions or region.startswith(self.regions))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """In the order of the file; every severity has one that fits all else."""

    policies: tuple[Policy, ...]

    def of(self, severity: str, kind: str, region: str, categories: Iterable[str]) -> Policy:
        known = frozenset(categories)
        return next(p for p in self.policies if p.fits(severity, kind, region, known))

    @property
    def by_category(self) -> bool:
        """Whether any of them asks for the categories of who lives there."""
        return any(policy.categories for policy in self.policies)

    def named(self, name: str) -> Policy | None:
        """None: the file has changed since the name was written down."""
        return next((p for p in self.policies if p.name == name), None)


# Channels that there are, each with whether it may carry calls for help; None: not known here.
Channels = Mapping[str, bool] | None


def parse(text: str, source: str, channels: Channels = None) -> Policies:
    """The policies of a TOML file."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(source, str(error)) from error
    check_keys(document, ("policy",), source)
    tables = list(_tables(document, "policy", source, POLICIES_MAX))
    found = tuple(_policy(t, f"{source}: policy[{n}]", channels) for n, t in tables)
    names = [policy.name for policy in found]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(source, f"policy {name!r} is there twice")
    for severity in _SEVERITIES:
        if not any(p.fits(severity, "", "", ()) for p in found):
            detail = f"no policy for every {severity} alarm (without kinds, categories, regions)"
            raise ConfigError(source, detail)
    return Policies(policies=found)


def _tables(
    document: Mapping[str, Any], key: str, where: str, most: int
) -> Iterable[tuple[int, Mapping[str, Any]]]:
    tables = document.get(key, [])
    if not isinstance(tables, list) or not all(isinstance(t, dict) for t in tables):
        raise ConfigError(f"{where}.{key}", f"expected tables written as [[{key}]]")
    if not 0 < len(tables) <= most:
        raise ConfigError(f"{where}.{key}", f"{len(tables)} tables, expected 1 to {most}")
    return enumerate(tables, start=1)


def _policy(table: Mapping[str, Any], where: str, channels: Channels) -> Policy:
    check_keys(table, _POLICY_KEYS, where)
    severities = _words(table, "severities", where, _SEVERITIES)
    if not severities:
        raise ConfigError(f"{where}.severities", "missing, or empty")
    urgent = "urgent" in severities
    quiet = _quiet(table, where)
    if urgent and quiet is not None:
        raise ConfigError(f"{where}.quiet", "urgent alarms know no quiet hours")
    wakes = get(table, "wakes", bool, where, False)
    if wakes and quiet is not None:
        raise ConfigError(f"{where}.wakes", "a policy that wakes has no quiet hours")
    steps = tuple(
        _step(t, f"{where}.step[{n}]", channels, urgent=urgent)
        for n, t in _tables(table, "step", where, STEPS_MAX)
    )
    _check_order(steps, where)
    repeat_max_s = URGENT_REPEAT_MAX_S if urgent else DELAY_MAX_S
    taken_max_s = URGENT_TAKEN_MAX_S if urgent else DELAY_MAX_S
    return Policy(
        name=name_of(table, "name", where),
        severities=frozenset(severities),
        kinds=frozenset(_words(table, "kinds", where, None)),
        categories=frozenset(_words(table, "categories", where, CATEGORIES)),
        regions=tuple(_words(table, "regions", where, None)),
        repeat_ms=1000 * bounded(table, "repeat_s", None, (DELAY_MIN_S, repeat_max_s), where),
        taken_ms=1000 * bounded(table, "taken_s", None, (DELAY_MIN_S, taken_max_s), where),
        holder_first_ms=1000
        * bounded(table, "holder_first_s", 30, (DELAY_MIN_S, taken_max_s), where),
        arrive_ms=1000 * bounded(table, "arrive_s", 0, (0, DELAY_MAX_S), where),
        quiet=quiet,
        wakes=wakes,
        steps=steps,
    )


def _check_order(steps: Sequence[Step], where: str) -> None:
    if steps[0].after_ms != 0:
        raise ConfigError(f"{where}.step[1].after_s", "the first step is fired at once: 0")
    for number, (step, following) in enumerate(pairwise(steps), start=2):
        if following.after_ms < step.after_ms + DELAY_MIN_S * 1000:
            detail = f"at least {DELAY_MIN_S} s after the step before"
            raise ConfigError(f"{where}.step[{number}].after_s", detail)


def _step(table: Mapping[str, Any], where: str, channels: Channels, *, urgent: bool) -> Step:
    check_keys(table, _STEP_KEYS, where)
    targets = _words(table, "targets", where, [t.value for t in Target])
    if not targets:
        raise ConfigError(f"{where}.targets", "missing, or empty: who is told?")
    points = one_of(get(table, "points", str, where, "first"), get_args(Points), f"{where}.points")
    return Step(
        after_ms=1000 * bounded(table, "after_s", None, (0, DELAY_MAX_S), where),
        targets=tuple(Target(word) for word in targets),
        persons=bounded(table, "persons", 0, (0, PERSONS_MAX), where),
        channels=_channels(table, where, channels, urgent=urgent),
        points=cast("Points", points),
    )


def _channels(
    table: Mapping[str, Any], where: str, channels: Channels, *, urgent: bool
) -> tuple[str, ...]:
    found = tuple(_words(table, "channels", where, channels))
    for name in found:
        if urgent and channels is not None and not channels[name]:
            others = ", ".join(sorted(other for other, carries in channels.items() if carries))
            detail = f"{name} carries no urgent alarm; these do: {others}"
            raise ConfigError(f"{where}.channels", detail)
    return found


def _words(
    table: Mapping[str, Any], key: str, where: str, allowed: Iterable[str] | None
) -> list[str]:
    words = get(table, key, list, where, [])
    names = None if allowed is None else list(allowed)
    for word in words:
        if not isinstance(word, str) or not word:
            raise ConfigError(f"{where}.{key}", "expected a list of words")
        if names is not None:
            one_of(word, names, f"{where}.{key}")
    return words


def _quiet(table: Mapping[str, Any], where: str) -> Quiet | None:
    text = get(table, "quiet", str, where, "")
    if not text:
        return None
    match = _QUIET.fullmatch(text)
    if match is None:
        raise ConfigError(f"{where}.quiet", f"{text[:20]!r}, expected local times as 21:30-06:30")
    begin_h, begin_m, end_h, end_m = (int(group) for group in match.groups())
    quiet = Quiet(from_minute=begin_h * 60 + begin_m, to_minute=end_h * 60 + end_m)
    if quiet.from_minute == quiet.to_minute:
        raise ConfigError(f"{where}.quiet", "begins and ends at the same time")
    return quiet

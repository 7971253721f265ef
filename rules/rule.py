"""What a rule kind is: the protocol between the engine and `rules/kinds/<kind>.py`.

A kind is a factory. For every home (or gateway) it makes one monitor: a small state machine that
is fed observations and the time, answers with findings, says when it wants to be woken, and can
be written to and read from JSON at any moment without changing what it will say next.

Monitors never read a clock. `now_ms` is the hub's time and never decreases for one monitor;
`measured_at_ms` is the device's word and may be late, early, repeated or out of order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple, Protocol

from contract.item import Scalar
from rules.finding import EvidenceValue, Finding, Phase, Severity, episode_id

Lane = Literal["urgent", "readings"]
# `either` is a home or a gateway; a region is many homes, and hears what each of them is told.
SubjectKind = Literal["home", "gateway", "either", "region"]
# What the register says of COPD in a home: its only person has it; somebody may have it, and
# whose a reading is can't be told; nothing.
Copd = Literal["only_person", "unclear", ""]

GATEWAY_PREFIX: Final = "gateway:"
REGION_PREFIX: Final = "region:"

# What the hub tells the rules about devices; a kind that listens to one of these gets the facts
# of the roster about its devices. `device_status`: once in a while, from a gateway's heartbeats;
# device: the gateway, values: its devices and when it last heard each (its own clock), attrs: true
# for those that are known to report by themselves. `device_word`: what a device says of itself
# (`device_health`, changes only), `device_press`: an activation; device of both: the part.
DEVICE_STATUS: Final = "device_status"
DEVICE_WORD: Final = "device_word"
DEVICE_PRESS: Final = "device_press"
DEVICE_KINDS: Final = frozenset({DEVICE_STATUS, DEVICE_WORD, DEVICE_PRESS})

# Answered whenever nothing was found, so that the hot path allocates nothing. Never changed.
NOTHING: Final[list[Finding]] = []
# Answered where moreover an observation changed nothing that is kept: no state need be written for
# it, and no timer set. Never changed either.
UNCHANGED: Final[list[Finding]] = []


class Observation(Protocol):
    """What a rule sees of an item; `contract.item.Item` and the hub's decoded rows both fit."""

    @property
    def id(self) -> str: ...
    @property
    def device(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def measured_at_ms(self) -> int: ...
    @property
    def received_at_ms(self) -> int: ...
    @property
    def values(self) -> Mapping[str, float]: ...
    @property
    def attrs(self) -> Mapping[str, Scalar]: ...


class DeviceFacts(NamedTuple):
    """What the roster knows of a device. A tuple: a county has a million of them.

    expected_interval_s: longest time that it is not heard, None: may be silent for ever.
    once_shown: expected only of a device that has shown that it reports by itself.
    test_interval_s: longest time between two presses or tests, None: needs none.
    """

    gateway: str
    device: str
    kind: str = ""
    expected_interval_s: int | None = None
    once_shown: bool = False
    test_interval_s: int | None = None
    life_critical: bool = False

    @property
    def part(self) -> str:
        return f"{self.gateway}/{self.device}"


# Most homes have no settings of their own: one for all of them. Never changed.
_NOTHING_OWN: Final[dict[str, Any]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeFacts:
    """What the roster knows of a home; a gateway is the home `gateway:<id>`.

    region: its village, whose rules hear what this home is told. A region itself is the home
    `region:<code>`; members: its homes. devices: those bound to the home; of a gateway those that
    no home has claimed. needs_power: how the roster knows that somebody here depends on
    electricity; empty when it knows of nobody. copd: what it says of COPD here.
    overrides: rule name → parameters that differ for this home; they win over rules.toml.
    signed: rule name → whether a clinician signed the limits that differ here.
    """

    home: str
    region: str = ""
    persons: Sequence[str] = ()
    devices: tuple[DeviceFacts, ...] = ()
    needs_power: str = ""
    copd: Copd = ""
    members: tuple["HomeFacts", ...] = ()
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: _NOTHING_OWN)
    signed: Mapping[str, bool] = field(default_factory=lambda: _NOTHING_OWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleView:
    """A rule's present opinion of a home, for a screen. `explanation["reason"]` is an enum;
    `listens`: the kinds of items that it judges by."""

    rule: str
    kind: str
    state: str
    since_ms: int | None
    explanation: Mapping[str, EvidenceValue]
    listens: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """The part of a RuleView that a monitor knows."""

    state: str
    since_ms: int | None
    explanation: Mapping[str, EvidenceValue]


class Place(NamedTuple):
    """Whom a monitor watches: the part of a `Subject` that is one for the rules of a home.

    devices: for kinds that listen to what is told about devices. members: the homes of a region.
    copd: for kinds that say that they take it (`takes_copd`).
    since_ms: when these facts were given to the engine.
    """

    home: str
    devices: tuple[DeviceFacts, ...] = ()
    members: tuple[HomeFacts, ...] = ()
    copd: Copd = ""
    since_ms: int = 0


class Title(NamedTuple):
    """Under which rule: the part of a `Subject` that is one for all homes."""

    rule: str
    kind: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a monitor watches, and under which rule; makes its findings. A province has a million:
    what they have in common they share."""

    place: Place
    title: Title

    @property
    def home(self) -> str:
        return self.place.home

    @property
    def rule(self) -> str:
        return self.title.rule

    @property
    def kind(self) -> str:
        return self.title.kind

    @property
    def severity(self) -> Severity:
        return self.title.severity

    @property
    def devices(self) -> tuple[DeviceFacts, ...]:
        return self.place.devices

    @property
    def members(self) -> tuple[HomeFacts, ...]:
        return self.place.members

    @property
    def copd(self) -> Copd:
        return self.place.copd

    @property
    def since_ms(self) -> int:
        return self.place.since_ms

    def device(self, part: str) -> DeviceFacts | None:
        """The facts of a device; None when the roster doesn't have it here."""
        gateway, _, device = part.partition("/")
        for facts in self.devices:
            if facts.device == device and facts.gateway == gateway:
                return facts
        return None

    def named(self, device: str) -> DeviceFacts | None:
        """The facts of a device by its name alone; None where two gateways have one of it."""
        found = [facts for facts in self.devices if facts.device == device]
        return found[0] if len(found) == 1 else None

    def finding(
        self,
        *,
        key: str,
        phase: Phase,
        reason: str,
        raised_at_ms: int,
        at_ms: int,
        kind: str | None = None,
        severity: Severity | None = None,
        device: str | None = None,
        source_id: str | None = None,
        evidence: Mapping[str, EvidenceValue] | None = None,
        part: str = "",
        repair_within_ms: int | None = None,
    ) -> Finding:
        """A finding about this subject; `key` names the occurrence and gives the episode."""
        return Finding(
            episode=episode_id(self.home, self.rule, key),
            home=self.home,
            rule=self.rule,
            kind=kind or self.kind,
            severity=severity or self.severity,
            phase=phase,
            reason=reason,
            raised_at_ms=raised_at_ms,
            at_ms=at_ms,
            device=device,
            source_id=source_id,
            evidence=evidence or {},
            part=part,
            repair_within_ms=repair_within_ms,
        )


class Monitor(Protocol):
    """The state machine of one rule for one home."""

    # When to be woken, in hub time; None: only observations matter. Read after every call.
    due_ms: int | None

    def observe(self, observation: Observation, now_ms: int) -> list[Finding]:
        """What is found; `NOTHING`, or `UNCHANGED` where `dump` says what it said before."""
        ...

    def fire(self, at_ms: int) -> list[Finding]:
        """Called with `at_ms == due_ms` once that moment has come; afterwards `due_ms` is None
        or later than `at_ms`."""
        ...

    def resume(self, now_ms: int) -> None:
        """The hub listens again after it was down: silence until now proves nothing. It may put off
        `due_ms` and never brings it forward: a state that sleeps is told when it wakes up."""
        ...

    def dump(self) -> dict[str, Any]:
        """The state as a JSON document; `load` of it behaves exactly as this monitor."""
        ...

    def view(self, now_ms: int) -> Opinion: ...


class RuleKind(Protocol):
    """The factory of monitors; `state_version` goes up when `dump` changes its shape, and when
    `load` would wake at another time than the program before: a state is not read before that."""

    @property
    def name(self) -> str: ...
    @property
    def lane(self) -> Lane: ...
    @property
    def subject(self) -> SubjectKind: ...
    @property
    def severity(self) -> Severity: ...
    @property
    def state_version(self) -> int: ...
    @property
    def starts_idle(self) -> bool:
        """Its monitor waits for nothing and says nothing before it has heard something: it need
        not exist before that."""
        ...

    def parse(self, table: Mapping[str, Any], where: str, base: Any = None) -> Any:
        """Checked parameters from a TOML table, on top of `base` or of the defaults."""
        ...

    def listens(self, params: Any) -> frozenset[str]:
        """The kinds of items whose observations the monitor wants."""
        ...

    def start(self, subject: Subject, params: Any, now_ms: int) -> Monitor: ...

    def load(self, subject: Subject, params: Any, document: Mapping[str, Any]) -> Monitor:
        """The monitor that `dump` described, older versions migrated; any ValueError, KeyError,
        TypeError or IndexError says that the document can't be used."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A configured instance of a kind. `overrides`: home → parameters that differ there.
    `ask_first_s`: how long the elder is asked before anybody is sent, 0: never; `ask_overrides`:
    home → seconds that differ there.

    signed_off_by, signed_off_on: the clinician who confirmed the limits, and the day; empty as
    long as nobody has, and always where no limit is clinical.
    """

    name: str
    kind: RuleKind
    severity: Severity
    params: Any
    overrides: Mapping[str, Any] = field(default_factory=dict)
    ask_first_s: int = 0
    ask_overrides: Mapping[str, int] = field(default_factory=dict)
    signed_off_by: str = ""
    signed_off_on: str = ""

    @property
    def awaits_signature(self) -> bool:
        return is_clinical(self.kind) and not self.signed_off_by

    def asks_for_s(self, home: str) -> int:
        return self.ask_overrides.get(home, self.ask_first_s)


def is_clinical(kind: RuleKind) -> bool:
    """Whether a kind's limits are for clinicians to confirm; it says so by `clinical = True`."""
    return getattr(kind, "clinical", False) is True


def former_names(kind: RuleKind) -> frozenset[str]:
    """Of which kinds its states and its rules were in older programs; by `formerly`."""
    names: frozenset[str] = getattr(kind, "formerly", frozenset())
    return names


def takes_copd(kind: RuleKind) -> bool:
    """Whether a kind has limits of their own for persons with COPD; by `takes_copd = True`."""
    return getattr(kind, "takes_copd", False) is True


def is_patient(kind: RuleKind) -> bool:
    """Whether a kind's monitors can look at quarter-hours later (`rules.waiting.Patient`); it says
    so by `patient = True`."""
    return getattr(kind, "patient", False) is True


def hears_no_register(kind: RuleKind) -> bool:
    """Whether its monitors answer `UNCHANGED` to a reading of power that has a register and nothing
    else; by `hears_no_register = True`. They are not asked then."""
    return getattr(kind, "hears_no_register", False) is True


def usual_ask_s(kind: RuleKind) -> int | None:
    """How long a kind's findings wait for the elder's own answer before anybody is sent, unless
    configured otherwise. A kind that says nothing of it (`ask_first_s`) never waits: None."""
    return getattr(kind, "ask_first_s", None)

"""Observations that a rule makes of other observations, for the rules behind it. Pure.

A feed is a rule kind that finds nothing itself: it turns what devices say into what several rules
want to see, once for all of them. `mains` makes quarter-hours of a home's electricity, so that a
reading which completes none costs one look, however many rules judge the quarter-hours.

    power reading -> mains -> power_slot  the mean power of a step within a quarter-hour
                              power_gap   a time without readings
                              power_meter another device speaks for the home from now on
                              power_made  this device counts what the home's panels make
    sensors    -> movements -> stillness  for how long they have seen nobody, beside what is usual
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol, TypeGuard, runtime_checkable

from contract.item import Scalar
from rules.metering import Gap
from rules.rule import Monitor, Observation, RuleKind
from rules.waiting import Waiting

POWER_SLOT: Final = "power_slot"
POWER_GAP: Final = "power_gap"
POWER_METER: Final = "power_meter"
POWER_MADE: Final = "power_made"
STILLNESS: Final = "stillness"

# Kind → its values, as `contract.kinds.KINDS` has them for what devices say.
DERIVED_VALUES: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        POWER_SLOT: frozenset({"number", "watts", "grain_w"}),
        POWER_GAP: frozenset({"start_ms", "end_ms", "watts"}),
        POWER_METER: frozenset({"larger"}),
        POWER_MADE: frozenset(),
        STILLNESS: frozenset(
            {
                "level",
                "since_ms",
                "quiet_h",
                "missed_h",
                "limit_h",
                "usual_h",
                "longest_h",
                "days",
                "sensors",
                "door_last",
            }
        ),
    }
)

_NO_ATTRS: Final[Mapping[str, Scalar]] = MappingProxyType({})


class Derived(NamedTuple):
    """`id`: of the reading that completed it; `measured_at_ms`: the end of what it tells of. A
    tuple: one is made for every quarter-hour of every home."""

    id: str
    device: str
    kind: str
    measured_at_ms: int
    received_at_ms: int
    values: Mapping[str, float]
    attrs: Mapping[str, Scalar] = _NO_ATTRS


def gap_told(observation: Observation) -> Gap:
    """The gap that a `power_gap` tells of."""
    values = observation.values
    start_ms, end_ms = values.get("start_ms", 0.0), values.get("end_ms", 0.0)
    return Gap(int(start_ms), int(end_ms), values.get("watts"))


class FeedMonitor(Monitor, Protocol):
    def take_derived(self) -> Sequence[Observation]:
        """What the last observation completed, in the order of time; asked for after each."""
        ...


class Keeper(FeedMonitor, Protocol):
    # The quarter-hours that rules look at later; it keeps there what is calm for all of them.
    waiting: Waiting


@runtime_checkable
class Feed(RuleKind, Protocol):
    """A rule kind whose monitors are `FeedMonitor`s."""

    @property
    def emits(self) -> frozenset[str]: ...


def is_feed(kind: RuleKind) -> TypeGuard[Feed]:
    """By the one name that only a feed has: to ask for all of a protocol's costs a start its
    time."""
    return hasattr(kind, "emits")

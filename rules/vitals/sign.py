"""What a vital sign owes the monitor: how to read it, its limits, and the words for them.

    observation -> Sign.read -> values -> Limits.judge -> verdicts -> monitor -> Sign.reasons

A *verdict* names a trouble ("low", "high") and how bad it is. The monitor decides what is said of
it and when: see `rules/vitals/monitor.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple, Protocol

from rules.finding import EvidenceValue
from rules.rule import Copd, Observation
from rules.vitals.measures import Measurement, Values
from rules.vitals.params import HabitParams
from rules.vitals.reasons import SignReason

WATCH: Final = 1
URGENT: Final = 2
# Urgent by one reading, without a repeat.
CRISIS: Final = 3


class Verdict(NamedTuple):
    trouble: str
    level: int


class Reasons(NamedTuple):
    """The words for one trouble. `unconfirmed_level`: what an urgent value without a repeat is."""

    confirmed: SignReason
    unconfirmed: SignReason
    watch: SignReason
    unconfirmed_level: int = URGENT


class Whose(NamedTuple):
    """Whose limits are asked for: the device's word for a user, and what is known of COPD."""

    user: str
    copd: Copd = ""


class Limits(Protocol):
    """A person's limits: parameters with what this person has of his own."""

    @property
    def watch_waits(self) -> bool:
        """Whether a lone watch value waits for its repeat as an urgent one does."""
        ...

    @property
    def watch_times(self) -> Mapping[str, int]:
        """Trouble → on how many occasions a watch value must be seen; left out: one."""
        ...

    @property
    def watch_within_ms(self) -> int: ...

    @property
    def third_spread(self) -> float:
        """Two measurements further apart than this ask for a third."""
        ...

    def judge(self, values: Values) -> Sequence[Verdict]:
        """At most one verdict for a trouble; empty: usual."""
        ...

    def gone(self, trouble: str, values: Values) -> bool:
        """Whether a trouble is over, by a margin so that it doesn't come and go."""
        ...

    @property
    def profile(self) -> str:
        """Whose limits they are and how that is known, where they aren't everybody's."""
        ...

    def shown(self, reason: SignReason) -> dict[str, EvidenceValue]:
        """The limits that a reason was judged by, as `limit_<value>`."""
        ...


class Spread(NamedTuple):
    """How far a value must rise or fall within `trend_days` to be told; 0: never."""

    up: float = 0.0
    down: float = 0.0


class Sign(Protocol):
    """One vital sign; `fields` are its values' names, the first `judged` of which have limits."""

    @property
    def fields(self) -> tuple[str, ...]: ...
    @property
    def judged(self) -> int: ...
    @property
    def reasons(self) -> Mapping[str, Reasons]: ...
    @property
    def standing(self) -> tuple[str, SignReason]:
        """The trouble and the reason of a `mean` that is over."""
        ...

    def stream_gap_ms(self, observation: Observation) -> int:
        """Readings this close are one stream; 0: this one is a measurement of its own."""
        ...

    def read(self, observation: Observation) -> Values | str | None:
        """The values, why they can't be true, or None when this sign is not in it."""
        ...

    def solid(self, observation: Observation, params: Any) -> bool:
        """Whether this one reading is an average that needs no repeat."""
        ...

    def stable_ms(self, params: Any) -> int:
        """For how long a stream must stay beyond a limit."""
        ...

    def limits(self, params: Any, whose: Whose) -> Limits: ...

    def trend(self, params: Any) -> Spread: ...

    def habit(self, params: Any) -> HabitParams | None:
        """None: nobody measures this sign by habit, so it is never missing."""
        ...

    def keep_days(self, params: Any) -> int: ...

    def mean(
        self, history: Sequence[Measurement], params: Any
    ) -> tuple[Values, Literal["over", "between", "under"]] | None:
        """The mean of the days kept, and where it lies; None when there is none to speak of."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OneValueLimits:
    """Limits of a sign of one value; each is reached by a value equal to it, but for
    `low_exclusive` the low ones, which lie below. None: no such limit."""

    unit: str
    urgent_low: float | None = None
    watch_low: float | None = None
    watch_high: float | None = None
    urgent_high: float | None = None
    low_exclusive: bool = False
    release: float
    third_spread: float
    watch_waits: bool = True
    watch_times: Mapping[str, int] = field(default_factory=dict)
    watch_within_ms: int = 0
    profile: str = ""

    def judge(self, values: Values) -> Sequence[Verdict]:
        value = values[0]
        if self._low(value, self.urgent_low):
            return (Verdict("low", URGENT),)
        if self.urgent_high is not None and value >= self.urgent_high:
            return (Verdict("high", URGENT),)
        if self._low(value, self.watch_low):
            return (Verdict("low", WATCH),)
        if self.watch_high is not None and value >= self.watch_high:
            return (Verdict("high", WATCH),)
        return ()

    def gone(self, trouble: str, values: Values) -> bool:
        if trouble == "low":
            limit = self.urgent_low if self.watch_low is None else self.watch_low
            return limit is None or values[0] > limit + self.release
        limit = self.urgent_high if self.watch_high is None else self.watch_high
        return limit is None or values[0] < limit - self.release

    def shown(self, reason: SignReason) -> dict[str, EvidenceValue]:
        word = str(reason)
        side, watch = "low" if "low" in word else "high", word.endswith("watch")
        limit = {
            ("low", False): self.urgent_low,
            ("low", True): self.watch_low,
            ("high", False): self.urgent_high,
            ("high", True): self.watch_high,
        }[side, watch]
        return {} if limit is None else {f"limit_{self.unit}": limit}

    def _low(self, value: float, limit: float | None) -> bool:
        if limit is None:
            return False
        return value < limit if self.low_exclusive else value <= limit


_LOW_HIGH: Final[Mapping[str, Reasons]] = {
    "low": Reasons(SignReason.LOW_CONFIRMED, SignReason.LOW_UNCONFIRMED, SignReason.LOW_WATCH),
    "high": Reasons(SignReason.HIGH_CONFIRMED, SignReason.HIGH_UNCONFIRMED, SignReason.HIGH_WATCH),
}


class OneValueSign:
    """The parts that signs of one value have alike; a kind's sign adds its limits."""

    fields: tuple[str, ...] = ()
    judged: int = 1
    reasons: Mapping[str, Reasons] = _LOW_HIGH
    standing: tuple[str, SignReason] = ("mean", SignReason.MEAN_HIGH)
    # Lowest and highest value that can be true at all.
    plausible: tuple[float, float] = (0.0, 0.0)

    def read(self, observation: Observation) -> Values | str | None:
        value = observation.values.get(self.fields[0])
        if value is None:
            return "incomplete"
        low, high = self.plausible
        return (float(value),) if low <= value <= high else self.refusal(float(value))

    def refusal(self, value: float) -> str:  # noqa: ARG002 - a kind may know why
        return "out_of_range"

    def stream_gap_ms(self, observation: Observation) -> int:  # noqa: ARG002
        return 0

    def solid(self, observation: Observation, params: Any) -> bool:  # noqa: ARG002
        return False

    def stable_ms(self, params: Any) -> int:  # noqa: ARG002
        return 0

    def trend(self, params: Any) -> Spread:  # noqa: ARG002
        return Spread()

    def habit(self, params: Any) -> HabitParams | None:
        return params if isinstance(params, HabitParams) else None

    def keep_days(self, params: Any) -> int:  # noqa: ARG002
        return 7

    def mean(
        self,
        history: Sequence[Measurement],  # noqa: ARG002
        params: Any,  # noqa: ARG002
    ) -> tuple[Values, Literal["over", "between", "under"]] | None:
        return None

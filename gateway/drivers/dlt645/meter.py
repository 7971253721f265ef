"""One meter as the master sees it: its round under way, its next poll, its fault episode."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from typing import Any, Final

from contract.item import Measurement, Scalar
from gateway.device_health import health
from gateway.driver import Decoded, Outcome
from gateway.drivers.dlt645.meaning import Meaning
from gateway.polling import PollSchedule

# Rounds without any value before a fault is reported: one lost round is noise.
FAULT_AFTER_ROUNDS: Final = 3
# A failed round is repeated after 30 s, then ever more rarely: a dead meter is known within two
# minutes, its return within five, and 32 dead ones take a sixth of the bus.
BACKOFF_FIRST_MS: Final = 30_000
BACKOFF_MAX_MS: Final = 5 * 60_000
# An item the meter has not (or never answers, while it answers others) is asked again after a
# day: the meter may have been replaced.
UNSUPPORTED_MS: Final = 24 * 3_600_000
SILENT_ROUNDS_MAX: Final = 3
# Two items in a row without an answer: the meter is gone, the rest of its round is let go.
UNANSWERED_IN_A_ROW_MAX: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterPlan:
    """One meter as configured: its number, the name of its readings, what to ask how often.
    once_giving: an item to ask for as well once its power has been below nothing, for then it
    counts both ways; empty: none."""

    address: str
    device: str
    items: Sequence[str]
    poll_ms: int
    once_giving: str = ""


@dataclass(slots=True)
class Meter:
    plan: MeterPlan
    fault_after_rounds: InitVar[int] = FAULT_AFTER_ROUNDS
    schedule: PollSchedule = field(init=False)
    todo: list[str] = field(default_factory=list)
    heard: bool = False
    _gives: bool = False
    _unanswered_in_a_row: int = 0
    _silent_rounds: Counter[str] = field(default_factory=Counter)
    _unsupported_until_ms: dict[str, int] = field(default_factory=dict)
    _values: dict[str, float] = field(default_factory=dict)
    _attrs: dict[str, Scalar] = field(default_factory=dict)
    _shown: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self, fault_after_rounds: int) -> None:
        self.schedule = PollSchedule(
            poll_ms=self.plan.poll_ms,
            backoff_first_ms=BACKOFF_FIRST_MS,
            backoff_max_ms=BACKOFF_MAX_MS,
            fault_after_rounds=fault_after_rounds,
        )

    @property
    def due_ms(self) -> int | None:
        """None: at once."""
        return self.schedule.due_ms

    def shift(self, back_ms: int) -> None:
        """The domain's clock was set back: what was planned moves with it."""
        self.schedule.shift(back_ms)
        for di in self._unsupported_until_ms:
            self._unsupported_until_ms[di] -= back_ms

    def start_round(self, now_ms: int) -> None:
        plan = self.plan
        items = [*plan.items, plan.once_giving] if self._gives else plan.items
        supported = [di for di in items if self._unsupported_until_ms.get(di, now_ms) <= now_ms]
        # A meter that refused everything is still asked: the refusal proves it is alive.
        self.todo = supported or list(plan.items)
        self.heard = False
        self._unanswered_in_a_row = 0
        self._values.clear()
        self._attrs.clear()
        self._shown.clear()

    def answered(self, di: str, meaning: Meaning | None) -> None:
        """The item under way was answered; without a meaning nobody could read the answer."""
        self.heard = True
        self._unanswered_in_a_row = 0
        self._silent_rounds.pop(di, None)
        self._unsupported_until_ms.pop(di, None)
        self.todo.remove(di)
        if meaning is not None:
            for name, value in meaning.values.items():
                self._values.setdefault(name, value)
            for name, attr in meaning.attrs.items():
                self._attrs.setdefault(name, attr)
            self._shown[di] = meaning.fields
            if self.plan.once_giving and meaning.values.get("power_w", 0.0) < 0.0:
                self._gives = True

    def refused(self, di: str, now_ms: int, *, no_such_data: bool) -> None:
        """The meter answered that it can't give this item."""
        self.answered(di, None)
        if no_such_data:
            self._unsupported_until_ms[di] = now_ms + UNSUPPORTED_MS

    def unanswered(self, di: str) -> None:
        """All tries for the item under way passed in silence."""
        self.todo.remove(di)
        self._silent_rounds[di] += 1
        self._unanswered_in_a_row += 1
        if not self.heard or self._unanswered_in_a_row >= UNANSWERED_IN_A_ROW_MAX:
            self.todo.clear()

    def end_round(self, now_ms: int) -> list[Outcome]:
        """One measurement of all that was answered, or the beginning of a fault episode."""
        if self.heard:
            for di, rounds in list(self._silent_rounds.items()):
                if rounds >= SILENT_ROUNDS_MAX:
                    self._unsupported_until_ms[di] = now_ms + UNSUPPORTED_MS
                    del self._silent_rounds[di]
        else:
            # Silence of the whole meter says nothing about single items.
            self._silent_rounds.clear()
        if self._values or self._attrs:
            return self._good_round(now_ms)
        return self._failed_round(now_ms)

    def _good_round(self, now_ms: int) -> list[Outcome]:
        measured = Measurement(
            device=self.plan.device,
            kind="power",
            measured_at_ms=now_ms,
            received_at_ms=now_ms,
            values=dict(self._values),
            attrs=dict(self._attrs),
        )
        fields = {"address": self.plan.address, "items": dict(self._shown)}
        ended = self.schedule.succeeded(now_ms)
        told = [self._health(now_ms, "recovered", ended)] if ended else []
        return [Decoded(fields=fields, measurements=(measured,)), *told]

    def _failed_round(self, now_ms: int) -> list[Outcome]:
        fault = self.schedule.failed(now_ms, heard=self.heard)
        return [self._health(now_ms, "fault", fault)] if fault else []

    def _health(self, now_ms: int, attr: str, fault: str) -> Decoded:
        return Decoded(
            fields={"address": self.plan.address, attr: fault},
            measurements=(health(self.plan.device, now_ms, {attr: fault}),),
        )

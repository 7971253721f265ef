"""One meter as the master sees it: its round under way, its next poll, its fault episodes."""

from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from typing import Final

from contract.item import Measurement, Scalar
from gateway.device_health import health
from gateway.driver import Decoded, Outcome
from gateway.drivers.modbus.maps import ATTR_NAMES, Block
from gateway.plausible import ImplausibleEpisode
from gateway.polling import PollSchedule

# Rounds without any value before a fault is reported: one lost round is noise.
FAULT_AFTER_ROUNDS: Final = 4
# A failed round is repeated after 5 s, so that two bad moments cost no whole interval, then ever
# more rarely: a dead meter is known within a minute, its return within five, and 64 dead ones
# take a quarter of the line.
BACKOFF_FIRST_MS: Final = 5_000
BACKOFF_MAX_MS: Final = 5 * 60_000
# A block the meter refuses is asked again after a day: the meter may have been replaced.
UNSUPPORTED_MS: Final = 24 * 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterPlan:
    """One meter as configured."""

    unit: int
    device: str
    map_name: str
    blocks: Sequence[Block]
    poll_ms: int


@dataclass(slots=True)
class Meter:
    plan: MeterPlan
    fault_after_rounds: InitVar[int] = FAULT_AFTER_ROUNDS
    schedule: PollSchedule = field(init=False)
    todo: list[Block] = field(default_factory=list)
    heard: bool = False
    _implausible: ImplausibleEpisode = field(default_factory=ImplausibleEpisode)
    _unsupported_until_ms: dict[int, int] = field(default_factory=dict)
    _values: dict[str, float] = field(default_factory=dict)
    _attrs: dict[str, Scalar] = field(default_factory=dict)

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
        for address in self._unsupported_until_ms:
            self._unsupported_until_ms[address] -= back_ms

    def start_round(self, now_ms: int) -> None:
        supported = [
            block
            for block in self.plan.blocks
            if self._unsupported_until_ms.get(block.address, now_ms) <= now_ms
        ]
        # A meter that refused everything is still asked: the refusal proves it is alive.
        self.todo = supported or list(self.plan.blocks)
        self.heard = False
        self._values.clear()
        self._attrs.clear()

    def answered(self, block: Block, said: Mapping[str, float] | None) -> None:
        """The block under way was answered; None: the meter could not give it just now."""
        self.heard = True
        self.todo.remove(block)
        if said is not None:
            self._unsupported_until_ms.pop(block.address, None)
            for name, value in self._implausible.sift(said).items():
                if name in ATTR_NAMES:
                    self._attrs[name] = value
                else:
                    self._values[name] = value

    def refused(self, block: Block, now_ms: int) -> None:
        """The meter has no such registers."""
        self.answered(block, None)
        self._unsupported_until_ms[block.address] = now_ms + UNSUPPORTED_MS

    def unanswered(self) -> None:
        """All tries for the block under way passed in silence: the rest of the round is let go."""
        self.todo.clear()

    def end_round(self, now_ms: int) -> list[Outcome]:
        """One measurement of all that was answered, or the beginning of a fault episode."""
        measured = bool(self._values)
        out = self._good_round(now_ms) if measured else self._failed_round(now_ms)
        faults = self._implausible.report(self.plan.device, now_ms, measured=measured)
        out += [Decoded(fields={"unit": self.plan.unit}, measurements=faults)] if faults else []
        return out

    def _good_round(self, now_ms: int) -> list[Outcome]:
        measured = Measurement(
            device=self.plan.device,
            kind="power",
            measured_at_ms=now_ms,
            received_at_ms=now_ms,
            values=dict(self._values),
            attrs=dict(self._attrs),
        )
        fields = {"unit": self.plan.unit, "map": self.plan.map_name}
        ended = self.schedule.succeeded(now_ms)
        told = [self._health(now_ms, "recovered", ended)] if ended else []
        return [Decoded(fields=fields, measurements=(measured,)), *told]

    def _failed_round(self, now_ms: int) -> list[Outcome]:
        fault = self.schedule.failed(now_ms, heard=self.heard)
        return [self._health(now_ms, "fault", fault)] if fault else []

    def _health(self, now_ms: int, attr: str, fault: str) -> Decoded:
        return Decoded(
            fields={"unit": self.plan.unit, attr: fault},
            measurements=(health(self.plan.device, now_ms, {attr: fault}),),
        )

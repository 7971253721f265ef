"""What may go wrong in a run: each kind with a rate of its own, drawn from the seed.

Every kind has its own generator, so that leaving one out changes nothing about the others' draws:
that is what lets a failing run be shrunk.
"""

import random
from dataclasses import dataclass, field, replace

# Kind -> (shortest, longest) mean time in seconds between two of them. For the kinds that
# happen to single messages: (least, most) likely for each.
TIMED = {
    "gateway_kill": (20, 150),
    "gateway_power": (20, 150),
    "hub_kill": (20, 200),
    "hub_power": (40, 300),
    "broker_restart": (60, 300),
    "broker_amnesia": (60, 300),
    "reset": (20, 200),
    "partition": (40, 200),
    "gateway_full": (80, 300),
    "hub_full": (80, 300),
    "gateway_clock": (60, 300),
    "hub_clock": (60, 300),
    "slow_disk": (30, 200),
    "provider": (10, 90),
}
PER_MESSAGE = {
    "drop": (0.01, 0.3),
    "duplicate": (0.01, 0.3),
    "reorder": (0.05, 0.5),
}
# Switched on or off for a whole run.
SETTINGS = ("overflow", "no_rtc", "drift", "asleep")
# Bytes a second that a gateway's line carries; without it lines are wide.
WIDTHS = {"thin_line": (1_500, 20_000)}
KINDS = (*TIMED, *PER_MESSAGE, *SETTINGS, *WIDTHS)
# Each kind takes part in a run with this probability: runs with few kinds reach states that
# a run with all of them never does.
SHARE = 0.6
# Nobody does anything in some runs only: where people act there is more to go wrong.
SHARES = {"asleep": 0.25}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """All that decides a run."""

    seed: int
    rates: dict[str, float] = field(default_factory=dict)
    gateways: int = 2
    press_every_s: float = 12.0
    read_every_s: float = 15.0
    faulty_s: float = 300.0
    healing_s: float = 130.0
    # Hours in which nothing is due to anybody are leapt over (`leaps.py`).
    leaps: bool = False

    def rate(self, kind: str) -> float:
        return self.rates.get(kind, 0.0)

    def without(self, kind: str) -> "Options":
        rates = {k: v for k, v in self.rates.items() if k != kind}
        return replace(self, rates=rates)

    def stream(self, purpose: str) -> random.Random:
        return random.Random(f"{self.seed}/{purpose}")

    def __str__(self) -> str:
        rates = " ".join(f"{kind}={rate:.3g}" for kind, rate in self.rates.items())
        return (
            f"seed={self.seed} gateways={self.gateways} press_every_s={self.press_every_s:.3g}"
            f" read_every_s={self.read_every_s:.3g} faulty_s={self.faulty_s:g}"
            f" healing_s={self.healing_s:g}{' leaps' if self.leaps else ''} {rates}"
        ).rstrip()


def drawn(seed: int, faulty_s: float = 300.0) -> Options:
    """The options of a seed."""
    rates = {}
    for kind in KINDS:
        rng = random.Random(f"{seed}/rate/{kind}")
        if rng.random() >= SHARES.get(kind, SHARE):
            continue
        if kind in SETTINGS:
            rates[kind] = 1.0
        else:
            low, high = {**TIMED, **PER_MESSAGE, **WIDTHS}[kind]
            rates[kind] = rng.uniform(low, high)
    rng = random.Random(f"{seed}/size")
    return Options(
        seed=seed,
        rates=rates,
        faulty_s=faulty_s,
        gateways=rng.randint(1, 3),
        press_every_s=rng.uniform(4.0, 20.0),
    )

"""What a meter that counts both ways could tell of a home with panels, and what can be read of it.

python -m bench.absence.sun_eye --homes 72

Eyes know of each quarter-hour whether anybody is about, and call after 25.5 hours in which none
showed it to them: one sees quarter-hours in which the home takes its floor from the street, one all
those as well in which the sun gave what it had given before and after (within so many watts of a
straight line). That is not known to a meter. What a meter knows of the sun is that it moves in
arcs while it is clear: the third adds to the first eye whatever stands out from such an arc, as a
kettle does, and as a cloud does.
"""

import argparse
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from bench.absence import crest
from bench.absence.crest_with import SKY
from bench.absence.going import FIRST_DAY, travels
from bench.absence.houses import DAY, House, Span, chance
from bench.absence.judging import Score, judge
from bench.absence.meters import Meter, Tape

SLOT_MIN: Final = 15
SLOTS: Final = DAY // SLOT_MIN
# As `no_sign_of_life` asks for under panels.
QUIET_SLOTS: Final = 102
# Below it a quarter-hour says nothing.
_FLOOR_PART: Final = 0.9
_NIGHT: Final = slice(0, 20)
# Beside a straight line.
SMOOTH_W: Final = (20.0, 50.0)
# What stands out: so far, beside half of what the quarter-hours of four hours differ from their
# neighbours, which is no more than this where the sky is clear, and back within 45 minutes.
_OUT_W, _OUT_TIMES, _ROUGH_W = 150.0, 5.0, 40.0
_AROUND, _BACK = 7, 3
_GIVING_W: Final = -100.0

Watts = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Sunny(NamedTuple):
    """A home by the quarter-hour: net is taken less given, sun what the panels give."""

    house: House
    net: Watts
    taken: Watts
    sun: Watts
    about: Flags
    floor_w: float

    @property
    def hidden(self) -> Flags:
        return self.taken < _FLOOR_PART * self.floor_w


def sunny(seed: int, days: int) -> Sunny:
    """The home of this seed of `crest-sky`."""
    r = chance(SKY.NAME, seed)
    home = crest.lived(r, days, travels)
    used = _quarters(home.watts)
    SKY.add(r, home)
    net, taken = _quarters(home.watts), _quarters(np.maximum(home.watts, 0))
    about: Flags = np.repeat(home.about > 0, crest.STEP).reshape(-1, SLOT_MIN).max(axis=1)
    nights = np.quantile(net.reshape(-1, SLOTS)[:, _NIGHT], 0.2, axis=1)
    house = home.house(f"{SKY.NAME}-{seed}")
    return Sunny(house, net, taken, used - net, about, float(np.median(nights)))


def _quarters(watts: NDArray[np.float32]) -> Watts:
    means: Watts = watts.reshape(-1, SLOT_MIN).mean(axis=1, dtype=np.float64)
    return means


def taken_alone(home: Sunny) -> Flags:
    return home.about & ~home.hidden


def told_of_the_sun(smooth_w: float) -> Callable[[Sunny], Flags]:
    def shows(home: Sunny) -> Flags:
        return home.about & (~home.hidden | (np.abs(beside_line(home.sun)) < smooth_w))

    return shows


def read_of_net(home: Sunny) -> Flags:
    return taken_alone(home) | (stands_out(home.net) & home.hidden)


def beside_line(watts: Watts) -> Watts:
    """By how much each is above the middle of its neighbours."""
    found = np.zeros(len(watts))
    found[1:-1] = watts[1:-1] - (watts[:-2] + watts[2:]) / 2
    return found


def stands_out(net: Watts) -> Flags:
    """What is above the highest line through what was within 45 minutes before and behind."""
    rough = np.median(_around(np.abs(beside_line(net)), _AROUND), axis=1)
    slope = np.median(_around(np.diff(net, prepend=net[0]), _AROUND), axis=1)
    near, steps = _around(net, _BACK), np.arange(-_BACK, _BACK + 1)
    level = near - steps * slope[:, None]
    before, behind = level[:, :_BACK].min(axis=1), level[:, _BACK + 1 :].min(axis=1)
    out_w = net - np.maximum(before, behind)
    giving = (np.delete(near, _BACK, axis=1) < _GIVING_W).sum(axis=1) >= 2 * _BACK - 1
    found: Flags = giving & (rough < _ROUGH_W) & (out_w >= np.maximum(_OUT_W, _OUT_TIMES * rough))
    return found


def _around(watts: Watts, size: int) -> Watts:
    return sliding_window_view(np.pad(watts, size, mode="edge"), 2 * size + 1)


def calls(shows: Flags) -> list[Span]:
    """From when to when it would call."""
    found: list[Span] = []
    quiet, told = 0, False
    for slot, shown in enumerate(shows.tolist()):
        quiet = 0 if shown else quiet + 1
        if shown and told:
            found[-1] = Span(start=found[-1].start, end=slot * SLOT_MIN)
        told = told and not shown
        if quiet >= QUIET_SLOTS and not told and slot > FIRST_DAY * SLOTS:
            told = True
            found.append(Span(start=(slot + 1) * SLOT_MIN, end=len(shows) * SLOT_MIN))
    return found


EYES: Final[dict[str, Callable[[Sunny], Flags]]] = {
    "what is taken alone": taken_alone,
    **{f"and the sun, within {watts:.0f} W": told_of_the_sun(watts) for watts in SMOOTH_W},
    "and what stands out of the net": read_of_net,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--homes", type=int, default=72)
    parser.add_argument("--days", type=int, default=365)
    args = parser.parse_args()
    sums = {name: Score() for name in EYES}
    for seed in range(1, args.homes + 1):
        home = sunny(seed, args.days)
        tape = Tape(meter=Meter(name="eye"), minutes=[], values=[])
        for name, shows in EYES.items():
            sums[name].add(judge(calls(shows(home)), home.house, tape))
    for name, score in sums.items():
        print(
            f"| {name} | {score.found} of {score.absences} "
            f"({100 * score.found / max(1, score.absences):.0f} %), {score.false_per_year:.2f} "
            f"(worst {score.worst_per_year:.0f}) |"
        )


if __name__ == "__main__":
    main()

"""What sensors of a home see of its people, and everything that goes wrong with them.

The people are those of a family's own homes: the same life (`bench.absence.houses.live`) says when
they are at home, ill or have guests; here they sleep and rise, sit still, walk at night, go to the
yard. An absence is a journey (a door is the last that is seen) or, two of five, a fall: nothing
more is seen, and somebody comes by the door in the end.

Sensors speak when something happens and by themselves in a rhythm of their own (15 min to 4 h).
The gateway tells every ten minutes what it heard. Troubles: batteries that are empty for days, a
sensor that is turned to the wall, a radio that fails, a line that is down and brings all late.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from bench.absence.going import CALENDARS
from bench.absence.houses import DAY, Chance, House, Life, Span, chance, live
from bench.absence.meters import BEGIN_MS, MINUTE_MS, Seen
from rules.rule import DEVICE_STATUS, DeviceFacts

GATEWAY: Final = "gw"
_STATUS_MIN: Final = 10
_RHYTHMS_MIN: Final = (15, 50, 60, 120, 240)
_FALL_PART: Final = 0.4
# A movement sensor is blind for a while after it has seen somebody.
_COOLDOWN_MIN: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensors:
    """devices: name → kind. pet: an animal that the movement sensor sees. troubled: batteries,
    radio and line fail, a sensor looks at the wall."""

    name: str
    devices: Mapping[str, str]
    pet: bool = False
    troubled: bool = False

    @property
    def facts(self) -> tuple[DeviceFacts, ...]:
        return tuple(DeviceFacts(GATEWAY, name, kind) for name, kind in self.devices.items())


_BOTH: Final = {"pir": "motion", "door": "contact"}
ARRANGEMENTS: Final = (
    Sensors(name="movement and door", devices=_BOTH),
    Sensors(name="the same, with failures", devices=_BOTH, troubled=True),
    Sensors(name="movement", devices={"pir": "motion"}),
    Sensors(name="door", devices={"door": "contact"}),
    Sensors(name="movement and door, a cat", devices=_BOTH, pet=True),
)

# (minute seen, minute told, device, value); a minute told later was kept at the gateway.
Event = tuple[float, float, str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorTape:
    """events: in the order in which they are told; heard: of each status its minute, and when the
    gateway heard each device last."""

    sensors: Sensors
    events: Sequence[Event]
    statuses: Sequence[tuple[int, Mapping[str, float]]]


def life_of(family: str, seed: int, days: int, going: str) -> Life:
    """The life that a family of our own or `crest` builds its home around."""
    return live(chance(family, seed), days, CALENDARS[going])


def watch(house: House, life: Life, sensors: Sensors, seed: int) -> SensorTape:
    r = chance("sensors", seed)
    minutes = len(house.watts)
    seen = {name: _seen(r, house, life, kind, sensors) for name, kind in sensors.devices.items()}
    lost = {name: np.zeros(minutes, dtype=bool) for name in seen}
    down: list[Span] = []
    if sensors.troubled:
        down = _troubles(r, minutes, seen, lost)
    told_at = np.arange(minutes, dtype=np.float64)
    for span in down:
        told_at[span.start : span.end] = span.end
    events: list[Event] = []
    heard = {}
    for name, times in seen.items():
        alive = ~lost[name]
        mine = [(at, value) for at, value in times if alive[int(at)]]
        events += [(at, max(at, told_at[int(at)]), name, value) for at, value in mine]
        every = int(r.choice(_RHYTHMS_MIN))
        beats = np.arange(int(r.integers(0, every)), minutes, every)
        own = beats[alive[beats]].astype(np.float64)
        heard[name] = np.sort(np.concatenate([own, np.array([at for at, _ in mine])]))
    statuses = []
    for minute in range(_STATUS_MIN, minutes, _STATUS_MIN):
        if told_at[minute] > minute:
            continue
        last = {}
        for name, heard_at in heard.items():
            place = int(np.searchsorted(heard_at, minute, side="right"))
            if place:
                last[name] = float(heard_at[place - 1])
        statuses.append((minute, last))
    events.sort(key=lambda event: event[1])
    return SensorTape(sensors=sensors, events=events, statuses=statuses)


def _seen(
    r: Chance, house: House, life: Life, kind: str, sensors: Sensors
) -> list[tuple[float, float]]:
    falls = [span for span in house.absences if r.random() < _FALL_PART]
    times = _doors(r, life, falls) if kind == "contact" else _movements(r, life)
    if sensors.pet and kind == "motion":
        times = np.concatenate([times, r.uniform(0, len(life.home) - 1, len(life.home) // 45)])
        times.sort()
    if kind == "contact":
        found = [(float(at), 1.0) for at in times]
        found += [(float(at) + 0.7, 0.0) for at in times if at + 1 < len(life.home)]
        return sorted(found)
    kept: list[tuple[float, float]] = []
    for at in times:
        if not kept or at - kept[-1][0] >= _COOLDOWN_MIN:
            kept.append((float(at), 1.0))
    return kept


def _awake(r: Chance, life: Life) -> np.ndarray:
    """Per minute: up and about at home."""
    rise_h, bed_h = r.normal(6.0, 0.8), r.normal(21.2, 0.9)
    nap = r.random() < 0.6
    awake = np.zeros(len(life.home), dtype=bool)
    for day in range(len(life.vigour)):
        late = life.shift[day] / 60
        up = rise_h + late + r.normal(0, 0.4) + (1.5 if life.vigour[day] < 0.55 else 0.0)
        down = bed_h + 0.5 * late + r.normal(0, 0.5)
        start, end = (int(day * DAY + hour * 60) for hour in (up, down))
        awake[max(0, start) : end] = True
        if nap and r.random() < 0.8:
            at = int(day * DAY + r.normal(12.8, 0.4) * 60)
            awake[at : at + int(r.uniform(40, 120))] = False
    return awake & life.home


def _movements(r: Chance, life: Life) -> np.ndarray:
    """The sensor's room is passed now and then, and somebody who sits still is not seen."""
    awake = _awake(r, life)
    mean_min, tail = r.uniform(12, 45), r.uniform(0.5, 1.1)
    walks = r.uniform(0.3, 2.0)
    times = []
    at = 0.0
    while at < len(awake) - 1:
        day = int(at) // DAY
        if not awake[int(at)]:
            rest = np.flatnonzero(awake[int(at) :])
            if not len(rest):
                break
            at += float(rest[0]) + r.uniform(0, 20)
            continue
        times.append(at)
        at += mean_min * r.lognormal(-tail * tail / 2, tail) / min(1.5, max(0.3, life.vigour[day]))
    for day in range(len(life.vigour)):
        for _ in range(r.poisson(walks)):
            night = day * DAY + (r.uniform(22, 29.5)) * 60
            if night < len(awake) and life.home[int(night)] and not awake[int(night)]:
                times.append(night)
    return np.sort(np.array(times))


def _doors(r: Chance, life: Life, falls: Sequence[Span]) -> np.ndarray:
    """Leaving and coming home, and short ways to the yard or the neighbour."""
    home = life.home
    leaving = np.flatnonzero(home[:-1] & ~home[1:]) + 1
    coming = np.flatnonzero(~home[:-1] & home[1:]) + 1
    fell = {span.start for span in falls}
    times = [float(at) for at in leaving if int(at) not in fell]
    times += [float(at) - 1 for at in coming]
    awake = _awake(r, life)
    often = float(r.choice([0.5, 2.0, 4.0]))
    for day in range(len(life.vigour)):
        for _ in range(r.poisson(often * min(1.3, life.vigour[day]))):
            at = day * DAY + r.uniform(6, 20) * 60
            if awake[int(at)]:
                times += [at, min(at + r.exponential(25), len(home) - 2.0)]
    return np.sort(np.array(times))


def _troubles(
    r: Chance,
    minutes: int,
    seen: dict[str, list[tuple[float, float]]],
    lost: Mapping[str, np.ndarray],
) -> list[Span]:
    """Times when the line was down. An empty battery: neither seen nor heard, for days."""
    days = minutes / DAY
    for name in seen:
        for _ in range(r.poisson(days / 120)):
            start = int(r.uniform(0, minutes))
            lost[name][start : start + int(r.uniform(2, 15) * DAY)] = True
    if seen and r.random() < 0.5:
        name = str(r.choice(sorted(seen)))
        begin = r.uniform(30, max(31.0, days - 20)) * DAY
        blind = Span(start=int(begin), end=int(begin + r.uniform(3, 12) * DAY))
        seen[name] = [row for row in seen[name] if not blind.start <= row[0] < blind.end]
    for _ in range(r.poisson(days / 40)):
        start = int(r.uniform(0, minutes))
        for mine in lost.values():
            mine[start : start + int(r.lognormal(np.log(2), 1.0) * 60)] = True
    down = []
    for _ in range(r.poisson(days / 15)):
        start = int(r.uniform(0, minutes))
        end = start + int(min(r.lognormal(np.log(1.5), 1.2), 48) * 60)
        down.append(Span(start=start, end=min(end, minutes - 1)))
    return down


_VALUES: Final = {"motion": "active", "contact": "open"}


def sensor_observations(tape: SensorTape) -> Iterator[tuple[float, Seen]]:
    """In the order of arrival, with the minute of it; what was seen before what was heard."""
    kinds = tape.sensors.devices
    rows: list[tuple[float, int, Seen]] = []
    for at, told, device, value in tape.events:
        kind, at_ms = kinds[device], _ms(at)
        values = {_VALUES[kind]: value}
        rows.append((told, 0, Seen(f"{device}{at}", device, kind, at_ms, _ms(told), values)))
    for minute, last in tape.statuses:
        heard = {device: float(_ms(at)) for device, at in last.items()}
        rows.append((minute, 1, Seen("", GATEWAY, DEVICE_STATUS, _ms(minute), _ms(minute), heard)))
    rows.sort(key=lambda row: row[:2])
    for arrived, _order, seen in rows:
        yield arrived, seen


def _ms(minute: float) -> int:
    return BEGIN_MS + round(minute * MINUTE_MS)

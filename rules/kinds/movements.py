"""The movements in a home in hours: how long its sensors have seen nobody, beside what is usual.

Sees: movement, door, bed and presence sensors, and what their gateway heard of them
(`device_status`, a few times an hour). It counts the hours in which there is usually a sign of
somebody and now is none (`rules.usual_gaps`), of the sensors that are known to live
(`rules.watched_hours`), and tells `no_sign_of_life` (`stillness`). A press, a measurement and
`said_well` end a silence too. It finds nothing itself.

Can't see: anything by a sensor that speaks only when something happens: its silence can't be told
from an empty battery, so it ends a silence and never makes one; nor by one that is heard more
seldom than every six hours. A sensor that reports and looks at a wall: it is left out once it has
seen nobody for a day and a half while others did. A cat that a movement sensor sees is somebody.
Water meters are not read.

Defaults: no opinion before 7 days that were watched, wider limits until 14. It learns nothing from
stays, nor from a silence that lasted ten hours more or that a human says was some (`found_out`).

Sources: practice of Japanese, Korean and Shanghai services; `./dev eval` (docs/trials).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rules.derived import STILLNESS, Derived
from rules.device_clock import said_ms
from rules.finding import EvidenceValue, Finding, Severity
from rules.found_out import FOUND_OUT, FoundOut, word_of
from rules.local_time import HOUR_MS, MINUTE_MS, day_of
from rules.packed import packed
from rules.params import parse_params
from rules.rule import (
    DEVICE_STATUS,
    NOTHING,
    UNCHANGED,
    Lane,
    Monitor,
    Observation,
    Opinion,
    Subject,
    SubjectKind,
)
from rules.signs import LIFE_KINDS, SAID_WELL, SENSOR_KINDS, SOON_MS, Signs, remembered
from rules.staying import NO_STAY, STAY, Staying
from rules.still_silences import KEPT_DAYS, Still, StillSilences
from rules.stillness import told_values
from rules.usual_gaps import Usual, usual_of
from rules.watched_hours import (
    HOURS,
    WatchedSensor,
    count,
    has,
    hour_of,
    hours_told,
    mark,
    mark_between,
    no_hours,
    sensors_told,
    turned,
)

# A home has a few; of more than these the others still end a silence.
SENSORS_MAX: Final = 8
# Statuses come every five minutes; after a longer pause than three of them what happened meanwhile
# is still on its way, for so long.
_UNWATCHED_MS: Final = 15 * MINUTE_MS
_SETTLE_MS: Final = 30 * MINUTE_MS
_GONE_MS: Final = 6 * HOUR_MS
# One that has seen nobody for so long before all others fell silent looks at a wall.
_MUTE_MS: Final = 36 * HOUR_MS
# Days of a sensor that must be known before a home waits for it, and the part of the best known
# sensor's hours: one that was added yesterday would make the home unknown again.
_OWN_DAYS: Final = 14
_OWN_PART: Final = 0.75
# A door so shortly before the last sign: whoever went through it passed the movement sensor.
_DOOR_MS: Final = 5 * MINUTE_MS
# A silence of so many watched hours is one that somebody may have been sent for.
_LONG_H: Final = 16
# Told this often when nothing changes, so that what was told is known to hold.
AGAIN_MS: Final = 6 * HOUR_MS
# What is told of a home.
UNSEEN, LEARNING, WELL, STILL, VERY_STILL = -2, -1, 0, 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementsParams:
    """None yet: what differs between homes is learned."""


class MovementsMonitor:
    """The sensors of one home.

    `_sensors`: by device; `_lines`: of each gateway its last status, and since when they come
    without a pause; `_apart`: hours that are not usual ones; `_sign_ms`: the last sign of life;
    `_told`: what was told, when, and when the present silence was told first, -1: not yet.
    `_usual`: made anew when a day is over, a day of before has changed, or `_witnesses` did.
    """

    __slots__ = (
        "_apart",
        "_day",
        "_derived",
        "_door_ms",
        "_first_told_ms",
        "_known",
        "_lines",
        "_missed_h",
        "_quiet_h",
        "_sensors",
        "_sign_ms",
        "_signs",
        "_silences",
        "_staying",
        "_subject",
        "_told",
        "_usual",
        "_witnesses",
        "due_ms",
    )

    def __init__(self, subject: Subject, params: MovementsParams) -> None:  # noqa: ARG002
        self.due_ms: int | None = None
        self._subject = subject
        self._sensors: dict[str, WatchedSensor] = {}
        self._lines: dict[str, tuple[int, int]] = {}
        self._apart = no_hours()
        self._day = -1
        self._signs = Signs()
        self._staying = NO_STAY
        self._sign_ms = self._door_ms = -1
        self._missed_h, self._quiet_h = 0.0, 0
        self._silences = StillSilences()
        self._told, self._first_told_ms = (UNSEEN, -1), -1
        self._derived: Sequence[Derived] = ()
        self._usual: Usual | None = None
        self._witnesses: tuple[str, ...] = ()
        self._known = False

    def observe(self, observation: Observation, now_ms: int) -> list[Finding]:
        if observation.kind == DEVICE_STATUS:
            return self._status(observation, now_ms)
        if observation.kind == STAY:
            self._staying = self._staying.told(observation, now_ms)
            return NOTHING
        if observation.kind == FOUND_OUT:
            return self._found_out(observation, now_ms)
        return self._sign(observation, now_ms)

    def take_derived(self) -> Sequence[Derived]:
        derived, self._derived = self._derived, ()
        return derived

    def fire(self, at_ms: int) -> list[Finding]:  # noqa: ARG002 - it never asks to be woken
        return NOTHING

    def resume(self, now_ms: int) -> None:
        """What happened while the hub was down is still on its way."""
        self._lines = dict.fromkeys(self._lines, (now_ms, now_ms))

    # Signs of life.

    def _sign(self, observation: Observation, now_ms: int) -> list[Finding]:
        kind, at_ms = observation.kind, said_ms(observation, now_ms)
        sensor = self._sensor(observation)
        if not self._sensors:
            return UNCHANGED
        if self._signs.read(observation) is None:
            return NOTHING if sensor is not None or remembered(kind) else UNCHANGED
        self._turn(day_of(now_ms))
        if sensor is not None and sensor.sign(at_ms, self._day):
            self._known = False
        if kind == "contact":
            self._door_ms = max(self._door_ms, at_ms)
        self._alive(at_ms)
        return NOTHING

    def _alive(self, at_ms: int) -> None:
        if at_ms > self._sign_ms:
            self._end_silence(at_ms)
            if hour_of(self._sign_ms) // HOURS < self._day:
                # What was an open silence belongs to days of before now.
                self._known = False
            self._sign_ms, self._missed_h, self._quiet_h = at_ms, 0.0, 0

    def _sensor(self, observation: Observation) -> WatchedSensor | None:
        """The sensor that says this, from its first word on; None for what is none."""
        device, kind = observation.device, observation.kind
        sensor = self._sensors.get(device)
        if sensor is not None or kind not in SENSOR_KINDS or len(self._sensors) >= SENSORS_MAX:
            return sensor
        facts = self._subject.named(device)
        if facts is not None:
            sensor = self._sensors[device] = WatchedSensor(facts.gateway, kind)
        return sensor

    def _end_silence(self, at_ms: int) -> None:
        """Somebody is there. From one that was told and was some nothing is learned; one that was
        none makes the home be judged more carefully."""
        first_ms, self._first_told_ms = self._first_told_ms, -1
        soon = at_ms - first_ms < SOON_MS
        if first_ms < 0:
            return
        still = Still(self._day, round(self._missed_h, 2), self._sign_ms, at_ms, soon)
        if not (soon and self._staying.since(still.since_ms)) and self._silences.end(still):
            mark_between(self._apart, self._day, still.since_ms, at_ms)
        self._known = False

    def _found_out(self, observation: Observation, now_ms: int) -> list[Finding]:
        """A human says how it was; whoever is well in a silence that goes on has ended it."""
        word = word_of(observation)
        if word is None or not self._sensors:
            return UNCHANGED
        self._turn(day_of(now_ms))
        for still in self._silences.say(word):
            mark_between(self._apart, self._day, still.since_ms, still.end_ms)
        self._known = False
        if word.found_out is FoundOut.WAS_IN_AND_WELL and word.raised_ms > self._sign_ms:
            self._alive(said_ms(observation, now_ms))
        return NOTHING

    # What the gateway says.

    def _status(self, status: Observation, now_ms: int) -> list[Finding]:
        if not self._sensors:
            return UNCHANGED
        gateway = status.device
        self._turn(day_of(now_ms))
        if self._staying.since(now_ms - HOUR_MS):
            mark(self._apart, self._day, hour_of(now_ms))
        status_ms, steady_ms = self._lines.get(gateway, (-1, now_ms))
        if now_ms - status_ms > _UNWATCHED_MS:
            steady_ms = now_ms
        self._lines[gateway] = (now_ms, steady_ms)
        for device, sensor in self._sensors.items():
            shown_ms = status.values.get(device) if sensor.gateway == gateway else None
            if shown_ms is not None and sensor.hear(int(shown_ms), now_ms, self._day):
                self._known = False
        if all(self._steady(sensor.gateway, now_ms) for sensor in self._sensors.values()):
            self._judge(status, now_ms)
        return NOTHING

    def _steady(self, gateway: str, now_ms: int) -> bool:
        """Whether nothing of it is still on its way; one that is gone for hours is not waited
        for."""
        status_ms, steady_ms = self._lines.get(gateway, (-1, -1))
        paused_ms = now_ms - status_ms
        return paused_ms > _GONE_MS or (
            paused_ms <= _UNWATCHED_MS and now_ms - steady_ms >= _SETTLE_MS
        )

    def _judge(self, status: Observation, now_ms: int) -> None:
        usual = self._learn(now_ms)
        level = UNSEEN if not self._witnesses else LEARNING
        if usual is not None and not usual.weak:
            missed_h = self._count(usual)
            level = WELL
            if missed_h > usual.joint_h:
                level = VERY_STILL if missed_h > usual.alone_h else STILL
        before, told_ms = self._told
        again_ms = HOUR_MS if level >= STILL else AGAIN_MS
        if level == before and now_ms - told_ms < again_ms:
            return
        self._told = (level, now_ms)
        if level >= STILL and self._quiet_h >= _LONG_H and self._first_told_ms < 0:
            self._first_told_ms = now_ms
        self._derived = (self._word(status, level, now_ms),)

    def _count(self, usual: Usual) -> float:
        """Missed hours since the last sign, as far as all that are waited for were watched."""
        witnesses = [self._sensors[device] for device in self._witnesses]
        first = max(hour_of(self._sign_ms) + 1, (self._day - len(self._apart) + 1) * HOURS)
        last = hour_of(min(sensor.heard_ms for sensor in witnesses))
        watched = [
            usual.chances[hour % HOURS]
            for hour in range(first, last)
            if all(has(sensor.seen, self._day, hour) for sensor in witnesses)
        ]
        self._quiet_h, self._missed_h = len(watched), round(sum(watched), 3)
        return self._missed_h

    def _learn(self, now_ms: int) -> Usual | None:
        witnesses = self._witnesses_at(now_ms)
        if not self._known or witnesses != self._witnesses:
            self._witnesses, self._known = witnesses, True
            sensors = [self._sensors[device] for device in witnesses]
            self._usual = None
            if sensors:
                self._usual = usual_of(
                    [sensor.seen for sensor in sensors],
                    [sensor.signs for sensor in sensors],
                    self._apart,
                    self._silences.none_since(self._day - KEPT_DAYS),
                    max(0, self._day * HOURS - 1 - hour_of(self._sign_ms)),
                )
        return self._usual

    def _witnesses_at(self, now_ms: int) -> tuple[str, ...]:
        """The sensors whose silence counts: they live, see somebody now and then, and are known."""
        lively = {
            device: count(sensor.seen)
            for device, sensor in self._sensors.items()
            if sensor.lives(now_ms) and sensor.sign_ms > self._sign_ms - _MUTE_MS
        }
        enough = min(_OWN_DAYS * HOURS, max(lively.values(), default=0) * _OWN_PART)
        return tuple(sorted(device for device, hours in lively.items() if hours >= enough))

    def _turn(self, day: int) -> None:
        days = day - self._day
        if days <= 0:
            return
        if self._day >= 0:
            self._apart = turned(self._apart, days)
            for sensor in self._sensors.values():
                sensor.turn(days)
        self._day, self._known = day, False

    def _word(self, status: Observation, level: int, now_ms: int) -> Derived:
        values = {"level": float(level), "since_ms": float(max(0, self._sign_ms))}
        if self._usual is not None:
            values |= told_values(self._usual, self._quiet_h, self._missed_h)
        values["sensors"] = float(len(self._witnesses))
        kinds = {self._sensors[device].kind for device in self._witnesses}
        # A home with nothing but doors has no other last sign.
        by_door = kinds - {"contact"} and self._sign_ms - self._door_ms <= _DOOR_MS
        values["door_last"] = float(bool(by_door))
        return Derived(status.id, "", STILLNESS, now_ms, now_ms, values)

    # State.

    def dump(self) -> dict[str, Any]:
        return {
            "sensors": {device: sensor.dump() for device, sensor in self._sensors.items()},
            "lines": self._lines,
            "apart": packed(self._apart),
            "day": self._day,
            "signs": self._signs.dump(),
            "staying": self._staying.dump(),
            "sign": self._sign_ms,
            "door": self._door_ms,
            "missed": [self._missed_h, self._quiet_h],
            "silences": self._silences.dump(),
            "told": self._told,
            "first_told": self._first_told_ms,
        }

    def load(self, document: Mapping[str, Any]) -> "MovementsMonitor":
        self._sensors = {
            device: sensor
            for device, sensor in sensors_told(document["sensors"]).items()
            if (facts := self._subject.named(device)) and facts.gateway == sensor.gateway
        }
        self._lines = {str(g): (int(at), int(on)) for g, (at, on) in document["lines"].items()}
        self._apart = hours_told(document["apart"])
        self._day = int(document["day"])
        self._signs = Signs.load(document["signs"])
        self._staying = Staying.load(document["staying"])
        self._sign_ms, self._door_ms = int(document["sign"]), int(document["door"])
        missed_h, quiet_h = document["missed"]
        self._missed_h, self._quiet_h = float(missed_h), int(quiet_h)
        self._silences = StillSilences.load(document)
        level, told_ms = document["told"]
        self._told = (int(level), int(told_ms))
        self._first_told_ms = int(document["first_told"])
        return self

    def view(self, now_ms: int) -> Opinion:  # noqa: ARG002 - counted from status to status
        level, _told_ms = self._told
        if not self._sensors or level == UNSEEN:
            return Opinion(state="waiting", since_ms=None, explanation={"reason": "no_sensors"})
        state = {LEARNING: "learning", WELL: "moving"}.get(level, "still")
        number = len(self._sensors)
        shown: dict[str, EvidenceValue] = {"reason": f"sensors_{state}", "sensors": number}
        since_ms = self._sign_ms if self._sign_ms >= 0 else None
        return Opinion(state=state, since_ms=since_ms, explanation=shown)


class MovementsFeed:
    """The rule kind `movements`."""

    name: Final = "movements"
    lane: Final[Lane] = "readings"
    subject: Final[SubjectKind] = "home"
    severity: Final[Severity] = "technical"
    state_version: Final = 2
    starts_idle: Final = True
    emits: Final = frozenset({STILLNESS})

    def parse(self, table: Mapping[str, Any], where: str, base: Any = None) -> MovementsParams:
        return parse_params(MovementsParams, table, where, base)

    def listens(self, params: MovementsParams) -> frozenset[str]:  # noqa: ARG002
        return LIFE_KINDS | {STAY, SAID_WELL, DEVICE_STATUS, FOUND_OUT}

    def start(self, subject: Subject, params: MovementsParams, now_ms: int) -> Monitor:  # noqa: ARG002
        return MovementsMonitor(subject, params)

    def load(
        self, subject: Subject, params: MovementsParams, document: Mapping[str, Any]
    ) -> Monitor:
        return MovementsMonitor(subject, params).load(document)

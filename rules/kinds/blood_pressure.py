"""Blood pressure and pulse of a cuff: urgent, to be watched, or usual.

Sees: items of kind `blood_pressure`; the readings of each `attrs.user` are judged apart. High or
low values must be repeated within `confirm_min` and the mean of the sitting counts; nobody
repeating a high one is urgent too. A reading older than `late_after_min` on arrival (a cuff
replaying its memory) only enters the mean. Every occasion is a `raised` finding of its own; the
alarm that may be open is joined by it. `cleared` comes when no condition is left.
"""

from collections.abc import Mapping
from typing import Any, Final, cast, get_args

from contract.config import one_of
from rules.cuff import Pending, Person, dump_person, limits, load_person, sitting_evidence
from rules.finding import EvidenceValue, Finding, Severity
from rules.params import parse_params
from rules.pressure import (
    MINUTE_MS,
    TROUBLE,
    URGENT,
    PressureParams,
    PressureReason,
    Reading,
    gone,
    implausible,
    insert,
    judge,
    occasion,
    plausible_pulse,
    reaches,
    week_mean,
)
from rules.rule import NOTHING, Lane, Monitor, Observation, Opinion, Subject, SubjectKind

# People on one cuff; readings of further names count as those of the last.
USERS_MAX: Final = 8
# A device clock this far ahead is wrong, and its reading counts as measured now.
_AHEAD_MAX_MS: Final = 10 * MINUTE_MS
# A delayed reading often comes with its repeat right behind it: time to let that in.
_CONFIRM_GRACE_MS: Final = 5 * MINUTE_MS
# Readings shown with a finding, enough to draw the sitting and the days before it.
_EVIDENCE_READINGS: Final = 12


class BloodPressureMonitor:
    """All users of the cuffs of one home."""

    __slots__ = ("_last", "_marked", "_params", "_persons", "_subject", "due_ms")

    def __init__(self, subject: Subject, params: PressureParams) -> None:
        self.due_ms: int | None = None
        self._subject = subject
        self._params = params
        self._persons: dict[str, Person] = {}
        # Key, raised, at and severity of the last `raised` finding; `at` only grows, so that two
        # findings of one millisecond keep their order in the alarms.
        self._last: tuple[str, int, int, Severity] | None = None
        # The last implausible reading: when and why.
        self._marked: tuple[int, str] | None = None

    def observe(self, observation: Observation, now_ms: int) -> list[Finding]:
        measured_ms = observation.measured_at_ms
        if measured_ms > now_ms + _AHEAD_MAX_MS:
            measured_ms = now_ms
        why = implausible(observation.values)
        if why is not None:
            self._marked = (measured_ms, why)
            return NOTHING
        params = self._params
        values = observation.values
        user, person = self._person(str(observation.attrs.get("user", "")))
        reading = Reading(
            measured_ms,
            float(values["systolic_mmhg"]),
            float(values["diastolic_mmhg"]),
            plausible_pulse(values),
        )
        if not insert(person.history, reading, now_ms, params.mean_days):
            return NOTHING
        if now_ms - measured_ms > params.late_after_min * MINUTE_MS:
            return NOTHING
        found = self._overtaken(user, person, reading, now_ms)
        sitting = occasion(person.history, measured_ms, params.confirm_min * MINUTE_MS)
        reasons = judge(reading, sitting, person.history, params)
        self._await_repeat(
            person,
            reading=reading,
            sitting=sitting,
            reasons=reasons,
            observation=observation,
            now_ms=now_ms,
        )
        self._plan()
        news = self._news(person, reasons, reading)
        if news:
            found = [
                *found,
                self._raise(
                    user, person, news, observation=observation, reading=reading, now_ms=now_ms
                ),
            ]
        return found + self._release(person, reasons, sitting, observation, now_ms)

    def fire(self, at_ms: int) -> list[Finding]:
        """Nobody repeated the measurement in time."""
        found = NOTHING
        for user, person in self._persons.items():
            if person.pending is not None and person.pending.due_ms <= at_ms:
                found = [*found, self._unconfirmed(user, person, person.pending, at_ms)]
        self._plan()
        return found

    def resume(self, now_ms: int) -> None:
        """Whoever waited for a repeat has waited long enough."""

    # Waiting for the repeat.

    def _await_repeat(
        self,
        person: Person,
        *,
        reading: Reading,
        sitting: list[Reading],
        reasons: list[PressureReason],
        observation: Observation,
        now_ms: int,
    ) -> None:
        """A lone high or low reading waits; a second one of the sitting ends the wait."""
        p = self._params
        if len(sitting) > 1:
            person.pending = None
            return
        reason: PressureReason | None = None
        if reaches(reading, p.urgent_systolic_mmhg, p.urgent_diastolic_mmhg):
            reason = PressureReason.HIGH_UNCONFIRMED
        elif reading.systolic <= p.low_systolic_mmhg:
            reason = PressureReason.LOW_UNCONFIRMED
        if reason is None or PressureReason.CRISIS in reasons or person.pending is not None:
            return
        measured_ms = min(reading.measured_ms, now_ms)
        due_ms = max(measured_ms + p.confirm_min * MINUTE_MS, now_ms + _CONFIRM_GRACE_MS)
        person.pending = Pending(
            reason=reason,
            measured_ms=reading.measured_ms,
            due_ms=due_ms,
            device=observation.device,
            item=observation.id,
        )

    def _overtaken(self, user: str, person: Person, reading: Reading, now_ms: int) -> list[Finding]:
        """A waiting reading whose time for a repeat is over by this later one's own word."""
        pending = person.pending
        wait_ms = self._wait_ms()
        if pending is None or reading.measured_ms - pending.measured_ms <= wait_ms:
            return NOTHING
        return [self._unconfirmed(user, person, pending, now_ms)]

    def _news(
        self, person: Person, reasons: list[PressureReason], reading: Reading
    ) -> list[PressureReason]:
        """The reasons worth saying: new, worse, or urgent again at another sitting."""
        news = []
        wait_ms = self._wait_ms()
        for reason in reasons:
            trouble, level = TROUBLE[reason]
            before = person.troubles.get(trouble)
            if (
                before is None
                or level > before[0]
                or (reason in URGENT and reading.measured_ms - before[1] > wait_ms)
            ):
                news.append(reason)
                person.troubles[trouble] = [level, reading.measured_ms]
        return news

    def _release(
        self,
        person: Person,
        reasons: list[PressureReason],
        sitting: list[Reading],
        observation: Observation,
        now_ms: int,
    ) -> list[Finding]:
        """End troubles whose cause is well gone; `cleared` when none is left in the home."""
        if not person.troubles:
            return NOTHING
        active = {TROUBLE[reason][0] for reason in reasons}
        for trouble in list(person.troubles):
            if trouble not in active and gone(trouble, sitting, person.history, self._params):
                del person.troubles[trouble]
        if self._last is None or any(p.troubles for p in self._persons.values()):
            return NOTHING
        key, raised_ms, at_ms, severity = self._last
        self._last = (key, raised_ms, max(now_ms, at_ms + 1), severity)
        return [
            self._subject.finding(
                key=key,
                phase="cleared",
                reason=PressureReason.BACK_TO_USUAL,
                severity=severity,
                raised_at_ms=raised_ms,
                at_ms=self._last[2],
                device=observation.device,
                source_id=observation.id,
                evidence=sitting_evidence(sitting),
            )
        ]

    # Findings.

    def _raise(
        self,
        user: str,
        person: Person,
        news: list[PressureReason],
        *,
        observation: Observation,
        reading: Reading,
        now_ms: int,
    ) -> Finding:
        """One finding for all that this reading says; the worst gives severity and reason."""
        evidence = sitting_evidence(occasion(person.history, reading.measured_ms, self._wait_ms()))
        if reading.pulse:
            evidence["pulse_bpm"] = reading.pulse
        for name in ("irregular_pulse", "body_movement", "cuff_fit"):
            if name in observation.attrs:
                evidence[name] = observation.attrs[name]
        if len(news) > 1:
            evidence["also"] = [str(reason) for reason in news[1:]]
        return self._raised(
            user,
            person,
            news[0],
            evidence,
            measured_ms=reading.measured_ms,
            at_ms=now_ms,
            device=observation.device,
            item=observation.id,
        )

    def _unconfirmed(self, user: str, person: Person, pending: Pending, at_ms: int) -> Finding:
        person.pending = None
        trouble, level = TROUBLE[pending.reason]
        before = person.troubles.get(trouble, [0, 0])
        person.troubles[trouble] = [max(level, before[0]), pending.measured_ms]
        return self._raised(
            user,
            person,
            pending.reason,
            sitting_evidence(occasion(person.history, pending.measured_ms, self._wait_ms())),
            measured_ms=pending.measured_ms,
            at_ms=at_ms,
            device=pending.device,
            item=pending.item,
        )

    def _raised(
        self,
        user: str,
        person: Person,
        reason: PressureReason,
        evidence: dict[str, EvidenceValue],
        *,
        measured_ms: int,
        at_ms: int,
        device: str,
        item: str,
    ) -> Finding:
        key = f"{user}|{reason}|{measured_ms}"
        at_ms = at_ms if self._last is None else max(at_ms, self._last[2] + 1)
        severity: Severity = self._subject.severity if reason in URGENT else "watch"
        self._last = (key, at_ms, at_ms, severity)
        if user:
            evidence["user"] = user
        evidence["measured_at_ms"] = measured_ms
        evidence.update(limits(reason, self._params))
        week = week_mean(person.history, self._params)
        if week is not None:
            evidence["week_systolic_mmhg"] = round(week[0], 1)
            evidence["week_diastolic_mmhg"] = round(week[1], 1)
        evidence["readings"] = [list(r) for r in person.history[-_EVIDENCE_READINGS:]]
        return self._subject.finding(
            key=key,
            phase="raised",
            reason=reason,
            severity=severity,
            raised_at_ms=at_ms,
            at_ms=at_ms,
            device=device,
            source_id=item,
            evidence=evidence,
        )

    # State.

    def dump(self) -> dict[str, Any]:
        return {
            "last": self._last,
            "marked": self._marked,
            "persons": {user: dump_person(person) for user, person in self._persons.items()},
        }

    def load(self, document: Mapping[str, Any]) -> "BloodPressureMonitor":
        last, marked = document["last"], document["marked"]
        self._last = None
        if last is not None:
            severity = cast("Severity", one_of(str(last[3]), get_args(Severity), "severity"))
            self._last = (str(last[0]), int(last[1]), int(last[2]), severity)
        self._marked = None if marked is None else (int(marked[0]), str(marked[1]))
        self._persons = {str(u): load_person(p) for u, p in document["persons"].items()}
        self._plan()
        return self

    def view(self, now_ms: int) -> Opinion:  # noqa: ARG002 - says when, not how long ago
        marked: dict[str, EvidenceValue] = {}
        if self._marked is not None:
            marked = {"implausible_at_ms": self._marked[0], "implausible": self._marked[1]}
        newest: Reading | None = None
        worst: tuple[int, int, str] | None = None
        waiting: Pending | None = None
        for person in self._persons.values():
            waiting = person.pending or waiting
            if person.history and (newest is None or person.history[-1] > newest):
                newest = person.history[-1]
            for trouble, (level, since_ms) in person.troubles.items():
                worst = max(worst or (0, 0, ""), (level, since_ms, trouble))
        if newest is None:
            reason = PressureReason.NO_MEASUREMENT
            return Opinion(state="unknown", since_ms=None, explanation={"reason": reason, **marked})
        shown: dict[str, EvidenceValue] = {
            "systolic_mmhg": newest.systolic,
            "diastolic_mmhg": newest.diastolic,
            "pulse_bpm": newest.pulse or None,
            "measured_at_ms": newest.measured_ms,
            **marked,
        }
        if worst is not None:
            return Opinion(
                state=worst[2], since_ms=worst[1], explanation={"reason": worst[2], **shown}
            )
        if waiting is not None:
            word = PressureReason.AWAITING_REPEAT
            return Opinion(
                state="awaiting_repeat",
                since_ms=waiting.measured_ms,
                explanation={"reason": word, "until_ms": waiting.due_ms, **shown},
            )
        return Opinion(
            state="usual",
            since_ms=newest.measured_ms,
            explanation={"reason": PressureReason.USUAL, **shown},
        )

    def _person(self, user: str) -> tuple[str, Person]:
        person = self._persons.get(user)
        if person is None:
            if len(self._persons) >= USERS_MAX:
                user = next(reversed(self._persons))
                return user, self._persons[user]
            person = self._persons[user] = Person()
        return user, person

    def _wait_ms(self) -> int:
        return self._params.confirm_min * MINUTE_MS

    def _plan(self) -> None:
        due = [p.pending.due_ms for p in self._persons.values() if p.pending is not None]
        self.due_ms = min(due, default=None)


class BloodPressure:
    """The rule kind `blood_pressure`."""

    name: Final = "blood_pressure"
    lane: Final[Lane] = "readings"
    subject: Final[SubjectKind] = "home"
    severity: Final[Severity] = "urgent"
    state_version: Final = 1

    def parse(self, table: Mapping[str, Any], where: str, base: Any = None) -> PressureParams:
        params: PressureParams = parse_params(PressureParams, table, where, base)
        params.check(where)
        return params

    def listens(self, params: PressureParams) -> frozenset[str]:  # noqa: ARG002
        return frozenset({"blood_pressure"})

    def start(self, subject: Subject, params: PressureParams, now_ms: int) -> Monitor:  # noqa: ARG002
        return BloodPressureMonitor(subject, params)

    def load(
        self, subject: Subject, params: PressureParams, document: Mapping[str, Any]
    ) -> Monitor:
        return BloodPressureMonitor(subject, params).load(document)

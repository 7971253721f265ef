"""All persons of a home under one rule of a vital sign.

    reading -> plausible? -> person -> history, days -> fresh? -> judged -> findings
               marked                                   late: that was all

Every urgent occasion is a `raised` finding of its own; the alarm that may be open is joined by it.
Watch values, trends and a missing measurement are told once, until they are over by a margin.
`cleared` comes when no trouble is left in the home.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple, cast, get_args

from contract.config import one_of
from rules.finding import EvidenceValue, Finding, Severity
from rules.rule import NOTHING, Observation, Opinion, Subject
from rules.vitals import evidence as shown
from rules.vitals.judging import Judge, News
from rules.vitals.measures import Measurement
from rules.vitals.params import DAY_MS, MINUTE_MS, SignParams
from rules.vitals.person import MISSING, Pending, Person
from rules.vitals.reasons import SignReason
from rules.vitals.sign import URGENT, WATCH, Limits, Sign, Whose

# People on one device; readings of further names count as those of the last.
USERS_MAX: Final = 8
# A device clock this far ahead is wrong, and its reading counts as measured now.
_AHEAD_MAX_MS: Final = 10 * MINUTE_MS


class Cause(NamedTuple):
    """Whose finding it is, and the reading that gave it; None: that none came."""

    user: str
    device: str
    item: str | None
    evidence: Mapping[str, EvidenceValue]


class SignMonitor:
    """The state machine of a vital sign; what the sign is stands in `sign`."""

    __slots__ = ("_judge", "_last", "_marked", "_params", "_persons", "_sign", "_subject", "due_ms")

    def __init__(self, subject: Subject, sign: Sign, params: SignParams) -> None:
        self.due_ms: int | None = None
        self._subject = subject
        self._sign = sign
        self._params = params
        self._judge = Judge(sign, params)
        self._persons: dict[str, Person] = {}
        # Key, raised, at and severity of the last `raised` finding; `at` only grows, so that two
        # findings of one millisecond keep their order in the alarms.
        self._last: tuple[str, int, int, Severity] | None = None
        # The last implausible reading: when and why.
        self._marked: tuple[int, str] | None = None

    def observe(self, observation: Observation, now_ms: int) -> list[Finding]:
        sign, params = self._sign, self._params
        values = sign.read(observation)
        if values is None:
            return NOTHING
        told_ms = observation.measured_at_ms
        at_ms = told_ms if told_ms <= now_ms + _AHEAD_MAX_MS else now_ms
        if isinstance(values, str):
            self._marked = (at_ms, values)
            return NOTHING
        user, person = self._person(str(observation.attrs.get("user", "")))
        measurement = person.history.add(
            at_ms,
            told_ms,
            values,
            oldest_ms=now_ms - sign.keep_days(params) * DAY_MS,
            stream_gap_ms=sign.stream_gap_ms(observation),
        )
        if measurement is None:
            return NOTHING
        person.days.add(at_ms, values[0])
        newest = person.measured(at_ms, observation.device, observation.id, now_ms)
        ended = newest and person.troubles.pop(MISSING, None) is not None
        found = NOTHING
        if now_ms - at_ms <= params.late_after_min * MINUTE_MS:
            limits = self._limits(user)
            found = self._overtaken(user, person, at_ms, now_ms)
            news = self._judge.reading(
                person,
                measurement,
                values,
                observation=observation,
                limits=limits,
                now_ms=now_ms,
            )
            changed, more = self._judge.standing(person, measurement, limits, at_ms)
            ended |= changed
            news += more
            if news:
                cause = Cause(
                    user, observation.device, observation.id, shown.of_quality(observation)
                )
                found = [*found, self._raised(person, news, cause, now_ms)]
            ended |= self._judge.release(person, measurement, values, limits)
        self._plan()
        if ended and not any(p.troubles for p in self._persons.values()):
            found = found + self._cleared(observation, measurement, now_ms)
        return found

    def fire(self, at_ms: int) -> list[Finding]:
        """Nobody repeated a measurement in time, or nobody measures any more."""
        found = NOTHING
        habit = self._sign.habit(self._params)
        for user, person in self._persons.items():
            for pending in [p for p in person.pending if p.due_ms <= at_ms]:
                found = found + self._unconfirmed(user, person, pending, at_ms)
            due_ms = person.missing_due_ms(habit)
            if due_ms is not None and due_ms <= at_ms:
                found = [*found, self._missed(user, person, at_ms)]
        self._plan()
        return found

    def resume(self, now_ms: int) -> None:
        """Whoever waited for a repeat has waited long enough; a habit can't be judged unseen."""
        for person in self._persons.values():
            person.resume(now_ms)
        self._plan()

    def _overtaken(self, user: str, person: Person, at_ms: int, now_ms: int) -> list[Finding]:
        """Waiting measurements whose time for a repeat is over by this later one's own word."""
        found = NOTHING
        for pending in list(person.pending):
            if at_ms - pending.began_ms > self._judge.wait_ms:
                found = found + self._unconfirmed(user, person, pending, now_ms)
        return found

    def _unconfirmed(
        self, user: str, person: Person, pending: Pending, now_ms: int
    ) -> list[Finding]:
        news = self._judge.unconfirmed(person, pending, self._limits(user))
        if not news:
            return NOTHING
        cause = Cause(user, pending.device, pending.item, {})
        return [self._raised(person, news, cause, now_ms)]

    # Findings.

    def _raised(self, person: Person, news: list[News], cause: Cause, now_ms: int) -> Finding:
        """One finding for all that is new; the worst gives severity, reason and sitting."""
        news = sorted(news, key=lambda new: -new.level)
        worst = news[0]
        limits = self._limits(cause.user)
        evidence = {**cause.evidence}
        evidence.update(shown.of_sitting(self._sign, worst.sitting, limits))
        evidence.update(worst.more)
        if len(news) > 1:
            evidence["also"] = [str(new.reason) for new in news[1:]]
        evidence["measured_at_ms"] = worst.sitting[-1].last_ms
        if limits.profile:
            evidence["limits_profile"] = limits.profile
        severity: Severity = self._subject.severity if worst.level >= URGENT else "watch"
        key = f"{cause.user}|{worst.reason}|{cause.item}"
        cause = cause._replace(evidence=evidence)
        return self._finding(key, worst.reason, severity, person, cause, at_ms=now_ms)

    def _missed(self, user: str, person: Person, at_ms: int) -> Finding:
        last_ms = cast("int", person.last_ms)
        person.troubles[MISSING] = [WATCH, at_ms]
        evidence: dict[str, EvidenceValue] = {
            "measured_at_ms": last_ms,
            "missing_days": round((at_ms - last_ms) / DAY_MS, 1),
        }
        key = f"{user}|{MISSING}|{last_ms}"
        cause = Cause(user, person.device, None, evidence)
        return self._finding(key, SignReason.MISSING, "watch", person, cause, at_ms=at_ms)

    def _finding(
        self,
        key: str,
        reason: SignReason,
        severity: Severity,
        person: Person,
        cause: Cause,
        *,
        at_ms: int,
    ) -> Finding:
        at_ms = at_ms if self._last is None else max(at_ms, self._last[2] + 1)
        self._last = (key, at_ms, at_ms, severity)
        evidence = {**cause.evidence}
        if cause.user:
            evidence["user"] = cause.user
        mean = self._sign.mean(person.history.measurements, self._params)
        week = shown.week_of_days(person, at_ms) if mean is None else mean[0]
        evidence.update(shown.of_history(self._sign, person, week))
        return self._subject.finding(
            key=key,
            phase="raised",
            reason=reason,
            severity=severity,
            raised_at_ms=at_ms,
            at_ms=at_ms,
            device=cause.device,
            source_id=cause.item,
            evidence=evidence,
        )

    def _cleared(
        self, observation: Observation, measurement: Measurement, now_ms: int
    ) -> list[Finding]:
        if self._last is None:
            return NOTHING
        key, raised_ms, at_ms, severity = self._last
        self._last = (key, raised_ms, max(now_ms, at_ms + 1), severity)
        limits = self._limits("")
        return [
            self._subject.finding(
                key=key,
                phase="cleared",
                reason=SignReason.BACK_TO_USUAL,
                severity=severity,
                raised_at_ms=raised_ms,
                at_ms=self._last[2],
                device=observation.device,
                source_id=observation.id,
                evidence=shown.of_sitting(self._sign, [measurement], limits),
            )
        ]

    # State.

    def dump(self) -> dict[str, Any]:
        return {
            "last": self._last,
            "marked": self._marked,
            "persons": {user: person.dump() for user, person in self._persons.items()},
        }

    def load(self, document: Mapping[str, Any]) -> "SignMonitor":
        last, marked = document["last"], document["marked"]
        self._last = None
        if last is not None:
            severity = cast("Severity", one_of(str(last[3]), get_args(Severity), "severity"))
            self._last = (str(last[0]), int(last[1]), int(last[2]), severity)
        self._marked = None if marked is None else (int(marked[0]), str(marked[1]))
        width = len(self._sign.fields)
        self._persons = {str(u): Person.load(p, width) for u, p in document["persons"].items()}
        self._plan()
        return self

    def view(self, now_ms: int) -> Opinion:  # noqa: ARG002 - says when, not how long ago
        opinion = shown.opinion(self._sign, self._persons, self._marked)
        profile = self._limits(self._newest()).profile
        if not profile:
            return opinion
        return replace(opinion, explanation={**opinion.explanation, "limits_profile": profile})

    def _limits(self, user: str) -> Limits:
        """The register knows one person; a device that tells two users apart knows another, and
        limits of the first are not given to either by the register's word."""
        copd = self._subject.copd
        if copd == "only_person" and len(self._persons.keys() - {""}) > 1:
            copd = "unclear"
        return self._sign.limits(self._params, Whose(user, copd))

    def _newest(self) -> str:
        """The user who measured last."""
        return max(self._persons, key=lambda user: self._persons[user].last_ms or 0, default="")

    def _person(self, user: str) -> tuple[str, Person]:
        person = self._persons.get(user)
        if person is None:
            if len(self._persons) >= USERS_MAX:
                user = next(reversed(self._persons))
                return user, self._persons[user]
            person = self._persons[user] = Person()
        return user, person

    def _plan(self) -> None:
        habit = self._sign.habit(self._params)
        due = [pending.due_ms for p in self._persons.values() for pending in p.pending]
        missing = [p.missing_due_ms(habit) for p in self._persons.values()]
        self.due_ms = min([*due, *(ms for ms in missing if ms is not None)], default=None)

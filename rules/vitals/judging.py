"""What a reading says of a person: alone, as a repeat, as one that asks for a repeat; and for days.

The law, for every urgent value: it asks for a repeat *after* it. The mean from it on counts; none
in `confirm_min` is as urgent. Three things need no repeat: a crisis value, a stream that stays
beyond a limit for `stable_ms`, and a reading that is an average in itself (`Sign.solid`).
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from rules.finding import EvidenceValue
from rules.rule import Observation
from rules.vitals.days import change_words, day_of
from rules.vitals.measures import Measurement, Values, mean_of
from rules.vitals.params import MINUTE_MS, SignParams
from rules.vitals.person import Pending, Person
from rules.vitals.reasons import SignReason
from rules.vitals.sign import CRISIS, URGENT, WATCH, Limits, Sign

# A delayed reading often comes with its repeat right behind it: time to let that in.
_CONFIRM_GRACE_MS: Final = 5 * MINUTE_MS
# A sitting is two measurements, or three: so many must be well on the mean to end a trouble.
_RELEASE_MEASUREMENTS: Final = 3
TREND_UP: Final = "trend_up"
TREND_DOWN: Final = "trend_down"


class News(NamedTuple):
    """Something worth saying of a sitting."""

    level: int
    reason: SignReason
    sitting: list[Measurement]
    more: Mapping[str, EvidenceValue]


class Judge:
    """Judges persons by one sign and its parameters; what it notes, it notes on the person."""

    __slots__ = ("_params", "_sign", "wait_ms")

    def __init__(self, sign: Sign, params: SignParams) -> None:
        self._sign = sign
        self._params = params
        self.wait_ms = params.confirm_min * MINUTE_MS

    def reading(
        self,
        person: Person,
        m: Measurement,
        values: Values,
        *,
        observation: Observation,
        limits: Limits,
        now_ms: int,
    ) -> list[News]:
        """What this reading says, by itself, as a repeat, and as one that asks for a repeat."""
        alone = [m]
        news: list[News] = []
        solid = self._sign.solid(observation, self._params)
        certain = self._certain(person, m, values, observation, limits)
        for trouble, level in limits.judge(values):
            if level == CRISIS or solid or (level >= URGENT and trouble in certain):
                news += self._say(person, trouble, level, alone, limits)
        for pending in list(person.pending):
            if pending.began_ms < m.began_ms <= pending.began_ms + self.wait_ms:
                person.pending.remove(pending)
                sitting = person.history.from_on(pending.began_ms, self.wait_ms)
                news += self._confirmed(person, sitting, limits)
            elif m.began_ms == pending.began_ms and not limits.judge(m.values):
                person.pending.remove(pending)
        if solid:
            return news
        sitting = person.history.from_on(m.began_ms, self.wait_ms)
        if len(sitting) > 1:
            return news + self._confirmed(person, sitting, limits)
        for trouble, level in limits.judge(m.values):
            if level == WATCH and not limits.watch_waits:
                news += self._say(person, trouble, level, alone, limits)
            elif not self._covered(person, trouble, level, m.began_ms):
                self._wait(person, m, observation, now_ms)
        return news

    def _certain(
        self,
        person: Person,
        m: Measurement,
        values: Values,
        observation: Observation,
        limits: Limits,
    ) -> set[str]:
        """Troubles that a stream has shown for long enough, this reading included."""
        gap_ms = self._sign.stream_gap_ms(observation)
        if not gap_ms:
            return set()
        at_ms = min(m.last_ms, observation.measured_at_ms)
        lasted_s = observation.attrs.get("duration_s", 0)
        began_ms = at_ms - int(lasted_s * 1000) if isinstance(lasted_s, int | float) else at_ms
        urgent = {v.trouble for v in limits.judge(values) if v.level >= URGENT}
        for trouble in set(person.runs) - urgent:
            del person.runs[trouble]
        stable_ms = self._sign.stable_ms(self._params)
        return {t for t in urgent if person.run(t, at_ms, began_ms, gap_ms) >= stable_ms}

    def _confirmed(self, person: Person, sitting: list[Measurement], limits: Limits) -> list[News]:
        """A measurement and its repeats: their mean counts."""
        news: list[News] = []
        for trouble, level in limits.judge(mean_of(sitting)):
            news += self._say(person, trouble, min(level, URGENT), sitting, limits)
        return news

    def _say(
        self,
        person: Person,
        trouble: str,
        level: int,
        sitting: list[Measurement],
        limits: Limits,
        *,
        confirmed: bool = True,
    ) -> list[News]:
        """The news of it: new, worse, or urgent again at another sitting."""
        words = self._sign.reasons[trouble]
        reason = SignReason.CRISIS if level == CRISIS else words.confirmed
        if level == URGENT and not confirmed:
            reason, level = words.unconfirmed, words.unconfirmed_level
        elif level == WATCH:
            reason = words.watch
        before = person.troubles.get(trouble)
        measured_ms = sitting[-1].last_ms
        if level == WATCH and before is None and words.unconfirmed is not reason:
            times = person.occasions(
                trouble, sitting[0].began_ms, self.wait_ms, limits.watch_within_ms
            )
            if times < limits.watch_times.get(trouble, 1):
                return []
        again = level >= URGENT and before is not None and measured_ms - before[1] > self.wait_ms
        if before is not None and level <= before[0] and not again:
            return []
        person.troubles[trouble] = [level, measured_ms]
        return [News(level, reason, sitting, limits.shown(reason))]

    def _covered(self, person: Person, trouble: str, level: int, at_ms: int) -> bool:
        """Whether what is known of a trouble makes a repeat needless."""
        before = person.troubles.get(trouble)
        if before is None or before[0] < min(level, URGENT):
            return False
        return level == WATCH or abs(at_ms - before[1]) <= self.wait_ms

    def _wait(self, person: Person, m: Measurement, observation: Observation, now_ms: int) -> None:
        if any(pending.began_ms == m.began_ms for pending in person.pending):
            return
        began_ms = min(m.began_ms, now_ms)
        due_ms = max(began_ms + self.wait_ms, now_ms + _CONFIRM_GRACE_MS)
        pending = Pending(
            began_ms=m.began_ms, due_ms=due_ms, device=observation.device, item=observation.id
        )
        person.pending.append(pending)

    def unconfirmed(self, person: Person, pending: Pending, limits: Limits) -> list[News]:
        """What is left to say of a measurement that nobody repeated."""
        person.pending.remove(pending)
        sitting = person.history.from_on(pending.began_ms, 0)[:1]
        news: list[News] = []
        for m in sitting:
            for trouble, level in limits.judge(m.values):
                news += self._say(
                    person, trouble, min(level, URGENT), sitting, limits, confirmed=False
                )
        return news

    # What stands for days.

    def standing(
        self, person: Person, m: Measurement, limits: Limits, at_ms: int
    ) -> tuple[bool, list[News]]:
        """The mean and the trend: whether one ended, and what is new."""
        ended, news = False, []
        mean = self._sign.mean(person.history.measurements, self._params)
        if mean is not None:
            trouble, reason = self._sign.standing
            if mean[1] == "over" and trouble not in person.troubles:
                person.troubles[trouble] = [WATCH, at_ms]
                news.append(News(WATCH, reason, [m], limits.shown(reason)))
            elif mean[1] == "under":
                ended = person.troubles.pop(trouble, None) is not None
        today = day_of(at_ms)
        if today <= person.asked_day:
            return ended, news
        person.asked_day = today
        p, spread = self._params, self._sign.trend(self._params)
        trend = person.days.trend(today, p.trend_days, p.trend_days_min)
        if trend is None:
            return ended, news
        for name, reason, change, limit in (
            (TREND_UP, SignReason.TREND_UP, trend.change, spread.up),
            (TREND_DOWN, SignReason.TREND_DOWN, -trend.change, spread.down),
        ):
            if name in person.troubles:
                if change < limit / 2:
                    del person.troubles[name]
                    ended = True
            elif limit and trend.solid and change >= limit:
                person.troubles[name] = [WATCH, at_ms]
                news.append(News(WATCH, reason, [m], change_words(trend)))
        return ended, news

    def release(self, person: Person, m: Measurement, values: Values, limits: Limits) -> bool:
        """End troubles whose cause is well gone."""
        bad = {verdict.trouble for verdict in limits.judge(values)}
        ended = False
        for trouble in [t for t in person.troubles if t in self._sign.reasons]:
            if trouble in bad or m.last_ms < person.troubles[trouble][1]:
                continue
            # Who lives at a watch limit goes over and back for years: that is one trouble.
            watched = person.troubles[trouble][0] == WATCH
            since_ms = 0 if watched else m.began_ms - self.wait_ms
            sitting = [x for x in person.history.measurements if since_ms <= x.began_ms]
            sitting = [x for x in sitting if x.began_ms <= m.began_ms][-_RELEASE_MEASUREMENTS:]
            if limits.gone(trouble, mean_of(sitting)):
                del person.troubles[trouble]
                person.seen.pop(trouble, None)
                ended = True
        return ended

"""Nobody has stirred in a home: judged from its electricity and from the sensors that live.

Sees: the home's quarter-hours (`power_slot`; `rules.living` compares the newest 24 hours with what
the home does alone, of a register of 1 kWh a day's energy; of a meter that is named here it reads
`power`); as proof of life presses, movements, changes of door, bed and presence, measurements of a
person, and `said_well`, by which the hub tells that a human has heard from her; `stillness`, by
which `movements` tells how long sensors have seen nobody (where electricity can't judge they do it
alone); and `found_out`, by which the hub tells what a human found out about a silence: it decides
what that silence teaches. States: `learning`, `well`, `silent`, `cannot_judge` (meter quiet, supply
dead, lived and empty too alike). The clock of silence stands still while nothing is seen: 25 hours
means 25 that were seen. What arrives late counts; only a view of the present raises.

Told of stays (`stay`), it learns nothing from them; what it finds meanwhile the book holds.

Can't see: a person at home who uses nothing that stands out from the machines for a whole day; it
is found silent, and judged more carefully from then on. Whoever is at home while panels hide it. An
absence in a home whose machines look like people and that has no sensors (`cannot_judge` once stays
have shown it, `lived_while_away`), or whose register is coarse (1 kWh) and something was left on.

Defaults: 25 seen hours, 24 in homes whose days are far from an empty one, 25.5 under panels, more
(36 at most) where two silences of a year were none and nobody confirmed them in a home whose days
are near an empty one; 48 in any home once three alarms of a year were for nothing (under panels
two), and where these hide half of the day; by sensors 16 watched hours, and more than the home's
rarest; 120 minutes without readings are `meter_quiet`, older readings raise nothing; no opinion in
the first week or so, narrower limits until 30 days are known.

Sources: practice of Japanese, Korean and Shanghai services; `./dev eval` (docs/trials).
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from rules.coarse_living import living_for
from rules.derived import POWER_GAP, POWER_METER, POWER_SLOT, STILLNESS, gap_told
from rules.device_clock import said_ms
from rules.finding import Finding, Severity
from rules.former_living import living_of
from rules.found_out import FOUND_OUT, word_of
from rules.lived_days import SLOTS_PER_DAY
from rules.living import Living
from rules.local_time import HOUR_MS, MINUTE_MS
from rules.looking_back import look_back
from rules.mains import Mains
from rules.masked import Masked
from rules.metering import SLOT_MS, Gap, Slot
from rules.params import parse_params
from rules.quarter_hours import QuarterHours
from rules.quiet_time import QuietTime
from rules.rule import NOTHING, UNCHANGED, Lane, Monitor, Observation, Opinion, Subject, SubjectKind
from rules.signs import LIFE_KINDS, SAID_WELL, LifeReason, Signs, remembered
from rules.silence_params import NoSignOfLifeParams
from rules.silent_words import LEARNING_MS, evidence_of, opinion_of, with_sensors
from rules.staying import STAY
from rules.stillness import GRACE_MS, Sensed, power_says
from rules.unseen_energy import somebody_used
from rules.waiting import ALWAYS, NEVER, Calm, Slots, Waiting

MakeMains = Callable[[str], Mains]

_ELECTRICITY: Final = frozenset({"power", POWER_GAP, POWER_METER})


class NoSignOfLifeMonitor:
    """One home. `_mains`: its own meter, where one is named."""

    __slots__ = (
        "_began_ms", "_hours", "_living", "_mains", "_masked", "_params", "_quiet",
        "_raised", "_raised_limit", "_sensed", "_signs", "_subject", "due_ms",
    )  # fmt: skip

    def __init__(self, subject: Subject, params: NoSignOfLifeParams, make_mains: MakeMains) -> None:
        self.due_ms: int | None = None
        self._subject, self._params = subject, params
        self._mains = make_mains(params.meter) if params.meter else None
        self._living = Living(*params.hours)
        self._signs = Signs()
        self._masked = Masked()
        self._began_ms = -1
        self._quiet = QuietTime()
        self._hours = QuarterHours()
        # The open silence: [raised at, first quiet moment], and the limit that it was below.
        self._raised: tuple[int, int] | None = None
        self._raised_limit = 0.0
        self._sensed = Sensed()

    def observe(self, observation: Observation, now_ms: int) -> list[Finding]:
        kind, at_ms = observation.kind, said_ms(observation, now_ms)
        if kind == POWER_SLOT:
            return self._quarter(observation, now_ms)
        if kind in _ELECTRICITY:
            if self._began_ms < 0:
                self._began_ms = at_ms
            if self._mains is not None:
                return self._read(self._mains, observation, at_ms, now_ms)
            if kind == POWER_GAP:
                return self._gap(observation, gap_told(observation), now_ms)
            if observation.values.get("larger"):
                self._start_over(at_ms)
            return NOTHING
        if kind == STAY:
            self._masked.told(observation, now_ms)
            return NOTHING
        if kind == STILLNESS:
            return self._sense(observation, now_ms)
        if kind == FOUND_OUT:
            return self._found_out(observation, at_ms, now_ms)
        return self._sign(observation, at_ms, now_ms)

    def fire(self, at_ms: int) -> list[Finding]:  # noqa: ARG002 - judged when something is seen
        return NOTHING

    def resume(self, now_ms: int) -> None:
        """Missing data never counted as silence: nothing to forgive."""

    # Quarter-hours that wait.

    def follow(self, waiting: Waiting) -> None:
        if self._mains is None:
            self._quiet.follow(waiting)

    def calm(self) -> Calm:
        if self._mains is None:
            watched = self._raised is not None or self._masked.watches
            return NEVER if watched else self._quiet.calm()
        # They are no matter to one that has a meter of its own.
        return ALWAYS

    def minds(self, observation: Observation, now_ms: int) -> bool:
        """A proof of this moment ends whatever was quiet before; of one that comes late it matters
        what was seen since."""
        if observation.kind not in LIFE_KINDS or self._raised is not None:
            return True
        return said_ms(observation, now_ms) <= self._quiet.read_ms(self._mains) - SLOT_MS

    def catch_up(self, slots: Slots, device: str) -> None:  # noqa: ARG002 - whoever tells
        mine = slots if self._mains is None else ()
        look_back(mine, lambda: self._living, self._hours, self._quiet, self._take)

    # Electricity.

    def _quarter(self, observation: Observation, now_ms: int) -> list[Finding]:
        values, end_ms = observation.values, observation.measured_at_ms
        watts = values.get("watts")
        if watts is None or not self._quiet.sees(end_ms):
            return UNCHANGED
        if self._began_ms < 0:
            self._began_ms = end_ms
        slot = Slot(end_ms // SLOT_MS - 1, watts, values.get("grain_w", 0.0))
        found = self._slot(observation, slot, now_ms)
        if self._quiet.calm_ms <= end_ms and self._raised is None:
            self._quiet.bear(self._living, self._hours.held)
        return found

    def _read(self, mains: Mains, seen: Observation, at_ms: int, now_ms: int) -> list[Finding]:
        """A reading, where a meter is named."""
        found = NOTHING
        for part in mains.read(seen, at_ms) or ():
            if isinstance(part, Gap):
                found = found + self._gap(seen, part, now_ms)
            else:
                found = found + self._slot(seen, part, now_ms)
        return found

    def _start_over(self, at_ms: int) -> None:
        """Another meter shows more of the home: learn it anew, but don't end a silence."""
        self._living = Living(*self._params.hours)
        self._masked.seen()
        self._began_ms = at_ms
        self._quiet.begin()
        self._hours.forget()

    def _slot(self, observation: Observation, slot: Slot, now_ms: int) -> list[Finding]:
        end_ms = (slot.number + 1) * SLOT_MS
        return self._judge(observation, end_ms, now_ms) if self._take(slot) else NOTHING

    def _take(self, slot: Slot) -> bool:
        """Remember a slot; False while it is held."""
        before = self._living
        if self._raised is None:
            self._living = self._hours.turned(slot.number, before, self._params.hours)
        steps = self._hours.told(slot, self._living)
        for place, step in enumerate(steps, start=1):
            if step.doubtful:
                self._living.unsteady()
            self._push(step.slot)
            if step.measured and place < len(steps):
                self._living.measure()
        if self._living is not before:
            # It is judged otherwise from now on.
            self._masked.seen()
        return bool(steps)

    def _push(self, slot: Slot) -> None:
        self._living = living_for(self._living, slot, self._params.hours)
        self._living.push(
            slot.number,
            slot.watts,
            slot.grain_w,
            learn=self._raised is None,
            usual=not self._masked.staying.since((slot.number - SLOTS_PER_DAY) * SLOT_MS),
        )
        self._quiet.slots += 1

    def _judge(self, observation: Observation, end_ms: int, now_ms: int) -> list[Finding]:
        living = self._living
        activity, limit = living.measure(), living.quiet.limit
        if activity is None or end_ms - self._began_ms < LEARNING_MS:
            return NOTHING
        self._masked.judged(living)
        if self._raised is not None and self._sensed.alone:
            # Only signs end what sensors found, until electricity finds it too.
            if activity <= limit:
                self._sensed.alone, self._raised_limit = False, limit
                self._doubt()
            return NOTHING
        if self._raised is not None:
            if end_ms <= self._raised[0] or not living.is_back(self._raised_limit):
                return NOTHING
            return self._clear(observation, LifeReason.ACTIVITY, now_ms)
        if activity > limit:
            return NOTHING
        sure = self._quiet.slots >= living.asked and not living.doubt_slots and living.covered()
        if not sure or self._hours.behind_gap(end_ms // SLOT_MS - 1, living.newest):
            return NOTHING
        if now_ms - end_ms > self._params.late_after_min * MINUTE_MS:
            # Of the past: it wakes nobody, but it isn't learned as a lived day either.
            living.suspect()
            return NOTHING
        self._raised, self._raised_limit = (now_ms, living.quiet_from_number() * SLOT_MS), limit
        self._masked.seen()
        self._doubt()
        return [self._finding("raised", LifeReason.NO_ACTIVITY, observation, now_ms)]

    def _doubt(self) -> None:
        """These days are not taken for lived ones."""
        self._living.suspect()
        if self._raised is not None and not self._masked.staying.since(self._raised[1]):
            self._living.raised(self._raised[0])

    def _clear(self, observation: Observation, reason: LifeReason, now_ms: int) -> list[Finding]:
        finding = self._finding("cleared", reason, observation, now_ms)
        raised_ms, start_ms = self._raised or (now_ms, now_ms)
        # Of what somebody had said beforehand nothing is learned.
        unsaid = not self._masked.staying.since(start_ms) and not self._sensed.alone
        lasted_ms = now_ms - raised_ms if unsaid else None
        self._living.back(lasted_ms=lasted_ms, since=start_ms // SLOT_MS)
        self._sensed.end(start_ms)
        self._raised = None
        self._quiet.broken()
        return [finding]

    def _gap(self, observation: Observation, gap: Gap, now_ms: int) -> list[Finding]:
        """Nothing was seen; a register may still tell that somebody cooked meanwhile."""
        if not somebody_used(self._living, gap):
            return NOTHING
        return self._proof(observation, gap.end_ms, LifeReason.ENERGY_UNSEEN, now_ms)

    # Sensors.

    def _sense(self, observation: Observation, now_ms: int) -> list[Finding]:
        """What the home's sensors say of the time since the last sign."""
        params, since_ms = self._params, self._sensed.tell(observation, self._signs)
        if since_ms is None or self._raised is not None or not params.by_sensors:
            return NOTHING
        read_ms = self._quiet.read_ms(self._mains)
        seen_ms = now_ms - params.blind_after_min * MINUTE_MS
        blind = read_ms < max(0, seen_ms, self._began_ms + LEARNING_MS) or self._hours.dead
        quiet_ms = max(since_ms + GRACE_MS, now_ms - params.sensors_h * HOUR_MS)
        masked = self._masked.since_ms is not None
        power = power_says(self._living, quiet_ms, blind=blind, masked=masked)
        if not self._sensed.calls(power, params.sensors_h, self._signs):
            return NOTHING
        self._raised, self._raised_limit = (now_ms, since_ms), 0.0
        return [self._finding("raised", self._sensed.reason(self._signs), observation, now_ms)]

    def _sign(self, observation: Observation, at_ms: int, now_ms: int) -> list[Finding]:
        reason = self._signs.read(observation)
        if reason is None:
            return NOTHING if remembered(observation.kind) else UNCHANGED
        return self._proof(observation, at_ms, reason, now_ms)

    def _proof(self, seen: Observation, at_ms: int, why: LifeReason, now_ms: int) -> list[Finding]:
        if not self._signs.alive(at_ms, why, seen.device):
            return NOTHING
        self._masked.sign(at_ms, why)
        self._quiet.proof(at_ms, self._mains)
        if self._raised is None or at_ms <= self._raised[1]:
            return NOTHING
        return self._clear(seen, why, now_ms)

    def _found_out(self, observation: Observation, at_ms: int, now_ms: int) -> list[Finding]:
        """A human says how it was; whoever is well ends her silence, so that another can begin."""
        word = word_of(observation)
        if word is None:
            return UNCHANGED
        self._living.found_out(word)
        if self._raised is None or not word.ends(self._raised[0]):
            return NOTHING
        return self._proof(observation, at_ms, LifeReason.FOUND_WELL, now_ms)

    def _finding(self, phase: Any, reason: LifeReason, seen: Observation, now_ms: int) -> Finding:
        raised_ms, start_ms = self._raised or (now_ms, now_ms)
        return self._subject.finding(
            key=str(start_ms),
            phase=phase,
            reason=reason,
            raised_at_ms=raised_ms,
            at_ms=now_ms,
            device=seen.device or None,
            source_id=seen.id or None,
            evidence={
                "quiet_since_ms": start_ms,
                **evidence_of(self._living, self._raised_limit, self._sensed),
                **self._sensed.shown(self._signs, now_ms),
                **self._signs.shown(),
            },
        )

    def dump(self) -> dict[str, Any]:
        return {
            **({} if self._mains is None else {"own": self._mains.dump()}),
            "living": self._living.dump(),
            "signs": self._signs.dump(),
            **self._masked.dump(),
            "began": self._began_ms,
            "quiet": self._quiet.dump(self._living.window),
            "supply": self._hours.dump(),
            "raised": self._raised,
            "raised_limit": self._raised_limit,
            "sensed": self._sensed.dump(),
        }

    def load(self, document: Mapping[str, Any]) -> "NoSignOfLifeMonitor":
        if self._mains is not None:
            own = document.get("own", document.get("mains"))
            self._mains = self._mains if own is None else Mains.load(self._params.meter, own)
        self._living, scale = living_of(self._params.hours, document["living"])
        self._signs = Signs.load(document["signs"])
        self._masked = Masked.load(document)
        self._began_ms = int(document["began"])
        self._raised_limit = float(document["raised_limit"]) * scale
        self._hours = QuarterHours.load(document.get("held", document.get("supply")))
        self._living.hide(self._hours.sunlit.hours)
        if (raised := document["raised"]) is not None:
            self._raised = int(raised[0]), int(raised[1])
        self._quiet = QuietTime.load(document, self._living, self._hours.newest)
        self._sensed = Sensed.load(document.get("sensed"))
        return self

    def view(self, now_ms: int) -> Opinion:
        read_ms = self._quiet.read_ms(self._mains)
        opinion = opinion_of(
            self._living,
            self._signs,
            began_ms=self._began_ms,
            read_ms=read_ms,
            silent_ms=None if self._raised is None else self._raised[1],
            quiet_slots=self._quiet.slots,
            blind=now_ms - read_ms > self._params.blind_after_min * MINUTE_MS,
            dead=self._hours.dead,
            masked_ms=self._masked.since_ms,
        )
        asked = self._params.by_sensors
        return with_sensors(opinion, self._sensed, self._signs, now_ms) if asked else opinion


class NoSignOfLife:
    """The rule kind `no_sign_of_life`; `make_mains`: what reads a meter that is named."""

    name: Final = "no_sign_of_life"
    lane: Final[Lane] = "readings"
    subject: Final[SubjectKind] = "home"
    severity: Final[Severity] = "urgent"
    # 9: coarse registers; 7: silences have names (`rules.silences` reads 6, `former_living` 3).
    state_version: Final = 9
    starts_idle: Final = True
    patient: Final = True
    # Five minutes to get up and find the key, as services in Japan and Korea call first; a silence
    # of a day can bear them.
    ask_first_s: Final[int | None] = 300
    _monitor = NoSignOfLifeMonitor

    def __init__(self, make_mains: MakeMains = Mains) -> None:
        self._make_mains = make_mains

    def parse(self, table: Mapping[str, Any], where: str, base: Any = None) -> NoSignOfLifeParams:
        return parse_params(NoSignOfLifeParams, table, where, base)

    def listens(self, params: NoSignOfLifeParams) -> frozenset[str]:
        electricity = {"power"} if params.meter else {POWER_SLOT, POWER_GAP, POWER_METER}
        return LIFE_KINDS | {STAY, SAID_WELL, STILLNESS, FOUND_OUT} | electricity

    def start(self, subject: Subject, params: NoSignOfLifeParams, now_ms: int) -> Monitor:  # noqa: ARG002
        return self._monitor(subject, params, self._make_mains)

    def load(
        self, subject: Subject, params: NoSignOfLifeParams, document: Mapping[str, Any]
    ) -> Monitor:
        return self._monitor(subject, params, self._make_mains).load(document)

"""A village without electricity: many of its meters fell silent together while gateways are heard.

Sees: of every home of a region `device_word` (a meter or plug that does not answer, is offline, or
says that its mains are lost, and its recovery) and `device_status` (what its gateway heard of it, a
few times an hour). A device that was heard in every status and is not in two of them fell silent
when it was heard last. What falls silent within the window counts together.

Can't see: whether the line, a transformer or one bus of meters failed; a village whose gateways
have no battery, for then nothing is heard at all (`gateway_silent` says so, and this rule cannot
judge); a village of fewer meters than the smallest threshold.

Defaults: 3 meters and 30 % of those known, within ten minutes, still so a minute later; over when
more than half of those that fell silent are back. Somebody is to call the supplier within two
hours, within 45 minutes where a home depends on electricity.

Sources: village dark, max(3, 30 %) within 10 min (thresholds, section 2); 45 min for a visit
(section 3); the minute and the end are this project's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from rules.device_cases import RESUME_GRACE_MS
from rules.finding import EvidenceValue, Finding, Phase
from rules.params import number
from rules.plain import PlainKind
from rules.rule import DEVICE_STATUS, DEVICE_WORD, NOTHING, Observation, Opinion, Subject

POWER: Final = "power"
# Words that a device without electricity, or its gateway for it, can say.
_DARK_WORDS: Final = frozenset({"no_answer", "offline", "mains_lost"})
# Statuses come every five minutes; after a pause of more than three of them nothing was watched.
_UNWATCHED_MS: Final = 15 * 60_000
# Heard in so many statuses one after the other, a device is one that is always heard; missing in
# so many it is silent.
_STEADY: Final = 3
_MISSED: Final = 2
# A word of a fault this old is history of a line that was down, not a village that is dark now.
_OLD_MS: Final = 60 * 60_000
# Homes named with a finding: nobody works off more from one screen, and evidence is bounded.
HOMES_TOLD: Final = 40
_HOUR_MS: Final = 3_600_000


class VillageReason(StrEnum):
    VILLAGE_DARK = "village_dark"
    LIGHT_AGAIN = "light_again"
    VILLAGE_LIGHT = "village_light"
    VILLAGE_UNSEEN = "village_unseen"
    FEW_METERS = "few_meters"


@dataclass(frozen=True, slots=True, kw_only=True)
class VillageDarkParams:
    meters: int = number(3, 2, 1000)
    part_pct: float = number(30.0, 1.0, 100.0)
    window_min: float = number(10.0, 1.0, 120.0)
    settle_min: float = number(1.0, 0.5, 120.0)
    call_within_h: float = number(2.0, 0.25, 24.0)
    first_within_min: float = number(45.0, 5.0, 240.0)


class VillageDarkMonitor:
    """_silent: part → when it fell silent. _heard: part → [last-seen time of the gateway's clock,
    statuses in a row in which it was heard, in which it was not, hub's time when it was heard
    last, and of its last status]. _status: gateway → hub's time of its last status, and whether it
    followed on another."""

    __slots__ = (
        "_heard",
        "_home_of",
        "_params",
        "_peak",
        "_raised_ms",
        "_silent",
        "_since_ms",
        "_status",
        "_subject",
        "due_ms",
    )

    def __init__(self, subject: Subject, params: VillageDarkParams) -> None:
        self.due_ms: int | None = None
        self._subject = subject
        self._params = params
        self._home_of = {
            device.part: home.home
            for home in subject.members
            for device in home.devices
            if device.kind == POWER
        }
        self._silent: dict[str, int] = {}
        self._heard: dict[str, tuple[int, int, int, int, int]] = {}
        self._status: dict[str, tuple[int, bool]] = {}
        self._raised_ms: int | None = None
        self._since_ms = 0
        self._peak = 0

    @property
    def _needed(self) -> int:
        part = -(-len(self._home_of) * self._params.part_pct // 100)
        return max(self._params.meters, int(part))

    def observe(self, observation: Observation, now_ms: int) -> list[Finding]:
        if observation.kind == DEVICE_STATUS:
            self._statuses(observation, now_ms)
        elif observation.device in self._home_of:
            self._word(observation, now_ms)
        return self._judge(now_ms)

    def _word(self, word: Observation, now_ms: int) -> None:
        part, attrs = word.device, word.attrs
        at_ms = min(word.measured_at_ms, now_ms)
        mains = word.values.get("mains")
        if attrs.get("fault") in _DARK_WORDS or (mains is not None and not mains):
            if now_ms - at_ms <= _OLD_MS:
                self._silent.setdefault(part, at_ms)
        elif "recovered" in attrs or mains:
            self._silent.pop(part, None)

    def _statuses(self, status: Observation, now_ms: int) -> None:
        gateway = status.device
        before_ms, watched = self._status.get(gateway, (-_UNWATCHED_MS, False))
        # The homes of one gateway are told one after the other, of the same heartbeat.
        if now_ms != before_ms:
            watched = now_ms - before_ms <= _UNWATCHED_MS
            self._status[gateway] = (now_ms, watched)
        for name, seen in status.values.items():
            part = f"{gateway}/{name}"
            if part in self._home_of:
                self._device(part, int(seen), watched, now_ms)

    def _device(self, part: str, seen_ms: int, watched: bool, now_ms: int) -> None:
        new = (-1, 0, 0, now_ms, -1)
        last_ms, steady, missed, heard_ms, told_ms = self._heard.get(part, new)
        if told_ms == now_ms:
            return
        if seen_ms != last_ms:
            self._heard[part] = (seen_ms, steady + 1, 0, now_ms, now_ms)
            silent_ms = self._silent.get(part)
            # What was heard before the fault, and is told after it, is no recovery.
            if silent_ms is not None and seen_ms > silent_ms:
                del self._silent[part]
            return
        missed = missed + 1 if watched else 0
        self._heard[part] = (last_ms, steady, missed, heard_ms, now_ms)
        if steady >= _STEADY and missed == _MISSED:
            self._silent.setdefault(part, heard_ms)
            self._heard[part] = (last_ms, 0, missed, heard_ms, now_ms)

    def _judge(self, now_ms: int) -> list[Finding]:
        if self._raised_ms is not None:
            self._peak = max(self._peak, len(self._silent))
            if 2 * len(self._silent) >= self._peak:
                return NOTHING
            found = [self._finding("cleared", VillageReason.LIGHT_AGAIN, now_ms)]
            self._raised_ms, self._peak = None, 0
            return found
        if self._together() is None:
            self.due_ms = None
        elif self.due_ms is None:
            # Recoveries and faults travel in two lanes; a bus that is asked again answers in turn.
            self.due_ms = now_ms + round(self._params.settle_min * 60_000)
        return NOTHING

    def _together(self) -> int | None:
        """When the first of those fell silent that did so within the window, if they are enough."""
        times = sorted(self._silent.values())
        window_ms = round(self._params.window_min * 60_000)
        needed = self._needed
        for at in range(len(times) - needed, -1, -1):
            if times[at + needed - 1] - times[at] <= window_ms:
                return times[at]
        return None

    def fire(self, at_ms: int) -> list[Finding]:
        self.due_ms = None
        if self._raised_ms is not None:
            return self._judge(at_ms)
        since_ms = self._together()
        if since_ms is None:
            return NOTHING
        self._raised_ms, self._since_ms, self._peak = at_ms, since_ms, len(self._silent)
        return [self._finding("raised", VillageReason.VILLAGE_DARK, at_ms)]

    def resume(self, now_ms: int) -> None:
        """Everything that is timed counts as heard now; what was said to be without an answer
        stays so until it is said to be back, and a recovery that waits has time to come."""
        self._status = {}
        self._heard = {
            part: (seen_ms, steady, 0, now_ms, told_ms)
            for part, (seen_ms, steady, _missed, _heard_ms, told_ms) in self._heard.items()
        }
        if self.due_ms is not None:
            self.due_ms = max(self.due_ms, now_ms + RESUME_GRACE_MS)

    def dump(self) -> dict[str, Any]:
        return {
            "silent": self._silent,
            "heard": {part: list(row) for part, row in self._heard.items()},
            "status": {gateway: list(row) for gateway, row in self._status.items()},
            "raised": self._raised_ms,
            "since": self._since_ms,
            "peak": self._peak,
            "due": self.due_ms,
        }

    def load(self, document: Mapping[str, Any]) -> "VillageDarkMonitor":
        """Devices that are not of this village any more are left out."""
        mine = self._home_of
        self._silent = {p: int(at) for p, at in document["silent"].items() if p in mine}
        for part, row in document["heard"].items():
            if part in mine:
                seen_ms, steady, missed, heard_ms, told_ms = (int(number) for number in row)
                self._heard[part] = (seen_ms, steady, missed, heard_ms, told_ms)
        self._status = {str(g): (int(a), bool(w)) for g, (a, w) in document["status"].items()}
        raised, due = document["raised"], document["due"]
        self._raised_ms = None if raised is None else int(raised)
        self.due_ms = None if due is None else int(due)
        self._since_ms, self._peak = int(document["since"]), int(document["peak"])
        if self._raised_ms is not None and 2 * len(self._silent) < self._peak:
            # The dark homes have moved: nobody here is going to say that it is light again.
            self.due_ms = max(self._subject.since_ms, self._raised_ms)
        return self

    def view(self, now_ms: int) -> Opinion:
        shown: dict[str, EvidenceValue] = {"meters_known": len(self._home_of)}
        if self._raised_ms is not None:
            reason, state = VillageReason.VILLAGE_DARK, "dark"
            shown["meters_silent"] = len(self._silent)
        elif len(self._home_of) < self._needed:
            reason, state = VillageReason.FEW_METERS, "cannot_judge"
        elif now_ms - max((at for at, _ in self._status.values()), default=0) > _UNWATCHED_MS:
            reason, state = VillageReason.VILLAGE_UNSEEN, "cannot_judge"
        else:
            reason, state = VillageReason.VILLAGE_LIGHT, "light"
        return Opinion(
            state=state, since_ms=self._raised_ms, explanation={"reason": reason, **shown}
        )

    def _finding(self, phase: Phase, reason: VillageReason, at_ms: int) -> Finding:
        first = [home for home in self._subject.members if home.needs_power]
        dark = {self._home_of[part] for part in self._silent}
        # All that depend on electricity, heard or not: nobody should have to guess.
        names = [home.home for home in first]
        others = sorted(dark.difference(names))
        within_ms = round(self._params.call_within_h * _HOUR_MS)
        if first:
            within_ms = min(within_ms, round(self._params.first_within_min * 60_000))
        return self._subject.finding(
            key=str(self._raised_ms),
            phase=phase,
            reason=str(reason),
            raised_at_ms=at_ms if self._raised_ms is None else self._raised_ms,
            at_ms=at_ms,
            repair_within_ms=within_ms if phase == "raised" else None,
            evidence={
                "since_ms": self._since_ms,
                "meters_silent": len(self._silent),
                "meters_known": len(self._home_of),
                "homes_dark": len(dark),
                "homes_first": names[:HOMES_TOLD],
                "homes_first_why": [home.needs_power for home in first][:HOMES_TOLD],
                "homes_others": others[: max(0, HOMES_TOLD - len(names))],
            },
        )


VILLAGE_DARK: Final = PlainKind(
    name="village_dark",
    params=VillageDarkParams,
    hears=frozenset({DEVICE_WORD, DEVICE_STATUS}),
    monitor=VillageDarkMonitor,
    severity="technical",
    subject="region",
)

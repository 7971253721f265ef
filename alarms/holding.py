"""Holding: which alarms are kept back because their cause is known, by what, and how long. Pure.

  raised -> held --its hold is over: the village is light, the stay has ended, or the time is up-->
              |        not cleared meanwhile ---> as one that is raised now
              |        cleared meanwhile -------> nobody is woken
              |----it worsened------------------> as one that is raised now
              `----a human takes or closes it --> goes on as without a hold

A held alarm stands on the board with its reason and its time; nobody is sent and nothing sounds.
Only what is named here can be held: a call, a detector or a vital sign never is. The time is
durable in the alarm's row, and `due` is the only place that compares it with a clock.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from alarms.lifecycle import AlarmState

Row = Mapping[str, Any]
HeldFor = Literal["dark", "away", "hospital", "visitors"]
Ended = Literal["activity", "user", "until"]

# Doubts about a person that nobody being there, or no electricity, would explain as well.
ABSENCE_KINDS: Final = frozenset(
    {
        "no_sign_of_life",
        "not_up_yet",
        "bed_absence",
        "night_activity",
        "profile_change",
        "load_left_on",
    }
)
# What more people in a home would explain.
VISITORS_KINDS: Final = frozenset({"profile_change", "night_activity", "overload"})
# Troubles that a meter or plug without electricity has.
POWER_TROUBLE_KINDS: Final = frozenset({"device_fault", "device_silent"})
POWER_DEVICE: Final = "power"
HOLDABLE_KINDS: Final = ABSENCE_KINDS | VISITORS_KINDS | POWER_TROUBLE_KINDS

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
# After a blackout what was held gets this long to be cleared by the light itself.
LIGHT_GRACE_MS: Final = 30 * MINUTE_MS
# Nobody is held for ever: a village that is dark for half a day is visited anyway.
DARK_MAX_MS: Final = 12 * HOUR_MS
# Longest stay that can be set: a forgotten one would leave a person unwatched.
STAY_MAX_MS: Final = 90 * 24 * HOUR_MS
# After a stay a silence begins anew, and nights and days have to be judged twice without it.
_STAY_GRACE_MS: Final[Mapping[str, int]] = {
    "no_sign_of_life": 24 * HOUR_MS,
    "night_activity": 48 * HOUR_MS,
    "profile_change": 48 * HOUR_MS,
}
# How long an ended stay can still hold anything.
STAY_REMEMBERED_MS: Final = max(_STAY_GRACE_MS.values())
# Holds ended in one transaction: presses come between two of them.
DUE_MAX: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """`by`: the id of the alarm or stay that is the reason."""

    held_for: HeldFor
    by: str
    until_ms: int


def holding(row: Row) -> bool:
    """Whether an alarm is kept back now and nobody has taken it."""
    held = row["held_until_ms"] is not None and row["released_at_ms"] is None
    return held and row["state"] == AlarmState.OPEN


def due(rows: Iterable[Row], now_ms: int) -> list[str]:
    """Ids of the alarms whose hold is over, the longest overdue first, at most DUE_MAX. A time
    before the hold began is a clock that was set back: early is allowed and late is not."""
    over = [
        (row["held_until_ms"], row["id"])
        for row in rows
        if holding(row) and (row["held_until_ms"] <= now_ms or now_ms < row["held_at_ms"])
    ]
    return [alarm for _until_ms, alarm in sorted(over)[:DUE_MAX]]


def held_by_dark(kind: str, device_kind: str | None, dark: str, now_ms: int) -> Hold | None:
    """Whether a dark village explains it; `device_kind`: of the device that it is about."""
    explained = kind in ABSENCE_KINDS or (
        kind in POWER_TROUBLE_KINDS and device_kind == POWER_DEVICE
    )
    return Hold(held_for="dark", by=dark, until_ms=now_ms + DARK_MAX_MS) if explained else None


def held_by_stay(
    kind: str, stays: Iterable[Row], persons: Collection[str], now_ms: int
) -> Hold | None:
    """Whether a stay explains it, the one that ends last; `persons`: who lives there.

    Of a stay that ended by its date or a hand, the silence before its end explains one that is
    found within the grace after it.
    """
    known = list(stays)
    gone = absent(known, persons, now_ms)
    found = []
    for stay in known:
        visitors = stay["kind"] == "visitors"
        if kind not in (VISITORS_KINDS if visitors else ABSENCE_KINDS):
            continue
        if active(stay, now_ms) and (visitors or gone):
            until_ms = stay["until_ms"] + grace_ms(kind, "until")
            found.append(Hold(held_for=stay["kind"], by=stay["id"], until_ms=until_ms))
        elif stay["ended_at_ms"] is not None and stay["ended_how"] != "activity":
            until_ms = stay["ended_at_ms"] + _STAY_GRACE_MS.get(kind, 0)
            whole = stay["person"] is None or {stay["person"]} >= set(persons)
            if began(stay) and now_ms < until_ms and (visitors or whole):
                found.append(Hold(held_for=stay["kind"], by=stay["id"], until_ms=until_ms))
    return max(found, key=lambda hold: (hold.until_ms, hold.by), default=None)


def active(stay: Row, now_ms: int) -> bool:
    return stay["ended_at_ms"] is None and stay["from_ms"] <= now_ms < stay["until_ms"]


def began(stay: Row) -> bool:
    """Whether an ended stay had begun before it ended."""
    return bool(stay["from_ms"] < stay["ended_at_ms"])


def absent(stays: Iterable[Row], persons: Collection[str], now_ms: int) -> bool:
    """Whether nobody is left in the home, by what was said of its people."""
    away = [s for s in stays if s["kind"] != "visitors" and active(s, now_ms)]
    if any(stay["person"] is None for stay in away):
        return True
    return bool(away) and {stay["person"] for stay in away} >= set(persons)


def grace_ms(kind: str, how: Ended) -> int:
    """How long an alarm is held beyond the end of its stay. Activity shows that somebody is there:
    then its rule has cleared it, or it is about something else."""
    return LIGHT_GRACE_MS if how == "activity" else _STAY_GRACE_MS.get(kind, LIGHT_GRACE_MS)

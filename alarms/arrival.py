"""Proof that a visitor was there: the home's own button, its label, or the place. Pure.

  button  the visitor says in the app "I press now" and presses the home's button in two minutes.
          The press is a call like any other: it belongs to the alarm, it is heard again, and only
          the first one within the time is the proof. A hold, a late press and one for a home whose
          task has no open alarm are never taken for the visitor's.
  label   a code printed by the hub for one home; printing a new one ends the old
  gps     off unless the county wants it; the place of the telephone, at most so far from the home

Without any of them the visitor's word counts, and the record says so.
"""

import hmac
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from alarms.lifecycle import IllegalMove, TaskState

Row = Mapping[str, Any]
ProofKind = Literal["button", "label", "gps"]

# From the app in the hand to the button on the wall, with gloves off and the door open.
PRESS_WITHIN_MS: Final = 120_000
# A gateway's clock may be behind the hub's by this much; an older press was somebody else's.
CLOCK_SKEW_MS: Final = 5_000
# Telephones in mountain villages are exact to 50 m at best; the next house is farther.
GPS_WITHIN_M: Final = 150.0
# A place that is less exact proves nothing.
GPS_ACCURACY_MAX_M: Final = 100.0
# 80 bits in the letters that nobody mistakes on paper (Crockford), in groups of four.
_CODE_BYTES: Final = 10
_LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_GROUP: Final = 4
_EARTH_RADIUS_KM: Final = 6371.0
# As people read and type them.
_MISREAD: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})

_ON_THE_WAY: Final = frozenset({TaskState.ACCEPTED, TaskState.DEPARTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """`of`: the device, the label's print or the distance; nothing about a person."""

    kind: ProofKind
    of: str


def may_ask_press(task: Row, alarm: Row | None) -> None:
    """IllegalMove where a press could not be told from a call for help, or proves nothing."""
    if task["state"] not in _ON_THE_WAY:
        raise IllegalMove("wrong_state", f"the task is {task['state']}: nobody is on the way")
    if alarm is None or alarm["severity"] != "urgent":
        raise IllegalMove(
            "no_open_alarm",
            "a press is a call for help where no urgent alarm is open; use the home's label",
        )


def waits_for_press(task: Row, now_ms: int) -> bool:
    return (
        task["state"] in _ON_THE_WAY
        and task["press_until_ms"] is not None
        and now_ms <= task["press_until_ms"]
    )


def is_visitors(task: Row, kind: str, action: object, measured_at_ms: int, now_ms: int) -> bool:
    """Whether this item is the press that the visitor was asked for."""
    return (
        kind == "sos"
        and action in (None, "press")
        and waits_for_press(task, now_ms)
        and measured_at_ms >= task["press_asked_ms"] - CLOCK_SKEW_MS
    )


def label_code(secret: bytes, home: str, label_print: int) -> str:
    """What stands on the label of a home, as HK3D-9QZ0-…: worthless elsewhere, and after a new
    print."""
    digest = hmac.digest(secret, f"label|{home}|{label_print}".encode(), "sha256")
    number = int.from_bytes(digest[:_CODE_BYTES])
    letters = "".join(_LETTERS[number >> shift & 31] for shift in range(75, -1, -5))
    return "-".join(letters[at : at + _GROUP] for at in range(0, len(letters), _GROUP))


def label_proof(secret: bytes, home: str, label_print: int, code: str) -> Proof:
    """IllegalMove when the code is no valid one of this home."""
    given = code.upper().translate(_MISREAD)
    wanted = label_code(secret, home, label_print).replace("-", "")
    if label_print < 1 or not hmac.compare_digest(given.encode(), wanted.encode()):
        raise IllegalMove("wrong_label", "this is not the label of this home, or an old one")
    return Proof(kind="label", of=f"print {label_print}")


def gps_proof(home: Row, lat: float, lon: float, accuracy_m: float) -> Proof:
    """IllegalMove when the place shows nothing, or somewhere else."""
    if home["lat"] is None or home["lon"] is None:
        raise IllegalMove("no_place", "the register does not know where this home is")
    if accuracy_m > GPS_ACCURACY_MAX_M:
        raise IllegalMove("not_exact", f"the place is exact to {accuracy_m:.0f} m only")
    away_m = 1000 * distance_km(home["lat"], home["lon"], lat, lon)
    if away_m > GPS_WITHIN_M:
        raise IllegalMove("too_far", f"{away_m:.0f} m from the home")
    return Proof(kind="gps", of=f"{away_m:.0f} m")


def distance_km(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """On a sphere; within 0.5 % of the ellipsoid."""
    a, b = math.radians(lat), math.radians(other_lat)
    across = math.sin((b - a) / 2) ** 2
    along = math.sin(math.radians(other_lon - lon) / 2) ** 2
    part = min(1.0, across + math.cos(a) * math.cos(b) * along)
    return 2 * _EARTH_RADIUS_KM * math.asin(math.sqrt(part))

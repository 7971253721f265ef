"""The key, button or gesture by which a person says "I'm well", another than the call for help.

It is a reading (`presence` with attrs.action `well`), never an activation: an older hub stores it
as one, and nothing of it travels on the connection of the calls. A press that is a call stays one,
whatever is configured here. Pure.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from contract.config import ConfigError, check_keys, get
from contract.item import Measurement, Scalar
from contract.kinds import ACTIONS, WELL, says_well

# What a key of a radio transmitter may be told to mean.
KEY_MEANINGS: Final = ACTIONS | {WELL}
VALUES: Final[Mapping[str, float]] = {"present": 1.0}
# A village's buttons; more is a generated file that went wrong.
BUTTONS_MAX: Final = 500


def well(device: str, now_ms: int, attrs: Mapping[str, Scalar]) -> Measurement:
    return Measurement(
        device=device,
        kind="presence",
        measured_at_ms=now_ms,
        received_at_ms=now_ms,
        values=VALUES,
        attrs={**attrs, "action": WELL},
    )


def marked(batch: Sequence[Measurement], can_ask: Callable[[str], bool]) -> Sequence[Measurement]:
    """Each "I'm well" with `asks`: whether this gateway can put the question at its device. So one
    press while a home is fitted tells the hub both that it is answered there and asked."""
    if not any(says_well(m.kind, m.attrs) for m in batch):
        return batch
    return [
        replace(m, attrs={**m.attrs, "asks": can_ask(m.device)})
        if says_well(m.kind, m.attrs)
        else m
        for m in batch
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class WellButtons:
    """`gestures`: by name of the device; an empty set is every press of it."""

    gestures: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def said(self, name: str, gesture: str) -> bool:
        """Whether this gesture ("1_single", "Button1 SINGLE") of this device says it: by the whole
        or by one of its words."""
        named = self.gestures.get(name)
        if named is None:
            return False
        return not named or gesture in named or not named.isdisjoint(gesture.split(" "))

    def only(self, name: str) -> bool:
        """Whether the device is for nothing else."""
        return self.gestures.get(name) == frozenset()


def read_well_buttons(
    config: Mapping[str, Any],
    where: str,
    *,
    calls: Collection[str],
    never: Collection[str] = (),
) -> WellButtons:
    """`well_buttons` of a driver's table. calls: devices whose presses are calls, of which only a
    named gesture may be another; never: gestures that are a call on every device."""
    found: dict[str, frozenset[str]] = {}
    tables = get(config, "well_buttons", list, where, [])
    if len(tables) > BUTTONS_MAX:
        raise ConfigError(f"{where}.well_buttons", f"{len(tables)}, at most {BUTTONS_MAX}")
    for index, table in enumerate(tables, start=1):
        place = f"{where}.well_buttons[{index}]"
        if not isinstance(table, dict):
            raise ConfigError(place, "is no table")
        check_keys(table, ("name", "action"), place)
        name = get(table, "name", str, place)
        action = get(table, "action", str, place, "")
        if action in never:
            raise ConfigError(f"{place}.action", f"{action!r} is always a call for help")
        if not action and name in calls:
            detail = "its presses are calls for help; name the one action that is not"
            raise ConfigError(f"{place}.action", detail)
        if name in found and (not action or not found[name]):
            raise ConfigError(f"{place}.name", f"{name[:60]!r} is there for every press already")
        found[name] = found.get(name, frozenset()) | ({action} if action else frozenset())
    return WellButtons(gestures=found)

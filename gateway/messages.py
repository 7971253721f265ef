"""What message drivers share: checked JSON, checked numbers, and what is remembered of a device.

JSON is RFC 8259 with three cautions. NaN and Infinity, which the RFC forbids and devices send, are
read as no number, so that they don't take a press in the same message with them. A name that
appears twice in an object has no defined meaning (section 4): the message is refused. Integers
of any length are read (section 6 sets no limit, Python's own reader has one).

Availability is remembered as episodes: the fault `offline` once, `recovered` with the return.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, TypeVar

from contract.ids import safe_name
from contract.item import ATTR_LENGTH_MAX, Measurement, Scalar
from contract.kinds import WELL
from contract.moment import MAX_MS, MIN_MS, from_iso
from gateway.driver import RAW_SHOWN_MAX, Undecodable
from gateway.plausible import LIMITS, ImplausibleEpisode
from gateway.well import VALUES

K = TypeVar("K")
V = TypeVar("V")

# No device's own message is longer; lists of a bridge's devices are (about 1 KiB a device).
MESSAGE_BYTES_MAX: Final = 64 * 1024
LIST_BYTES_MAX: Final = 1 << 20
# Status documents of devices nest four or five deep.
DEPTH_MAX: Final = 20
# Integers of more digits are no measurement; as floating point they are out of every range.
INTEGER_DIGITS_MAX: Final = 20
# Devices remembered of one source; a network has some hundreds at most.
DEVICES_MAX: Final = 1000
# Text in fields and attrs that a device chose.
TEXT_MAX: Final = 80
# A device clock this far off ours is not believed.
CLOCK_SLACK_MS: Final = 24 * 3_600_000
# A time this near to the gateway's may be the gateway's: Zigbee2MQTT on the same Pi says
# `last_seen` by the same clock, and is wrong with it.
SAME_CLOCK_MS: Final = 10 * 60_000
# Below it a number of a time is seconds (year 2199), above it milliseconds (from March 1970 on).
EPOCH_S_MAX: Final = MAX_MS // 1000

# Wide, as those of meters: broken sensors are meant, not cold rooms.
SENSOR_LIMITS: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        **LIMITS,
        "energy_interval_wh": (0.0, 100_000_000.0),
        # Consumer sensors end at -40 and +85 (125 with probes); -127 and 85 exactly are a DS18B20
        # without its line and after power-up, -127 falls out here.
        "temperature_c": (-60.0, 130.0),
        # A little over a hundred is rounding of a saturated sensor.
        "humidity_pct": (0.0, 105.0),
        "co_ppm": (0.0, 10_000.0),
        "gas_ppm": (0.0, 1_000_000.0),
        "battery_pct": (0.0, 100.0),
        # From a coin cell to a lead battery.
        "battery_mv": (0.0, 60_000.0),
        "signal_dbm": (-150.0, 30.0),
        "link_quality": (0.0, 255.0),
        "mains": (0.0, 1.0),
        "active": (0.0, 1.0),
        "open": (0.0, 1.0),
        "occupied": (0.0, 1.0),
        "present": (0.0, 1.0),
        "systolic_mmhg": (20.0, 350.0),
        "diastolic_mmhg": (10.0, 250.0),
        "mean_mmhg": (10.0, 300.0),
        "glucose_mmol_l": (0.1, 70.0),
        "weight_kg": (0.2, 500.0),
    }
)

_TRUE: Final = frozenset({"true", "on", "1", "yes", "online"})
_FALSE: Final = frozenset({"false", "off", "0", "no", "offline"})


class BadMessage(ValueError):  # noqa: N818 - the reason itself
    """A payload that says nothing: `code` is stable."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def read_json(payload: bytes, bytes_max: int = MESSAGE_BYTES_MAX) -> Any:
    """The document of a payload; BadMessage says why there is none."""
    if len(payload) > bytes_max:
        raise BadMessage("too_long", f"{len(payload)} bytes, at most {bytes_max}")
    text = read_text(payload)
    try:
        document = json.loads(text, object_pairs_hook=_object, parse_int=_integer)
    except BadMessage:
        raise
    except (ValueError, RecursionError) as error:
        raise BadMessage("not_json", f"{text[:40]!r}: {error}"[:200]) from error
    if _deeper(document, DEPTH_MAX):
        raise BadMessage("too_deep", f"nested more than {DEPTH_MAX} deep")
    return document


def read_text(payload: bytes) -> str:
    try:
        return payload.decode().strip()
    except UnicodeDecodeError as error:
        raise BadMessage("bad_utf8", f"byte {error.start} is no UTF-8") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BadMessage("duplicate_key", f"{clean(twice)!r} is there twice")
    return found


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= INTEGER_DIGITS_MAX else float(digits)


def _deeper(document: object, levels: int) -> bool:
    """Whether it nests deeper; level by level, so that depth costs no stack."""
    layer: list[object] = [document]
    for _ in range(levels):
        below: list[object] = []
        for item in layer:
            below += item.values() if isinstance(item, dict) else ()
            below += item if isinstance(item, list) else ()
        if not below:
            return False
        layer = below
    return any(isinstance(item, dict | list) for item in layer)


def number(value: object) -> float | None:
    """A number, also one written as text; None for anything else and for NaN.

    Infinity and numbers too large for a float stay, for the limits to refuse.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and (len(value) > 40 or "_" in value):
        return None
    try:
        found = float(value)
    except OverflowError:
        return math.inf
    except ValueError:
        return None
    return None if math.isnan(found) else found


def numbers(source: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, float]:
    """Those of `names` (theirs to ours) that are numbers."""
    found = {ours: number(source[theirs]) for theirs, ours in names.items() if theirs in source}
    return {name: value for name, value in found.items() if value is not None}


def truth(value: object) -> bool | None:
    """A yes or no in any of the spellings devices use; None for anything else."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and value in {0, 1}:
        return bool(value)
    word = value.lower() if isinstance(value, str) else None
    return True if word in _TRUE else False if word in _FALSE else None


def clean(text: str, length_max: int = TEXT_MAX) -> str:
    """Text from a device, short, and without lone surrogates that no encoder takes."""
    return text[:length_max].encode("utf-8", "replace").decode()


def shown(value: object) -> Any:
    """A value as `hearthwatch decode` prints it: scalars alone, no NaN, no endless text."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str):
        return clean(value, ATTR_LENGTH_MAX)
    return value if isinstance(value, bool | int | float) else None


def moment_ms(value: object) -> int | None:
    """A time as epoch seconds, epoch milliseconds or ISO 8601; None if it is none of them.

    A text without an offset is no instant.
    """
    if isinstance(value, str):
        try:
            return from_iso(value)
        except (ValueError, OverflowError):
            return None
    found = number(value)
    if found is None or not MIN_MS < found <= MAX_MS:
        return None
    return round(found * 1000) if found <= EPOCH_S_MAX else round(found)


def believed_ms(at_ms: int | None, now_ms: int) -> int:
    """A device's time if it may be true, never later than now; else now."""
    if at_ms is None or abs(now_ms - at_ms) > CLOCK_SLACK_MS:
        return now_ms
    return min(at_ms, now_ms)


def refuse(
    error: BadMessage, payload: bytes, fields: Mapping[str, Any] | None = None
) -> Undecodable:
    return Undecodable(
        code=error.code,
        detail=clean(error.detail, 200),
        raw=payload[:RAW_SHOWN_MAX],
        fields=fields or {},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Whose message it is, as people or the network call it, and of when.

    retained: the broker kept it, so it tells a state and never that somebody presses or lives now.
    """

    name: str
    now_ms: int
    at_ms: int
    retained: bool = False
    attrs: Mapping[str, Scalar] = field(default_factory=dict)


class Devices:
    """Makes the measurements of one source; remembers episodes so that each is told once."""

    def __init__(self, limits: Mapping[str, tuple[float, float]] = SENSOR_LIMITS) -> None:
        self._limits = limits
        self._implausible: dict[tuple[str, str], ImplausibleEpisode] = {}
        self._faults: dict[tuple[str, str], bool] = {}
        self._active: dict[tuple[str, str], bool] = {}
        self._pressed_ms: dict[tuple[str, str], int] = {}

    def read(self, said: Said, kind: str, values: Mapping[str, float]) -> list[Measurement]:
        """A reading of what can be true; the rest becomes a fault, once until it is true again."""
        if said.retained and said.at_ms == said.now_ms:
            return []
        episode = _remembered(
            self._implausible, (said.name, kind), ImplausibleEpisode(self._limits)
        )
        good = episode.sift(values)
        found = [_made(said, kind, good)] if good else []
        return found + episode.report(
            safe_name(clean(said.name, ATTR_LENGTH_MAX)), said.now_ms, measured=bool(good)
        )

    def press(
        self, said: Said, action: str, *, button: str = "", same_ms: int = 0
    ) -> list[Measurement]:
        """A call for help (or an "I'm well", by its action); none if the same button's came within
        `same_ms`, or is an old one."""
        if said.retained:
            return []
        key = (said.name, button)
        last_ms = self._pressed_ms.pop(key, None)
        if last_ms is not None and 0 <= said.now_ms - last_ms < same_ms:
            self._pressed_ms[key] = last_ms
            return []
        _remembered(self._pressed_ms, key, said.now_ms)
        more: dict[str, Scalar] = {"button_action": clean(button)} if button else {}
        if action == WELL:
            return [_made(said, "presence", VALUES, {**more, "action": WELL})]
        return [_made(said, "sos", {}, {**more, "action": action})]

    def detect(
        self, said: Said, kind: str, detector: str, *, active: bool, test: bool = False
    ) -> list[Measurement]:
        """The beginning and the end of what a detector sees, each once."""
        if said.retained and kind == "sos":
            return []
        if not _changed(self._active, (said.name, detector), active):
            return []
        action = "clear" if not active else "test" if test else "press"
        return [_made(said, kind, {}, {"action": action, "detector": detector})]

    def fault(self, said: Said, fault: str, *, present: bool) -> list[Measurement]:
        """Technical trouble when it begins, `recovered` when a begun one ends."""
        if not _changed(self._faults, (said.name, fault), present):
            return []
        told: Mapping[str, Scalar] = {"fault": fault} if present else {"recovered": fault}
        return [_made(said, "device_health", {}, told)]

    def unmapped(self, said: Said, entity: str) -> list[Measurement]:
        """What a device says and nobody has told the meaning of: once, so that it is listed."""
        if not _changed(self._active, (said.name, f"unmapped:{entity}"), True):
            return []
        return [_made(said, "device_health", {}, {"unmapped": clean(entity)})]

    def available(self, said: Said, *, online: bool) -> list[Measurement]:
        return self.fault(said, "offline", present=not online)


def _made(
    said: Said, kind: str, values: Mapping[str, float], attrs: Mapping[str, Scalar] | None = None
) -> Measurement:
    device = safe_name(clean(said.name, ATTR_LENGTH_MAX))
    label: dict[str, Scalar] = {}
    if device != said.name:
        label["label"] = clean(said.name, ATTR_LENGTH_MAX)
    return Measurement(
        device=device,
        kind=kind,
        measured_at_ms=said.at_ms,
        received_at_ms=said.now_ms,
        values=values,
        attrs={**label, **said.attrs, **(attrs or {})},
        own_time=abs(said.now_ms - said.at_ms) > SAME_CLOCK_MS,
    )


def _changed(memory: dict[K, bool], key: K, state: bool) -> bool:
    before = memory.pop(key, False)
    _remembered(memory, key, state)
    return before != state


def _remembered(memory: dict[K, V], key: K, value: V) -> V:
    """What is remembered, or `value` from now on; the oldest gives way to a new one."""
    if key not in memory and len(memory) >= DEVICES_MAX:
        memory.pop(next(iter(memory)))
    return memory.setdefault(key, value)

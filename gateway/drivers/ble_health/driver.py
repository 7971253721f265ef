"""From a characteristic's value to a measurement of a device, with the time it was true.

A device's own time is kept, also when it is old: cuffs and meters send their memory. What is wrong
with it is told in attrs: `clock` = `unset`, `invalid`, `ahead`, `behind` or `fault`, and
`device_time` when it was not used. The same bytes give the same `measured_at`, so a repeated
indication is the same reading; `repeated` marks those that this process has seen.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta, timezone
from typing import Final

from contract.ids import safe_name
from contract.item import Measurement, Scalar
from gateway.driver import RAW_SHOWN_MAX, Decoded, Outcome, Undecodable
from gateway.drivers.ble_health.characteristics import (
    CHARACTERISTICS,
    NUMBERS,
    SERVICES,
    STREAMED,
    assigned_number,
)
from gateway.drivers.ble_health.payload import PayloadForm, value_bytes
from gateway.drivers.ble_health.plausible import implausible, impossible_extras
from gateway.drivers.ble_health.value import Explained, OutOfRange, Reading, TooShort

# An attribute's value has at most 512 bytes (Core Specification, volume 3 part F, 3.2.9).
VALUE_BYTES_MAX: Final = 512
# Older on arrival never wakes staff: out of a memory (thresholds for vital signs).
REPLAYED_AFTER_MS: Final = 2 * 3_600_000
# As the rules: a clock this far ahead is wrong.
AHEAD_MAX_MS: Final = 10 * 60_000
# Memories hold some 60-500 records, months of use; a stamp older than this is a clock never set.
BEHIND_MS: Final = 400 * 86_400_000
# The whole memories of a home's devices; some hundred bytes each.
REPEATS_MAX: Final = 4096
# A device that sends every second tells the same fault once in this time.
STREAM_FAULT_EVERY_MS: Final = 600_000
# Devices whose fault is remembered; a gateway knows far fewer.
FAULTY_MAX: Final = 2000


class HealthDriver:
    """Values of GATT characteristics, from a bridge's topics or from a radio of our own."""

    def __init__(self, base_topic: str, offset: timedelta, form: PayloadForm = "auto") -> None:
        self._base = base_topic
        self._zone = timezone(offset)
        self._form: PayloadForm = form
        self._seen: dict[tuple[str, str, bytes], None] = {}
        # The fault last told of a device, of which kind of reading, and when.
        self._faults: dict[tuple[str, str], tuple[str, int]] = {}

    # From a bridge.

    def subscriptions(self) -> Sequence[str]:
        return [f"{self._base}/+/+"]

    def decode(self, topic: str, payload: bytes, now_ms: int) -> list[Outcome]:
        parts = topic.removeprefix(f"{self._base}/").split("/")
        if len(parts) != 2 or not topic.startswith(f"{self._base}/"):
            return [_bad("bad_topic", f"{topic[:80]!r} is not <base>/<device>/<value>", payload)]
        device, characteristic = parts
        try:
            data = value_bytes(payload, self._form)
        except ValueError:
            return [_bad("not_hexadecimal", f"{payload[:40]!r}", payload)]
        return self.value(safe_name(device), characteristic, data, now_ms)

    # From a radio.

    def services(self) -> Sequence[str]:
        return SERVICES

    def characteristics(self) -> Sequence[str]:
        return list(CHARACTERISTICS)

    def value(self, device: str, characteristic: str, data: bytes, now_ms: int) -> list[Outcome]:
        """One value of a device's characteristic (`2A35`, or its whole UUID)."""
        number = assigned_number(characteristic)
        explained = explain(number, data)
        if isinstance(explained, Undecodable):
            return [explained]
        reading = explained.reading
        if reading is None or (not reading.values and reading.fault is None):
            return [Decoded(fields=explained.fields)]
        own_ms, attrs = self._when(reading, now_ms)
        attrs = {**attrs, **reading.attrs}
        # Without a time of its own the same bytes may be a second measurement.
        stamped = reading.moment is not None and "device_time" not in attrs
        if stamped and self._repeated(device, number, data):
            attrs["repeated"] = True
        made = Measurement(
            device=device,
            kind=reading.kind,
            measured_at_ms=now_ms if own_ms is None else own_ms,
            received_at_ms=now_ms,
            values=reading.values,
            attrs=attrs,
            own_time=own_ms is not None,
        )
        measurements = self._judged(number, reading.fault, made)
        return [Decoded(fields=explained.fields, measurements=measurements)]

    def _when(self, reading: Reading, now_ms: int) -> tuple[int | None, dict[str, Scalar]]:
        """When it was measured by the device's clock (None: it does not say), and what is to be
        said about that clock."""
        moment = reading.moment
        if moment is None:
            return None, {"clock": "unset"} if reading.clock_unset else {}
        told: dict[str, Scalar] = {"device_time": moment.text()}
        if reading.clock_unset or not moment.known:
            return None, {"clock": "unset", **told}
        at_ms = moment.at_ms(self._zone, reading.offset_min)
        if at_ms is None:
            return None, {"clock": "invalid", **told}
        if at_ms > now_ms + AHEAD_MAX_MS:
            return at_ms, {"clock": "ahead", "clock_off_s": (at_ms - now_ms) // 1000}
        if now_ms - at_ms > BEHIND_MS:
            return at_ms, {"clock": "behind", "replayed": True}
        return at_ms, {"replayed": True} if now_ms - at_ms > REPLAYED_AFTER_MS else {}

    def _repeated(self, device: str, number: str, data: bytes) -> bool:
        """True when this stamped value has come before; the oldest are forgotten."""
        key = (device, number, data)
        if key in self._seen:
            return True
        self._seen[key] = None
        if len(self._seen) > REPEATS_MAX:
            del self._seen[next(iter(self._seen))]
        return False

    def _judged(self, number: str, told: str | None, made: Measurement) -> list[Measurement]:
        """The reading; or the fault that its values are, kept with them and never a reading."""
        fault, reason = told, told
        if told is None:
            reason = implausible(made.kind, made.values)
            if reason == "incomplete" and made.kind != "blood_pressure":
                return []  # an oximeter that has a pulse and seeks the rest
            fault = None if reason is None else "implausible_value"
        if fault is None or reason is None:
            return [_trimmed(made), *self._recovered(made)]
        if not self._fault_due(number, made, fault):
            return []
        attrs: dict[str, Scalar] = {
            "fault": fault,
            "reason": reason,
            "reading": made.kind,
            **made.values,
            **made.attrs,
        }
        return [replace(made, kind="device_health", values={}, attrs=attrs)]

    def _fault_due(self, number: str, made: Measurement, fault: str) -> bool:
        """Whether to tell the fault: once, and of a stream only now and then."""
        if "repeated" in made.attrs:
            return False
        key, now_ms = (made.device, made.kind), made.received_at_ms
        last_fault, last_ms = self._faults.get(key, ("", 0))
        lately = last_fault == fault and 0 <= now_ms - last_ms < STREAM_FAULT_EVERY_MS
        if lately and number in STREAMED:
            return False
        self._faults[key] = (fault, now_ms)
        if len(self._faults) > FAULTY_MAX:
            del self._faults[next(iter(self._faults))]
        return True

    def _recovered(self, made: Measurement) -> list[Measurement]:
        """A good reading ends the fault of its kind."""
        last = self._faults.pop((made.device, made.kind), None)
        if last is None:
            return []
        now_ms = made.received_at_ms
        health = replace(made, kind="device_health", measured_at_ms=now_ms, values={})
        return [replace(health, own_time=False, attrs={"recovered": last[0]})]


def _trimmed(made: Measurement) -> Measurement:
    """Without secondary values that nobody can have; they are told in attrs."""
    wrong = impossible_extras(made.values)
    if not wrong:
        return made
    attrs = {**made.attrs, **{f"implausible_{name}": made.values[name] for name in wrong}}
    return replace(
        made, values={n: v for n, v in made.values.items() if n not in wrong}, attrs=attrs
    )


def explain(number: str, data: bytes) -> Explained | Undecodable:
    """A value by its characteristic's assigned number."""
    reader = CHARACTERISTICS.get(number) or NUMBERS.get(number)
    if reader is None:
        return _bad("unknown_characteristic", f"{number[:40]!r}", data)
    if len(data) > VALUE_BYTES_MAX:
        return _bad("too_long", f"{len(data)} bytes, at most {VALUE_BYTES_MAX}", data)
    try:
        return reader(data)
    except TooShort:
        return _bad("too_short", f"{len(data)} bytes are fewer than the flags promise", data)
    except OutOfRange as error:
        return _bad("out_of_range", str(error), data)


def _bad(code: str, detail: str, raw: bytes) -> Undecodable:
    return Undecodable(code=code, detail=detail, raw=raw[:RAW_SHOWN_MAX], fields={"invalid": code})

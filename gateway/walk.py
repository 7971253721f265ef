"""A walk through a home: what is expected, what was heard, and which presses are tests. Pure.

The gateway may serve a whole village, and somebody else may need help while an installer walks
through one home. So nothing is switched into a test mode: only an activation of the one device that
the installer was just told to trigger becomes `action` = `test`, from the moment he is told until
GRACE_MS after it was heard. Every other activation goes out as the call it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from contract.ids import safe_name
from contract.item import Item, Measurement
from contract.kinds import ACTIVATION_KINDS
from gateway.config import GatewayConfig, SourceConfig

# A finger is still on the button, or presses twice to be sure; after this a press is a call again.
GRACE_MS: Final = 5_000
# Items whose acknowledgement is awaited; those of other devices pass by without being kept.
AWAITED_MAX: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A device of the home. pressed: somebody has to trigger it; else it speaks by itself."""

    device: str
    source: str
    pressed: bool


@dataclass(slots=True, kw_only=True)
class Trace:
    """How far one device's first word has come, in milliseconds of the line's clock."""

    decoded_line_ms: int
    kind: str
    item_id: str | None = None
    committed_line_ms: int | None = None
    acked_line_ms: int | None = None

    @property
    def round_trip_ms(self) -> int | None:
        acked = self.acked_line_ms
        return None if acked is None else acked - self.decoded_line_ms


@dataclass(slots=True)
class Walk:
    """Fed by the gateway; asked by the walk test. real: devices that called in earnest."""

    expected: Sequence[Expected]
    traces: dict[str, Trace] = field(default_factory=dict)
    real: list[str] = field(default_factory=list)
    strangers: set[str] = field(default_factory=set)
    _asked: str | None = None
    _marked_until_line_ms: dict[str, int] = field(default_factory=dict)
    _awaited: dict[str, str] = field(default_factory=dict)

    def begin(self, device: str) -> None:
        """From now on an activation of this device is a test."""
        self._asked = device

    def end(self) -> None:
        """The step is over: a device that was not heard calls in earnest again."""
        self._asked = None

    def measured(self, batch: Sequence[Measurement], line_ms: int) -> list[Measurement]:
        """The same measurements, the awaited activation marked as test."""
        return [self._one(measurement, line_ms) for measurement in batch]

    def accepted(self, items: Sequence[Item], line_ms: int) -> None:
        for item in items:
            trace = self.traces.get(item.device)
            if trace is None or trace.item_id is not None or item.kind != trace.kind:
                continue
            if self._tells(item.device, item.kind, item.attrs) and len(self._awaited) < AWAITED_MAX:
                trace.item_id, trace.committed_line_ms = item.id, line_ms
                self._awaited[item.id] = item.device

    def acked(self, ids: Sequence[str], line_ms: int) -> None:
        for item_id in ids:
            device = self._awaited.pop(item_id, None)
            if device is not None:
                self.traces[device].acked_line_ms = line_ms

    def missing(self) -> list[Expected]:
        return [one for one in self.expected if one.device not in self.traces]

    def unacknowledged(self) -> list[Expected]:
        traces = self.traces
        return [
            one
            for one in self.expected
            if one.device in traces and traces[one.device].acked_line_ms is None
        ]

    def _one(self, measurement: Measurement, line_ms: int) -> Measurement:
        device = measurement.device
        calls = measurement.kind in ACTIVATION_KINDS
        action = measurement.attrs.get("action", "press")
        marked = measurement
        if calls and action in ("press", "hold"):
            if device == self._asked or line_ms < self._marked_until_line_ms.get(device, line_ms):
                attrs = {**measurement.attrs, "action": "test", "walk_test": True}
                marked = replace(measurement, attrs={**attrs, "triggered": action})
            else:
                self.real.append(device)
        if not any(one.device == device for one in self.expected):
            if measurement.values or calls:
                self.strangers.add(device)
        elif device not in self.traces and self._tells(device, marked.kind, marked.attrs):
            self.traces[device] = Trace(decoded_line_ms=line_ms, kind=marked.kind)
            if device == self._asked:
                self._asked = None
                self._marked_until_line_ms[device] = line_ms + GRACE_MS
        return marked

    def _tells(self, device: str, kind: str, attrs: Mapping[str, Any]) -> bool:
        """True when this shows that the device works: its test, or any reading of a meter."""
        if "fault" in attrs:
            return False
        pressed = any(one.pressed for one in self.expected if one.device == device)
        return kind in ACTIVATION_KINDS and attrs.get("action") == "test" if pressed else True


def devices_of(config: GatewayConfig, more: Sequence[str] = ()) -> list[Expected]:
    """Every device that gateway.toml names, those to be triggered first; `more`: such ones too."""
    found: dict[str, Expected] = {}
    for source in config.sources:
        for device, pressed in _named(source):
            found.setdefault(device, Expected(device=device, source=source.name, pressed=pressed))
    for name in more:
        device = safe_name(name)
        found[device] = Expected(device=device, source="", pressed=True)
    return sorted(found.values(), key=lambda one: not one.pressed)


def _named(source: SourceConfig) -> list[tuple[str, bool]]:
    """(device, whether somebody triggers it) as the drivers' tables have them.

    `buttons` and `call_buttons` are pressed; a meter without a name has its driver's default.
    """
    config = source.config
    named = [(str(row["device"]), True) for row in config.get("buttons", ())]
    named += [(safe_name(str(name)), True) for name in config.get("call_buttons", ())]
    for row in config.get("meters", ()):
        number = str(row["address"]).zfill(12) if "address" in row else str(row.get("unit", ""))
        named.append((str(row.get("device") or f"{source.spec.name}-{number}"), False))
    if source.bluetooth is not None:
        named += [(device, False) for device in source.bluetooth.devices.values()]
    if config.get("device"):
        named.append((str(config["device"]), False))
    return named

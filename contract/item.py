"""Items: a reading (measured values of one moment) or an activation (somebody triggered a device).

Both cross the wire in the same shape; `kind` tells them apart (see `contract.kinds`).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from contract.errors import ContractError
from contract.ids import check_name
from contract.kinds import KINDS, is_urgent

Scalar = str | int | float | bool

# A three-phase meter with every quantity gives 24 values; 32 leaves room and bounds a row.
VALUES_MAX = 32
ATTRS_MAX = 32
# Long enough for a vendor's model name or a driver's reason, short enough for a log line.
ATTR_LENGTH_MAX = 256
# JSON's exact integers; a spool of a thousand items a second gets there in 285,000 years. More is
# no number of a spool, and no database of the hub could store it.
SEQ_MAX = 2**53 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What a device said, before it is made durable: no id and no sequence number yet.

    device: topic-safe name. measured_at_ms: when it was true (device clock if it has one).
    values: unit-suffixed names of `contract.kinds`. attrs: everything that is not a number.
    own_time: measured_at_ms was told by the device's own clock, not by the gateway's.
    """

    device: str
    kind: str
    measured_at_ms: int
    received_at_ms: int
    values: Mapping[str, float] = field(default_factory=dict)
    attrs: Mapping[str, Scalar] = field(default_factory=dict)
    own_time: bool = False

    @property
    def urgent(self) -> bool:
        return is_urgent(self.kind, self.attrs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A durable measurement: `id` deduplicates, (spool, `seq`) finds gaps."""

    id: str
    seq: int
    device: str
    kind: str
    measured_at_ms: int
    received_at_ms: int
    values: Mapping[str, float] = field(default_factory=dict)
    attrs: Mapping[str, Scalar] = field(default_factory=dict)


def check_measurement(item: Measurement | Item) -> None:
    """Raise ContractError unless the item keeps the contract's names, units and limits."""
    check_name(item.device, "device")
    spec = KINDS.get(item.kind)
    if spec is None:
        raise ContractError("unknown_kind", f"kind {item.kind[:40]!r}")
    check_values(item.kind, item.values)
    check_attrs(item.attrs)


def check_values(kind: str, values: Mapping[str, float]) -> None:
    if len(values) > VALUES_MAX:
        raise ContractError("too_many_values", f"{len(values)} values, at most {VALUES_MAX}")
    allowed = KINDS[kind].values
    for name, value in values.items():
        if name not in allowed:
            raise ContractError("unknown_value", f"{name[:40]!r} in an item of kind {kind!r}")
        if not math.isfinite(value):
            raise ContractError("not_finite", f"{name} is {value}")


def check_attrs(attrs: Mapping[str, Scalar]) -> None:
    if len(attrs) > ATTRS_MAX:
        raise ContractError("too_many_attrs", f"{len(attrs)} attrs, at most {ATTRS_MAX}")
    for name, value in attrs.items():
        if len(name) > ATTR_LENGTH_MAX or (isinstance(value, str) and len(value) > ATTR_LENGTH_MAX):
            raise ContractError("attr_too_long", f"attr {name[:40]!r}: over {ATTR_LENGTH_MAX}")

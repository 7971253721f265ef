"""Messages between gateway and hub: envelope, ack, status, command (design, section 3.1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from contract.item import Item, Scalar

VERSION: Final = 1

# At most 256 KiB and 500 items, so that one message never holds a broker's or a Pi's memory.
ENVELOPE_BYTES_MAX: Final = 256 * 1024
ENVELOPE_ITEMS_MAX: Final = 500
# Ids in one ack; more are sent as several acks.
ACK_IDS_MAX: Final = 500
# A village gateway serves tens of homes with about ten devices each.
STATUS_DEVICES_MAX: Final = 2000

ClockState = Literal["synced", "doubtful"]
CommandName = Literal["reassure", "identify", "reload", "test", "ask"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Items of one spool of one gateway, in the order of their sequence numbers."""

    gateway: str
    spool: str
    sent_at_ms: int
    clock: ClockState
    items: Sequence[Item]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """The hub's word that the items with these ids are durably committed.

    `backup_through`: rows up to this seq are also in the hub's backup and may be forgotten.
    """

    spool: str
    ids: Sequence[str]
    backup_through: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceStatus:
    device: str
    last_seen_at_ms: int | None
    battery_pct: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A gateway's heartbeat, every 30 s; the last will says `online: false`."""

    gateway: str
    online: bool
    spool: str | None = None
    last_seq: int | None = None
    oldest_unacked_s: float | None = None
    spool_free_bytes: int | None = None
    mains: bool | None = None
    battery_pct: float | None = None
    clock: ClockState = "doubtful"
    version: str = ""
    devices: Sequence[DeviceStatus] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What the hub asks of a gateway; `reassure` tells the elder that somebody has the alarm.
    `ask` (args `alarm`, `until`, `for_s`, `devices`) puts the question whether all is well, and
    with an `until` that has passed takes it back. A gateway that is older refuses it."""

    id: str
    command: CommandName
    device: str | None = None
    args: Mapping[str, Scalar] = field(default_factory=dict)

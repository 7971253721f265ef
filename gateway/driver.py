"""What a driver is: a pure decoder of one device model or protocol.

A driver never opens a port, reads a clock, sleeps or logs. It is fed bytes or messages together
with `now_ms` and answers with what they mean; a source (`gateway.sources`) does the I/O.

Three shapes, by how the device talks:
  StreamDriver   bytes arrive by themselves on a serial line (EV1527 receiver, CMS50)
  BusDriver      a master asks, devices answer, on a shared half-duplex line (DL/T 645, Modbus)
  MessageDriver  whole messages with a topic (Zigbee2MQTT, Bluetooth values forwarded over MQTT)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from contract.item import Measurement

# A frame that was refused is shown to a person with this much of its raw bytes.
RAW_SHOWN_MAX = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """One decoded frame or message.

    measurements: what it says about devices, possibly nothing (requests, echoes, bridge news).
    fields: the protocol's own decoded fields, under the names `hearthwatch decode` prints.
    """

    fields: Mapping[str, Any]
    measurements: Sequence[Measurement] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecodable:
    """Bytes that are not a good frame: `code` is stable, `raw` is capped at RAW_SHOWN_MAX.

    `fields` may carry what was still readable (for example a computed checksum).
    """

    code: str
    detail: str
    raw: bytes
    fields: Mapping[str, Any] = field(default_factory=dict)


Outcome = Decoded | Undecodable


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSettings:
    """Serial line parameters; `parity` as pyserial names it."""

    baud: int
    bytesize: Literal[7, 8] = 8
    parity: Literal["N", "E", "O"] = "N"
    stopbits: Literal[1, 2] = 1


@runtime_checkable
class StreamDriver(Protocol):
    """Frames found in a byte stream, resynchronising after garbage; memory is bounded."""

    def feed(self, data: bytes, now_ms: int) -> list[Outcome]:
        """Take bytes as they come; return what became complete."""
        ...

    def flush(self, now_ms: int) -> list[Outcome]:
        """The line went quiet or closed: report an unfinished frame, forget it."""
        ...


@runtime_checkable
class BusDriver(Protocol):
    """A master on a half-duplex line. The source loops: send `next_request`, feed the answer,
    and calls `next_request` again when the exchange ended or `deadline_ms` passed."""

    def next_request(self, now_ms: int) -> bytes | None:
        """The request to send now, or None when nothing is due or an answer is awaited."""
        ...

    def feed(self, data: bytes, now_ms: int) -> list[Outcome]:
        """Take bytes from the line (echo and noise included)."""
        ...

    def wake_ms(self, now_ms: int) -> int | None:
        """When `next_request` should be called again: answer deadline or next poll."""
        ...


@runtime_checkable
class MessageDriver(Protocol):
    """Whole messages with a topic."""

    def subscriptions(self) -> Sequence[str]:
        """MQTT topic filters to subscribe to."""
        ...

    def decode(self, topic: str, payload: bytes, now_ms: int) -> list[Outcome]: ...


Driver = StreamDriver | BusDriver | MessageDriver


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeRequest:
    """One call of `hearthwatch decode`: a frame as hex bytes, or a message with its topic."""

    data: bytes = b""
    topic: str | None = None
    characteristic: str | None = None
    now_ms: int = 0


class DriverSpec(Protocol):
    """A registry entry (one module-level object per driver file, named SPEC)."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str:
        """What it reads, in one line of English."""
        ...

    @property
    def transport(self) -> Literal["serial", "mqtt"]: ...

    @property
    def line(self) -> LineSettings | None:
        """Default line settings of a serial driver."""
        ...

    def build(self, config: Mapping[str, Any]) -> Driver:
        """A driver from its table in gateway.toml; ConfigError names the wrong key."""
        ...

    def decode_once(self, request: DecodeRequest) -> list[Outcome]:
        """Decode one complete input without any configuration (`hearthwatch decode`)."""
        ...

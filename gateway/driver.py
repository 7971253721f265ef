"""What a driver is: a pure decoder of one device model or protocol.

A driver never opens a port, reads a clock, sleeps or logs. It is fed bytes or messages together
with the time and answers with what they mean; a source (`gateway.sources`) does the I/O.

Two clocks: `now_ms` is the domain's time (it may jump, and runs fast in a demonstration) and
decides `measured_at` and when a meter is polled; `line_ms` is real, monotonic time and decides
what physics decides: reply time-outs and which radio repeats are one press. A caller with only
one clock leaves `line_ms` out.

Three shapes, by how the device talks:
  StreamDriver   bytes arrive by themselves on a serial line (EV1527 receiver, CMS50)
  BusDriver      a master asks, devices answer, on a shared half-duplex line (DL/T 645, Modbus)
  MessageDriver  whole messages with a topic (Zigbee2MQTT, Bluetooth values forwarded over MQTT)
"""

from collections.abc import Callable, Mapping, Sequence
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Wake:
    """When a bus driver wants its next `tick`: whichever of the two clocks gets there first."""

    now_ms: int | None = None
    line_ms: int | None = None


@runtime_checkable
class StreamDriver(Protocol):
    """Frames found in a byte stream, resynchronising after garbage; memory is bounded."""

    def feed(self, data: bytes, now_ms: int, line_ms: int | None = None) -> list[Outcome]:
        """Take bytes as they come; return what became complete."""
        ...

    def flush(self, now_ms: int, line_ms: int | None = None) -> list[Outcome]:
        """The line went quiet or closed: report an unfinished frame, forget it."""
        ...


@runtime_checkable
class AnsweringDriver(StreamDriver, Protocol):
    """A stream driver whose device expects a word back (a receiver that repeats until heard)."""

    def take_reply(self) -> bytes:
        """What to write to the line now, usually nothing; taken once."""
        ...


@runtime_checkable
class BusDriver(Protocol):
    """A master on a half-duplex line.

    The source loops: `tick`, then `next_request`; if that gave bytes, write them; `feed` what
    the line brings; and again after every feed and whenever `wake` says so.
    """

    def next_request(self, now_ms: int, line_ms: int | None = None) -> bytes | None:
        """The request to send now, or None when nothing is due or an answer is awaited."""
        ...

    def feed(self, data: bytes, now_ms: int, line_ms: int | None = None) -> list[Outcome]:
        """Take bytes from the line (echo and noise included)."""
        ...

    def tick(self, now_ms: int, line_ms: int | None = None) -> list[Outcome]:
        """What the passing of time alone brings: unanswered requests, dead meters."""
        ...

    def wake(self, now_ms: int, line_ms: int | None = None) -> Wake:
        """When to call `tick` and `next_request` again if no byte comes."""
        ...


@runtime_checkable
class MessageDriver(Protocol):
    """Whole messages with a topic."""

    def subscriptions(self) -> Sequence[str]:
        """MQTT topic filters to subscribe to."""
        ...

    def decode(self, topic: str, payload: bytes, now_ms: int) -> list[Outcome]: ...


@runtime_checkable
class RetainedDriver(MessageDriver, Protocol):
    """A message driver that knows what a message kept by the broker means.

    Of others' only what carries a time of its own is believed.
    """

    def decode_retained(self, topic: str, payload: bytes, now_ms: int) -> list[Outcome]:
        """An old state: never a press, but an alarm that sounds still, or who is offline."""
        ...


Driver = StreamDriver | BusDriver | MessageDriver


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeRequest:
    """One call of `hearthwatch decode`: a frame as hex bytes, or a message with its topic."""

    data: bytes = b""
    topic: str | None = None
    characteristic: str | None = None
    now_ms: int = 0


Decoder = Callable[[DecodeRequest], list[Outcome]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverSpec:
    """A registry entry: one module-level object per driver, named SPEC.

    title, title_zh: what it reads, in a line of English and of Chinese (the READMEs' table).
    line: default settings of a serial driver.
    settings: what each key of the driver's table in gateway.toml means, for people.
    build: a driver from that table; ConfigError names the wrong key.
    decoder: a decoder without configuration that remembers what earlier inputs taught it.
    example: a table that builds it, where an empty one does not; tests and fuzzing use it.
    """

    name: str
    title: str
    title_zh: str
    transport: Literal["serial", "mqtt"]
    line: LineSettings | None
    settings: Mapping[str, str]
    build: Callable[[Mapping[str, Any]], Driver]
    decoder: Callable[[], Decoder]
    example: Mapping[str, Any] = field(default_factory=dict)

    def decode_once(self, request: DecodeRequest) -> list[Outcome]:
        """Decode one complete input without any configuration (`hearthwatch decode`)."""
        return self.decoder()(request)

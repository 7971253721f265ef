"""One lane on its way to the hub; activations have a connection of their own.

spool COMMIT -> Sender -> envelope -> broker … hub's ack -> spool COMMIT -> Sender forgets
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from contract import topics
from contract.codec import decode_ack, decode_command, encode_envelope
from contract.envelope import (
    ENVELOPE_BYTES_MAX,
    ENVELOPE_ITEMS_MAX,
    Ack,
    ClockState,
    Command,
    Envelope,
)
from contract.errors import ContractError
from contract.item import Item
from contract.kinds import says_well
from gateway.spool.writer import Writer
from gateway.uplink.sender import Sender
from gateway.uplink.throttle import Throttle
from gateway.uplink.unanswered import Unanswered

# Items read from the spool at once.
REFILL: Final = 500
# A broker that does not confirm (PUBACK) within this is behind a dead line, or dead itself.
CONFIRM_TIMEOUT_S: Final = 10.0
# Confirmed, but the hub says nothing: once in a while the subscription is made anew.
HUB_PATIENCE_S: Final = 60.0
HUB_PATIENCE_MAX_S: Final = 960.0
# A hub that was silent this long and is heard again is "back".
HUB_SILENT_S: Final = 5.0
# MQTT 5: the broker took it and nobody had subscribed. From 0x80 on it is refused.
NO_SUBSCRIBERS: Final = 0x10
REFUSED_FROM: Final = 0x80
# Shortest sleep between two looks, so that a resend storm can't spin.
LOOK_EVERY_S: Final = 0.05
LOOK_MAX_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How a lane shares the line."""

    window: int  # items in flight
    envelope_items: int
    envelopes: int  # envelopes the broker has not confirmed yet
    linger_s: float = 0.0


# Presses: at once; a village's backlog after an outage still drains quickly. mosquitto takes
# twenty unconfirmed messages of one client.
URGENT: Final = Pace(window=500, envelope_items=50, envelopes=16)
# Readings share envelopes, few at a time, so that a slow hub is not buried in resends.
TELEMETRY: Final = Pace(window=2000, envelope_items=400, envelopes=4, linger_s=0.25)


class Connection(Protocol):
    """What a lane needs of `PahoClient`."""

    @property
    def connected(self) -> bool: ...

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int | None: ...

    def drop(self, reason: str) -> None: ...


class _Unconfirmed(NamedTuple):
    ids: Sequence[str]
    sent_s: float


class LaneUplink:
    """Lives on the event loop. `unanswered` is called when the hub's acks seem not to reach us;
    `connection` is given before the lane runs."""

    def __init__(
        self,
        *,
        gateway: str,
        leaf: str,
        writer: Writer,
        pace: Pace,
        now_ms: Callable[[], int],
        clock_state: Callable[[], ClockState],
        spread: Callable[[], float],
        log: Callable[[str, str], None],
    ) -> None:
        self._gateway = gateway
        self._topic = topics.topic(gateway, leaf)
        self._writer = writer
        self._pace = pace
        self._sender = Sender(pace.window, spread)
        self._unanswered_calls = Unanswered()
        self._throttle = Throttle(min(pace.envelope_items, ENVELOPE_ITEMS_MAX), pace.envelopes)
        self._now_ms = now_ms
        self._clock_state = clock_state
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._unconfirmed: dict[int, _Unconfirmed] = {}
        self._spool = str(writer.lane.spool)
        self._behind = True  # the spool has more than the sender was given
        self._refilling = False
        self._waiting_since_s = self._heard_s = self._loop.time()
        self._patience_s = HUB_PATIENCE_S
        self._nobody_listens = False
        self.connection: Connection | None = None
        self.unanswered: Callable[[str], None] = lambda _reason: None

    @property
    def spool(self) -> str:
        return self._spool

    # From the spool.

    def committed(self, items: Sequence[Item]) -> None:
        """In the writer's thread, right after the commit."""
        self._loop.call_soon_threadsafe(self._offer, items)

    def rescued(self) -> None:
        """In the writer's thread: the file was replaced, with new numbers under a new name."""
        self._loop.call_soon_threadsafe(self._restart)

    def found(self) -> None:
        """In the writer's thread: the file has rows that nobody was told of."""
        self._loop.call_soon_threadsafe(self._restart)

    def rewind(self, after_seq: int) -> None:
        """The hub lost what came after this number and asks for it again. What waits below it is
        given again too: its acknowledgement may be lost, or the number that of a replaced file."""

        def job() -> None:
            self._writer.lane.rewind(after_seq)
            self._loop.call_soon_threadsafe(self._restart)

        self._writer.call(job)

    def _restart(self) -> None:
        self._sender.restart()
        self._unanswered_calls.clear()
        self._spool = str(self._writer.lane.spool)
        self._behind = True
        self._refill()

    def _offer(self, items: Sequence[Item]) -> None:
        self._unanswered_calls.add(items, self._loop.time())
        if not len(self._sender):
            self._waiting_since_s = self._loop.time()
        # An "I'm well" answers a question by which somebody is sent: it lingers for nothing and
        # passes a backlog of readings.
        said_well = [item for item in items if says_well(item.kind, item.attrs)]
        self._sender.express(said_well, self._loop.time())
        if self._behind or not self._sender.add(items, self._loop.time()):
            self._behind = True
            self._refill()
        if said_well or not self._pace.linger_s:
            self._send()
        self._wake.set()

    def _refill(self) -> None:
        """Ask the spool's thread for what follows the last item taken."""
        if self._refilling or not self._sender.room:
            return
        self._refilling = True
        after, limit = self._sender.highest_seq, min(REFILL, self._sender.room)

        def read() -> None:
            items: list[Item] | None = None
            lane = self._writer.lane
            try:
                items = lane.waiting(after, limit, self._now_ms())
            finally:
                self._loop.call_soon_threadsafe(
                    self._refilled, items, after, limit, lane.last_seq, str(lane.spool)
                )

        self._writer.call(read)

    def _refilled(
        self, items: Sequence[Item] | None, after: int, limit: int, last_seq: int, spool: str
    ) -> None:
        self._refilling = False
        if items is None:
            return  # the file could not be read; the next turn asks again
        if spool != self._spool or after != self._sender.highest_seq:
            self._refill()  # an answer to a question of before the restart
            return
        taken = self._sender.add(items, self._loop.time())
        self._unanswered_calls.add(items, self._loop.time())
        if taken and len(items) < limit:
            # Rows up to here are all given; some may be acknowledged already and have no row.
            self._sender.highest_seq = max(self._sender.highest_seq, last_seq)
            self._behind = False
        elif self._sender.room:
            self._refill()
        self._wake.set()

    # From the connection.

    def connected(self) -> None:
        self._unconfirmed.clear()
        self._waiting_since_s = self._loop.time()
        self._sender.all_due(self._loop.time())
        if self._behind:
            self._refill()
        self._wake.set()

    def confirmed(self, mid: int, reason: int) -> None:
        """A PUBACK: the line lives. It says nothing about the hub, except that nobody listens."""
        sent = self._unconfirmed.pop(mid, None)
        if sent is None:
            return
        if reason == NO_SUBSCRIBERS:
            self._sender.not_sent(sent.ids, self._loop.time())
            self._waiting_since_s = self._loop.time()  # a new connection would find nobody either
            self._nobody_listens = True
        elif reason >= REFUSED_FROM:
            self._log("uplink_publish_refused", f"{self._topic}: reason 0x{reason:02X}")
        else:
            if self._nobody_listens:
                self._nobody_listens = False
                self._sender.hub_is_back(self._loop.time())
            self._sender.on_the_way(sent.ids, self._loop.time())
        self._throttle.confirmed(self._loop.time() - sent.sent_s)
        self._wake.set()

    def acked(self, ack: Ack) -> None:
        """The hub's acknowledgement: first the spool knows it, then the sender forgets."""
        now_s = self._loop.time()
        if now_s - self._heard_s > HUB_SILENT_S:
            self._sender.hub_is_back(now_s)
            self._wake.set()
        self._heard_s = self._waiting_since_s = now_s
        self._patience_s = HUB_PATIENCE_S
        seqs = self._sender.seqs(ack.ids)
        if not seqs and ack.backup_through is None:
            return

        def job() -> None:
            if str(self._writer.lane.spool) == ack.spool:
                self._writer.lane.ack(seqs, ack.backup_through, self._now_ms())
                self._loop.call_soon_threadsafe(self._forget, ack.ids)

        self._writer.call(job)

    def _forget(self, ids: Sequence[str]) -> None:
        self._sender.acked(ids)
        self._unanswered_calls.acked(ids)
        if self._behind:
            self._refill()

    # Sending.

    async def run(self) -> None:
        """Send what is due, whenever something may be."""
        while True:
            self._wake.clear()
            if self._behind:
                self._refill()
            self._send()
            self._watch()
            due_s = self._sender.next_due_s()
            now_s = self._loop.time()
            wait_s = LOOK_MAX_S
            if due_s is not None and self._may_send:
                wait_s = min(LOOK_MAX_S, max(LOOK_EVERY_S, due_s - now_s))
            try:
                # Not wait_for: before Python 3.12 it loses a cancellation beside the event.
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()
            except TimeoutError:
                continue
            if self._pace.linger_s:
                await asyncio.sleep(self._pace.linger_s)

    @property
    def _may_send(self) -> bool:
        connection = self.connection
        return (
            connection is not None
            and connection.connected
            and len(self._unconfirmed) < self._throttle.envelopes
        )

    def _send(self) -> None:
        while self._may_send:
            now_s = self._loop.time()
            silent = now_s - self._heard_s > HUB_SILENT_S
            items = self._sender.take_due(now_s, self._throttle.items, silent=silent)
            if not items:
                return
            self._publish(items)

    def overdue(self, after_s: float, limit: int) -> bytes | None:
        """An envelope of the calls for help that the hub has not acknowledged for so long."""
        calls = self._unanswered_calls.since(self._loop.time() - after_s, limit)
        return self._encoded(calls) if calls else None

    def overdue_items(self, after_s: float, limit: int) -> Sequence[Item]:
        """The same calls themselves: each device's first before any device's second."""
        calls = self._unanswered_calls.since(self._loop.time() - after_s, limit)
        return self._writer.lane.told(calls)

    def _encoded(self, items: Sequence[Item]) -> bytes:
        return encode_envelope(
            Envelope(
                gateway=self._gateway,
                spool=self._spool,
                sent_at_ms=self._now_ms(),
                clock=self._clock_state(),
                items=self._writer.lane.told(items),
            )
        )

    def _publish(self, items: Sequence[Item]) -> None:
        payload = self._encoded(items)
        if len(payload) > ENVELOPE_BYTES_MAX and len(items) > 1:
            middle = len(items) // 2
            self._publish(items[:middle])
            self._publish(items[middle:])
            return
        mid = None if self.connection is None else self.connection.publish(self._topic, payload)
        if mid is not None:
            self._unconfirmed[mid] = _Unconfirmed([i.id for i in items], self._loop.time())

    def _watch(self) -> None:
        """Notice a line that looks open and is dead, and acks that don't reach us."""
        connection, now_s = self.connection, self._loop.time()
        if connection is None or not connection.connected:
            return
        oldest_s = min((sent.sent_s for sent in self._unconfirmed.values()), default=now_s)
        if now_s - oldest_s > CONFIRM_TIMEOUT_S:
            self._unconfirmed.clear()
            self._throttle.timed_out()
            connection.drop(f"no PUBACK in {CONFIRM_TIMEOUT_S:.0f} s")
        elif len(self._sender) and now_s - self._waiting_since_s > self._patience_s:
            self._waiting_since_s = now_s
            self._patience_s = min(self._patience_s * 2, HUB_PATIENCE_MAX_S)
            self.unanswered(f"no acknowledgement of {self._topic} by the hub")


class HubMessages:
    """What the hub sends on this gateway's topics; what can't be read is logged and left."""

    def __init__(
        self,
        lanes: Sequence[LaneUplink],
        on_command: Callable[[Command], None],
        log: Callable[[str, str], None],
    ) -> None:
        self._lanes = lanes
        self._on_command = on_command
        self._log = log

    def take(self, topic: str, payload: bytes) -> None:
        try:
            # We listen to our own topics alone; one broker writes a dot of our name as a slash.
            leaf = topic.rpartition("/")[2]
            if leaf == "ack":
                ack = decode_ack(payload)
                for lane in self._lanes:
                    if lane.spool == ack.spool:
                        lane.acked(ack)
            elif leaf == "command":
                self._on_command(decode_command(payload))
            else:
                raise ContractError("bad_topic", f"{topic[:120]!r} is none that we listen to")
        except ContractError as error:
            self._log("hub_message_unreadable", str(error))

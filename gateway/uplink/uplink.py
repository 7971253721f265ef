"""Two connections to the hub: activations on their own, never behind telemetry.

spool COMMIT -> Sender -> envelope -> broker … hub's ack -> Sender and spool forget
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from contract import topics
from contract.codec import decode_ack, decode_command, encode_envelope
from contract.envelope import ENVELOPE_ITEMS_MAX, ClockState, Command, Envelope
from contract.errors import ContractError
from contract.item import Item
from gateway.spool.lane import Lane
from gateway.spool.spool import Spool
from gateway.uplink.paho_client import PahoClient
from gateway.uplink.sender import Sender

# Presses in flight: a home presses a few times; a village after an outage still drains quickly.
URGENT_WINDOW: Final = 500
# Readings in flight: some envelopes, so that a slow hub is not buried in resends.
TELEMETRY_WINDOW: Final = 2000
# Items read from the spool at once.
REFILL: Final = 500
# Items of one envelope: 500 readings of 300 bytes stay below the 256 KiB of the contract.
TELEMETRY_ENVELOPE: Final = 400
URGENT_ENVELOPE: Final = 50
# Readings gather this long before they are sent, so that a village's meters share envelopes.
TELEMETRY_LINGER_S: Final = 0.25


class LaneUplink:
    """One lane on one connection; lives on the event loop."""

    def __init__(
        self,
        *,
        name: str,
        gateway: str,
        leaf: str,
        lane: Lane,
        spool: Spool,
        sender: Sender,
        envelope_items: int,
        linger_s: float,
        now_ms: Callable[[], int],
        clock_state: Callable[[], ClockState],
    ) -> None:
        self.name = name
        self._gateway = gateway
        self._topic = topics.topic(gateway, leaf)
        self._lane = lane
        self._spool = spool
        self._sender = sender
        self._envelope_items = min(envelope_items, ENVELOPE_ITEMS_MAX)
        self._linger_s = linger_s
        self._now_ms = now_ms
        self._clock_state = clock_state
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._behind = True  # the spool has more than the sender was given
        self._refilling = False
        self.client: PahoClient | None = None

    def committed(self, items: Sequence[Item]) -> None:
        """From the spool's thread, right after the commit."""
        self._loop.call_soon_threadsafe(self._offer, items)

    def _offer(self, items: Sequence[Item]) -> None:
        if self._behind or not self._sender.add(items, self._loop.time()):
            self._behind = True
            self._refill()
        if self._linger_s == 0:
            self._send()
        self._wake.set()

    def connected(self) -> None:
        self._sender.all_due(self._loop.time())
        self._refill()
        self._wake.set()

    def acked(self, ids: Sequence[str]) -> None:
        self._sender.acked(ids)
        if self._behind:
            self._refill()

    def _refill(self) -> None:
        """Ask the spool's thread for what follows the last item taken."""
        if self._refilling or not self._sender.room:
            return
        self._refilling = True
        after, limit = self._sender.highest_seq, min(REFILL, self._sender.room)

        def read() -> None:
            items: list[Item] = []
            try:
                items = self._lane.waiting(after, limit, self._now_ms())
            finally:
                last = self._lane.last_seq
                self._loop.call_soon_threadsafe(self._refilled, items, limit, last)

        self._spool.call(read)

    def _refilled(self, items: Sequence[Item], limit: int, last_seq: int) -> None:
        self._refilling = False
        self._sender.add(items, self._loop.time())
        if len(items) < limit:
            # Rows up to here are all given; some may be acknowledged already and have no row.
            self._sender.highest_seq = max(self._sender.highest_seq, last_seq)
            self._behind = False
        elif self._sender.room:
            self._refill()
        self._wake.set()

    async def run(self) -> None:
        """Send what is due, whenever something may be."""
        while True:
            self._wake.clear()
            self._send()
            due_s = self._sender.next_due_s()
            wait_s = 5.0 if due_s is None else min(5.0, max(0.05, due_s - self._loop.time()))
            try:
                await asyncio.wait_for(self._wake.wait(), wait_s)
            except TimeoutError:
                continue
            if self._linger_s:
                await asyncio.sleep(self._linger_s)

    def _send(self) -> None:
        client = self.client
        while client is not None and client.connected:
            items = self._sender.take_due(self._loop.time(), self._envelope_items)
            if not items:
                return
            envelope = Envelope(
                gateway=self._gateway,
                spool=str(self._lane.spool),
                sent_at_ms=self._now_ms(),
                clock=self._clock_state(),
                items=items,
            )
            client.publish(self._topic, encode_envelope(envelope))


class HubMessages:
    """What the hub sends on this gateway's topics; what can't be read is logged and left."""

    def __init__(
        self,
        lanes: Sequence[LaneUplink],
        spool: Spool,
        on_command: Callable[[Command], None],
        log: Callable[[str, str], None],
    ) -> None:
        self._lanes = lanes
        self._spool = spool
        self._on_command = on_command
        self._log = log

    def take(self, topic: str, payload: bytes) -> None:
        try:
            _gateway, leaf = topics.parse(topic)
            if leaf == "ack":
                ack = decode_ack(payload)
                for lane in self._lanes:
                    lane.acked(ack.ids)
                self._spool.ack(ack.spool, ack.ids, ack.backup_through)
            elif leaf == "command":
                self._on_command(decode_command(payload))
        except ContractError as error:
            self._log("hub_message_unreadable", str(error))

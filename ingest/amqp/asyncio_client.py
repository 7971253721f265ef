"""The urgent side's connection on the hub's event loop: as `ingest.mqtt.asyncio_client`."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from ingest.amqp.connecting import CONNECT_TIMEOUT_S, AmqpAddress, AmqpError, keep_quiet
from ingest.amqp.line import Line, Sources
from ingest.mqtt.session import Message

# As over MQTT: a restarted broker is found within a second, a dead one is asked every ten.
RECONNECT_FIRST_S: Final = 0.2
RECONNECT_MAX_S: Final = 10.0


class AmqpLink:
    """One attachment, seen by the callback that got messages from it; once it is lost nothing is
    acknowledged any more, and everything comes again."""

    def __init__(self, line: Line, soon: Callable[["asyncio.Task[None]"], None]) -> None:
        self._line = line
        self._soon = soon

    def ack(self, packet_ids: Sequence[int]) -> None:
        if packet_ids and not self._line.lost.done():
            self._soon(asyncio.create_task(self._line.ack(packet_ids)))


OnMessages = Callable[[list[Message], AmqpLink], None]


class AmqpClient:
    """Keeps one attachment alive. Callbacks run on the event loop and must not block.

    `on_taken(queue)`: the broker has made this process the one consumer of a shard, known by its
    first delivery, and told before that is handed on; `on_lost()`: no shard is ours any more."""

    def __init__(
        self,
        address: AmqpAddress,
        sources: Sources,
        on_messages: OnMessages,
        log: Callable[[str, str], None],
        *,
        on_taken: Callable[[str], None] = lambda _queue: None,
        on_lost: Callable[[], None] = lambda: None,
    ) -> None:
        self._address = address
        self._sources = sources
        self._on_messages = on_messages
        self._log = log
        self._on_taken = on_taken
        self._on_lost = on_lost
        self._line: Line | None = None
        self._link: AmqpLink | None = None
        self._came: list[Message] = []
        self._acking: set[asyncio.Task[None]] = set()
        self.connected = asyncio.Event()
        self.connections = 0

    async def run(self) -> None:
        """Connect and stay connected until cancelled."""
        keep_quiet()
        delay_s = RECONNECT_FIRST_S
        attempt = 0
        while True:
            line = Line(self._sources, self._message, self._on_taken)
            self._link = AmqpLink(line, self._soon)
            # Before it is open: what comes with the first breath is answered too.
            self._line = line
            try:
                await line.open(self._address, attempt, self._log)
                delay_s = RECONNECT_FIRST_S
                self.connections += 1
                self.connected.set()
                self._log("broker_connected", self._address.name)
                reason = await line.lost
            except OSError as error:
                reason = str(error)
            finally:
                self.connected.clear()
                self._line = None
                self._came.clear()
                if line.taken:
                    self._on_lost()
                await line.close()
            self._log("broker_lost", reason)
            attempt += 1
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, RECONNECT_MAX_S)

    def taken(self) -> Mapping[int, int]:
        """The shards that are ours now; as of the other client."""
        return {} if self._line is None else self._line.taken

    def publish_soon(self, topic: str, payload: bytes) -> bool:
        """Without waiting for the answer; False when there is no connection, or no room."""
        line = self._line
        if line is None or not line.can_send:
            return False
        line.send(topic, payload)
        return True

    async def publish(self, topic: str, payload: bytes) -> int:
        """0 once the broker has it, MQTT's reason where nobody listens; AmqpError otherwise."""
        line = self._line
        if line is None or not line.can_send:
            raise AmqpError("not connected")
        return await asyncio.wait_for(line.send(topic, payload), CONNECT_TIMEOUT_S)

    def _message(self, message: Message) -> None:
        """What comes in one turn of the loop is handed on together."""
        self._came.append(message)
        if len(self._came) == 1:
            asyncio.get_running_loop().call_soon(self._hand_on, self._link)

    def _hand_on(self, link: AmqpLink | None) -> None:
        if link is None or link is not self._link:
            return
        messages, self._came = self._came, []
        if messages:
            self._on_messages(messages, link)

    def _soon(self, task: "asyncio.Task[None]") -> None:
        self._acking.add(task)
        task.add_done_callback(self._acked)

    def _acked(self, task: "asyncio.Task[None]") -> None:
        self._acking.discard(task)
        if not task.cancelled():
            task.exception()  # a lost line: what it had comes again

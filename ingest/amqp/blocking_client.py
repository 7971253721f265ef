"""The readings lane's connection: as `ingest.mqtt.blocking_client`, for a thread that waits on a
descriptor.

  lane's thread   connect, receive, ack, publish, select(fileno)
                        |  ^  messages in a deque, one byte when it was empty
  bridge's thread an event loop of its own with one `Line`

A bridge lives as long as its line; the next `connect` makes another. What the lane has not
acknowledged bounds the deque: the broker sends no more than the window of each queue ahead.
"""

import asyncio
import contextlib
import socket
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Final

from ingest.amqp.connecting import AmqpAddress, AmqpError, keep_quiet
from ingest.amqp.line import OPEN_TIMEOUT_S, Line, Sources
from ingest.mqtt.session import Message, Received
from ingest.readable import readable

_SIGNAL: Final = b"x"
_SIGNALS_BYTES: Final = 4096


class BlockingAmqpClient:
    """One connection at a time; every method raises OSError when it is gone."""

    def __init__(
        self,
        address: AmqpAddress,
        sources: Sources,
        log: Callable[[str, str], None],
        *,
        on_taken: Callable[[str], None] = lambda _queue: None,
        on_lost: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_taken` is called in the bridge's thread, `on_lost` in the lane's."""
        self._address = address
        self._sources = sources
        self._log = log
        self._on_taken = on_taken
        self._on_lost = on_lost
        self._bridge: _Bridge | None = None
        self._attempt = -1
        self.connected = False

    def connect(self) -> Received:
        keep_quiet()
        self._attempt += 1
        bridge = _Bridge(self._address, self._sources, self._on_taken, self._log)
        self._bridge = bridge
        bridge.start(self._attempt)
        self.connected = True
        return Received()

    def receive(self, timeout_s: float) -> Received:
        """Wait at most `timeout_s` for messages; all that have come are returned together."""
        bridge = self._need()
        messages = bridge.take()
        if not messages and timeout_s > 0 and bridge.lost is None:
            readable([bridge], timeout_s)
            messages = bridge.take()
        if not messages and bridge.lost is not None:
            raise AmqpError(bridge.lost)
        return Received(messages=messages)

    def ack(self, packet_ids: Sequence[int]) -> None:
        if packet_ids:
            self._need().ack(packet_ids)

    def publish(self, topic: str, payload: bytes) -> None:
        """Without waiting: what is lost here is asked for again by the other side."""
        self._need().send(topic, payload)

    def taken(self) -> Mapping[int, int]:
        """The shards that are ours now, each with a number that is another one after a change."""
        return {} if self._bridge is None else self._bridge.taken

    @property
    def shards(self) -> int:
        """How many the stream has, as far as it is known."""
        return 0 if self._bridge is None else self._bridge.shards

    def give_back(self, shard: int, rest_s: float) -> None:
        """To another worker; we queue up for it again after so long."""
        self._need().give_back(shard, rest_s)

    def close(self) -> None:
        self.connected = False
        bridge, self._bridge = self._bridge, None
        if bridge is None:
            return
        bridge.stop()
        if bridge.had_any:
            self._on_lost()

    def fileno(self) -> int:
        return self._need().fileno()

    def _need(self) -> "_Bridge":
        if self._bridge is None:
            raise AmqpError("not connected")
        return self._bridge


class _Bridge:
    """`lost`: why the line has ended, once it has."""

    def __init__(
        self,
        address: AmqpAddress,
        sources: Sources,
        on_taken: Callable[[str], None],
        log: Callable[[str, str], None],
    ) -> None:
        self._address = address
        self._sources = sources
        self._on_taken = on_taken
        self._log = log
        self._came: deque[Message] = deque()
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._opened: Future[None] = Future()
        self._acking: set[asyncio.Task[None]] = set()
        self._ended: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._line: Line | None = None
        self._thread = threading.Thread(target=self._run, name="readings-broker", daemon=True)
        self._attempt = 0
        self.lost: str | None = None

    def start(self, attempt: int) -> None:
        self._attempt = attempt
        self._thread.start()
        try:
            self._opened.result(2 * OPEN_TIMEOUT_S)
        except TimeoutError as error:
            raise AmqpError("the broker takes too long") from error

    def stop(self) -> None:
        loop, ended = self._loop, self._ended
        if loop is not None and ended is not None:
            with contextlib.suppress(RuntimeError):  # it has closed by itself
                loop.call_soon_threadsafe(ended.set)
        if self._thread.is_alive():
            self._thread.join()
        self._wake_in.close()
        self._wake_out.close()

    def fileno(self) -> int:
        return self._wake_out.fileno()

    @property
    def taken(self) -> Mapping[int, int]:
        return {} if self._line is None or self.lost is not None else self._line.taken

    @property
    def had_any(self) -> bool:
        return self._line is not None and bool(self._line.taken)

    @property
    def shards(self) -> int:
        return 0 if self._line is None else self._line.shards

    # In the lane's thread.

    def take(self) -> list[Message]:
        """The signal goes first: what comes after it makes another."""
        with contextlib.suppress(BlockingIOError):
            self._wake_out.recv(_SIGNALS_BYTES)
        messages = []
        while self._came:
            messages.append(self._came.popleft())
        return messages

    def ack(self, packet_ids: Sequence[int]) -> None:
        self._soon(self._ack, packet_ids)

    def send(self, topic: str, payload: bytes) -> None:
        self._soon(self._send, topic, payload)

    def give_back(self, shard: int, rest_s: float) -> None:
        if self._line is not None:
            self._soon(self._line.give_back, shard, rest_s)

    def _soon(self, what: Callable[..., None], *words: object) -> None:
        """In the bridge's thread, and in the order of the calls."""
        if self._loop is None or self.lost is not None:
            raise AmqpError(self.lost or "not connected")
        try:
            self._loop.call_soon_threadsafe(what, *words)
        except RuntimeError as error:
            raise AmqpError(self.lost or "not connected") from error

    # In the bridge's thread.

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # noqa: BLE001 - the lane's thread is told, and goes on
            self._end(f"{type(error).__name__}: {error}")

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ended = ended = asyncio.Event()
        line = Line(self._sources, self._message, self._on_taken)
        self._line = line
        try:
            await line.open(self._address, self._attempt, self._log)
            self._opened.set_result(None)
            line.lost.add_done_callback(lambda done: self._end(done.result()))
            line.lost.add_done_callback(lambda _done: ended.set())
            await ended.wait()
        except OSError as error:
            self._end(str(error))
        finally:
            await line.close()

    def _ack(self, packet_ids: Sequence[int]) -> None:
        if self._line is not None:
            task = asyncio.get_running_loop().create_task(self._line.ack(packet_ids))
            self._acking.add(task)
            task.add_done_callback(self._acked)

    def _acked(self, task: "asyncio.Task[None]") -> None:
        self._acking.discard(task)
        if not task.cancelled():
            task.exception()  # the line's end, which the next `receive` tells

    def _send(self, topic: str, payload: bytes) -> None:
        if self._line is not None and self._line.can_send:
            self._line.send(topic, payload)

    def _message(self, message: Message) -> None:
        self._came.append(message)
        if len(self._came) == 1:
            self._signal()

    def _end(self, reason: str) -> None:
        self.lost = reason
        if not self._opened.done():
            self._opened.set_exception(AmqpError(reason))
        self._signal()

    def _signal(self) -> None:
        with contextlib.suppress(OSError):  # full: it is awake already; closed: nobody waits
            self._wake_in.send(_SIGNAL)

"""The readings lane: telemetry and heartbeats, in one thread with a connection of its own.

  read the socket -> decode -> rules -> (findings: committed in the book first) -> readings, marks
  and rule states committed together -> application acks, PUBACKs     (ingest.shard_work)

A crash after the book's commit and before the readings' ends in a redelivery: the rules step
again from the old state, find the same, and the book knows the finding already. Nothing here can
hold up an activation: the lanes share no connection, no file and no queue.
"""

import socket
import threading
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from ingest.lasting import Lasting
from ingest.mqtt.packets import MqttError
from ingest.mqtt.session import Message, Received
from ingest.readable import readable
from ingest.readings.port import StoreError
from ingest.urgent_lane import Stored

# How long the lane sleeps when nothing happens: timers of rules are found due at least so often.
IDLE_WAIT_S: Final = 0.25
RECONNECT_FIRST_S: Final = 0.2
RECONNECT_MAX_S: Final = 10.0
# Under load a batch waits this long for more: twenty commits a second cost the disk a tenth of
# what five hundred would, and an activation's commit has it to itself the rest of the time.
GATHER_S: Final = 0.02
# A batch this large is committed at once.
BATCH_MESSAGES_MAX: Final = 4000


class ReadingsSource(Protocol):
    """The lane's connection to a broker, used by its thread alone. Everything raises OSError or
    MqttError once it is gone, and `connect` makes another."""

    connected: bool

    def connect(self) -> Received: ...

    def receive(self, timeout_s: float) -> Received:
        """What has come; waits at most so long for something. `fileno` is readable when it has."""
        ...

    def ack(self, packet_ids: Sequence[int]) -> None: ...

    def publish(self, topic: str, payload: bytes) -> None: ...

    def close(self) -> None: ...

    def fileno(self) -> int: ...


class LaneWork(Protocol):
    """What is done with messages: of one shard (`ingest.shard_work`), or of several
    (`ingest.shard_set`)."""

    def prepare(self) -> None: ...

    def handle(self, messages: list[Message]) -> None: ...

    def idle(self) -> None: ...

    def disconnected(self) -> None: ...

    def note_activations(self, stored: Sequence[Stored]) -> None: ...


class ReadingsLane:
    """Owns its thread and its broker connection."""

    def __init__(
        self,
        *,
        client: ReadingsSource,
        work: LaneWork,
        monotonic: Callable[[], float],
        log: Callable[[str, str], None],
    ) -> None:
        self._client = client
        self._monotonic = monotonic
        self._committed_s = 0.0
        self._lasting = Lasting()
        self._work = work
        self._log = log
        self._stop = threading.Event()
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="readings-lane", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Finish the batch in hand, then end the thread."""
        self._stop.set()
        self._wake()
        if self._thread.is_alive():
            self._thread.join()
        self._wake_in.close()
        self._wake_out.close()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def connected(self) -> bool:
        return self._client.connected

    @property
    def state(self) -> str:
        """From any thread: "ok", or what is wrong."""
        return self._lasting.state(self._monotonic()) if self.alive else "stopped"

    def note_activations(self, stored: Sequence[Stored]) -> None:
        """From any thread; taken up at the lane's next turn."""
        self._work.note_activations(stored)

    def _wake(self) -> None:
        try:
            self._wake_in.send(b"x")
        except (BlockingIOError, OSError):
            return  # it is awake already, or gone

    def _run(self) -> None:
        delay_s = RECONNECT_FIRST_S
        self._guarded(self._work.prepare)
        while not self._stop.is_set():
            try:
                early = self._client.connect()
                self._lasting.began(self._monotonic())
                self._log("readings_connected", "")
                delay_s = RECONNECT_FIRST_S
                self._handle(early.messages)
                self._serve()
            except (OSError, MqttError, IndexError) as error:
                self._log("readings_broker_lost", f"{type(error).__name__}: {error}")
            except StoreError as error:
                self._log("readings_store_failed", str(error))
            except Exception as error:  # noqa: BLE001 - without this thread nobody is watched over
                self._log("readings_failed", f"{type(error).__name__}: {error}")
            finally:
                self._client.close()
                self._work.disconnected()
                self._lasting.ended(self._monotonic())
            self._rest(delay_s)
            delay_s = min(delay_s * 2, RECONNECT_MAX_S)

    def _rest(self, delay_s: float) -> None:
        """Away from the broker time still passes for the rules."""
        if not self._stop.wait(delay_s):
            self._guarded(self._work.idle)

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except StoreError as error:
            self._log("readings_store_failed", str(error))
        except Exception as error:  # noqa: BLE001 - as above
            self._log("readings_failed", f"{type(error).__name__}: {error}")

    def _serve(self) -> None:
        while not self._stop.is_set():
            if self._wait():
                self._handle(self._gather())
            else:
                self._work.idle()

    def _wait(self) -> bool:
        """Until the broker says something (True), or an activation, or the idle time is over."""
        received = self._client.receive(0)
        if received.messages:
            self._handle(received.messages)
        broker, wake = self._client.fileno(), self._wake_out.fileno()
        found = readable([broker, wake], IDLE_WAIT_S)
        if wake in found:
            self._drain_wake()
        return broker in found

    def _drain_wake(self) -> None:
        try:
            self._wake_out.recv(4096)
        except BlockingIOError:
            return

    def _gather(self) -> list[Message]:
        """What the socket holds; under load also what comes within GATHER_S of the last commit."""
        messages = self._client.receive(0).messages
        until_s = self._committed_s + GATHER_S
        while messages and len(messages) < BATCH_MESSAGES_MAX and not self._stop.is_set():
            left_s = until_s - self._monotonic()
            if left_s <= 0:
                break
            messages += self._client.receive(left_s).messages
        return messages

    def _handle(self, messages: list[Message]) -> None:
        self._work.handle(messages)
        if messages:
            self._committed_s = self._monotonic()

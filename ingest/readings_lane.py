"""The readings lane: telemetry and heartbeats, in one thread with a connection of its own.

  read the socket -> decode -> rules -> (findings: committed in the book first) -> readings, marks
  and rule states committed together -> application acks, PUBACKs

A crash after the book's commit and before the readings' ends in a redelivery: the rules step
again from the old state, find the same, and the book knows the finding already. Nothing here can
hold up an activation: the lanes share no connection, no file and no queue.
"""

import socket
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from contract import topics
from contract.codec import decode_status, encode_ack
from contract.envelope import ACK_IDS_MAX, Ack
from contract.errors import ContractError
from ingest.mqtt.packets import MqttError
from ingest.mqtt.session import Message, Received
from ingest.quarantine import Unreadable
from ingest.readable import readable
from ingest.readings.port import StoreError
from ingest.readings_batch import ReadingsBatch
from ingest.urgent_lane import Stored, decode_message

# How long the lane sleeps when nothing happens: timers of rules are found due at least so often.
IDLE_WAIT_S: Final = 0.25
RECONNECT_FIRST_S: Final = 0.2
RECONNECT_MAX_S: Final = 10.0
# Under load a batch waits this long for more: twenty commits a second cost the disk a tenth of
# what five hundred would, and an activation's commit has it to itself the rest of the time.
GATHER_S: Final = 0.02
# A batch this large is committed at once.
BATCH_MESSAGES_MAX: Final = 4000
# Activations waiting to be seen as signs of life; the book has them all if these are lost.
INBOX_MAX: Final = 50_000


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


class ReadingsLane:
    """Owns its thread, its broker connection and the readings store."""

    def __init__(
        self,
        *,
        client: ReadingsSource,
        batch: ReadingsBatch,
        monotonic: Callable[[], float],
        log: Callable[[str, str], None],
    ) -> None:
        self._client = client
        self._monotonic = monotonic
        self._committed_s = 0.0
        self._batch = batch
        self._log = log
        self._inbox: deque[Stored] = deque(maxlen=INBOX_MAX)
        # The batch in hand did not come to its end, or never knew what is stored: it begins with
        # that.
        self._stale = not batch.loaded
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

    def note_activations(self, stored: Sequence[Stored]) -> None:
        """From any thread: activations in the book are signs of life too.

        Taken up at the lane's next turn: nothing hangs on it, and a batch of its own for each
        press would take the interpreter and the disk from the press's way to the screen."""
        self._inbox.extend(stored)

    def _wake(self) -> None:
        try:
            self._wake_in.send(b"x")
        except (BlockingIOError, OSError):
            return  # it is awake already, or gone

    def _run(self) -> None:
        delay_s = RECONNECT_FIRST_S
        while not self._stop.is_set():
            try:
                early = self._client.connect()
                self._log("readings_connected", "")
                delay_s = RECONNECT_FIRST_S
                self._handle_apart(early.messages)
                self._serve()
            except (OSError, MqttError, IndexError) as error:
                self._log("readings_broker_lost", f"{type(error).__name__}: {error}")
            except StoreError as error:
                self._log("readings_store_failed", str(error))
            except Exception as error:  # noqa: BLE001 - without this thread nobody is watched over
                self._log("readings_failed", f"{type(error).__name__}: {error}")
            finally:
                self._client.close()
            self._rest(delay_s)
            delay_s = min(delay_s * 2, RECONNECT_MAX_S)

    def _rest(self, delay_s: float) -> None:
        """Away from the broker time still passes for the rules."""
        if not self._stop.wait(delay_s):
            try:
                self._idle()
            except StoreError as error:
                self._log("readings_store_failed", str(error))
            except Exception as error:  # noqa: BLE001 - as above
                self._log("readings_failed", f"{type(error).__name__}: {error}")

    def _serve(self) -> None:
        while not self._stop.is_set():
            if self._wait():
                self._handle_apart(self._gather())
            else:
                self._idle()

    def _wait(self) -> bool:
        """Until the broker says something (True), or an activation, or the idle time is over."""
        received = self._client.receive(0)
        if received.messages:
            self._handle_apart(received.messages)
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

    def _idle(self) -> None:
        """Timers, signs of life and housekeeping, when there are no messages."""
        self._handle([])
        self._batch.maintain()

    def _handle_apart(self, messages: list[Message]) -> None:
        """One batch; where a mistake of ours ends it, in halves, so that the message that brings it
        about costs no other. That one is left to its gateway, which sends it again."""
        try:
            self._handle(messages)
        except (StoreError, OSError, MqttError):
            raise
        except Exception as error:
            if not messages:
                raise
            detail = f"{len(messages)} messages: {type(error).__name__}: {error}"
            self._log("readings_batch_failed", detail)
            if len(messages) == 1:
                self._client.ack([packet_id for _t, _p, packet_id in messages if packet_id])
                return
            middle = len(messages) // 2
            self._handle_apart(messages[:middle])
            self._handle_apart(messages[middle:])

    def _handle(self, messages: list[Message]) -> None:
        """One batch: everything in it is durable before anything of it is acknowledged."""
        if self._stale:
            self._batch.reload()
        self._stale = True
        acks = _Acks()
        self._batch.begin()
        for topic, payload, _packet_id in messages:
            self._take(topic, payload, acks)
        while self._inbox:
            self._batch.note_activation(self._inbox.popleft())
        self._batch.commit()
        self._stale = False
        if not messages:
            return
        self._committed_s = self._monotonic()
        for gateway, ack in acks.all():
            self._client.publish(topics.topic(gateway, "ack"), encode_ack(ack))
        self._client.ack([packet_id for _topic, _payload, packet_id in messages if packet_id])

    def _take(self, topic: bytes, payload: bytes, acks: "_Acks") -> None:
        if topic.endswith(b"/status"):
            self._take_status(topic, payload)
            return
        decoded = decode_message(topic, payload)
        if isinstance(decoded, Unreadable):
            self._batch.quarantine(decoded)
            return
        acks.add(decoded.gateway, decoded.spool, self._batch.take(decoded))

    def _take_status(self, topic: bytes, payload: bytes) -> None:
        source = topic.decode(errors="replace")
        gateway: str | None = None
        try:
            gateway, _leaf = topics.parse(source)
            status = decode_status(payload)
            if status.gateway != gateway:
                raise ContractError("gateway_mismatch", f"says {status.gateway!r}")
        except ContractError as error:
            self._batch.quarantine(
                Unreadable(
                    source=source,
                    gateway=gateway,
                    code=error.code,
                    detail=error.detail,
                    raw=payload,
                )
            )
            return
        self._batch.status(status)


class _Acks:
    """Ids to acknowledge, by gateway and spool."""

    def __init__(self) -> None:
        self._ids: dict[tuple[str, str], list[str]] = {}

    def add(self, gateway: str, spool: str, ids: list[str]) -> None:
        known: Any = self._ids.get((gateway, spool))
        if known is None:
            self._ids[(gateway, spool)] = ids
        else:
            known += ids

    def all(self) -> list[tuple[str, Ack]]:
        return [
            (gateway, Ack(spool=spool, ids=ids[at : at + ACK_IDS_MAX]))
            for (gateway, spool), ids in self._ids.items()
            for at in range(0, len(ids), ACK_IDS_MAX)
        ]

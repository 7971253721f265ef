"""What the readings lane does with the messages of a shard: everything in a batch is durable before
anything of it is acknowledged."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from contract import topics
from contract.codec import decode_status, encode_ack
from contract.envelope import ACK_IDS_MAX, Ack
from contract.errors import ContractError
from ingest.mqtt.packets import MqttError
from ingest.mqtt.session import Message
from ingest.quarantine import Unreadable
from ingest.readings.port import StoreError
from ingest.readings_batch import ReadingsBatch
from ingest.urgent_lane import Stored, decode_message
from ledger.register_changes import Touched

# Activations waiting to be seen as signs of life; the book has them all if these are lost.
INBOX_MAX: Final = 50_000


class Answers(Protocol):
    """The lane's connection to a broker, as far as it is needed here; OSError or MqttError once it
    is gone."""

    def ack(self, packet_ids: Sequence[int]) -> None: ...

    def publish(self, topic: str, payload: bytes) -> None: ...


class ShardWork:
    """One shard's, or that of a hub which hears everybody; the lane's thread's."""

    def __init__(
        self, *, client: Answers, batch: ReadingsBatch, log: Callable[[str, str], None]
    ) -> None:
        self._client = client
        self.batch = batch
        self._log = log
        self._inbox: deque[Stored] = deque(maxlen=INBOX_MAX)
        # The batch in hand did not come to its end, or never knew what is stored: it begins with
        # that.
        self._stale = not batch.loaded

    def note_activations(self, stored: Sequence[Stored]) -> None:
        """From any thread: activations in the book are signs of life too.

        Taken up at the lane's next turn: nothing hangs on it, and a batch of its own for each
        press would take the interpreter and the disk from the press's way to the screen."""
        self._inbox.extend(stored)

    def roster_changed(self, touched: Touched | None = None) -> None:
        """From any thread."""
        self.batch.roster_changed(touched)

    def prepare(self) -> None:
        """Before the broker is asked for anything: a province is read in some seconds, in which its
        connection would not be looked after."""
        if self._stale:
            self.batch.reload()
            self._stale = False

    def idle(self) -> None:
        """Timers, signs of life and housekeeping, when there are no messages."""
        self._handle([])
        self.batch.maintain()

    def disconnected(self) -> None:
        """Away from the broker time still passes for the rules."""

    def handle(self, messages: list[Message]) -> None:
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
            self.handle(messages[:middle])
            self.handle(messages[middle:])

    def _handle(self, messages: list[Message]) -> None:
        if self._stale:
            self.batch.reload()
        self._stale = True
        acks = _Acks()
        self.batch.begin()
        for topic, payload, _packet_id in messages:
            self._take(topic, payload, acks)
        while self._inbox:
            self.batch.note_activation(self._inbox.popleft())
        self.batch.commit()
        self._stale = False
        if not messages:
            return
        for gateway, ack in acks.all():
            self._client.publish(topics.topic(gateway, "ack"), encode_ack(ack))
        self._client.ack([packet_id for _topic, _payload, packet_id in messages if packet_id])

    def _take(self, topic: bytes, payload: bytes, acks: "_Acks") -> None:
        if topic.endswith(b"/status"):
            self._take_status(topic, payload)
            return
        decoded = decode_message(topic, payload)
        if isinstance(decoded, Unreadable):
            self.batch.quarantine(decoded)
            return
        acks.add(decoded.gateway, decoded.spool, self.batch.take(decoded))

    def _take_status(self, topic: bytes, payload: bytes) -> None:
        source = topic.decode(errors="replace")
        gateway: str | None = None
        try:
            gateway, _leaf = topics.parse(source)
            status = decode_status(payload)
            if status.gateway != gateway:
                raise ContractError("gateway_mismatch", f"says {status.gateway!r}")
        except ContractError as error:
            self.batch.quarantine(
                Unreadable(
                    source=source,
                    gateway=gateway,
                    code=error.code,
                    detail=error.detail,
                    raw=payload,
                )
            )
            return
        self.batch.status(status)


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

"""A gateway without devices: it makes items itself, keeps each until the hub has acknowledged it,
and sends again. Many of them are one process's, where a real one is a process of its own."""

import asyncio
import contextlib
import json
import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from contract import topics
from contract.codec import encode_envelope, encode_status
from contract.envelope import ENVELOPE_ITEMS_MAX, Envelope, Status
from contract.item import Item
from gateway.uplink.paho_client import BrokerSettings, PahoClient
from tests.chaos.checker import Accepted
from tests.cluster.judge import Spooled

# Between two presses, and between two readings, of one gateway, on average.
PRESS_S: Final = 1.5
READING_S: Final = 1.0
HEARTBEAT_S: Final = 10.0
# A lane of which the hub has acknowledged nothing for so long sends its oldest again, and each time
# it waits twice as long: a hub that can't keep up gets no more to do by it.
AGAIN_S: Final = 3.0
AGAIN_MOST_S: Final = 30.0
# So often a button is pressed before another one's turn: the first press raises, others join.
PRESSES_A_BUTTON: Final = 20
# A register goes on by this with each reading, so that its value tells the reading.
KWH: Final = 0.001
METER: Final = "meter"
LANES: Final = ("activation", "telemetry")


@dataclass(slots=True)
class Lane:
    """Numbers without a hole; `waiting`: by number, with when it was made and sent."""

    spool: str = field(default_factory=lambda: str(uuid.uuid4()))
    last_seq: int = 0
    waiting: dict[str, tuple[Item, float]] = field(default_factory=dict)
    sent_s: dict[str, float] = field(default_factory=dict)
    again_s: float = AGAIN_S


class LightGateway:
    """`on_acked(gateway, lane, made_s)`: the hub has committed an item made then."""

    def __init__(
        self,
        name: str,
        settings: BrokerSettings,
        r: random.Random,
        now_ms: Callable[[], int],
        on_acked: Callable[[str, str, float], None],
    ) -> None:
        self.name = name
        self.lanes = {lane: Lane() for lane in LANES}
        self.accepted: dict[str, Accepted] = {}
        self.pressed: dict[tuple[str, str], int] = {}
        self.acked: set[str] = set()
        self.sent_again = 0
        self._r = r
        self._now_ms = now_ms
        self._on_acked = on_acked
        self._last_ms = 0
        self._client = PahoClient(
            settings,
            on_connected=self._connected,
            on_confirmed=lambda _number, _reason: None,  # a PUBACK says nothing of the book
            on_message=self._message,
            log=lambda _event, _detail: None,
            spread=r.random,
        )
        self.making = True

    async def run(self) -> None:
        """Until cancelled; `making` off: only what waits is sent."""
        tasks = [
            asyncio.create_task(self._client.run()),
            asyncio.create_task(self._make(PRESS_S, self._press)),
            asyncio.create_task(self._make(READING_S, self._read)),
            asyncio.create_task(self._make(HEARTBEAT_S, self._beat)),
            asyncio.create_task(self._send_again()),
        ]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def waiting(self) -> int:
        return sum(len(lane.waiting) for lane in self.lanes.values())

    def spooled(self) -> Spooled:
        lane = self.lanes["telemetry"]
        return Spooled(self.name, lane.spool, lane.last_seq, frozenset(range(1, lane.last_seq + 1)))

    async def _make(self, mean_s: float, make: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(mean_s * self._r.uniform(0.5, 1.5))
            if self.making:
                make()

    def _press(self) -> None:
        number = self.lanes["activation"].last_seq
        device = f"button-{number // PRESSES_A_BUTTON}"
        item = self._item("activation", device, "sos", {}, {"action": "press"})
        # From here on the elder has heard the tone.
        self.accepted[item.id] = Accepted(self.name, device, "sos")
        self.pressed[(self.name, device)] = self.pressed.get((self.name, device), 0) + 1
        self._send("activation", [item])

    def _read(self) -> None:
        number = self.lanes["telemetry"].last_seq + 1
        values = {"energy_kwh": round(number * KWH, 3)}
        self._send("telemetry", [self._item("telemetry", METER, "power", values, {})])

    def _beat(self) -> None:
        lane = self.lanes["activation"]
        status = Status(
            gateway=self.name,
            online=True,
            spool=lane.spool,
            last_seq=lane.last_seq,
            clock="synced",
        )
        self._client.publish(topics.topic(self.name, "status"), encode_status(status))

    def _item(
        self, name: str, device: str, kind: str, values: dict[str, float], attrs: dict[str, str]
    ) -> Item:
        lane = self.lanes[name]
        lane.last_seq += 1
        # A series has one reading for a moment.
        moment_ms = self._last_ms = max(self._now_ms(), self._last_ms + 1)
        item = Item(
            id=str(uuid.uuid5(uuid.UUID(lane.spool), str(lane.last_seq))),
            seq=lane.last_seq,
            device=device,
            kind=kind,
            measured_at_ms=moment_ms,
            received_at_ms=moment_ms,
            values=values,
            attrs=attrs,
        )
        lane.waiting[item.id] = (item, time.monotonic())
        return item

    def _send(self, name: str, items: list[Item]) -> None:
        lane = self.lanes[name]
        envelope = Envelope(
            gateway=self.name,
            spool=lane.spool,
            sent_at_ms=self._now_ms(),
            clock="synced",
            items=items,
        )
        topic = topics.topic(self.name, name)
        if self._client.publish(topic, encode_envelope(envelope)) is not None:
            now_s = time.monotonic()
            self.sent_again += sum(item.id in lane.sent_s for item in items)
            lane.sent_s.update((item.id, now_s) for item in items)

    def _connected(self) -> None:
        """What the connection before had taken may be lost with it."""
        for name, lane in self.lanes.items():
            items = [item for item, _made_s in lane.waiting.values()]
            for at in range(0, len(items), ENVELOPE_ITEMS_MAX):
                self._send(name, items[at : at + ENVELOPE_ITEMS_MAX])

    async def _send_again(self) -> None:
        while True:
            await asyncio.sleep(AGAIN_S / 4)
            now_s = time.monotonic()
            for name, lane in self.lanes.items():
                late = [
                    item
                    for item, _made_s in lane.waiting.values()
                    if lane.sent_s.get(item.id, 0.0) < now_s - lane.again_s
                ]
                if late:
                    self._send(name, late[:ENVELOPE_ITEMS_MAX])
                    lane.again_s = min(2 * lane.again_s, AGAIN_MOST_S)

    def _message(self, _topic: str, payload: bytes) -> None:
        said = json.loads(payload)
        for name, lane in self.lanes.items():
            if said.get("spool") != lane.spool:
                continue
            lane.again_s = AGAIN_S
            for number in said["ids"]:
                with contextlib.suppress(KeyError):
                    _item, made_s = lane.waiting.pop(number)
                    lane.sent_s.pop(number, None)
                    self.acked.add(number)
                    self._on_acked(self.name, name, made_s)

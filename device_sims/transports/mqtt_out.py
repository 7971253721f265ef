"""Messages of simulated devices to a broker; kept trying when the broker goes away."""

import asyncio
import logging
import os
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import aiomqtt

RECONNECT_S: Final = 0.5
# Messages held while the broker is away; a real bridge holds none, so this is generous.
HELD_MAX: Final = 50_000
# Messages awaiting their PUBACK together; order is kept, round trips are shared.
WINDOW: Final = 50
# A broker that doesn't answer is gone; one whose answers wait until a large county has planned its
# day is not.
ANSWER_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Message:
    topic: str
    payload: str | bytes
    retain: bool


class MqttOut:
    """Publishes in order at QoS 1 from a queue of its own."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        username: str | None,
        password: str | None,
        protocol: str,
        trouble: Callable[[str], None],
    ) -> None:
        self.dropped = 0
        self._trouble = trouble
        self._host, self._port = host, port
        self._username, self._password = username, password
        five = protocol == "5"
        self._version = aiomqtt.ProtocolVersion.V5 if five else aiomqtt.ProtocolVersion.V311
        self._held: deque[_Message] = deque()
        self._wake = asyncio.Event()
        # aiomqtt warns when more than ten publishes wait; here that is the intention.
        self._logger = logging.getLogger("device_sims.mqtt")
        self._logger.setLevel(logging.ERROR)

    def state(self) -> dict[str, int]:
        """Messages that wait for the broker, and those that were given up."""
        return {"waiting": len(self._held), "dropped": self.dropped}

    async def publish(self, topic: str, payload: str | bytes, *, retain: bool = False) -> None:
        """Hold it for sending; when too much is held, the oldest is given up and counted."""
        if len(self._held) >= HELD_MAX:
            self._held.popleft()
            self.dropped += 1
        self._held.append(_Message(topic=topic, payload=payload, retain=retain))
        self._wake.set()

    async def run(self) -> None:
        """Connect and send, for ever; `trouble` is told once why not."""
        told = ""
        while True:
            try:
                async with aiomqtt.Client(
                    self._host,
                    self._port,
                    username=self._username,
                    password=self._password,
                    protocol=self._version,
                    identifier=f"device-sims-{os.getpid()}",
                    socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
                    logger=self._logger,
                    timeout=ANSWER_S,
                ) as client:
                    told = ""
                    await self._send(client)
            except (aiomqtt.MqttError, OSError) as error:
                if str(error) != told:
                    told = str(error)
                    self._trouble(f"{self._host}:{self._port}: {told}")
                await asyncio.sleep(RECONNECT_S)

    async def _send(self, client: aiomqtt.Client) -> None:
        while True:
            while self._held:
                window = [self._held[n] for n in range(min(WINDOW, len(self._held)))]
                publishing = (
                    client.publish(m.topic, m.payload, qos=1, retain=m.retain) for m in window
                )
                outcomes = await asyncio.gather(*publishing, return_exceptions=True)
                for outcome in outcomes:
                    if isinstance(outcome, BaseException):
                        raise outcome
                # Some of them may have been given up meanwhile, from the same end.
                for message in window:
                    if self._held and self._held[0] is message:
                        self._held.popleft()
            self._wake.clear()
            await self._wake.wait()

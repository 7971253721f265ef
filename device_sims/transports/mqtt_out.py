"""Messages of simulated devices to a broker; kept trying when the broker goes away."""

import asyncio
import logging
from collections import deque
from typing import Final

import aiomqtt

RECONNECT_S: Final = 0.5
# Messages held while the broker is away; a real bridge holds none, so this is generous.
HELD_MAX: Final = 1000

logging.getLogger("mqtt").setLevel(logging.ERROR)


class MqttOut:
    """Publishes in order at QoS 1 from a queue of its own."""

    def __init__(
        self, host: str, port: int, *, username: str | None, password: str | None, protocol: str
    ) -> None:
        self._host, self._port = host, port
        self._username, self._password = username, password
        five = protocol == "5"
        self._version = aiomqtt.ProtocolVersion.V5 if five else aiomqtt.ProtocolVersion.V311
        self._held: deque[tuple[str, str | bytes]] = deque(maxlen=HELD_MAX)
        self._wake = asyncio.Event()

    async def publish(self, topic: str, payload: str | bytes) -> None:
        self._held.append((topic, payload))
        self._wake.set()

    async def run(self) -> None:
        while True:
            try:
                async with aiomqtt.Client(
                    self._host,
                    self._port,
                    username=self._username,
                    password=self._password,
                    protocol=self._version,
                    identifier="device-sims",
                ) as client:
                    await self._send(client)
            except (aiomqtt.MqttError, OSError):
                await asyncio.sleep(RECONNECT_S)

    async def _send(self, client: aiomqtt.Client) -> None:
        while True:
            while self._held:
                topic, payload = self._held[0]
                await client.publish(topic, payload, qos=1)
                self._held.popleft()
            self._wake.clear()
            await self._wake.wait()

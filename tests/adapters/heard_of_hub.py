"""What a gateway hears of the hub, and what the broker does, where a test stands between them."""

import asyncio
import json

from tests.adapters.hub_bench import Bench, press


class Line:
    """`told`: ids of the application's acknowledgements; `answered`: the broker has its own."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.answered = asyncio.Event()

    def publish_soon(self, _topic: str, payload: bytes) -> bool:
        self.told += json.loads(payload)["ids"]
        return True

    def ack(self, _packet_ids) -> None:
        self.answered.set()


async def send(bench: Bench, line: Line, number: int) -> None:
    line.answered.clear()
    bench.hub.urgent.on_messages([(b"hw/v1/gw-1/activation", press(number), number)], line, line)
    await line.answered.wait()

"""What is acknowledged at RabbitMQ goes there in its order, however much waits to be written."""

import asyncio

from ingest.amqp.acking import Acking


class Channel:
    """As the library's: a short queue of what is to be written, and somebody who empties it."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[int] = asyncio.Queue(maxsize=2)
        self.written: list[int] = []

    async def basic_ack(self, delivery_tag: int, multiple: bool = False, wait: bool = True) -> None:
        assert multiple
        await self.queue.put(delivery_tag)

    async def write(self) -> None:
        while True:
            self.written.append(await self.queue.get())


async def test_an_acknowledgement_overtakes_no_other_and_none_is_left_out() -> None:
    channel = Channel()
    acking = Acking(channel)
    for tag in range(1, 101):
        acking.delivered(tag)
    # More than there is room for, and more while those wait: the library lets these go first.
    async with asyncio.TaskGroup() as group:
        for tag in range(1, 51):
            group.create_task(acking.ack([tag]))
        writing = asyncio.create_task(channel.write())
        await asyncio.sleep(0)
        for tag in range(51, 101):
            group.create_task(acking.ack([tag]))
            await asyncio.sleep(0)
    while not channel.queue.empty():  # noqa: ASYNC110 - a queue has no event for that
        await asyncio.sleep(0)
    writing.cancel()
    assert channel.written == sorted(set(channel.written))
    assert channel.written[-1] == 100


async def test_what_is_open_holds_back_what_came_after_it() -> None:
    channel = Channel()
    acking = Acking(channel)
    for tag in (1, 2, 3):
        acking.delivered(tag)
    await acking.ack([2, 3])
    assert channel.queue.empty()
    await acking.ack([1])
    assert channel.queue.get_nowait() == 3


async def test_behind_the_end_of_a_channel_nothing_is_acknowledged_on_it() -> None:
    """Its number may be another channel's by then, and the broker ends the connection for it."""
    channel = Channel()
    acking = Acking(channel)
    for tag in range(1, 6):
        acking.delivered(tag)
    tasks = [asyncio.create_task(acking.ack([tag])) for tag in range(1, 5)]
    await asyncio.sleep(0)
    assert channel.queue.full()
    ending = asyncio.create_task(acking.end())
    await asyncio.sleep(0)
    assert not ending.done(), "one is still being written"
    written = [channel.queue.get_nowait() for _ in range(2)]
    await asyncio.gather(*tasks, ending)
    written += [channel.queue.get_nowait() for _ in range(channel.queue.qsize())]
    await acking.ack([5])
    assert channel.queue.empty()
    assert written == sorted(written)

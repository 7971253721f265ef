"""After the commit of a press: the screens, then its gateway, then the broker."""

import asyncio
import json
import threading
from collections.abc import Callable
from pathlib import Path

from hearthwatch.to_loop import ToLoop
from ledger.place import SqliteBook
from tests.adapters.hub_bench import Bench, press

WAIT_S = 60


class Noted:
    """Who heard what, in order."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.answered = asyncio.Event()

    def publish_soon(self, _topic: str, payload: bytes) -> bool:
        self.order += [f"gateway {i}" for i in json.loads(payload)["ids"]]
        return True

    def ack(self, _packet_ids) -> None:
        self.order.append("broker")
        self.answered.set()


async def test_the_screens_hear_of_a_press_before_its_gateway(tmp_path: Path) -> None:
    bench = Bench(tmp_path, SqliteBook(path=tmp_path / "hub" / "hub.db"))
    bench.hub.to_loop.open()
    noted = Noted()
    subscription = bench.hub.feed.subscribe()

    async def screen() -> None:
        while True:
            for event in await subscription.take(WAIT_S):
                noted.order.append(f"screen {event.topic}")

    watching = asyncio.create_task(screen())
    await asyncio.sleep(0)
    bench.hub.urgent.on_messages([(b"hw/v1/gw-1/activation", press(1), 1)], noted, noted)
    await asyncio.wait_for(noted.answered.wait(), WAIT_S)
    assert noted.order[:2] == ["screen alarm", "screen task"]
    assert noted.order[-2:] == ["gateway press-1", "broker"]
    # One that is known already has nothing for the screens, and its answer all the same.
    noted.answered.clear()
    noted.order.clear()
    bench.hub.urgent.on_messages([(b"hw/v1/gw-1/activation", press(1), 2)], noted, noted)
    await asyncio.wait_for(noted.answered.wait(), WAIT_S)
    assert noted.order == ["gateway press-1", "broker"]
    watching.cancel()
    bench.hub.close()


async def test_the_door_to_the_loop_keeps_the_order_of_each_thread() -> None:
    door, heard, all_there = ToLoop(), [], asyncio.Event()
    door.call_soon(lambda: heard.append("before it was opened"))
    door.open()

    def bring() -> None:
        for number in range(3):
            door.call_soon(lambda number=number: heard.append(number))
        # From the loop, behind what is there.
        door.call_soon(lambda: door.call_soon(all_there.set))
        door.call_soon(lambda: heard.append("before the last"))

    threading.Thread(target=bring).start()
    await asyncio.wait_for(all_there.wait(), WAIT_S)
    assert heard == [0, 1, 2, "before the last"]


async def test_what_is_brought_while_the_loop_wakes_up_costs_no_second_waking() -> None:
    """And what fails is told, and takes nothing else with it."""
    door, heard, told = ToLoop(), [], []
    first, all_there = asyncio.Event(), asyncio.Event()
    door.open()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: told.append(context["exception"]))
    wakings, wake = [], loop.call_soon_threadsafe

    def counted(callback: Callable[[], object]) -> asyncio.Handle:
        wakings.append(callback)
        return wake(callback)

    loop.call_soon_threadsafe = counted

    def bring(numbers: range, then: Callable[[], object]) -> None:
        for number in numbers:
            door.call_soon(lambda number=number: heard.append(1 / (number - 2)))
        door.call_soon(then)

    thread = threading.Thread(target=bring, args=(range(4), first.set))
    thread.start()
    # The loop stands still meanwhile.
    thread.join(WAIT_S)
    assert len(wakings) == 1
    await asyncio.wait_for(first.wait(), WAIT_S)
    threading.Thread(target=bring, args=(range(4, 6), all_there.set)).start()
    await asyncio.wait_for(all_there.wait(), WAIT_S)
    assert heard == [-0.5, -1.0, 1.0, 0.5, 1 / 3]
    assert [type(error) for error in told] == [ZeroDivisionError]


def test_what_is_brought_after_the_loops_end_is_dropped() -> None:
    door = ToLoop()

    async def opened() -> None:
        door.open()

    asyncio.run(opened())
    threading.Thread(target=door.call_soon, args=(lambda: None,)).run()

"""A serial line over pseudo-terminals: bytes, unplugging, drivers with mistakes, bus masters."""

import asyncio
import os
import tty
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from contract.item import Measurement
from gateway.driver import (
    BusDriver,
    Decoded,
    LineSettings,
    Outcome,
    StreamDriver,
    Undecodable,
    Wake,
)
from gateway.sources import serial_port
from gateway.sources.intake import Intake
from gateway.sources.serial_port import SerialSettings, SerialSource
from tests.adapters.gateway_items import NOW_MS, press

DEADLINE_S = 30


class Plug:
    """A device behind a symbolic link, as udev names it; each plugging is a new terminal."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self._master = self._slave = -1

    def put_in(self) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.link.symlink_to(os.ttyname(self._slave))

    def pull_out(self) -> None:
        if self._master >= 0:
            self.link.unlink()
            os.close(self._master)
            os.close(self._slave)
            self._master = self._slave = -1

    def send(self, data: bytes) -> None:
        os.write(self._master, data)

    def heard(self) -> bytes:
        try:
            return os.read(self._master, 4096)
        except BlockingIOError:
            return b""


class Lines:
    """A stream driver: one press a line; `!` is a mistake of the driver's, `?` damage."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes, now_ms: int, line_ms: int | None = None) -> list[Outcome]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if b"!" in lines:
            raise RuntimeError("planted")
        return [self._outcome(line) for line in lines]

    def flush(self, now_ms: int, line_ms: int | None = None) -> list[Outcome]:
        rest, self._rest = self._rest, b""
        if rest == b"boom":
            raise RuntimeError("planted in flush")
        return [Undecodable(code="cut", detail="half a line", raw=rest)] if rest else []

    def _outcome(self, line: bytes) -> Outcome:
        if line == b"?":
            return Undecodable(code="damaged", detail="a question", raw=line)
        return Decoded(fields={}, measurements=[press(int(line))])


class Echo(Lines):
    """It also answers every feed."""

    def take_reply(self) -> bytes:
        return b"OK"


class Master:
    """A bus driver: asks `N?`, takes what comes as the answer, then asks the next."""

    def __init__(self) -> None:
        self.asked = 0
        self.waits = False
        self.fails_once = False

    def next_request(self, now_ms: int, line_ms: int | None = None) -> bytes | None:
        if self.fails_once:
            self.fails_once = False
            raise RuntimeError("planted in next_request")
        if self.waits:
            return None
        self.waits = True
        self.asked += 1
        return f"{self.asked}?".encode()

    def feed(self, data: bytes, now_ms: int, line_ms: int | None = None) -> list[Outcome]:
        self.waits = False
        return [Decoded(fields={}, measurements=[press(int(data))])]

    def tick(self, now_ms: int, line_ms: int | None = None) -> list[Outcome]:
        return []

    def wake(self, now_ms: int, line_ms: int | None = None) -> Wake:
        return Wake()


class Bench:
    def __init__(self, plug: Plug) -> None:
        self.plug = plug
        self.taken: list[Measurement] = []
        self.logged: list[str] = []
        self._changed = asyncio.Event()
        self._intake = Intake(self._offer, lambda: NOW_MS, self._log)
        self._task: asyncio.Task[None] | None = None

    def _offer(self, batch: list[Measurement]) -> bool:
        self.taken += batch
        self._changed.set()
        return True

    def _log(self, event: str, detail: str) -> None:
        self.logged.append(f"{event} {detail}")
        self._changed.set()

    def start(self, driver: StreamDriver | BusDriver) -> None:
        source = SerialSource(
            SerialSettings(name="rf", port=str(self.plug.link), line=LineSettings(baud=9600)),
            driver,
            self._intake,
            now_ms=lambda: NOW_MS,
            real_delay_s=lambda delay_s: delay_s,
            log=self._log,
        )
        self._task = asyncio.create_task(source.run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def alive(self) -> bool:
        return self._task is not None and not self._task.done()

    async def until(self, condition: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(DEADLINE_S):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"taken {self.taken}, logged {self.logged}") from None

    async def opened(self, times: int = 1) -> None:
        await self.until(lambda: self.count("serial_open") >= times)

    def count(self, event: str) -> int:
        return len([line for line in self.logged if line.startswith(event)])

    def presses(self) -> list[str]:
        return [m.device for m in self.taken if m.kind == "sos"]

    def codes(self) -> list[object]:
        return [m.attrs["code"] for m in self.taken if m.kind == "device_health"]


@pytest.fixture
def plug(tmp_path: Path) -> Iterator[Plug]:
    made = Plug(tmp_path / "rf")
    made.put_in()
    yield made
    made.pull_out()


@pytest.fixture
async def bench(plug: Plug) -> AsyncIterator[Bench]:
    made = Bench(plug)
    yield made
    await made.stop()


async def test_bytes_arrive_in_order_however_they_are_cut(bench: Bench, plug: Plug) -> None:
    bench.start(Lines())
    await bench.opened()
    for piece in (b"1\n2", b"2\n", b"3", b"\n4\n"):
        plug.send(piece)
    await bench.until(lambda: len(bench.taken) == 4)
    assert bench.presses() == ["button-1", "button-22", "button-3", "button-4"]


async def test_unplugged_and_plugged_in_elsewhere_it_goes_on(bench: Bench, plug: Plug) -> None:
    bench.start(Lines())
    await bench.opened()
    for turn in (1, 2):
        plug.send(b"%d\n" % turn)
        await bench.until(lambda turn=turn: f"button-{turn}" in bench.presses())
        plug.pull_out()
        await bench.until(lambda turn=turn: bench.count("serial_lost") >= turn)
        plug.put_in()
        await bench.opened(turn + 1)
    plug.send(b"3\n")
    await bench.until(lambda: bench.presses() == ["button-1", "button-2", "button-3"])
    assert bench.alive()


async def test_a_port_that_is_not_there_yet_is_found_later(bench: Bench, plug: Plug) -> None:
    plug.pull_out()
    bench.start(Lines())
    await bench.until(lambda: bench.count("serial_lost") >= 1)
    plug.put_in()
    await bench.opened()
    plug.send(b"7\n")
    await bench.until(lambda: bench.presses() == ["button-7"])


async def test_half_a_frame_is_reported_when_the_line_is_lost_and_mixes_with_nothing(
    bench: Bench, plug: Plug
) -> None:
    bench.start(Lines())
    await bench.opened()
    plug.send(b"1\n99")
    await bench.until(lambda: len(bench.taken) == 1)
    plug.pull_out()
    await bench.until(lambda: bench.codes() == ["cut"])
    plug.put_in()
    await bench.opened(2)
    plug.send(b"2\n")
    await bench.until(lambda: bench.presses() == ["button-1", "button-2"])


async def test_half_a_frame_is_reported_when_the_line_falls_quiet(
    bench: Bench, plug: Plug, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serial_port, "QUIET_S", 0.05)
    bench.start(Lines())
    await bench.opened()
    plug.send(b"99")
    await bench.until(lambda: bench.codes() == ["cut"])
    plug.send(b"boom")
    await bench.until(lambda: bench.count("driver_failed") == 1)
    plug.send(b"3\n")
    await bench.until(lambda: bench.presses() == ["button-3"])
    assert bench.count("serial_open") == 1


async def test_a_driver_that_raises_is_told_with_its_bytes_and_goes_on(
    bench: Bench, plug: Plug
) -> None:
    bench.start(Lines())
    await bench.opened()
    plug.send(b"!\n")
    await bench.until(lambda: bench.codes() == ["driver_failed"])
    assert bench.taken[0].attrs["raw_hex"] == b"!\n".hex()
    plug.send(b"5\n")
    await bench.until(lambda: bench.presses() == ["button-5"])
    assert bench.count("serial_open") == 1


async def test_damage_beside_a_press_blocks_nothing(bench: Bench, plug: Plug) -> None:
    bench.start(Lines())
    await bench.opened()
    plug.send(b"?\n6\n")
    await bench.until(lambda: bench.presses() == ["button-6"])
    assert bench.codes() == ["damaged"]


async def test_a_device_that_wants_an_answer_gets_it(bench: Bench, plug: Plug) -> None:
    bench.start(Echo())
    await bench.opened()
    plug.send(b"8\n")
    await bench.until(lambda: bench.presses() == ["button-8"])
    assert plug.heard() == b"OK"


async def ask(plug: Plug) -> bytes:
    """The next request of the master, awaited on the terminal itself."""
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(plug._master, ready.set)
    try:
        await asyncio.wait_for(ready.wait(), DEADLINE_S)
    finally:
        loop.remove_reader(plug._master)
    return plug.heard()


async def test_a_master_asks_again_after_every_answer(
    bench: Bench, plug: Plug, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serial_port, "IDLE_S", 3600.0)  # only an answer may bring the next turn
    bench.start(Master())
    for number in (1, 2, 3):
        assert await ask(plug) == b"%d?" % number
        plug.send(b"%d" % (10 + number))
    await bench.until(lambda: bench.presses() == ["button-11", "button-12", "button-13"])


async def test_a_master_that_raises_is_told_and_asked_again(
    bench: Bench, plug: Plug, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serial_port, "IDLE_S", 0.05)
    master = Master()
    master.fails_once = True
    bench.start(master)
    assert await ask(plug) == b"1?"
    assert bench.codes() == ["driver_failed"]
    plug.send(b"4")
    await bench.until(lambda: bench.presses() == ["button-4"])


async def test_a_line_that_takes_nothing_is_opened_anew(bench: Bench, plug: Plug) -> None:
    class Flood(Master):
        def next_request(self, now_ms: int, line_ms: int | None = None) -> bytes:
            return b"x" * (1 << 20)

    bench.start(Flood())
    await bench.until(lambda: bench.count("serial_lost") >= 1)
    assert any("bytes" in line for line in bench.logged if line.startswith("serial_lost"))
    assert bench.alive()

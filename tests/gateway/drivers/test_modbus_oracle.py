"""The Modbus master against pymodbus's own server over a pseudo-terminal: an hour of a bad line.

The hour is simulated, the bytes are real. Between the two a seeded line loses, garbles, delays,
repeats and cuts answers, and gives echoes. Registers change all the time, so that an answer taken
for another's, or for another time's, is a wrong value.
"""

import asyncio
import os
import random
import struct
import tty
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

from contract.item import Measurement
from gateway.driver import Decoded
from gateway.drivers.modbus.master import LATE_REPLY_MS
from gateway.drivers.modbus.spec import build
from gateway.registry import DRIVERS
from gateway.sources.intake import Intake
from gateway.sources.serial_port import SerialSettings, SerialSource

HOUR_MS = 3_600_000
POLL_MS = 30_000
START_MS = 1_795_000_000_000
DEADLINE_S = 30

METERS = [
    {"unit": 1, "device": "sdm", "map": "sdm120"},
    {"unit": 2, "device": "ddsu", "map": "ddsu666"},
    {"unit": 3, "device": "pzem", "map": "pzem004t"},
    {
        "unit": 4,
        "device": "own",
        "registers": [
            {"name": "voltage_v", "address": 0, "function": 4, "form": "u16", "scale": 0.1},
            {"name": "power_w", "address": 1, "function": 4, "form": "u16"},
            {"name": "frequency_hz", "address": 2, "function": 4, "form": "u16", "scale": 0.01},
        ],
    },
]


def true_values(device: str, at_ms: int) -> dict[str, float]:
    """What a meter measures at a moment: each device and quantity has a range of its own."""
    step = (at_ms - START_MS) // 1000
    order = ["sdm", "ddsu", "pzem", "own"].index(device)
    return {
        "voltage_v": 200 + 10 * order + step % 90 / 10,
        "power_w": 1000.0 * (order + 1) + step % 900,
        "frequency_hz": 49 + 0.1 * order + step % 9 / 100,
        "energy_kwh": 10_000.0 * (order + 1) + step / 100,
    }


def words(value: float) -> list[int]:
    return [*struct.unpack(">HH", struct.pack(">f", value))]


def registers(device: str, address: int, at_ms: int) -> dict[int, list[int]]:
    """The device's registers, by its own manual and not by the driver's maps."""
    v = true_values(device, at_ms)
    if device == "sdm":
        return {
            0x00: words(v["voltage_v"]),
            0x0C: words(v["power_w"]),
            0x46: words(v["frequency_hz"]),
            0x48: words(v["energy_kwh"]),
        }
    if device == "ddsu":
        return {
            0x2000: words(v["voltage_v"]),
            0x2004: words(v["power_w"] / 1000),
            0x200E: words(v["frequency_hz"]),
            0x4000: words(v["energy_kwh"]),
        }
    power, energy = round(v["power_w"] * 10), round(v["energy_kwh"] * 1000)
    if device == "pzem":
        return {
            0: [round(v["voltage_v"] * 10)],
            3: [power & 0xFFFF, power >> 16],
            5: [energy & 0xFFFF, energy >> 16],
            7: [round(v["frequency_hz"] * 10)],
        }
    return {0: [round(v["voltage_v"] * 10), round(v["power_w"]), round(v["frequency_hz"] * 100)]}


@dataclass
class World:
    now_ms: int = START_MS
    line_ms: int = 0
    asked: int = 0
    faults: dict[str, int] = field(default_factory=dict)

    def wait(self, ms: int) -> None:
        self.now_ms += ms
        self.line_ms += ms


def device(world: World, unit: int, name: str, sizes: dict[int, int]) -> SimDevice:
    async def action(function, start, address, count, current, wanted) -> None:  # noqa: PLR0917 - as the library calls it
        world.asked += 1
        for place, new in registers(name, address, world.now_ms).items():
            at = place - start
            current[at : at + len(new)] = new

    data = [
        SimData(address, values=[0] * size, datatype=DataType.REGISTERS)
        for address, size in sizes.items()
    ]
    return SimDevice(id=unit, simdata=data, action=action)


class Line:
    """The wire between the master and the server, with its own troubles."""

    def __init__(self) -> None:
        self.master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self.master, False)
        self.port = os.ttyname(self._slave)
        self._readable = asyncio.Event()
        asyncio.get_running_loop().add_reader(self.master, self._readable.set)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.master)
        os.close(self.master)
        os.close(self._slave)

    async def exchange(self, request: bytes, size: int) -> bytes:
        """The server's whole answer to a request."""
        os.write(self.master, request)
        answer = b""
        async with asyncio.timeout(DEADLINE_S):
            while len(answer) < size:
                self._readable.clear()
                try:
                    answer += os.read(self.master, 4096)
                except BlockingIOError:
                    await self._readable.wait()
        return answer


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    line = Line()
    yield line
    line.close()


async def serve(world: World, line: Line) -> ModbusSerialServer:
    devices = [
        device(world, 1, "sdm", {0x00: 0x20, 0x46: 6}),
        device(world, 2, "ddsu", {0x2000: 0x10, 0x4000: 2}),
        device(world, 3, "pzem", {0: 10}),
        device(world, 4, "own", {0: 3}),
    ]
    server = ModbusSerialServer(devices, port=line.port, baudrate=9600)
    await server.serve_forever(background=True)
    return server


async def trouble(world: World, line: Line, seed: random.Random, request: bytes):
    """(delay after the request, bytes heard): what the line makes of one exchange."""
    kind = seed.choices(
        ["good", "lost", "garbled", "cut", "late", "twice", "echo", "noise", "pieces"],
        weights=[60, 5, 5, 4, 6, 4, 6, 5, 5],
    )[0]
    world.faults[kind] = world.faults.get(kind, 0) + 1
    if kind == "lost":
        return []
    answer = await line.exchange(request, 5 + 2 * int.from_bytes(request[4:6], "big"))
    delay = seed.randint(20, 400)
    if kind == "garbled":
        at = seed.randrange(len(answer))
        answer = answer[:at] + bytes((answer[at] ^ 1 << seed.randrange(8),)) + answer[at + 1 :]
    elif kind == "cut":
        answer = answer[: seed.randrange(1, len(answer))]
    elif kind == "late":
        delay = seed.randint(1001, 1000 + LATE_REPLY_MS - 100)
    elif kind == "twice":
        return [(delay, answer), (delay + 5, answer)]
    elif kind == "echo":
        return [(5, request), (delay, answer)]
    elif kind == "noise":
        answer = seed.randbytes(seed.randrange(1, 20)) + answer + b"\x00"
    elif kind == "pieces":
        return [(delay + n // 8, answer[n : n + 8]) for n in range(0, len(answer), 8)]
    return [(delay, answer)]


async def run(world: World, line: Line, seed: random.Random, until_ms: int):
    master = build({"meters": METERS, "poll_s": POLL_MS // 1000})
    heard: list[tuple[int, bytes]] = []
    found = []

    def keep(outcomes) -> None:
        found.extend(m for o in outcomes if isinstance(o, Decoded) for m in o.measurements)

    while world.now_ms < until_ms:
        while heard and heard[0][0] <= world.line_ms:
            keep(master.feed(heard.pop(0)[1], world.now_ms, world.line_ms))
        keep(master.tick(world.now_ms, world.line_ms))
        request = master.next_request(world.now_ms, world.line_ms)
        if request is not None:
            for delay, data in await trouble(world, line, seed, request):
                heard.append((world.line_ms + delay, data))
            heard.sort(key=lambda entry: entry[0])
        wake = master.wake(world.now_ms, world.line_ms)
        waits = [entry[0] - world.line_ms for entry in heard[:1]]
        if wake.now_ms is not None:
            waits.append(wake.now_ms - world.now_ms)
        if wake.line_ms is not None:
            waits.append(wake.line_ms - world.line_ms)
        world.wait(max(1, min(waits)))
    return master, found


def wrong(measurement) -> list[str]:
    """Values that the meter did not have at any moment of the last minute's round."""
    moments = range(measurement.measured_at_ms - 30_000, measurement.measured_at_ms + 1, 500)
    true = [true_values(measurement.device, at) for at in moments]
    return [
        f"{measurement.device} {name} {value}"
        for name, value in measurement.values.items()
        if name in true[0]
        and not any(abs(t[name] - value) <= abs(value) * 1e-6 + 0.051 for t in true)
    ]


@pytest.mark.parametrize("number", [1, 2])
async def test_an_hour_of_a_bad_line(line, number) -> None:
    world = World()
    server = await serve(world, line)
    seed = random.Random(number)
    master, found = await run(world, line, seed, START_MS + HOUR_MS)
    await server.shutdown()
    readings = [m for m in found if m.kind == "power"]
    assert [text for m in readings for text in wrong(m)] == []
    assert set(world.faults) == {
        "good", "lost", "garbled", "cut", "late", "twice", "echo", "noise", "pieces",
    }  # fmt: skip
    for name in ("sdm", "ddsu", "pzem", "own"):
        times = [START_MS, *(m.measured_at_ms for m in readings if m.device == name)]
        gaps = [b - a for a, b in pairwise(times)]
        # A poll may take its tries and a neighbour's; it never waits for a second interval.
        assert max(gaps) <= 2 * POLL_MS, (name, max(gaps))
        assert len(times) > 0.95 * HOUR_MS / POLL_MS
    assert [m.attrs for m in found if "fault" in m.attrs] == []
    for counter in ("echo", "late", "timeout", "retry", "crc"):
        assert master.counters[counter] > 0, counter


async def test_the_serial_source_reads_the_server_in_real_time(line, tmp_path) -> None:
    """The whole way over two terminals with the bytes carried between them."""
    world = World()
    server = await serve(world, line)
    loop = asyncio.get_running_loop()
    near, near_slave = os.openpty()
    tty.setraw(near_slave)
    loop.remove_reader(line.master)
    loop.add_reader(line.master, lambda: os.write(near, os.read(line.master, 4096)))
    loop.add_reader(near, lambda: os.write(line.master, os.read(near, 4096)))
    found: list[Measurement] = []
    four = asyncio.Event()

    def offer(batch) -> bool:
        found.extend(batch)
        if len(found) >= len(METERS):
            four.set()
        return True

    spec = DRIVERS["modbus"]
    source = SerialSource(
        SerialSettings(name="meters", port=os.ttyname(near_slave), line=spec.line),
        spec.build({"meters": METERS}),
        Intake(offer, lambda: START_MS, lambda _event, _detail: None),
        now_ms=lambda: START_MS,
        real_delay_s=lambda delay_s: delay_s,
        log=lambda _event, _detail: None,
    )
    running = asyncio.create_task(source.run())
    async with asyncio.timeout(DEADLINE_S):
        await four.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await server.shutdown()
    for handle in (near, near_slave):
        loop.remove_reader(handle)
        os.close(handle)
    assert {m.device for m in found} == {"sdm", "ddsu", "pzem", "own"}
    assert [text for m in found for text in wrong(m)] == []

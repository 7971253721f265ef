"""An hour on a bad line: recorded answers of real meters, over a real terminal, in simulated time.

The meters replay the recorded frames byte for byte; what they mean is known from where they were
recorded, not from our decoder. The line adds what lines do: echo, noise, lost and cut answers, late
ones, answers of another meter or about something else, unplugging, and a domain clock that jumps.
"""

import asyncio
import json
import os
import tty
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from contract.item import Measurement, check_measurement
from gateway.driver import LineSettings
from gateway.drivers.dlt645.items import READABLE
from gateway.drivers.dlt645.spec import build
from gateway.sources import serial_port
from gateway.sources.intake import Intake
from gateway.sources.serial_port import SerialSettings, SerialSource
from tests.adapters.dlt645_slaves import split
from tests.adapters.simulated_time import SimulatedTimeLoop

VECTORS = json.loads((Path(__file__).parents[3] / "vectors" / "dlt645.json").read_text())
POLL_S = 60
HOUR_S = 3600
BEGIN_MS = 1_795_392_309_000
# Value of `power` by identifier, and how many of its units one unit of the recording is.
VALUES = {
    "00010000": ("energy_kwh", 1),
    "02010100": ("voltage_v", 1),
    "02030000": ("power_w", 1000),
    "02060000": ("power_factor", 1),
    "0001FF00": ("energy_kwh", 1),
    "0201FF00": ("voltage_v", 1),
    "0202FF00": ("current_a", 1),
    "9010": ("energy_kwh", 1),
    "B611": ("voltage_v", 1),
}


def recorded() -> dict[str, dict[str, tuple[bytes, float | None]]]:
    """Address → identifier → the frame as it was recorded and the number it was recorded with."""
    found: dict[str, dict[str, tuple[bytes, float | None]]] = defaultdict(dict)
    for vector in VECTORS:
        expected = vector["expected"]
        if expected.get("frame") != "read_response" or expected["di"] not in READABLE:
            continue
        if expected["address"] == "A" * 12:
            continue
        number = expected["block"][0] if "block" in expected else expected.get("value")
        raw = bytes.fromhex(vector["input"])
        found[expected["address"]][expected["di"]] = (raw, number)
    return {a: dis for a, dis in found.items() if any(di in VALUES for di in dis)}


METERS = recorded()


class Counting:
    """The driver, with the bytes counted that are under way between it and the meters."""

    def __init__(self, driver, street: "Street") -> None:
        self._driver = driver
        self._street = street
        self.tick = driver.tick
        self.wake = driver.wake

    def next_request(self, now_ms: int, line_ms: int | None = None) -> bytes | None:
        request = self._driver.next_request(now_ms, line_ms)
        if request:
            self._street.to_meters += len(request)
            self._street.requests_s.append(self._street.loop.time())
        return request

    def feed(self, data: bytes, now_ms: int, line_ms: int | None = None):
        self._street.to_gateway -= len(data)
        return self._driver.feed(data, now_ms, line_ms)


class Street:
    """All meters behind one terminal, and what goes wrong on the way."""

    def __init__(self, loop: SimulatedTimeLoop, link: Path, seed: int) -> None:
        self.loop = loop
        self.random = Random(seed)
        self.to_meters = self.to_gateway = 0
        self.requests_s: list[float] = []
        self.wrongs: dict[str, int] = defaultdict(int)
        self.is_open = False
        self._link = link
        self._plugged = 0
        self._master = self._slave = -1
        self._rest = b""

    def plug_in(self) -> None:
        self._plugged += 1
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._link.symlink_to(os.ttyname(self._slave))
        self._rest = b""
        self.loop.add_reader(self._master, self._heard)

    def pull_out(self) -> None:
        self.loop.remove_reader(self._master)
        self._link.unlink()
        os.close(self._master)
        os.close(self._slave)
        self.lost()

    def lost(self) -> None:
        self.is_open = False
        self.to_meters = self.to_gateway = 0

    def busy(self) -> bool:
        return self.is_open and (self.to_meters > 0 or self.to_gateway > 0)

    def _heard(self) -> None:
        data = os.read(self._master, 4096)
        self.to_meters -= len(data)
        self._rest += data
        start = self._rest.find(b"\x68")
        if start < 0 or len(self._rest) < start + 10:
            return
        size = start + 12 + self._rest[start + 9]
        if len(self._rest) >= size:
            request, self._rest = self._rest[:size], self._rest[size:]
            self._answer(request)

    def _say(self, data: bytes, delay_s: float) -> None:
        plugged = self._plugged

        def write() -> None:
            if self.is_open and plugged == self._plugged:
                assert os.write(self._master, data) == len(data)
                self.to_gateway += len(data)

        self.loop.call_later(delay_s, write)

    def _answer(self, request: bytes) -> None:
        random = self.random
        address, _control, data = split(request)
        dis = METERS[address]
        right = dis[data[::-1].hex().upper()][0]
        self._say(request, 0.0)  # the adapter's echo
        kind = random.choices(
            ("right", "noise", "lost", "late", "stranger", "other", "cut", "damaged"),
            (70, 10, 3, 4, 4, 4, 2, 3),
        )[0]
        self.wrongs[kind] += 1
        delay_s = random.uniform(0.02, 0.5)
        match kind:
            case "right":
                self._say(right, delay_s)
            case "noise":
                self._say(random.randbytes(6) + right + b"\x68\x00\x16", delay_s)
            case "late":
                self._say(right, random.uniform(1.6, 8.0))
            case "stranger":
                stranger = random.choice([a for a in METERS if a != address])
                self._say(random.choice(list(METERS[stranger].values()))[0], delay_s)
                self._say(right, delay_s + 0.2)
            case "other":
                for raw, _number in dis.values():
                    if raw != right:
                        self._say(raw, delay_s)
            case "cut":
                self._say(right[: random.randrange(1, len(right))], delay_s)
            case "damaged":
                at = random.randrange(len(right))
                flipped = right[at] ^ 1 << random.randrange(8)
                self._say(right[:at] + bytes((flipped,)) + right[at + 1 :], delay_s)


def config() -> dict:
    meters = []
    for address, dis in METERS.items():
        version = 2007 if len(next(iter(dis))) == 8 else 1997
        meters.append({"address": address, "version": version, "items": list(dis)})
    return {"poll_s": POLL_S, "meters": meters}


@pytest.fixture
def loop() -> Iterator[SimulatedTimeLoop]:
    made = SimulatedTimeLoop()
    yield made
    made.close()


async def hour(
    street: Street, loop: SimulatedTimeLoop, link: Path
) -> list[tuple[float, Measurement]]:
    taken: list[tuple[float, Measurement]] = []
    jumps_s = {1200: -7200, 2400: 10_800}

    def now_ms() -> int:
        passed_s = loop.time() - 1000.0
        jumped_s = sum(jump for at, jump in jumps_s.items() if passed_s >= at)
        return BEGIN_MS + round((passed_s + jumped_s) * 1000)

    def offer(batch) -> bool:
        taken.extend((loop.time(), m) for m in batch)
        return True

    def log(event: str, detail: str) -> None:
        assert event != "driver_failed", detail
        if event == "serial_open":
            street.is_open = True
        elif event == "serial_lost":
            street.lost()

    source = SerialSource(
        SerialSettings(name="meters", port=str(link), line=LineSettings(baud=2400)),
        Counting(build(config()), street),
        Intake(offer, now_ms, log),
        now_ms=now_ms,
        real_delay_s=lambda delay_s: delay_s,
        log=log,
    )
    task = asyncio.ensure_future(source.run())
    for _ in range(6):
        await asyncio.sleep(HOUR_S / 6 - 7)
        street.pull_out()
        await asyncio.sleep(7)
        street.plug_in()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return taken


@pytest.mark.parametrize("seed", [1, 2])
def test_an_hour_of_recorded_answers_on_a_bad_line(loop, tmp_path, monkeypatch, seed) -> None:
    link = tmp_path / "meters"
    street = Street(loop, link, seed)
    loop.busy = street.busy
    monkeypatch.setattr(serial_port, "line_ms", lambda: int(loop.time() * 1000))
    street.plug_in()
    taken = loop.run_until_complete(hour(street, loop, link))
    street.pull_out()

    readings = [(at, m) for at, m in taken if m.kind == "power"]
    for _at, reading in readings:
        check_measurement(reading)
        dis = METERS[reading.device.removeprefix("dlt645-")]
        known = defaultdict(set)
        for di, (_raw, number) in dis.items():
            if di in VALUES:
                name, factor = VALUES[di]
                known[name].add(round(number * factor, 6))
        for name, value in reading.values.items():
            assert round(value, 6) in known[name], f"{reading.device}: {name} {value}"

    assert {m.device for _, m in readings} == {f"dlt645-{address}" for address in METERS}
    gaps = [b - a for a, b in pairwise(street.requests_s)]
    assert max(gaps) <= POLL_S, "the bus stood still longer than one poll interval"
    gaps = [b - a for (a, _), (b, _) in pairwise(readings)]
    assert max(gaps) <= POLL_S, "no meter was read for longer than one poll interval"
    for address in METERS:
        times = [at for at, m in readings if m.device == f"dlt645-{address}"]
        assert len(times) >= 45, f"{address}: {len(times)} readings in an hour"
        assert max(b - a for a, b in pairwise(times)) <= 4 * POLL_S
    assert min(street.wrongs.values()) >= 10, dict(street.wrongs)

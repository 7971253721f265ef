"""DL/T 645 meters for tests, written from the standard: frames, and a bus that many answer on.

Nothing here comes from the gateway's codec: a mistake there would not hide behind the same one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random


def frame(address: str, control: int, data: bytes = b"", *, wake_up: int = 0) -> bytes:
    """One frame; address as printed, data without the 0x33."""
    body = b"\x68" + bytes.fromhex(address)[::-1] + b"\x68" + bytes((control, len(data)))
    body += bytes((byte + 0x33) % 256 for byte in data)
    return b"\xfe" * wake_up + body + bytes((sum(body) % 256, 0x16))


def wire(di: str, data: str = "") -> bytes:
    """An identifier as it is sent, then data given as written (highest digits first)."""
    return bytes.fromhex(di)[::-1] + bytes.fromhex(data)[::-1]


def split(request: bytes) -> tuple[str, int, bytes]:
    """Address, control and data of a request; AssertionError when it is no frame."""
    body = request.lstrip(b"\xfe")
    assert body[0] == body[7] == 0x68
    assert body[-1] == 0x16
    assert body[-2] == sum(body[:-2]) % 256
    assert len(body) == 12 + body[9]
    data = bytes((byte - 0x33) % 256 for byte in body[10:-2])
    return body[1:7][::-1].hex().upper(), body[8], data


@dataclass(slots=True)
class Slave:
    """A meter: `items` by identifier, data as written; `replies` overrules for a test."""

    address: str
    items: Mapping[str, str] = field(default_factory=dict)
    think_ms: int = 50
    alive: bool = True
    asked: list[str] = field(default_factory=list)
    replies: Callable[[str, int, bytes], bytes] | None = None

    def is_meant(self, address: str) -> bool:
        return self.address.endswith(address.lstrip("A"))

    def answer(self, address: str, control: int, data: bytes) -> bytes:
        di = data[:4][::-1].hex().upper() if control == 0x11 else data[:2][::-1].hex().upper()
        self.asked.append(di)
        if not self.alive:
            return b""
        if self.replies is not None:
            return self.replies(di, control, data)
        if control == 0x13:
            return frame(self.address, 0x93, bytes.fromhex(self.address)[::-1])
        if di in self.items and control in (0x11, 0x01):
            return frame(self.address, control | 0x80, wire(di, self.items[di]))
        return frame(self.address, control | 0xC0, b"\x02")


def collide(first: bytes, second: bytes) -> bytes:
    """Two transmitters at once, the second some bits later: where they differ, a 0 wins."""
    size = max(len(first), len(second)) + 1
    one = int.from_bytes(first.ljust(size, b"\xff"), "big")
    late = (int.from_bytes(second.ljust(size, b"\xff"), "big") >> 3) | (0b111 << 8 * size - 3)
    return (one & late).to_bytes(size, "big")


@dataclass(slots=True)
class Line:
    """Slaves, two clocks and a driver on one line; time passes only by `run`."""

    slaves: list[Slave]
    now_ms: int = 1_795_392_309_000
    line_ms: int = 5_000
    echo: bool = False
    requests: list[tuple[int, bytes]] = field(default_factory=list)
    outcomes: list[object] = field(default_factory=list)
    disturb: Callable[[bytes], bytes] = bytes
    random: Random = field(default_factory=lambda: Random(1))

    def measured(self) -> list[object]:
        return [m for o in self.outcomes for m in getattr(o, "measurements", ())]

    def turn(self, driver) -> bool:
        """What the source does: tick, next_request, and what the line brings. True: it asked."""
        self.outcomes += driver.tick(self.now_ms, self.line_ms)
        request = driver.next_request(self.now_ms, self.line_ms)
        if request is None:
            return False
        self.requests.append((self.line_ms, request))
        if self.echo:
            self.outcomes += driver.feed(request, self.now_ms, self.line_ms)
        for delay_ms, data in self._answers(request):
            self.passes(delay_ms)
            self.outcomes += driver.feed(self.disturb(data), self.now_ms, self.line_ms)
        return True

    def _answers(self, request: bytes) -> list[tuple[int, bytes]]:
        """Those who think equally long collide; the others follow each other."""
        address, control, data = split(request)
        said: dict[int, bytes] = {}
        for slave in self.slaves:
            if not slave.is_meant(address):
                continue
            reply = slave.answer(address, control, data)
            if reply:
                before = said.get(slave.think_ms)
                said[slave.think_ms] = reply if before is None else collide(before, reply)
        times = sorted(said)
        waits = [t - b for t, b in zip(times, [0, *times], strict=False)]
        return [(wait, said[t]) for wait, t in zip(waits, times, strict=True)]

    def passes(self, ms: int) -> None:
        self.now_ms += ms
        self.line_ms += ms

    def sleep(self, driver) -> int:
        """Until the driver wants to be woken; how long that was."""
        wake = driver.wake(self.now_ms, self.line_ms)
        waits = []
        if wake.now_ms is not None:
            waits.append(wake.now_ms - self.now_ms)
        if wake.line_ms is not None:
            waits.append(wake.line_ms - self.line_ms)
        assert waits, "asleep for ever"
        slept = max(1, min(waits))
        self.passes(slept)
        return slept

    def run(self, driver, ms: int) -> None:
        end_ms = self.line_ms + ms
        while self.line_ms < end_ms:
            if not self.turn(driver):
                self.sleep(driver)

    def until_finished(self, search) -> None:
        while not search.finished:
            if not self.turn(search) and not search.finished:
                self.sleep(search)

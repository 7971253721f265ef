"""The meter bus under a script of answers, silence, noise and jumping clocks.

An input is a list of steps, each one byte and its argument:

    0-119   a prepared answer (0 the right one, others: wrong meter, wrong identifier, error …)
    120-199 raw bytes from the input, as many as the byte says above 120
    200-239 time passes: on both clocks
    240-247 the domain's clock jumps, 248-255 the line's

Promises, whatever the script: only reading requests leave; never a second one before the first was
answered or its time was over; every value that comes out was sent by the meter that was asked, in
answer to that question; whenever the driver sleeps, its next waking is within one poll interval.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Final

from contract.item import check_measurement
from gateway.driver import Decoded, Outcome
from gateway.drivers.dlt645.items import ITEMS, Quantity
from gateway.drivers.dlt645.master import REPLY_WAIT_MAX_MS, Master
from gateway.drivers.dlt645.spec import build
from tests.fuzz.dlt645_frames import encode
from tests.fuzz.engine import Target

POLL_S: Final = 60
# No meters of the vectors: their recorded frames are in the seeds and would be right answers.
ADDRESSES: Final = ("907060504031", "907060504032")
STEPS_MAX: Final = 100
_READING: Final = {0x11: 4, 0x12: 5, 0x13: 0, 0x01: 2}
# Every value is a number of its own, so that none can be mixed up.
_DIGITS: Final = {ADDRESSES[0]: 1111, ADDRESSES[1]: 2222}
_CONFIG: Final = {
    "poll_s": POLL_S,
    "items": ["energy", "power", "voltages"],
    "meters": [{"address": address} for address in ADDRESSES],
}


@dataclass(slots=True)
class _Bus:
    now_ms: int = 1_795_392_309_000
    line_ms: int = 1_000
    asked: tuple[str, str] | None = None  # address and identifier of the outstanding request
    deadline_ms: int = 0
    seen: list[Outcome] = field(default_factory=list)


def payload(address: str, di: str) -> bytes:
    item = ITEMS[di]
    form = item if isinstance(item, Quantity) else item.form
    one = bytes.fromhex(f"{_DIGITS[address]:0{2 * form.size_bytes}d}"[-2 * form.size_bytes :])[::-1]
    return one if isinstance(item, Quantity) else one * len(item.names)


def answer(kind: int, address: str, di: str) -> bytes:
    """The right answer, and every wrong one we know of."""
    identifier = bytes.fromhex(di)[::-1]
    other = ADDRESSES[1 - ADDRESSES.index(address)]
    another = "02800002" if di != "02800002" else "00010000"
    data = identifier + payload(address, di)
    match kind % 12:
        case 0:
            return encode(address, 0x91, data)
        case 1:
            return encode(other, 0x91, identifier + payload(other, di))
        case 2:
            return encode(address, 0x91, bytes.fromhex(another)[::-1] + payload(address, another))
        case 3:
            return encode(address, 0xD1, bytes((1 << kind % 8,)))
        case 4:
            return encode(address, 0x11, identifier)
        case 5:
            return encode(address, 0xB1, data)
        case 6:
            return encode(address, 0x92, data + b"\x01")
        case 7:
            return encode(address, 0x91, identifier + b"\xff" * (len(data) - 4))
        case 8:
            return encode(address, 0x91, identifier + b"\xbb" * (len(data) - 4))
        case 9:
            return encode(address, 0x91, data)[:-3]
        case 10:
            return b"\xfe" * 4 + encode(address, 0x91, data)
        case _:
            return b"\x68\xff\x00" * (kind // 12) + encode(address, 0x94, b"")


def request_of(raw: bytes) -> tuple[str, str]:
    """The question in a request; refuses everything that is not one for reading."""
    body = raw.lstrip(b"\xfe")
    assert body[0] == body[7] == 0x68, raw.hex()
    assert body[-1] == 0x16, raw.hex()
    assert body[-2] == sum(body[:-2]) % 256, raw.hex()
    assert _READING.get(body[8]) == body[9] == len(body) - 12, f"not a reading: {raw.hex()}"
    identifier = bytes((b - 0x33) % 256 for b in body[10:14])
    return body[1:7][::-1].hex().upper(), identifier[::-1].hex().upper()


def run(data: bytes) -> frozenset[Hashable]:
    driver = build(_CONFIG)
    bus = _Bus()
    sent: set[str] = set()

    def turn() -> None:
        bus.seen += driver.tick(bus.now_ms, bus.line_ms)
        raw = driver.next_request(bus.now_ms, bus.line_ms)
        if raw is None:
            return
        if bus.asked is not None:
            assert bus.line_ms >= bus.deadline_ms or not driver_waits, "two requests at once"
        bus.asked = request_of(raw)
        assert bus.asked[0] in _DIGITS, bus.asked
        sent.add(bus.asked[1])

    driver_waits = False
    at = 0
    for _ in range(STEPS_MAX):
        turn()
        wake = driver.wake(bus.now_ms, bus.line_ms)
        driver_waits = wake.line_ms is not None and wake.now_ms is None and bus.asked is not None
        bus.deadline_ms = wake.line_ms if wake.line_ms is not None else bus.line_ms
        assert wake.now_ms is not None or wake.line_ms is not None, "asleep for ever"
        if wake.line_ms is not None:
            assert wake.line_ms - bus.line_ms <= REPLY_WAIT_MAX_MS, "waits too long for an answer"
        if wake.now_ms is not None:
            assert wake.now_ms - bus.now_ms <= 5 * POLL_S * 1000, "sleeps beyond the back-off"
        if at >= len(data):
            break
        at = _step(bus, driver, data, at)
    _check(bus.seen)
    return frozenset({len(sent), *(name for name, count in driver.counters.items() if count)})


def _step(bus: _Bus, driver: Master, data: bytes, at: int) -> int:
    op = data[at]
    at += 1
    if op < 120:
        if bus.asked is not None and bus.asked[1] in ITEMS:
            bus.seen += driver.feed(answer(op, *bus.asked), bus.now_ms, bus.line_ms)
    elif op < 200:
        size = op - 119
        bus.seen += driver.feed(data[at : at + size], bus.now_ms, bus.line_ms)
        at += size
    elif op < 240:
        passed_ms = (op - 199) ** 3
        bus.now_ms += passed_ms
        bus.line_ms += passed_ms
    elif op < 248:
        bus.now_ms += (-1) ** op * 10 ** (op - 240)
    else:
        bus.line_ms = max(0, bus.line_ms + (-1) ** op * 10 ** (op - 248))
    return at


def _check(outcomes: Sequence[Outcome]) -> None:
    """Each value is the one its meter sends; raw bytes of the input may hold no better frame."""
    for outcome in outcomes:
        if not isinstance(outcome, Decoded):
            continue
        for measurement in outcome.measurements:
            check_measurement(measurement)
            digits = _DIGITS[measurement.device.removeprefix("dlt645-")]
            allowed = {digits / 100, digits / 10, digits % 10000 / 10}
            for name, value in measurement.values.items():
                assert value in allowed, f"{measurement.device}: {name} {value}"


def target(seeds: Sequence[bytes]) -> Target:
    """Seeds: scripts of ordinary days and bad ones; frames of the vectors as raw bytes."""
    quiet = bytes((239, 239))
    scripts = [
        bytes((0, 205)) * 25 + quiet,
        bytes((200, 0)) * 20,
        bytes((1, 2, 3, 4, 0, 230)) * 10,
        bytes((5, 205, 6, 205)) * 20,
        bytes((239,)) * 40,
        bytes((0, 247, 0, 246, 255, 254, 0, 239)) * 8,
        *(bytes((119 + len(seed), *seed, 0, 239)) for seed in seeds if len(seed) <= 80),
    ]
    return Target(name="dlt645-bus", run=run, seeds=scripts, tokens=(b"\x00\xcd", b"\xef\xef"))

"""A line with two meters under a script of answers, silence, noise and jumping clocks.

An input is a list of steps, each one byte and its argument:

    0-119   a prepared answer (0 the right one, others: wrong meter, wrong question, error …)
    120-199 raw bytes from the input, as many as the byte says above 120
    200-239 time passes: on both clocks
    240-247 the domain's clock jumps, 248-255 the line's

Promises, whatever the script: only reading requests leave; never a second one before the first was
answered or its time was over; every value that comes out was sent by the meter that was asked, in
answer to that question; whenever the driver sleeps, its next waking is within one poll interval,
and it is not awake with nothing to do.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Final

from contract.item import check_measurement
from gateway.driver import BusDriver, Decoded, Outcome, Wake
from tests.fuzz.engine import Target

POLL_S: Final = 60
STEPS_MAX: Final = 100
# The longest back-off of either master.
SLEEP_MAX_MS: Final = 5 * POLL_S * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """What a bus is to one protocol.

    question: what a request asks, by the standard and not by our code; AssertionError when it is
    not one for reading. answer: the right answer (0) and wrong ones, by number. allowed: every
    value that a device of this name may have. wait_max_ms: how long an answer is waited for.
    """

    name: str
    build: Callable[[], BusDriver]
    question: Callable[[bytes], Hashable]
    answer: Callable[[int, Hashable], bytes]
    allowed: Callable[[str], frozenset[float]]
    wait_max_ms: int


@dataclass(slots=True)
class _Bus:
    now_ms: int = 1_795_392_309_000
    line_ms: int = 1_000
    asked: Hashable = None
    deadline_ms: int = 0
    seen: list[Outcome] = field(default_factory=list)


def play(protocol: Protocol, data: bytes) -> frozenset[Hashable]:
    """The script on a new driver; returns what happened."""
    driver = protocol.build()
    bus = _Bus()
    sent: set[Hashable] = set()
    driver_waits = False
    at = 0
    for _ in range(STEPS_MAX):
        bus.seen += driver.tick(bus.now_ms, bus.line_ms)
        raw = driver.next_request(bus.now_ms, bus.line_ms)
        if raw is not None:
            if bus.asked is not None:
                assert bus.line_ms >= bus.deadline_ms or not driver_waits, "two requests at once"
            bus.asked = protocol.question(raw)
            sent.add(bus.asked)
        wake = driver.wake(bus.now_ms, bus.line_ms)
        driver_waits = wake.line_ms is not None and wake.now_ms is None and bus.asked is not None
        bus.deadline_ms = wake.line_ms if wake.line_ms is not None else bus.line_ms
        assert wake.now_ms is not None or wake.line_ms is not None, "asleep for ever"
        if raw is None:
            assert _later(wake, bus), "awake with nothing to do"
        if wake.line_ms is not None:
            waits_ms = wake.line_ms - bus.line_ms
            assert waits_ms <= protocol.wait_max_ms, "waits too long for an answer"
        if wake.now_ms is not None:
            assert wake.now_ms - bus.now_ms <= SLEEP_MAX_MS, "sleeps beyond the back-off"
        if at >= len(data):
            break
        at = _step(protocol, bus, driver, data, at)
    _check(protocol, bus.seen)
    counters: dict[str, int] = getattr(driver, "counters", {})
    return frozenset({len(sent), *(name for name, count in counters.items() if count)})


def _later(wake: Wake, bus: _Bus) -> bool:
    in_domain = wake.now_ms is None or wake.now_ms > bus.now_ms
    return in_domain and (wake.line_ms is None or wake.line_ms > bus.line_ms)


def _step(protocol: Protocol, bus: _Bus, driver: BusDriver, data: bytes, at: int) -> int:
    op = data[at]
    at += 1
    if op < 120:
        if bus.asked is not None:
            answer = protocol.answer(op, bus.asked)
            bus.seen += driver.feed(answer, bus.now_ms, bus.line_ms)
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


def _check(protocol: Protocol, outcomes: Sequence[Outcome]) -> None:
    """Each value is the one its meter sends; raw bytes of the input may hold no better frame."""
    for outcome in outcomes:
        if not isinstance(outcome, Decoded):
            continue
        for measurement in outcome.measurements:
            check_measurement(measurement)
            allowed = protocol.allowed(measurement.device)
            for name, value in measurement.values.items():
                assert value in allowed, f"{measurement.device}: {name} {value}"


def target(protocol: Protocol, seeds: Sequence[bytes]) -> Target:
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

    def run(data: bytes) -> frozenset[Hashable]:
        return play(protocol, data)

    return Target(name=protocol.name, run=run, seeds=scripts, tokens=(b"\x00\xcd", b"\xef\xef"))

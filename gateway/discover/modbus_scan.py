"""Finding Modbus meters and their register map by asking unit after unit. Pure, and only reads.

Each unit is asked for input registers 0-9, which PZEM (integers) and Eastron (float32) both have;
who refuses or is silent is asked for holding registers 2000-2001 hexadecimal, where a DDSU666 has
its voltage. An answer, even a refusal (exception), is a device; a mains voltage in the place where
a map has it says which. Sources: `gateway/drivers/modbus/maps.py` names the makers' documents.
Unit 0 is the broadcast and is never asked (MODBUS over Serial Line V1.02, section 2.2).

Used like a bus driver (`gateway.driver.BusDriver`) until `finished`.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from contract.item import Scalar
from gateway.discover.finding import Finding
from gateway.driver import LineSettings, Outcome, Wake
from gateway.drivers.modbus.frame import (
    READ_HOLDING,
    READ_INPUT,
    UNIT_MAX,
    Frame,
    Framer,
    Kind,
    read_request,
)
from gateway.drivers.modbus.maps import float32

# 25 bytes at 2400 baud take 115 ms, a slow meter thinks as long.
WINDOW_MS: Final = 350
# Silence of 3.5 characters ends a frame: 16 ms at 2400 baud; some converters need a little more.
TURNAROUND_MS: Final = 30
# What a mains voltage may be: 110 V nets to a three-phase meter's line voltage.
VOLTS: Final = (80.0, 480.0)
_PZEM_WORDS: Final = (800, 2800)  # tenths of a volt


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    unit: int
    function: int
    address: int
    count: int

    @property
    def request(self) -> bytes:
        return read_request(self.unit, self.function, self.address, self.count)


class ModbusScan:
    """models: the map of each unit that answered, "" when no map fits. unreadable: units after
    whose question came bytes that are no answer."""

    def __init__(self, units: Iterable[int], *, window_ms: int = WINDOW_MS) -> None:
        self.models: dict[int, str] = {}
        self.unreadable: set[int] = set()
        self._window_ms = window_ms
        self._todo = deque(_first(unit) for unit in units)
        if any(not 1 <= question.unit <= UNIT_MAX for question in self._todo):
            raise ValueError(f"units are 1 to {UNIT_MAX}")
        self._asked: _Question | None = None
        self._framer = Framer()
        self._junk_before = 0
        self._answer: Frame | None = None
        self._deadline_line_ms = 0
        self._quiet_until_line_ms = 0

    @property
    def finished(self) -> bool:
        return self._asked is None and not self._todo

    def next_request(self, now_ms: int, line_ms: int | None = None) -> bytes | None:
        line = now_ms if line_ms is None else line_ms
        if self._asked is not None or not self._todo or line < self._quiet_until_line_ms:
            return None
        self._asked = self._todo.popleft()
        self._answer = None
        self._junk_before = self._framer.junk_bytes
        self._deadline_line_ms = line + self._window_ms
        return self._asked.request

    def feed(self, data: bytes, now_ms: int, line_ms: int | None = None) -> list[Outcome]:
        line = now_ms if line_ms is None else line_ms
        self._quiet_until_line_ms = line + TURNAROUND_MS
        asked = self._asked
        for frame in self._framer.feed(data):
            if asked is None or frame.unit != asked.unit or frame.function != asked.function:
                continue
            whole = frame.kind is Kind.RESPONSE and frame.count == asked.count
            if whole or frame.kind is Kind.EXCEPTION:
                self._answer = frame
                self._deadline_line_ms = min(self._deadline_line_ms, self._quiet_until_line_ms)
        return []

    def tick(self, now_ms: int, line_ms: int | None = None) -> list[Outcome]:
        line = now_ms if line_ms is None else line_ms
        asked = self._asked
        if asked is None or line < self._deadline_line_ms:
            return []
        self._asked = None
        self._framer.flush()
        self._judge(asked, damaged=self._framer.junk_bytes > self._junk_before)
        return []

    def wake(self, now_ms: int, line_ms: int | None = None) -> Wake:
        line = now_ms if line_ms is None else line_ms
        if self._asked is not None:
            return Wake(line_ms=self._deadline_line_ms)
        return Wake(line_ms=max(line, self._quiet_until_line_ms)) if self._todo else Wake()

    def findings(self, line: LineSettings) -> list[Finding]:
        return [_finding(unit, model, line) for unit, model in sorted(self.models.items())]

    def _judge(self, asked: _Question, *, damaged: bool) -> None:
        answer = self._answer
        model = "" if answer is None else _model(asked, answer)
        if answer is not None:
            self.models[asked.unit] = model or self.models.get(asked.unit, "")
            self.unreadable.discard(asked.unit)
        elif damaged and asked.unit not in self.models:
            self.unreadable.add(asked.unit)
        if not model and asked.function == READ_INPUT:
            second = _Question(unit=asked.unit, function=READ_HOLDING, address=0x2000, count=2)
            self._todo.appendleft(second)


def _first(unit: int) -> _Question:
    return _Question(unit=unit, function=READ_INPUT, address=0, count=10)


def _model(asked: _Question, answer: Frame) -> str:
    """Which map puts a mains voltage where it must stand."""
    if answer.kind is not Kind.RESPONSE:
        return ""
    volts = float32(answer.data[:4])
    if VOLTS[0] <= volts <= VOLTS[1]:
        return "sdm120" if asked.function == READ_INPUT else "ddsu666"
    low, high = _PZEM_WORDS
    word = int.from_bytes(answer.data[:2], "big")
    return "pzem004t" if asked.function == READ_INPUT and low <= word <= high else ""


def _finding(unit: int, model: str, line: LineSettings) -> Finding:
    titles = {
        "sdm120": "Eastron SDM120/SDM230 meter",
        "ddsu666": "Chint DDSU666 meter",
        "pzem004t": "PZEM-004T meter",
    }
    row: dict[str, Scalar] = {"unit": unit, "device": f"modbus-{unit}"}
    return Finding(
        driver="modbus",
        address=str(unit),
        what=titles.get(model, "a Modbus device of an unknown map"),
        quality="answers",
        line=line,
        table="meters",
        row={**row, "map": model} if model else row,
        needs="" if model else "map or registers, from the device's manual",
    )

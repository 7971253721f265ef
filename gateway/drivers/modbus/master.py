"""The master of a Modbus RTU line: whom to ask what and when, and which answer belongs to it.

One request is outstanding at a time. An answer counts when its unit, function and length are the
asked ones; echoes, foreign and late answers are counted and ignored. Modbus answers do not say
which registers they hold, so after an unanswered request nothing of the same shape is asked of the
same unit until its answer can no longer come. Time-outs run on the line's clock, polls on the
domain's.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from gateway.driver import Decoded, Outcome, Wake
from gateway.drivers.modbus.explain import damage, explain
from gateway.drivers.modbus.frame import Frame, Framer, Kind, read_request
from gateway.drivers.modbus.maps import Block, content
from gateway.drivers.modbus.meter import FAULT_AFTER_ROUNDS, Meter, MeterPlan

# 69 bytes at 2400 baud take 320 ms, and the meters of the maps think for up to 100 ms.
REPLY_TIMEOUT_MS: Final = 1000
RETRIES: Final = 2
# After this many silent rounds of a meter, or of all in a row, the meter or the line is dead: one
# try a round is enough then, so that it doesn't starve the others.
HOPELESS_ROUNDS: Final = 2
# Adapters hand over bytes in pieces of 16 ms and more: bytes still arriving extend the wait, but
# never longer than this after the request, so that noise can't hold the line.
GAP_IN_FRAME_MS: Final = 200
REPLY_WAIT_MAX_MS: Final = 3000
# Silence between frames is 3.5 characters of 11 bits: 33 ms at 1200 baud, less when faster.
TURNAROUND_MS: Final = 40
# A line that is never silent (a broken adapter, a device that babbles) is asked all the same after
# this long, so that its meters' silence is noticed.
BABBLE_MS: Final = 3000
# An answer that has not come this long after its time-out is not coming.
LATE_REPLY_MS: Final = 2000
# Exceptions that say the registers are not there; the others may pass.
UNSUPPORTED_CODES: Final = frozenset({0x01, 0x02, 0x03})


@dataclass(frozen=True, slots=True, kw_only=True)
class BusPlan:
    meters: Sequence[MeterPlan]
    reply_timeout_ms: int = REPLY_TIMEOUT_MS
    retries: int = RETRIES
    turnaround_ms: int = TURNAROUND_MS
    fault_after_rounds: int = FAULT_AFTER_ROUNDS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    meter: Meter
    block: Block
    attempt: int = 1

    @property
    def shape(self) -> tuple[int, int, int]:
        """All that an answer says about the question: unit, function, count."""
        return self.meter.plan.unit, self.block.function, self.block.count


@dataclass(slots=True)
class _Owed:
    """An answer that was not there in time and might still come."""

    address: int
    until_line_ms: int


class Master:
    """The bus driver. `counters` tells what was ignored and why, for metrics."""

    def __init__(self, plan: BusPlan) -> None:
        self.counters: Counter[str] = Counter()
        self._plan = plan
        self._framer = Framer()
        self._meters = [
            Meter(meter, fault_after_rounds=plan.fault_after_rounds) for meter in plan.meters
        ]
        self._asking: Meter | None = None  # whose round is under way
        self._retry: _Question | None = None
        self._asked: _Question | None = None  # sent, its answer awaited
        self._sent_line_ms = 0
        self._deadline_line_ms = 0
        self._quiet_until_line_ms = 0
        self._held_since_line_ms: int | None = None
        self._held_until_line_ms = 0
        # One entry for each shape asked: at most the blocks of all maps on the line.
        self._owed: dict[tuple[int, int, int], _Owed] = {}
        # Rounds that passed in silence, whosever they were.
        self._silent_rounds = 0
        self._last_now_ms: int | None = None
        self._last_line_ms: int | None = None

    def next_request(self, now_ms: int, line_ms: int | None = None) -> bytes | None:
        """The request to send now; call `tick` first, it ends what went unanswered."""
        line = self._clocks(now_ms, line_ms)
        if self._asked is not None:
            return None
        question = self._retry or self._next_block(now_ms)
        if question is None:
            return None
        self._held_until_line_ms = self._hold(question, line)
        if line < self._held_until_line_ms:
            return None
        self._framer.flush()
        self._retry = self._held_since_line_ms = None
        self._asked = question
        self._sent_line_ms = line
        self._deadline_line_ms = line + self._plan.reply_timeout_ms
        self.counters["requests"] += 1
        block = question.block
        return read_request(question.meter.plan.unit, block.function, block.address, block.count)

    def feed(self, data: bytes, now_ms: int, line_ms: int | None = None) -> list[Outcome]:
        """Take bytes from the line; give what was asked for."""
        line = self._clocks(now_ms, line_ms)
        if data:
            self._quiet_until_line_ms = line + self._plan.turnaround_ms
            longest = self._sent_line_ms + max(REPLY_WAIT_MAX_MS, self._plan.reply_timeout_ms)
            extended = max(self._deadline_line_ms, line + GAP_IN_FRAME_MS)
            self._deadline_line_ms = min(extended, longest)
        out: list[Outcome] = []
        for frame in self._framer.feed(data):
            out += self._frame(frame, now_ms)
        self.counters["junk_bytes"] = self._framer.junk_bytes
        return out

    def tick(self, now_ms: int, line_ms: int | None = None) -> list[Outcome]:
        """End a request whose time is over: ask again, or go on without the answer."""
        line = self._clocks(now_ms, line_ms)
        asked = self._asked
        if asked is None or line < self._deadline_line_ms:
            return []
        self._asked = None
        self.counters["timeout"] += 1
        self._owed[asked.shape] = self._owing(asked)
        out: list[Outcome] = []
        rest = self._framer.flush()
        self.counters["junk_bytes"] = self._framer.junk_bytes
        if rest.strip(b"\x00\xff"):
            report = damage(rest)
            self.counters[report.code] += 1
            out.append(report)
        meter = asked.meter
        silent = max(meter.schedule.failed_rounds, self._silent_rounds)
        hopeless = silent >= HOPELESS_ROUNDS and not meter.heard
        if asked.attempt <= (0 if hopeless else self._plan.retries):
            self.counters["retry"] += 1
            self._retry = replace(asked, attempt=asked.attempt + 1)
            return out
        meter.unanswered()
        return out + self._go_on(meter, now_ms)

    def wake(self, now_ms: int, line_ms: int | None = None) -> Wake:
        """When time alone will change something."""
        line = self._clocks(now_ms, line_ms)
        if self._asked is not None:
            return Wake(line_ms=self._deadline_line_ms)
        due = now_ms
        if self._retry is None and self._asking is None:
            due = min(now_ms if m.due_ms is None else m.due_ms for m in self._meters)
        if due > now_ms:
            return Wake(now_ms=due)
        return Wake(line_ms=max(line, self._held_until_line_ms))

    def _hold(self, question: _Question, line: int) -> int:
        """Until when a question waits: for silence, and for answers that might be mistaken."""
        if self._held_since_line_ms is None:
            self._held_since_line_ms = line
        until = min(self._quiet_until_line_ms, self._held_since_line_ms + BABBLE_MS)
        owed = self._owed.get(question.shape)
        if owed is not None and line >= owed.until_line_ms:
            del self._owed[question.shape]
            return until
        if owed is None or owed.address == question.block.address:
            return until
        return max(until, owed.until_line_ms)

    def _owing(self, asked: _Question) -> _Owed:
        """The answer to the request just sent, as one that may still come."""
        until = max(self._sent_line_ms + self._plan.reply_timeout_ms, self._last_line_ms or 0)
        return _Owed(asked.block.address, until + LATE_REPLY_MS)

    def _next_block(self, now_ms: int) -> _Question | None:
        """The next block of the round under way, else of the meter that waits longest."""
        meter = self._asking
        if meter is None:
            waiting = [m for m in self._meters if m.due_ms is None or m.due_ms <= now_ms]
            if not waiting:
                return None
            meter = min(waiting, key=lambda m: -1 if m.due_ms is None else m.due_ms)
            meter.start_round(now_ms)
            self._asking = meter
        return _Question(meter=meter, block=meter.todo[0])

    def _frame(self, frame: Frame, now_ms: int) -> list[Outcome]:
        asked = self._asked
        stranger = self._stranger(frame, asked)
        if stranger or asked is None:
            self.counters[stranger] += 1
            return []
        self._asked = None
        self._silent_rounds = 0
        if asked.shape in self._owed:
            # This may be the answer to an earlier try, and the one to this try still to come.
            self._owed[asked.shape] = self._owing(asked)
        meter, block = asked.meter, asked.block
        shown = Decoded(fields=explain(frame))
        if frame.kind is Kind.RESPONSE:
            meter.answered(block, content(block, frame.data))
        else:
            self.counters["exceptions"] += 1
            if frame.body[0] in UNSUPPORTED_CODES:
                meter.refused(block, now_ms)
            else:
                meter.answered(block, None)
        return [shown, *self._go_on(meter, now_ms)]

    @staticmethod
    def _stranger(frame: Frame, asked: _Question | None) -> str:
        """Why a good frame is not the answer; empty if it is."""
        if frame.kind is Kind.REQUEST:
            return "echo"
        if asked is None:
            return "late"
        if frame.unit != asked.meter.plan.unit:
            return "wrong_unit"
        if frame.function != asked.block.function:
            return "wrong_function"
        if frame.kind is Kind.RESPONSE and frame.count != asked.block.count:
            return "wrong_length"
        return ""

    def _go_on(self, meter: Meter, now_ms: int) -> list[Outcome]:
        """The next block of the round, or its end."""
        if meter.todo:
            return []
        self._asking = None
        self._silent_rounds = 0 if meter.heard else self._silent_rounds + 1
        return meter.end_round(now_ms)

    def _clocks(self, now_ms: int, line_ms: int | None) -> int:
        """Both clocks as of now; when one was set back, its plans move with it."""
        line = now_ms if line_ms is None else line_ms
        if self._last_now_ms is not None and now_ms < self._last_now_ms:
            for meter in self._meters:
                meter.shift(self._last_now_ms - now_ms)
        if self._last_line_ms is not None and line < self._last_line_ms:
            back = self._last_line_ms - line
            self._sent_line_ms -= back
            self._deadline_line_ms -= back
            self._quiet_until_line_ms -= back
            self._held_until_line_ms -= back
            if self._held_since_line_ms is not None:
                self._held_since_line_ms -= back
            for owed in self._owed.values():
                owed.until_line_ms -= back
        self._last_now_ms = now_ms
        self._last_line_ms = line
        return line

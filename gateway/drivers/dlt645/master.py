"""The master of a DL/T 645 bus: whom to ask what and when, and which answer belongs to it.

One request is outstanding at a time. An answer counts when its address, identifier and follow-up
number are the asked ones; echoes of our own requests and late or foreign answers are counted and
ignored. A meter that stops answering is asked ever more rarely, once per try, so that it cannot
starve the others (`meter`). Reply time-outs run on the line's clock, polls on the domain's.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from gateway.driver import RAW_SHOWN_MAX, Decoded, Outcome, Undecodable, Wake
from gateway.drivers.dlt645.frame import FUNCTION_MASK, Frame, Framer
from gateway.drivers.dlt645.meaning import (
    NO_SUCH_DATA,
    Meaning,
    Refused,
    explain,
    explain_payload,
)
from gateway.drivers.dlt645.meter import FAULT_AFTER_ROUNDS, Meter, MeterPlan
from gateway.drivers.dlt645.read_requests import (
    WILDCARD,
    ReadControl,
    address_request,
    next_request,
    read_request,
)

# The standard lets a meter think for 500 ms, and 200 bytes at 2400 baud take 920 ms.
REPLY_TIMEOUT_MS: Final = 1500
RETRIES: Final = 2
# Bytes still arriving extend the wait (gaps inside a frame are at most 500 ms), but never longer
# than this after the request: noise must not hold the bus.
GAP_IN_FRAME_MS: Final = 500
REPLY_WAIT_MAX_MS: Final = 4000
# Quiet time before the next request, so that a slow adapter has turned its transmitter off.
TURNAROUND_MS: Final = 30
# A standard answer needs far fewer follow-up frames; a meter in a loop is cut here.
FOLLOW_UPS_MAX: Final = 16
# A line that is never silent (a broken adapter, a device that babbles) is asked all the same after
# this long, so that its meters' silence is noticed.
BABBLE_MS: Final = 3000
DISCOVERY_INTERVAL_MS: Final = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """Ask the only meter of a bus for its number; `device` empty: named by that number."""

    device: str
    items: Sequence[str]
    poll_ms: int
    once_giving: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BusPlan:
    meters: Sequence[MeterPlan]
    discovery: Discovery | None = None
    reply_timeout_ms: int = REPLY_TIMEOUT_MS
    retries: int = RETRIES
    turnaround_ms: int = TURNAROUND_MS
    fault_after_rounds: int = FAULT_AFTER_ROUNDS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """A request and what its answer must match. meter None: the question for an address."""

    meter: Meter | None
    control: ReadControl
    request: bytes
    di: str = ""
    sequence: int = 0
    collected: bytes = b""
    attempt: int = 1


class Master:
    """The bus driver. `counters` tells what was ignored and why, for metrics."""

    def __init__(self, plan: BusPlan) -> None:
        self.counters: Counter[str] = Counter()
        self._plan = plan
        self._framer = Framer()
        self._meters = [self._meter(meter) for meter in plan.meters]
        self._asking: Meter | None = None  # whose round is under way
        self._ready: _Question | None = None  # a retry or follow-up, to be sent next
        self._asked: _Question | None = None  # sent, its answer awaited
        self._sent_line_ms = 0
        self._deadline_line_ms = 0
        self._quiet_until_line_ms: int | None = None
        self._held_since_line_ms: int | None = None  # a question waits for silence since then
        self._discovery_due_ms: int | None = None
        # Nobody answered lately: the line itself may be cut, so each meter gets one try only.
        self._dark = False
        self._last_now_ms: int | None = None
        self._last_line_ms: int | None = None

    def next_request(self, now_ms: int, line_ms: int | None = None) -> bytes | None:
        """The request to send now; call `tick` first, it ends what went unanswered."""
        line = self._clocks(now_ms, line_ms)
        if self._asked is not None:
            return None
        if line < self._held_until(line):
            # Only what is due waits for silence; without it a noisy night would count as waiting.
            due = self._next_due_ms(now_ms)
            if self._held_since_line_ms is None and due is not None and due <= now_ms:
                self._held_since_line_ms = line
            return None
        question = self._ready or self._discovery_question(now_ms) or self._next_item(now_ms)
        self._held_since_line_ms = None
        if question is None:
            return None
        self._ready = None
        self._asked = question
        self._sent_line_ms = line
        self._deadline_line_ms = line + self._plan.reply_timeout_ms
        self.counters["requests"] += 1
        return question.request

    def feed(self, data: bytes, now_ms: int, line_ms: int | None = None) -> list[Outcome]:
        """Take bytes from the line; give what was asked for, and what could not be read."""
        line = self._clocks(now_ms, line_ms)
        if data:
            self._quiet_until_line_ms = line + self._plan.turnaround_ms
            longest = self._sent_line_ms + max(REPLY_WAIT_MAX_MS, self._plan.reply_timeout_ms)
            extended = max(self._deadline_line_ms, line + GAP_IN_FRAME_MS)
            self._deadline_line_ms = min(extended, longest)
        out: list[Outcome] = []
        for found in self._framer.feed(data):
            if isinstance(found, Undecodable):
                self.counters[found.code] += 1
                out.append(found)
            elif not found.is_reply:
                self.counters["echo"] += 1
            else:
                out += self._reply(found, now_ms)
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
        out: list[Outcome] = list(self._framer.flush())
        meter = asked.meter
        if meter is None:
            return out
        hopeless = (meter.schedule.failed_rounds > 0 or self._dark) and not meter.heard
        if asked.attempt <= (0 if hopeless else self._plan.retries):
            self.counters["retry"] += 1
            self._ready = replace(asked, attempt=asked.attempt + 1)
            return out
        meter.unanswered(asked.di)
        return out + self._go_on(meter, now_ms)

    def wake(self, now_ms: int, line_ms: int | None = None) -> Wake:
        """When time alone will change something."""
        line = self._clocks(now_ms, line_ms)
        if self._asked is not None:
            return Wake(line_ms=self._deadline_line_ms)
        due = self._next_due_ms(now_ms)
        if due is None:
            return Wake()
        if due > now_ms:
            return Wake(now_ms=due)
        return Wake(line_ms=max(line, self._held_until(line)))

    def _held_until(self, line: int) -> int:
        """Until when the next question waits for the line to fall silent, if it does."""
        quiet = self._quiet_until_line_ms
        if quiet is None:
            return line
        held = self._held_since_line_ms
        return quiet if held is None else min(quiet, held + BABBLE_MS)

    def _next_due_ms(self, now_ms: int) -> int | None:
        if self._ready is not None or self._asking is not None:
            return now_ms
        dues = [meter.due_ms for meter in self._meters]
        if self._plan.discovery is not None and not self._meters:
            dues.append(self._discovery_due_ms)
        return min((now_ms if due is None else due for due in dues), default=None)

    def _next_item(self, now_ms: int) -> _Question | None:
        """The next item of the round under way, else of the meter that waits longest."""
        meter = self._asking
        if meter is None:
            waiting = [m for m in self._meters if m.due_ms is None or m.due_ms <= now_ms]
            if not waiting:
                return None
            meter = min(waiting, key=lambda m: -1 if m.due_ms is None else m.due_ms)
            meter.start_round(now_ms)
            self._asking = meter
        di = meter.todo[0]
        control = ReadControl.READ if len(di) == 8 else ReadControl.READ_1997
        request = read_request(meter.plan.address, di)
        return _Question(meter=meter, control=control, request=request, di=di)

    def _discovery_question(self, now_ms: int) -> _Question | None:
        if self._plan.discovery is None or self._meters:
            return None
        if self._discovery_due_ms is not None and now_ms < self._discovery_due_ms:
            return None
        self._discovery_due_ms = now_ms + DISCOVERY_INTERVAL_MS
        return _Question(meter=None, control=ReadControl.READ_ADDRESS, request=address_request())

    def _reply(self, frame: Frame, now_ms: int) -> list[Outcome]:
        asked = self._asked
        if asked is None:
            self.counters["late_or_foreign"] += 1
            return []
        meaning = explain(frame)
        if not self._matches(frame, meaning, asked):
            self.counters["late_or_foreign"] += 1
            return []
        self._asked = None
        self._dark = False
        if asked.meter is None:
            return self._discovered(meaning)
        return self._item(asked, asked.meter, frame, meaning, now_ms)

    def _matches(self, frame: Frame, meaning: Meaning | Undecodable, asked: _Question) -> bool:
        if frame.control & FUNCTION_MASK != asked.control.value:
            return False
        if asked.meter is None:
            return True
        # Some meters of the 1997 edition answer with the wildcard instead of their number.
        wildcard = asked.control is ReadControl.READ_1997 and frame.address == WILDCARD
        if frame.address != asked.meter.plan.address and not wildcard:
            return False
        if frame.is_error:
            return True
        if meaning.fields.get("di") != asked.di:
            return False
        return asked.sequence == 0 or meaning.fields.get("seq") == asked.sequence

    def _discovered(self, meaning: Meaning | Undecodable) -> list[Outcome]:
        discovery = self._plan.discovery
        if isinstance(meaning, Undecodable):
            return [meaning]
        address = meaning.fields.get("data_address", "")
        if discovery is None or not address.isdecimal():
            return [Decoded(fields=meaning.fields)]
        plan = MeterPlan(
            address=address,
            device=discovery.device or f"dlt645-{address}",
            items=discovery.items,
            poll_ms=discovery.poll_ms,
            once_giving=discovery.once_giving,
        )
        self._meters.append(self._meter(plan))
        return [Decoded(fields=meaning.fields)]

    def _item(
        self,
        asked: _Question,
        meter: Meter,
        frame: Frame,
        meaning: Meaning | Undecodable,
        now_ms: int,
    ) -> list[Outcome]:
        """An answer to one item: the whole of it, a piece, a refusal, or something unreadable."""
        if isinstance(meaning, Undecodable):
            self.counters[meaning.code] += 1
            meter.answered(asked.di, None)
            return [meaning, *self._go_on(meter, now_ms)]
        shown = Decoded(fields=meaning.fields)
        if meaning.error is not None:
            self.counters["error_replies"] += 1
            refused = bool(meaning.error & NO_SUCH_DATA)
            meter.refused(asked.di, now_ms, no_such_data=refused)
            return [shown, *self._go_on(meter, now_ms)]
        collected = asked.collected + meaning.payload
        if frame.more_follows:
            return [shown, *self._follow_up(asked, meter, collected, now_ms)]
        if asked.sequence == 0:
            meter.answered(asked.di, meaning)
            return [shown, *self._go_on(meter, now_ms)]
        whole = explain_payload(asked.di, collected)
        if isinstance(whole, Refused):
            self.counters[whole.code] += 1
            meter.answered(asked.di, None)
            detail = f"{asked.di} in several frames: {whole.detail}"
            raw = collected[:RAW_SHOWN_MAX]
            bad = Undecodable(code=whole.code, detail=detail, raw=raw, fields=meaning.fields)
            return [bad, *self._go_on(meter, now_ms)]
        meter.answered(asked.di, whole)
        return [shown, *self._go_on(meter, now_ms)]

    def _follow_up(
        self, asked: _Question, meter: Meter, collected: bytes, now_ms: int
    ) -> list[Outcome]:
        meter.heard = True
        sequence = asked.sequence + 1
        if sequence > FOLLOW_UPS_MAX or asked.control is ReadControl.READ_1997:
            meter.answered(asked.di, None)
            detail = f"{asked.di}: more than {FOLLOW_UPS_MAX} follow-up frames, or 1997 edition"
            raw = collected[:RAW_SHOWN_MAX]
            too_long = Undecodable(code="too_many_follow_ups", detail=detail, raw=raw)
            return [too_long, *self._go_on(meter, now_ms)]
        self._ready = _Question(
            meter=meter,
            control=ReadControl.READ_NEXT,
            request=next_request(meter.plan.address, asked.di, sequence),
            di=asked.di,
            sequence=sequence,
            collected=collected,
        )
        return []

    def _go_on(self, meter: Meter, now_ms: int) -> list[Outcome]:
        """The next item of the round, or its end."""
        if meter.todo:
            return []
        self._asking = None
        self._dark = not meter.heard
        return meter.end_round(now_ms)

    def _meter(self, plan: MeterPlan) -> Meter:
        return Meter(plan, fault_after_rounds=self._plan.fault_after_rounds)

    def _clocks(self, now_ms: int, line_ms: int | None) -> int:
        """Both clocks as of now; when one was set back, its plans move with it."""
        line = now_ms if line_ms is None else line_ms
        if self._last_now_ms is not None and now_ms < self._last_now_ms:
            back = self._last_now_ms - now_ms
            for meter in self._meters:
                meter.shift(back)
            if self._discovery_due_ms is not None:
                self._discovery_due_ms -= back
        if self._last_line_ms is not None and line < self._last_line_ms:
            back = self._last_line_ms - line
            self._sent_line_ms -= back
            self._deadline_line_ms -= back
            if self._quiet_until_line_ms is not None:
                self._quiet_until_line_ms -= back
            if self._held_since_line_ms is not None:
                self._held_since_line_ms -= back
        self._last_now_ms = now_ms
        self._last_line_ms = line
        return line

"""The master of a DL/T 645 bus: whom to ask what and when, and which answer belongs to it.

One request is outstanding at a time. An answer counts when its address, identifier and follow-up
number are the asked ones; echoes of our own requests and late or foreign answers are counted and
ignored. A meter that stops answering is asked ever more rarely, once per try, so that it cannot
starve the others. The items one meter answered in one round become one measurement.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from contract.item import Measurement, Scalar
from gateway.driver import Decoded, Outcome, Undecodable, Wake
from gateway.drivers.dlt645.frame import Frame, Framer
from gateway.drivers.dlt645.meaning import NO_SUCH_DATA, Meaning, explain, explain_payload
from gateway.drivers.dlt645.requests import address_request, next_request, read_request

# The standard lets a meter think for 500 ms, and 200 bytes at 2400 baud take 920 ms.
REPLY_TIMEOUT_MS: Final = 1500
RETRIES: Final = 2
# Bytes still arriving extend the wait (gaps inside a frame are at most 500 ms), but never longer
# than this after the request: noise must not hold the bus.
GAP_IN_FRAME_MS: Final = 500
REPLY_WAIT_MAX_MS: Final = 4000
# Quiet time before the next request, so that a slow adapter has turned its transmitter off.
TURNAROUND_MS: Final = 30
# Rounds without a value before a fault is reported: one lost round is noise.
FAULT_AFTER_ROUNDS: Final = 3
# A dead meter is tried at 2, 4, 8 ... intervals, at least this often.
BACKOFF_DOUBLINGS_MAX: Final = 5
BACKOFF_MAX_MS: Final = 30 * 60_000
# A meter that says it has no such data is asked again after a day: it may have been replaced.
UNSUPPORTED_MS: Final = 24 * 3_600_000
# The standard's longest list of follow-up frames is far shorter; a meter in a loop is cut here.
FOLLOW_UPS_MAX: Final = 16
DISCOVERY_INTERVAL_MS: Final = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterPlan:
    """One meter as configured: its number, the name of its readings, what to ask how often."""

    address: str
    device: str
    items: Sequence[str]
    poll_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BusPlan:
    meters: Sequence[MeterPlan]
    discover: MeterPlan | None = None
    reply_timeout_ms: int = REPLY_TIMEOUT_MS
    retries: int = RETRIES
    turnaround_ms: int = TURNAROUND_MS
    fault_after_rounds: int = FAULT_AFTER_ROUNDS


@dataclass(slots=True)
class _Meter:
    plan: MeterPlan
    due_ms: int | None = None  # None: at once
    failed_rounds: int = 0
    fault: str = ""
    unsupported_until_ms: dict[str, int] = field(default_factory=dict)
    # The round under way.
    todo: list[str] = field(default_factory=list)
    values: dict[str, float] = field(default_factory=dict)
    attrs: dict[str, Scalar] = field(default_factory=dict)
    shown: list[Mapping[str, object]] = field(default_factory=list)
    heard: bool = False


@dataclass(slots=True, kw_only=True)
class _Outstanding:
    meter: _Meter | None  # None: the address request
    di: str
    request: bytes
    sent_ms: int
    deadline_ms: int
    attempt: int = 1
    sequence: int = 0  # of the follow-up frame asked for, 0 before the first
    collected: bytes = b""


class Master:
    """The bus driver. `counters` tells what was ignored and why, for metrics."""

    def __init__(self, plan: BusPlan) -> None:
        self.counters: Counter[str] = Counter()
        self._plan = plan
        self._framer = Framer()
        self._meters = [_Meter(meter) for meter in plan.meters]
        self._asking: _Meter | None = None
        self._outstanding: _Outstanding | None = None
        self._again: _Outstanding | None = None
        self._quiet_until_ms = 0
        self._discovery_due_ms: int | None = None

    def next_request(self, now_ms: int, line_ms: int | None = None) -> bytes | None:
        """The request to send now; call `tick` first, it ends what went unanswered."""
        line = now_ms if line_ms is None else line_ms
        if self._outstanding is not None or line < self._quiet_until_ms:
            return None
        again, self._again = self._again, None
        if again is not None:
            again.attempt += 1
            return self._send(again, line)
        if self._discovery_due(now_ms):
            self._discovery_due_ms = now_ms + DISCOVERY_INTERVAL_MS
            return self._send(_request(None, "", address_request()), line)
        meter = self._asking or self._start_round(now_ms)
        if meter is None:
            return None
        di = meter.todo[0]
        return self._send(_request(meter, di, read_request(meter.plan.address, di)), line)

    def feed(self, data: bytes, now_ms: int, line_ms: int | None = None) -> list[Outcome]:
        """Take bytes from the line; answers to what was asked, and what could not be read."""
        line = now_ms if line_ms is None else line_ms
        asked = self._outstanding
        if data:
            self._quiet_until_ms = line + self._plan.turnaround_ms
            if asked is not None:
                longest = asked.sent_ms + max(REPLY_WAIT_MAX_MS, self._plan.reply_timeout_ms)
                asked.deadline_ms = min(max(asked.deadline_ms, line + GAP_IN_FRAME_MS), longest)
        out: list[Outcome] = []
        for found in self._framer.feed(data):
            if isinstance(found, Undecodable):
                self.counters[found.code] += 1
                out.append(found)
            elif not found.is_reply:
                self.counters["echo"] += 1
            else:
                out += self._answer(found, now_ms, line)
        self.counters["junk_bytes"] = self._framer.junk_bytes
        return out

    def tick(self, now_ms: int, line_ms: int | None = None) -> list[Outcome]:
        """End a request whose time is over: ask again, or count the item as unanswered."""
        line = now_ms if line_ms is None else line_ms
        asked = self._outstanding
        if asked is None or line < asked.deadline_ms:
            return []
        self.counters["timeout"] += 1
        out: list[Outcome] = list(self._framer.flush())
        self._outstanding = None
        meter = asked.meter
        if meter is None:
            return out
        retries = 0 if meter.failed_rounds else self._plan.retries
        if asked.attempt <= retries:
            self.counters["retry"] += 1
            self._again = asked
            return out
        if not meter.heard:
            meter.todo.clear()  # it said nothing at all: the other items would only cost time
            return out + self._end_round(meter, now_ms)
        return out + self._item_over(meter, now_ms)

    def wake(self, now_ms: int, line_ms: int | None = None) -> Wake:
        """When time alone will change something."""
        line = now_ms if line_ms is None else line_ms
        if self._outstanding is not None:
            return Wake(line_ms=self._outstanding.deadline_ms)
        if self._again is not None or self._asking is not None:
            return Wake(line_ms=max(line, self._quiet_until_ms))
        dues = [meter.due_ms for meter in self._meters]
        if self._plan.discover is not None and not self._meters:
            dues.append(self._discovery_due_ms)
        if not dues:
            return Wake()
        due = min(now_ms if at is None else at for at in dues)
        if due > now_ms:
            return Wake(now_ms=due)
        return Wake(line_ms=max(line, self._quiet_until_ms))

    def _send(self, asked: _Outstanding, line: int) -> bytes:
        asked.sent_ms = line
        asked.deadline_ms = line + self._plan.reply_timeout_ms
        self._outstanding = asked
        self.counters["request"] += 1
        return asked.request

    def _discovery_due(self, now_ms: int) -> bool:
        if self._plan.discover is None or self._meters:
            return False
        return self._discovery_due_ms is None or now_ms >= self._discovery_due_ms

    def _start_round(self, now_ms: int) -> _Meter | None:
        """The meter that has waited longest, with what it is to be asked."""
        due = [m for m in self._meters if m.due_ms is None or m.due_ms <= now_ms]
        if not due:
            return None
        meter = min(due, key=lambda m: -1 if m.due_ms is None else m.due_ms)
        meter.todo = [
            di for di in meter.plan.items if meter.unsupported_until_ms.get(di, 0) <= now_ms
        ] or list(meter.plan.items)
        meter.values, meter.attrs, meter.shown, meter.heard = {}, {}, [], False
        self._asking = meter
        return meter

    def _answer(self, frame: Frame, now_ms: int, line: int) -> list[Outcome]:
        """An answer to what was asked, or something to count and ignore."""
        asked = self._outstanding
        if asked is None:
            self.counters["late_answer"] += 1
            return []
        meaning = explain(frame)
        if isinstance(meaning, Undecodable):
            self.counters[meaning.code] += 1
            return [meaning]
        if asked.meter is None:
            return self._found(meaning)
        if frame.address != asked.meter.plan.address.upper():
            self.counters["foreign_address"] += 1
            return []
        if meaning.error is not None:
            return self._refused(asked, meaning, now_ms)
        expected = asked.sequence or None
        if meaning.di != asked.di or meaning.sequence != expected:
            self.counters["foreign_data"] += 1
            return []
        return self._content(asked, frame, meaning, now_ms, line)

    def _found(self, meaning: Meaning) -> list[Outcome]:
        """The only meter on the bus told its number: from now on it is asked by it."""
        address = str(meaning.fields.get("data_address", ""))
        template = self._plan.discover
        if not address or template is None:
            return []
        self._outstanding = None
        name = f"{template.device}-{address.lstrip('0') or '0'}"
        plan = MeterPlan(
            address=address, device=name, items=template.items, poll_ms=template.poll_ms
        )
        self._meters.append(_Meter(plan))
        return [Decoded(fields=meaning.fields)]

    def _refused(self, asked: _Outstanding, meaning: Meaning, now_ms: int) -> list[Outcome]:
        meter = asked.meter
        if meter is None:
            return []
        self.counters["error_answer"] += 1
        meter.heard = True
        if (meaning.error or 0) & NO_SUCH_DATA:
            meter.unsupported_until_ms[asked.di] = now_ms + UNSUPPORTED_MS
        meter.shown.append(meaning.fields)
        return self._item_over(meter, now_ms)

    def _content(
        self, asked: _Outstanding, frame: Frame, meaning: Meaning, now_ms: int, line: int
    ) -> list[Outcome]:
        meter = asked.meter
        if meter is None:
            return []
        meter.heard = True
        asked.collected += meaning.payload
        if frame.more_follows and asked.sequence < FOLLOW_UPS_MAX:
            asked.sequence += 1
            asked.attempt = 1
            asked.request = next_request(meter.plan.address, asked.di, asked.sequence)
            self._outstanding, self._again = None, asked
            asked.attempt = 0
            self._quiet_until_ms = line + self._plan.turnaround_ms
            return []
        whole: Meaning | None = meaning
        if asked.sequence:
            whole = explain_payload(asked.di, asked.collected)
        if whole is not None:
            meter.values.update(whole.values)
            meter.attrs.update(whole.attrs)
            meter.shown.append(whole.fields)
        return self._item_over(meter, now_ms)

    def _item_over(self, meter: _Meter, now_ms: int) -> list[Outcome]:
        self._outstanding = None
        if meter.todo:
            meter.todo.pop(0)
        return [] if meter.todo else self._end_round(meter, now_ms)

    def _end_round(self, meter: _Meter, now_ms: int) -> list[Outcome]:
        """One measurement of what was answered; a meter long silent is a fault, told once."""
        self._asking = None
        found: list[Measurement] = []
        if meter.heard:
            meter.failed_rounds = 0
            meter.due_ms = now_ms + meter.plan.poll_ms
            if meter.fault:
                found.append(_health(meter, now_ms, {"recovered": meter.fault}))
                meter.fault = ""
            if meter.values:
                found.append(
                    Measurement(
                        device=meter.plan.device,
                        kind="power",
                        measured_at_ms=now_ms,
                        received_at_ms=now_ms,
                        values=dict(meter.values),
                        attrs=dict(meter.attrs),
                    )
                )
        else:
            meter.failed_rounds += 1
            doublings = min(meter.failed_rounds, BACKOFF_DOUBLINGS_MAX)
            wait_ms = min(meter.plan.poll_ms << doublings, max(BACKOFF_MAX_MS, meter.plan.poll_ms))
            meter.due_ms = now_ms + wait_ms
            if meter.failed_rounds == self._plan.fault_after_rounds:
                meter.fault = "no_answer"
                found.append(_health(meter, now_ms, {"fault": "no_answer"}))
        if not found:
            return []
        return [Decoded(fields={"answers": list(meter.shown)}, measurements=found)]


def _request(meter: _Meter | None, di: str, request: bytes) -> _Outstanding:
    return _Outstanding(meter=meter, di=di, request=request, sent_ms=0, deadline_ms=0)


def _health(meter: _Meter, now_ms: int, attrs: dict[str, Scalar]) -> Measurement:
    return Measurement(
        device=meter.plan.device,
        kind="device_health",
        measured_at_ms=now_ms,
        received_at_ms=now_ms,
        attrs=attrs,
    )

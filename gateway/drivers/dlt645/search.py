"""Finding the numbers of all meters on a bus that nobody wrote down.

DL/T 645 has a wildcard of whole bytes: in a request for reading the highest bytes of the number may
be AA, then every meter whose low digits match answers with its real number (DL/T 645-2007, address
field). So the search is a tree: ask everybody; one clean answer is one meter; several answers or a
collision mean that the next two digits must be told apart, 00 to 99. It only reads.

    AAAAAAAAAAAA   collision
    AAAAAAAAAA00   silence
    AAAAAAAAAA61   one answer, 000000000161: it is asked by its number, and counts when it answers
    AAAAAAAAAA62   collision, then AAAAAAAA0062 ... AAAAAAAA9962

Two answers at once can look like a good frame of a meter that doesn't exist, therefore the second
question. Used like a bus driver (`gateway.driver.BusDriver`) until `finished`. What it can't see:
a meter whose answer is drowned out by a stronger one so well that the stronger stays undamaged.
"""

from collections import Counter, deque
from dataclasses import dataclass, replace
from typing import Final

from gateway.driver import Outcome, Undecodable, Wake
from gateway.drivers.dlt645.frame import Frame, Framer, address_text
from gateway.drivers.dlt645.read_requests import ReadControl, address_request, read_request

# What is asked for: every meter has its own energy, and a refusal tells the number as well.
ASKED_2007: Final = "00010000"
ASKED_1997: Final = "9010"
# A meter may think for 500 ms, its answer takes 150 ms at 1200 baud; a second one comes after it.
WINDOW_MS: Final = 1000
# Bytes still arriving extend the window, but noise never holds the search longer than this.
GAP_MS: Final = 300
WINDOW_MAX_MS: Final = 4000
TURNAROUND_MS: Final = 30
# Silence and damage are asked about once more before they are believed.
TRIES: Final = 2
ADDRESS_DIGITS: Final = 12
# 64 meters on a bus make 32 pairs at most: more branches with damage than that are noise.
BRANCHES_MAX: Final = 32
# A search of 64 meters that share their low digits needs this many; a day of asking is not wanted.
PROBES_MAX: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Probe:
    """A question to all meters whose number ends with `suffix`.

    doubted: the question whose only answer named this number, when it is asked for confirmation.
    """

    suffix: str
    control: ReadControl
    attempt: int = 1
    doubted: "_Probe | None" = None

    @property
    def request(self) -> bytes:
        if self.control is ReadControl.READ_ADDRESS:
            return address_request()
        di = ASKED_2007 if self.control is ReadControl.READ else ASKED_1997
        return read_request(self.suffix.rjust(ADDRESS_DIGITS, "A"), di)


class AddressSearch:
    """found: numbers of meters. unresolved: endings under which something answers, unreadably.

    An unresolved ending of twelve digits is two meters with one number, or damage on the line; a
    shorter one is noise, or meters that don't know the wildcard.
    """

    def __init__(self, *, edition: int = 2007, window_ms: int = WINDOW_MS) -> None:
        self.found: set[str] = set()
        self.unresolved: list[str] = []
        self.counters: Counter[str] = Counter()
        self._control = ReadControl.READ if edition == 2007 else ReadControl.READ_1997
        self._window_ms = window_ms
        first = ReadControl.READ_ADDRESS if edition == 2007 else self._control
        # Level by level: noise shows in the first hundred, before any branch is followed.
        self._todo = deque([_Probe(suffix="", control=first)])
        self._asked: _Probe | None = None
        self._framer = Framer()
        self._heard: set[str] = set()
        self._damaged = False
        self._junk_before = 0
        self._damaged_branches: Counter[str] = Counter()
        self._sent_line_ms = 0
        self._deadline_line_ms = 0
        self._quiet_until_line_ms: int | None = None
        self._last_line_ms: int | None = None

    @property
    def finished(self) -> bool:
        return self._asked is None and not self._todo

    @property
    def probes(self) -> int:
        return self.counters["probes"]

    @property
    def waiting(self) -> int:
        """Questions known to be left; grows when a collision is found."""
        return len(self._todo) + (self._asked is not None)

    def next_request(self, now_ms: int, line_ms: int | None = None) -> bytes | None:
        line = self._clock(now_ms, line_ms)
        quiet_until = self._quiet_until_line_ms
        if self._asked is not None or not self._todo:
            return None
        if quiet_until is not None and line < quiet_until:
            return None
        if self.probes >= PROBES_MAX:
            self.unresolved += [probe.suffix for probe in self._todo]
            self._todo.clear()
            return None
        self._asked = self._todo.popleft()
        self._heard.clear()
        self._damaged = False
        self._junk_before = self._framer.junk_bytes
        self._sent_line_ms = line
        self._deadline_line_ms = line + self._window_ms
        self.counters["probes"] += 1
        return self._asked.request

    def feed(self, data: bytes, now_ms: int, line_ms: int | None = None) -> list[Outcome]:
        line = self._clock(now_ms, line_ms)
        if data:
            self._quiet_until_line_ms = line + TURNAROUND_MS
            longest = self._sent_line_ms + max(WINDOW_MAX_MS, self._window_ms)
            extended = max(self._deadline_line_ms, line + GAP_MS)
            self._deadline_line_ms = min(extended, longest)
        for item in self._framer.feed(data):
            self._take(item)
        return []

    def tick(self, now_ms: int, line_ms: int | None = None) -> list[Outcome]:
        line = self._clock(now_ms, line_ms)
        asked = self._asked
        if asked is None or line < self._deadline_line_ms:
            return []
        self._asked = None
        for item in self._framer.flush():
            self._take(item)
        self._judge(asked, self._damaged or self._framer.junk_bytes > self._junk_before)
        return []

    def wake(self, now_ms: int, line_ms: int | None = None) -> Wake:
        line = self._clock(now_ms, line_ms)
        if self._asked is not None:
            return Wake(line_ms=self._deadline_line_ms)
        if not self._todo:
            return Wake()
        return Wake(line_ms=max(line, self._quiet_until_line_ms or line))

    def _take(self, item: Frame | Undecodable) -> None:
        asked = self._asked
        if isinstance(item, Undecodable):
            self._damaged = True
        elif not item.is_reply:
            self.counters["echo"] += 1
        elif asked is None or item.function != asked.control.value:
            self.counters["late_or_foreign"] += 1
        else:
            self._answer(asked, item)

    def _answer(self, asked: _Probe, frame: Frame) -> None:
        address = frame.address
        if asked.control is ReadControl.READ_ADDRESS and len(frame.data) == ADDRESS_DIGITS // 2:
            address = address_text(frame.data)
        if asked.suffix == address or (address.isdecimal() and address.endswith(asked.suffix)):
            self._heard.add(address)
        elif not address.isdecimal():
            # Some meters of the 1997 edition answer with the wildcard they were asked with.
            known = len(asked.suffix) == ADDRESS_DIGITS
            self._heard |= {asked.suffix} if known else set()
            self._damaged |= not known
        else:
            self.counters["late_or_foreign"] += 1

    def _judge(self, asked: _Probe, damaged: bool) -> None:
        """The window is over: nobody, one, or more than one."""
        if asked.suffix in self._heard:
            self.found.add(asked.suffix)
        if len(self._heard) == 1 and not damaged:
            number = next(iter(self._heard))
            if number not in self.found:
                self._todo.appendleft(_Probe(suffix=number, control=self._control, doubted=asked))
        elif not self._heard and asked.attempt < TRIES:
            self._todo.appendleft(replace(asked, attempt=asked.attempt + 1))
        elif asked.control is ReadControl.READ_ADDRESS:
            # Not every meter knows the question for its number; reading all of them do.
            self._todo.appendleft(_Probe(suffix="", control=self._control))
        elif asked.doubted is not None and not self._heard:
            self._tell_apart(asked.doubted, damaged=True)
        elif self._heard or damaged:
            self._tell_apart(asked, damaged)

    def _tell_apart(self, asked: _Probe, damaged: bool) -> None:
        suffix = asked.suffix
        parent = suffix[2:]
        self._damaged_branches[parent] += bool(suffix)
        if len(suffix) == ADDRESS_DIGITS:
            if damaged:
                self.unresolved.append(suffix)
        elif self._damaged_branches[parent] > BRANCHES_MAX:
            self.unresolved.append(parent)
            self._todo = deque(p for p in self._todo if not p.suffix.endswith(parent))
        else:
            self._todo += [
                _Probe(suffix=f"{digits:02d}{suffix}", control=self._control)
                for digits in range(100)
            ]

    def _clock(self, now_ms: int, line_ms: int | None) -> int:
        """The line's time; should it be set back, what was planned moves with it."""
        line = now_ms if line_ms is None else line_ms
        if self._last_line_ms is not None and line < self._last_line_ms:
            back = self._last_line_ms - line
            self._sent_line_ms -= back
            self._deadline_line_ms -= back
            if self._quiet_until_line_ms is not None:
                self._quiet_until_line_ms -= back
        self._last_line_ms = line
        return line

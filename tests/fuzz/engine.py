"""A small coverage-guided fuzzer: which lines an input reaches decides whether it is kept.

What it is: a loop of the standard library alone. It keeps an input when `sys.settrace` saw a pair
of successive lines for the first time, or when it had a kind of outcome that none had before.
Tracing makes Python ten to twenty times slower, so only every `trace_every`-th input is traced,
and each with a new kind. What it is not: it sees no branches inside an expression, compares
no operands and minimises nothing. A native fuzzer finds more per input; this one runs wherever
the project runs.
"""

import resource
import signal
import sys
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from types import CodeType, FrameType
from typing import Any, Final

from tests.fuzz.mutations import mutate

# Beyond this the oldest found inputs make room; seeds stay.
CORPUS_MAX: Final = 3000
# Lines one input may execute. The longest inputs need some thousands.
STEPS_MAX: Final = 500_000
# Real time after which an untraced input hangs. Far beyond anything a busy machine does to 2 KB.
HANG_S: Final = 20
# The first of each kind is enough to work with.
FAILURES_MAX: Final = 20


class Hang(BaseException):
    """An input that used up its steps or its time; no error that a driver may catch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """run: takes an input, raises when a promise is broken, returns what kinds of outcome it had.

    seeds: the corpus to begin with. tokens: pieces worth inserting. fresh: an input made by the
    format's own rules, or None. repair: the same input with lengths and checksums right.
    """

    name: str
    run: Callable[[bytes], frozenset[Hashable]]
    seeds: Sequence[bytes]
    tokens: Sequence[bytes] = ()
    fresh: Callable[[Random], bytes] | None = None
    repair: Callable[[Random, bytes], bytes] | None = None


@dataclass(slots=True)
class Report:
    name: str
    inputs: int = 0
    crashes: dict[str, bytes] = field(default_factory=dict)
    hangs: list[bytes] = field(default_factory=list)
    corpus: int = 0
    edges: int = 0

    @property
    def peak_kib(self) -> int:
        """Of the whole process."""
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    @property
    def clean(self) -> bool:
        return not self.crashes and not self.hangs


class Coverage:
    """Pairs of successive lines in the watched files, and how many lines one input took."""

    def __init__(self, folders: Sequence[str], steps_max: int = STEPS_MAX) -> None:
        self.seen: set[tuple[CodeType, int, int]] = set()
        self._folders = tuple(folders)
        self._steps_max = steps_max
        self._watched: dict[CodeType, bool] = {}
        self._steps = 0
        self._last = 0
        self._fresh = False

    def traced(
        self, run: Callable[[bytes], frozenset[Hashable]], data: bytes
    ) -> tuple[frozenset[Hashable], bool]:
        """The kinds of outcome, and whether something was reached for the first time."""
        self._steps = self._last = 0
        self._fresh = False
        before = sys.gettrace()
        sys.settrace(self._call)
        try:
            kinds = run(data)
        finally:
            sys.settrace(before)
        return kinds, self._fresh

    def _call(self, frame: FrameType, event: str, arg: Any) -> Any:
        code = frame.f_code
        watched = self._watched.get(code)
        if watched is None:
            watched = code.co_filename.startswith(self._folders)
            self._watched[code] = watched
        return self._line if watched else None

    def _line(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event == "line":
            self._steps += 1
            if self._steps > self._steps_max:
                raise Hang(f"more than {self._steps_max} lines")
            edge = (frame.f_code, self._last, frame.f_lineno)
            if edge not in self.seen:
                self.seen.add(edge)
                self._fresh = True
            self._last = frame.f_lineno
        return self._line


class Fuzzer:
    """One target, one seed, one corpus. The same arguments give the same inputs."""

    def __init__(
        self, target: Target, coverage: Coverage, *, seed: int = 1, trace_every: int = 32
    ) -> None:
        self.report = Report(name=target.name)
        self._target = target
        self._coverage = coverage
        self._random = Random(seed)
        self._trace_every = trace_every
        self._corpus = list(target.seeds) or [b""]
        self._seeds = len(self._corpus)
        self._kinds: set[Hashable] = set()

    def run(self, inputs: int) -> Report:
        """That many more inputs; stops early when failures repeat."""
        report = self.report
        with self._watchdog():
            while inputs > 0 and len(report.crashes) + len(report.hangs) < FAILURES_MAX:
                inputs -= 1
                first = report.inputs < self._seeds
                data = self._corpus[report.inputs] if first else self._next()
                report.inputs += 1
                try:
                    self._try(data, first or report.inputs % self._trace_every == 0)
                finally:
                    report.corpus = len(self._corpus)
                    report.edges = len(self._coverage.seen)
        return report

    def _next(self) -> bytes:
        random, target = self._random, self._target
        if target.fresh is not None and random.random() < 0.15:
            data = target.fresh(random)
        else:
            data = mutate(random, self._corpus, target.tokens)
        if target.repair is not None and random.random() < 0.6:
            data = target.repair(random, data)
        return data

    def _try(self, data: bytes, traced: bool) -> None:
        run = self._target.run
        try:
            new = False
            if traced:
                kinds, new = self._coverage.traced(run, data)
            else:
                kinds = run(data)
            if not kinds <= self._kinds:
                self._kinds |= kinds
                new = True
                if not traced:
                    self._coverage.traced(run, data)
        except Hang:
            self.report.hangs.append(data)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what was looked for
            self.report.crashes.setdefault(_where(error), data)
        else:
            if new and self.report.inputs > self._seeds:
                self._keep(data)

    def _keep(self, data: bytes) -> None:
        if len(self._corpus) >= CORPUS_MAX:
            del self._corpus[self._seeds]
        self._corpus.append(data)

    @contextmanager
    def _watchdog(self) -> Iterator[None]:
        """Looks once a second whether the same input is still running: free of cost per input."""
        last, unchanged = -1, 0

        def look(_signal: int, _frame: FrameType | None) -> None:
            nonlocal last, unchanged
            unchanged = unchanged + 1 if self.report.inputs == last else 0
            last = self.report.inputs
            if unchanged >= HANG_S:
                unchanged = 0
                raise Hang(f"more than {HANG_S} s")

        before = signal.signal(signal.SIGALRM, look)
        signal.setitimer(signal.ITIMER_REAL, 1, 1)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


def _where(error: Exception) -> str:
    """The kind of the failure and the innermost line: one crash is told once."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    line = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
    return f"{type(error).__name__} at {line}: {str(error)[:160]}"

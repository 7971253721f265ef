"""What the rules of the readings lane think, in a process that hears no readings: by their states
as whoever hears them has committed them last."""

import threading
from collections.abc import Callable, Iterable
from typing import Final, Protocol, runtime_checkable

from hearthwatch.urgent_side import UrgentSide
from ingest.readings.port import RuleState, StoreError
from rules.engine import Engine

# Older ones are read again when somebody asks: a board asks every few seconds, and what a rule
# thinks of a home changes by the minute.
AGE_MAX_S: Final = 10.0


@runtime_checkable
class KeepsStates(Protocol):
    """A store whose states others may read."""

    def rule_states(self) -> Iterable[RuleState]: ...


class StoredViews:
    """An engine that only looks. From any thread; who asks while it is read waits for the same."""

    def __init__(
        self,
        side: UrgentSide,
        states: KeepsStates,
        *,
        make_engine: Callable[[], Engine],
        now_ms: Callable[[], int],
        monotonic: Callable[[], float],
        log: Callable[[str, str], None],
    ) -> None:
        self._side, self._states, self._make_engine = side, states, make_engine
        self._now_ms, self._monotonic, self._log = now_ms, monotonic, log
        self._lock = threading.Lock()
        self._engine = make_engine()
        self._read_s: float | None = None

    def engine(self) -> Engine:
        with self._lock:
            now_s = self._monotonic()
            if self._read_s is None or now_s - self._read_s > AGE_MAX_S:
                self._read()
                self._read_s = self._monotonic()
            return self._engine

    def _read(self) -> None:
        engine = self._make_engine()
        self._side.know_homes(engine, self._now_ms())
        try:
            for home, rule, state in self._states.rule_states():
                engine.restore(home, rule, state)
        except StoreError as error:
            # What was thought before is better than nothing.
            self._log("rule_states_not_read", str(error))
            return
        before, self._engine = self._engine, engine
        before.let_go()

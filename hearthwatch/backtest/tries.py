"""The tries of a hub: a short queue, one at a time, results in memory.

submit -> queued -> running -> done | failed      cancel: gone at any time
                    a process of its own
"""

import multiprocessing
import secrets
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from sqlalchemy import Engine

from contract.moment import to_iso
from dashboard.ports import TriesFull, TryWanted
from hearthwatch.backtest.changes import played, wanted_rules
from hearthwatch.backtest.stored_past import area_of
from hearthwatch.backtest.try_run import TryTask, run_try
from hearthwatch.broker_config import BrokerConfig
from hearthwatch.hub_config import HubConfig
from hearthwatch.notify_config import NotifyConfig
from rules.in_force import InForce

# A try of a county takes minutes; who asks for more has not looked at the first ones.
QUEUE_MAX: Final = 8
# Finished ones are kept for so long as they are few: newest of each account, and in all.
KEPT_OF_ONE: Final = 20
KEPT_MAX: Final = 200
# How soon a cancelled try ends.
_LOOK_S: Final = 0.2


class Runner(Protocol):
    """A try that runs; `message` waits at most so long and gives None when there is none."""

    def message(self, timeout_s: float) -> tuple[str, Any] | None: ...
    def stop(self) -> None: ...


class ProcessRunner:
    """In a process that starts afresh: a copy of a hub full of threads could not be trusted."""

    def __init__(self, config: HubConfig, task: TryTask) -> None:
        # What it doesn't need it isn't told; what tells people can't be sent to a process at all.
        bare = replace(config, webhooks=(), broker=BrokerConfig(), notify=NotifyConfig())
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe(duplex=False)
        self._process = context.Process(target=run_try, args=(theirs, bare, task), daemon=True)
        self._process.start()
        theirs.close()

    def message(self, timeout_s: float) -> tuple[str, Any] | None:
        if not self._pipe.poll(timeout_s):
            return None
        try:
            kind, content = self._pipe.recv()
        except (EOFError, OSError):
            return "failed", "the process ended before it was done"
        return kind, content

    def stop(self) -> None:
        self._process.terminate()
        self._process.join()
        self._pipe.close()


@dataclass(slots=True)
class _Try:
    id: str
    wanted: TryWanted
    task: TryTask
    asked_at_ms: int
    state: str = "queued"
    progress: float = 0.0
    result: Mapping[str, Any] | None = None
    detail: str = ""
    cancelled: bool = field(default=False)

    def document(self, *, whole: bool) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "id": self.id,
            "state": self.state,
            "progress": round(self.progress, 4),
            "asked_at": to_iso(self.asked_at_ms),
            "from": to_iso(self.wanted.from_ms),
            "to": to_iso(self.wanted.to_ms),
            "homes": self.wanted.region,
            "changes": list(self.wanted.changes),
        }
        if self.detail:
            shown["detail"] = self.detail
        if whole and self.result is not None:
            shown["result"] = self.result
        return shown


class Tries:
    """Implements the dashboard's `RuleTries` port. `rules`: those in force when it is asked, with
    what is set for categories, homes and persons."""

    def __init__(
        self,
        engine: Engine,
        rules: Callable[[], InForce],
        now_ms: Callable[[], int],
        start: Callable[[TryTask], Runner],
    ) -> None:
        self._engine = engine
        self._rules = rules
        self._now_ms = now_ms
        self._start = start
        self._changed = threading.Condition()
        self._all: dict[str, _Try] = {}
        self._queue: deque[_Try] = deque()
        self._worker: threading.Thread | None = None
        self._closed = False

    def submit(self, wanted: TryWanted) -> str:
        rules = self._rules()
        with self._engine.connect() as connection:
            area = area_of(connection, wanted.region)
        then = wanted_rules(rules, wanted.changes, wanted.toml, area)
        now = played(rules, area)
        task = TryTask(
            region=wanted.region, from_ms=wanted.from_ms, to_ms=wanted.to_ms, now=now, then=then
        )
        one = _Try(secrets.token_hex(8), wanted, task, self._now_ms())
        with self._changed:
            if len(self._queue) >= QUEUE_MAX:
                raise TriesFull(f"{QUEUE_MAX} tries are waiting; cancel one or come back later")
            self._all[one.id] = one
            self._queue.append(one)
            self._forget(wanted.owner)
            if self._worker is None:
                self._worker = threading.Thread(target=self._work, name="tries", daemon=True)
                self._worker.start()
            self._changed.notify_all()
        return one.id

    def find(self, owner: str, try_id: str) -> Mapping[str, Any] | None:
        with self._changed:
            one = self._of(owner, try_id)
            return None if one is None else one.document(whole=True)

    def latest(self, owner: str) -> Sequence[Mapping[str, Any]]:
        with self._changed:
            mine = [one for one in self._all.values() if one.wanted.owner == owner]
            return [one.document(whole=False) for one in reversed(mine)][:KEPT_OF_ONE]

    def cancel(self, owner: str, try_id: str) -> bool:
        with self._changed:
            one = self._of(owner, try_id)
            if one is None:
                return False
            one.cancelled = True
            del self._all[try_id]
            if one in self._queue:
                self._queue.remove(one)
            return True

    def wait(self, try_id: str, timeout_s: float) -> bool:
        """Whether it has ended, waiting so long for it at most."""
        with self._changed:
            return self._changed.wait_for(
                lambda: try_id not in self._all or self._ended(self._all[try_id]), timeout_s
            )

    def close(self) -> None:
        """Stop what runs; nothing more is begun."""
        with self._changed:
            self._closed = True
            self._queue.clear()
            for one in self._all.values():
                one.cancelled = True
            self._changed.notify_all()
        if self._worker is not None:
            self._worker.join()

    # In the worker's thread.

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or bool(self._queue))
                if self._closed:
                    return
                one = self._queue.popleft()
                one.state = "running"
            try:
                self._run(one)
            except Exception as error:  # noqa: BLE001 - the next one shall be tried
                self._note(one, "failed", f"{type(error).__name__}: {error}")

    def _run(self, one: _Try) -> None:
        runner = self._start(one.task)
        try:
            while not one.cancelled and not self._ended(one):
                message = runner.message(_LOOK_S)
                if message is not None:
                    self._note(one, *message)
        finally:
            runner.stop()

    def _note(self, one: _Try, kind: str, content: Any) -> None:
        with self._changed:
            if kind == "progress":
                one.progress = float(content)
            elif kind == "done":
                one.state, one.progress, one.result = "done", 1.0, content
            else:
                one.state, one.detail = "failed", str(content)[:500]
            self._changed.notify_all()

    # With the lock held.

    @staticmethod
    def _ended(one: _Try) -> bool:
        return one.state in ("done", "failed")

    def _of(self, owner: str, try_id: str) -> _Try | None:
        one = self._all.get(try_id)
        return one if one is not None and one.wanted.owner == owner else None

    def _forget(self, owner: str) -> None:
        ended = [one for one in self._all.values() if self._ended(one)]
        mine = [one for one in ended if one.wanted.owner == owner]
        for one in (*mine[: max(0, len(mine) - KEPT_OF_ONE + 1)],):
            self._all.pop(one.id, None)
        for one in ended[: max(0, len(self._all) - KEPT_MAX)]:
            self._all.pop(one.id, None)

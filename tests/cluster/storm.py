"""A run: everything up, presses and readings all the time, kills by the plan; then nobody is killed
any more, what waits comes in, and it is judged."""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx2

from dashboard.permissions import permissions_of, topics_of
from tests.chaos import checker
from tests.chaos.logs import tracebacks
from tests.cluster import judge, stored
from tests.cluster.boards import Board
from tests.cluster.light import LANES, LightGateway
from tests.cluster.options import Options
from tests.cluster.plan import WEB, WORKER, Kill, plan, take_next
from tests.cluster.province import PASSWORD, Province
from tests.cluster.watch import Watch, Watched

# A hub's start and a cluster's first leaders, on a machine with other work.
START_S: Final = 300.0
# Nothing may go for so long: something does not come back.
STUCK_S: Final = 300.0
SETTLE_S: Final = 300.0
LOOK_S: Final = 0.25
TURN_S: Final = 0.05
# The book is compared with what was acknowledged so often during the run too.
CHECK_S: Final = 10.0
# Of real gateways, between two presses or telegrams.
REAL_PRESS_S: Final = 3.0
REAL_READ_S: Final = 1.0
# A kill's board is one that lost its line so soon after it.
BOARD_S: Final = 1.0
TOLD_EACH: Final = 10


@dataclass(slots=True)
class Outcome:
    kills: list[Watched]
    seconds: float
    presses: checker.Verdict
    readings: judge.Verdict
    boards: list[judge.Verdict]
    resumes_s: list[float]
    resumed: int
    shards: dict[int, int]
    sent_again: int
    load: tuple[float, float]
    stepped_down: int
    tracebacks: Counter[str]
    settle_s: float
    wrong: list[str] = field(default_factory=list)


class Storm:
    def __init__(
        self, options: Options, province: Province, folder: Path, say: Callable[[str], None]
    ) -> None:
        self.options, self.province, self.folder, self.say = options, province, folder, say
        self.up: frozenset[str] = frozenset()
        self.wrong: list[str] = []
        self._r = random.Random(options.seed)
        self._lock = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self._boards: list[Board] = []
        self._light: list[LightGateway] = []
        self._watch = Watch(())
        self._making = True

    async def run(self) -> Outcome:
        try:
            await self._begin()
            began_s, load = time.monotonic(), os.getloadavg()[0]
            await self._blow()
            seconds = time.monotonic() - began_s
            settle_s = await self._settle()
            self._watch.end(time.monotonic())
            return await self._outcome(seconds, settle_s, load)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    # The phases.

    async def _begin(self) -> None:
        province = self.province
        await self._read(stored.watch_readings)
        province.start()
        self._go(self._tend())
        self._go(self._look())
        await self._until(lambda: self.up == frozenset(province.programs), START_S, "all are up")
        self.say("every program is up")
        self._light = [
            LightGateway(
                name,
                province.light_settings(name),
                random.Random(self._r.random()),
                now_ms,
                self._acked,
            )
            for name in province.light_names
        ]
        self._watch = Watch((g.name, lane) for g in self._light for lane in LANES)
        await self._until(lambda: all(g.listens for g in province.real), START_S, "real gateways")
        await self._open_boards()
        for gateway in self._light:
            self._go(gateway.run())
        for real in province.real:
            self._go(self._again_and_again(REAL_PRESS_S, real.press))
            self._go(self._again_and_again(REAL_READ_S, real.read))
        await self._until(self._all_flow, START_S, "an item of every gateway is through")
        self._go(self._look_into_the_book())
        self._go(self._check())
        self.say("every gateway is heard")

    async def _open_boards(self) -> None:
        address = f"http://127.0.0.1:{self.province.web.port}"
        async with httpx2.AsyncClient() as client:
            body = {"username": "duty1", "password": PASSWORD}
            answer = await client.post(f"{address}/api/v1/login", json=body, timeout=60)
            token = str(answer.raise_for_status().json()["token"])
        self._boards = [Board(f"board-{n}", address, token) for n in range(self.options.boards)]
        for board in self._boards:
            self._go(board.run())
        await self._until(
            lambda: all(board.ready.is_set() for board in self._boards), START_S, "boards are open"
        )

    def _all_flow(self) -> bool:
        through = all(
            lane.last_seq > len(lane.waiting) for g in self._light for lane in g.lanes.values()
        )
        return through and all(self._real_flows(g) for g in self.province.real)

    def _real_flows(self, gateway: Any) -> bool:
        return bool(gateway.accepted()) and gateway.spooled().last_seq > gateway.waiting

    async def _blow(self) -> None:
        waiting = plan(self.options.seed, self.options.kills, self.options.kinds)
        while waiting:
            kill, since_s = None, time.monotonic()
            while kill is None:
                kill = take_next(waiting, self.up)
                if kill is None:
                    if time.monotonic() - since_s > STUCK_S:
                        raise AssertionError(f"not back for {STUCK_S:g} s; up: {sorted(self.up)}")
                    await asyncio.sleep(TURN_S)
            await self._kill(kill)
            done = self.options.kills - len(waiting)
            if done % TOLD_EACH == 0 or not waiting:
                self.say(f"{done} of {self.options.kills} kills")
            await asyncio.sleep(kill.gap_s)

    async def _kill(self, kill: Kill) -> None:
        held = await self._read(stored.holders) if kill.kind == WORKER else {}
        fences = await self._read(stored.fences) if kill.kind == WORKER else {}
        self.up -= {kill.name}
        now_s, at_ms = time.monotonic(), now_ms()
        self.province.programs[kill.name].kill(now_s + kill.away_s)
        watched = self._watch.killed(kill, now_s, at_ms)
        if kill.kind == WORKER:
            await asyncio.sleep(LOOK_S)
            still, taken = await self._read(stored.holders), await self._read(stored.fences)
            gone = {shard for shard, pids in held.items() if pids - still.get(shard, set())}
            # A connection that one had for a shard that is another's is no holding of it.
            its = {s for s in gone if not still.get(s) or taken[s] > fences[s]}
            self._watch.held(watched, {shard: fences[shard] for shard in its})

    async def _settle(self) -> float:
        """Nobody presses any more, and nobody helps."""
        began_s = time.monotonic()
        names = frozenset(self.province.programs)
        try:
            await self._until(lambda: not self._watch.open, SETTLE_S, "all flows after every kill")
        except AssertionError as error:
            self.wrong.append(str(error))
        self._making = False
        for gateway in self._light:
            gateway.making = False
        try:
            await self._until(lambda: self.up == names, SETTLE_S, "all are up again")
            await self._until(lambda: self._waiting() == 0, SETTLE_S, "all is acknowledged")
            newest = await self._read(stored.newest_entry)
            await self._until(
                lambda: all(board.newest() >= newest for board in self._boards),
                SETTLE_S,
                "boards have been told everything",
            )
        except AssertionError as error:
            self.wrong.append(str(error))
        return time.monotonic() - began_s

    def _waiting(self) -> int:
        return sum(g.waiting for g in self._light) + sum(g.waiting for g in self.province.real)

    async def _outcome(self, seconds: float, settle_s: float, load: float) -> Outcome:
        province = self.province
        topics = topics_of(permissions_of("duty"))
        accepted, spools = await self._accepted_and_told()
        pressed = {k: n for g in (*self._light, *province.real) for k, n in g.pressed.items()}
        presses = checker.check(
            accepted,
            pressed,
            await self._read(stored.events),
            await self._read(stored.alarms),
            await self._read(stored.tasks),
        )
        readings = judge.check_readings(
            spools, await self._read(stored.kept), await self._read(stored.marks)
        )
        boards = []
        for board in self._boards:
            first, last = board.first or 0, board.newest()
            its = await self._read(lambda p, a=first, b=last: stored.entries(p, topics, a, b))
            heard = [number for number in board.order if number <= last]
            boards.append(judge.check_board(board.name, heard, its, board.resets))
        self.wrong += judge.check_steps(await self._read(stored.calls))
        outages = [outage for board in self._boards for outage in board.outages]
        return Outcome(
            kills=self._kills(),
            seconds=seconds,
            presses=presses,
            readings=readings,
            boards=boards,
            resumes_s=[o.ready_s - o.lost_s for o in outages if o.ready_s is not None],
            resumed=len(outages),
            shards=await self._read(stored.speaking),
            sent_again=sum(g.sent_again for g in self._light),
            load=(load, os.getloadavg()[0]),
            stepped_down=sum(sum(p.refused.values()) for p in province.hubs.values()),
            tracebacks=tracebacks(self.folder),
            settle_s=settle_s,
            wrong=self.wrong + self._exits(),
        )

    async def _accepted_and_told(
        self,
    ) -> tuple[dict[str, checker.Accepted], list[judge.Spooled]]:
        """What gateways have accepted, when the hub has acknowledged all of it: what was written to
        a line last is accepted a moment later, and is not in the store by then."""
        until_s = time.monotonic() + SETTLE_S
        while True:
            accepted = self._accepted()
            spools = [g.spooled() for g in (*self._light, *self.province.real)]
            if self._waiting() == 0:
                return accepted, spools
            if time.monotonic() > until_s:
                self.wrong.append(f"{self._waiting()} items unacknowledged at the end")
                return accepted, spools
            await asyncio.sleep(TURN_S)

    def _accepted(self) -> dict[str, checker.Accepted]:
        return {
            number: item
            for gateway in (*self._light, *self.province.real)
            for number, item in (
                gateway.accepted if isinstance(gateway, LightGateway) else gateway.accepted()
            ).items()
        }

    def _kills(self) -> list[Watched]:
        """A killed process of pages has stood still for as long as the slowest of its boards."""
        kills = sorted(self._watch.closed, key=lambda watched: watched.number)
        for watched in kills:
            if watched.kill.kind == WEB:
                lost = [
                    (outage.ready_s or float("inf")) - watched.at_s
                    for board in self._boards
                    for outage in board.outages
                    if 0 <= outage.lost_s - watched.at_s < BOARD_S
                ]
                watched.still_s = max(lost, default=0.0)
        return kills

    def _exits(self) -> list[str]:
        return [
            f"{name} ended by itself with {code} ({times} times)"
            for name, program in self.province.programs.items()
            for code, times in program.exits.items()
        ]

    # What goes on all the time.

    def _go(self, what: Any) -> None:
        task = asyncio.create_task(what)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and task.exception() is not None:
            self.wrong.append(f"the storm itself: {task.exception()!r}")

    async def _read(self, what: Callable[[Province], Any]) -> Any:
        async with self._lock:
            return await asyncio.to_thread(what, self.province)

    def _acked(self, gateway: str, lane: str, made_s: float) -> None:
        self._watch.acked((gateway, lane), made_s, time.monotonic())

    async def _again_and_again(self, mean_s: float, do: Callable[[], None]) -> None:
        r = random.Random(self._r.random())
        while self._making:
            await asyncio.sleep(mean_s * r.uniform(0.5, 1.5))
            if self._making:
                do()

    async def _tend(self) -> None:
        """As an init system: what has ended is started again when its time has come."""
        while True:
            now_s = time.monotonic()
            for program in self.province.programs.values():
                program.tend(now_s)
            await asyncio.sleep(TURN_S)

    async def _look(self) -> None:
        """Who is up."""
        async with httpx2.AsyncClient(timeout=2.0) as client:
            while True:
                hubs = self.province.hubs
                found = await asyncio.gather(*(self._ready(client, name) for name in hubs))
                names = {name for name, ready in zip(hubs, found, strict=True) if ready}
                names |= {name for name, node in self.province.nodes.items() if node.up}
                self.up = frozenset(names)
                await asyncio.sleep(LOOK_S)

    async def _look_into_the_book(self) -> None:
        """Whose the shards are; when somebody was last called."""
        while True:
            if any(watched.shards for watched in self._watch.open):
                self._watch.taken(await self._read(stored.fences), time.monotonic())
            if any(watched.calls for watched in self._watch.open):
                self._watch.called(await self._read(stored.last_call_ms), time.monotonic())
            await asyncio.sleep(LOOK_S)

    async def _ready(self, client: httpx2.AsyncClient, name: str) -> bool:
        if not self.province.hubs[name].running:
            return False
        try:
            answer = await client.get(f"http://127.0.0.1:{self.province.ports[name]}/readyz")
            return answer.json()["status"] in ("ok", "standby")
        except (httpx2.HTTPError, ValueError):
            return False

    async def _check(self) -> None:
        """What a gateway was told is committed is in the book, once, at any moment."""
        while True:
            await asyncio.sleep(CHECK_S)
            acked = {i for g in self._light for i in g.acked if i in g.accepted}
            times = Counter(event.id for event in await self._read(stored.events))
            lost = acked - times.keys()
            doubled = [number for number, count in times.items() if count > 1]
            if lost or doubled:
                self.wrong.append(f"during the run: {len(lost)} lost, {len(doubled)} doubled")
                return

    async def _until(self, holds: Callable[[], bool], seconds: float, what: str) -> None:
        until_s = time.monotonic() + seconds
        while not holds():
            if ended := self._exits():
                raise AssertionError(f"while waited for {what}: {'; '.join(ended)}")
            if time.monotonic() > until_s:
                raise AssertionError(f"not within {seconds:g} s: {what}; up: {sorted(self.up)}")
            await asyncio.sleep(TURN_S)


def now_ms() -> int:
    return int(datetime.now(tz=UTC).timestamp() * 1000)  # noqa: TID251 - the gateways' own clock

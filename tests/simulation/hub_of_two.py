"""One of two hubs over one book: it waits for the lease, is the hub while it has it, and ends when
another one has taken over, as `hearthwatch/hub_command.py` and `hearthwatch/hub.py` have it.

No readings side: its store is each hub's own.
"""

import asyncio
import random

import psycopg

from hearthwatch.hub import LEASE_LOOK_S
from ledger.cursor import BookInUseError
from ledger.pg_lease import IDLE_IN_TRANSACTION_MS, RENEW_S
from tests.simulation.book_server import BookServer, Session, SimulatedBook
from tests.simulation.disk import Crash
from tests.simulation.hub_machine import HubMachine
from tests.simulation.standing_still import HaltingLoop


class HubOfTwo(HubMachine):
    def __init__(self, name: str, folder, rng, oracle, *, broker, server: BookServer) -> None:
        super().__init__(folder, rng, oracle, broker, template=None, name=name)
        self.server = server
        self.reaches_book = True
        self.writer = self.side = None
        self.thawed = asyncio.Event()
        self.thawed.set()
        self.takeovers = 0
        # What happens at the n-th statement from now on: (n, what, how long).
        self._planned: tuple[int, str, float] | None = None

    @property
    def has_the_book(self) -> bool:
        return (
            self.up
            and self._connection is not None
            and self.server.up
            and self._connection.lease.fence == self.server.fence()
        )

    @property
    def works(self) -> bool:
        return self.has_the_book and not self.frozen and self.reaches_book

    # Faults.

    def plan(self, statements: int, what: str, lasts_s: float) -> None:
        self._planned = (statements, what, lasts_s)

    def meets(self, session: Session, sql: str) -> None:
        """A statement of its writer is on its way."""
        if self.disk.dead:
            raise Crash
        if self._planned is None:
            return
        left, what, lasts_s = self._planned
        if left > 0:
            self._planned = (left - 1, what, lasts_s)
            return
        commits = sql == "COMMIT"
        self._planned = None
        if commits and random.Random(f"{self.loop.time()}").random() < 1 / 2:
            # It is done, and whoever asked for it never hears of it.
            session.file.execute(sql)
        match what:
            case "kill":
                self.disk.crash("kill")
                raise Crash
            case "pause":
                self.freeze(lasts_s)
                if lasts_s * 1000 > IDLE_IN_TRANSACTION_MS and session.file.in_transaction:
                    session.forsaken()
                    raise psycopg.OperationalError("terminating connection due to time-out")
            case "cut":
                self.cut_book(lasts_s)
        if commits and not session.file.in_transaction:
            session.forsaken()
            raise psycopg.OperationalError("could not receive data from server")

    def freeze(self, lasts_s: float) -> None:
        self.oracle.say(f"{self.name} stands still for {lasts_s:.1f} s")
        self.oracle.steps.nobody_works()
        self.frozen = True
        self.thawed.clear()
        self.loop.call_later(lasts_s, self._go_on, context=self.server.context)

    def _go_on(self) -> None:
        if not self.frozen:
            return
        self.oracle.say(f"{self.name} goes on")
        loop = self.loop
        assert isinstance(loop, HaltingLoop)
        loop.go_on(self)
        self.thawed.set()

    def cut_book(self, lasts_s: float) -> None:
        self.oracle.say(f"{self.name} is cut off from the book for {lasts_s:.1f} s")
        self.oracle.steps.nobody_works()
        self.reaches_book = False
        self.loop.call_later(lasts_s, self._reaches, context=self.server.context)

    def _reaches(self) -> None:
        self.reaches_book = True

    def hand_over(self) -> None:
        """Asked to end (SIGTERM): the book is given back at once."""
        if self._connection is not None and not self.frozen:
            self.oracle.say(f"{self.name} is asked to end")
            self._connection.close()
            self.die("kill")

    def die(self, kind: str) -> None:
        self._planned = None
        self.oracle.steps.nobody_works()
        self._go_on()
        super().die(kind)

    # The process.

    def _start(self):
        self._connection = self.writer = None
        return self._life()

    async def _life(self) -> None:
        while True:
            try:
                connection = SimulatedBook(self.server, self)
                break
            except BookInUseError:
                pass
            except psycopg.Error as error:
                self.log("standby_waits", f"{type(error).__name__}: {error}")
            await asyncio.sleep(LEASE_LOOK_S)
        try:
            client = self._build(connection)
        except psycopg.Error as error:
            # The process ends with what it says; whoever supervises it starts it again.
            self.log("ended", f"{type(error).__name__}: {error}")
            connection.close()
            self.loop.call_soon(self.die, "kill")
            return
        except Crash:
            self.loop.call_soon(self.die, "kill")
            return
        self._listen()
        self.takeovers += 1
        self.oracle.say(f"{self.name} has the book, fence {connection.lease.fence}")
        self.oracle.hub_boots(self.server.reader, None)
        self.pump()
        await self._run(client)

    def _parts(self, client):
        return [
            client.run(),
            self.dispatcher.run(),
            self._supervise(),
            self._watch_due(),
            self._renew(),
            self._watch_lease(),
        ]

    async def _renew(self) -> None:
        """What the lease's thread does."""
        while not self._connection.lease.lost:
            await asyncio.sleep(RENEW_S)
            self._connection.lease.renew()

    async def _watch_lease(self) -> None:
        while not self._connection.lease.lost:  # noqa: ASYNC110 - as the hub does
            await asyncio.sleep(LEASE_LOOK_S)
        self.log("lease_lost", "another hub has taken the book over")
        self.loop.call_soon(self.die, "kill")

    def _readings_side(self) -> None:
        return None

    def _writers(self):
        return () if self.writer is None else (self.writer,)

    def _buried(self) -> None:
        if self._client is not None:
            self._client.close()
        for session in [s for s in self.server.sessions if s._hub is self]:
            session.close()
        self._connection = self.writer = self.desk = None

    def _committed(self, connection, durable: bool) -> None:
        """Its own disk holds nothing."""

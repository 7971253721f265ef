"""Machines that die and boot again, and the first kind: a gateway is the product's own `Gateway`.

A machine is killed by killing its disk: from then on every statement of the old process ends in
`Crash`, its connections are closed, and its tasks are cancelled. What it still had in mind is
garbage.
"""

import asyncio
import queue
import random
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from contract.item import Measurement
from gateway.clock import Clock
from gateway.clock import Machine as ClockEdges
from gateway.config import GatewayConfig, UplinkConfig
from gateway.driver import Decoded
from gateway.feedback import Feedback
from gateway.process import Edges, Gateway
from gateway.spool.spool import TELEMETRY_BYTES_MAX, SpoolEdges
from tests.simulation.disk import Crash, Disk
from tests.simulation.network import Broker, GatewayClient
from tests.simulation.oracle import Oracle
from tests.simulation.standing_still import context_of

# 2026-11-23 08:00 UTC.
EPOCH_MS = 1_795_420_800_000
# Where a Pi without a clock of its own starts until NTP answers: the epoch, or its image's date.
IMAGES_MS = (10_000, 1_760_000_000_000)
NTP_AFTER_S = (5.0, 90.0)
NTP_AGAIN_S = 64.0
DRIFT_MAX = 0.001
RESERVE_BYTES = 4096
FREE_BYTES = 1 << 30
# What a commit takes: an SSD's usual pace, and a card that is busy with itself.
COMMIT_S, SLOW_COMMIT_S = (0.0005, 0.01), (0.5, 6.0)
BOOT_S = {"kill": (0.2, 5.0), "power": (5.0, 60.0)}


class WallClock:
    """A machine's clocks: both drift, the wall jumps and is wrong after a start without a battery,
    the running time begins anew with the power."""

    def __init__(self, now_s: Callable[[], float], drift: float) -> None:
        self._now_s = now_s
        self._drift = drift
        self._offset_ms = 0
        self._booted_ms = 0
        self.boots = 0
        self.synced = True

    def _passed_ms(self) -> int:
        return int(self._now_s() * 1000 * (1 + self._drift))

    def now_ms(self) -> int:
        return EPOCH_MS + self._offset_ms + self._passed_ms()

    def running_ms(self) -> int:
        return self._passed_ms() - self._booted_ms

    def jump(self, by_ms: int) -> None:
        """Somebody sets it; the kernel knows at once that this was not NTP."""
        self._offset_ms += by_ms
        self.synced = False

    def power_cut(self) -> None:
        self._booted_ms = self._passed_ms()
        self.boots += 1

    def forget(self, image_ms: int) -> None:
        self._offset_ms = image_ms - EPOCH_MS - self._passed_ms()
        self.synced = False

    def ntp(self) -> None:
        self._offset_ms = 0
        self.synced = True

    def as_read(self, name: str) -> Clock:
        """The product's clock of a process that starts now."""
        return Clock(
            machine=ClockEdges(
                boot=lambda: f"{name}-boot-{self.boots}",
                boot_ms=self.running_ms,
                wall_ms=self.now_ms,
                kept=lambda: self.synced,
            )
        )


class Bell(queue.SimpleQueue):
    """A writer's queue that tells when something was put in, so that nobody need look."""

    def __init__(self, ring: Callable[[], None]) -> None:
        super().__init__()
        self._ring = ring

    def put(self, item, block=True, timeout=None) -> None:
        super().put(item, block, timeout)
        self._ring()


class Ear(Feedback):
    """Who stands beside the gateway and hears its tones."""

    def __init__(self, commands, log, heard: Callable[[str, str], None]) -> None:
        super().__init__(commands, log)
        self._heard = heard

    def received(self, device: str, kind: str) -> None:
        self._heard(device, kind)


class Machine:
    """Boots, dies, boots again. `_start` opens the disk and returns the process's coroutine."""

    def __init__(self, name: str, folder: Path, rng: random.Random, oracle: Oracle) -> None:
        self.name = name
        self.rng = rng
        self.oracle = oracle
        self.loop = asyncio.get_running_loop()
        self.disk = Disk(folder, rng, self._committed)
        self.clock = WallClock(self.loop.time, 0.0)
        self.up = False
        self.slow = False
        self.no_rtc = False
        self.reaches_ntp: Callable[[], bool] = lambda: True
        self._main: asyncio.Task[object] | None = None
        self._pumping = False
        self._old: list[asyncio.Task[object]] = []
        # What its processes do while others go on; see `standing_still`.
        self.frozen = False
        self.held: list[asyncio.Handle] = []
        self.context = context_of(self)

    def boot(self) -> None:
        """In its own context, whoever wants it."""
        self.context.copy().run(self._boot)

    def _boot(self) -> None:
        if self.up:
            return
        self.disk.boot()
        self.oracle.say(f"{self.name} boots")
        try:
            main = self._start()
            self._listen()
        except Crash:
            self.die(self.disk.end)
            return
        self.up = True
        self.pump()
        self._main = self.loop.create_task(main)
        self._main.add_done_callback(self._ended)

    def _listen(self) -> None:
        """Hear of it when something is put into a queue of a writer."""
        for writer in self._writers():
            waiting, writer._queue = writer._queue, Bell(self.pump)
            while not waiting.empty():
                writer._queue.put(waiting.get())

    def die(self, kind: str) -> None:
        """The end of the process, at once; it comes back by itself."""
        self.up = False
        self.disk.crash(kind)
        self.oracle.say(f"{self.name} dies: {kind}")
        if self._main is not None:
            self._main.cancel()
            self._old.append(self._main)
            self._main = None
        self._buried()
        if kind == "power":
            self.clock.power_cut()
            if self.no_rtc:
                self.lose_time()
        self.loop.call_later(self.rng.uniform(*BOOT_S[kind]), self.boot)

    def lose_time(self) -> None:
        """It starts without a battery for its clock; NTP answers some time later."""
        self.clock.forget(self.rng.choice(IMAGES_MS))
        self.loop.call_later(self.rng.uniform(*NTP_AFTER_S), self._ask_ntp)

    def _ask_ntp(self) -> None:
        """Nobody answers over a line that is cut."""
        if self.reaches_ntp():
            self.clock.ntp()
        else:
            self.loop.call_later(NTP_AGAIN_S, self._ask_ntp)

    def _ended(self, task: "asyncio.Task[object]") -> None:
        if not task.cancelled() and task.exception() is not None:
            self.oracle.fail(f"{self.name} ended by itself: {task.exception()!r}")

    async def stop(self) -> None:
        """The end of the run."""
        if self._main is not None:
            self._main.cancel()
            self._old.append(self._main)
        await asyncio.gather(*self._old, return_exceptions=True)

    def pump(self) -> None:
        """Stand in for the machine's writer threads: what is queued is committed a little later."""
        if not self.up or self._pumping or self.disk.dead:
            return
        for writer in self._writers():
            if not writer.idle:
                break
        else:
            return
        self._pumping = True
        pace = SLOW_COMMIT_S if self.slow else COMMIT_S
        self.loop.call_later(self.rng.uniform(*pace), self._round, context=self.context)

    def _round(self) -> None:
        self._pumping = False
        if not self.up:
            return
        try:
            for writer in self._writers():
                writer.step()
        except Crash:
            self.die(self.disk.end)
        self.pump()

    def _start(self):
        raise NotImplementedError

    def _writers(self) -> Sequence:
        raise NotImplementedError

    def _buried(self) -> None:
        """Close what the dead process had open."""

    def _committed(self, connection, durable: bool) -> None:
        raise NotImplementedError


class GatewayMachine(Machine):
    def __init__(self, name, folder, rng, oracle, broker: Broker) -> None:
        super().__init__(name, folder, rng, oracle)
        self._broker = broker
        self.reaches_ntp = lambda: broker.net.open(name)
        self.telemetry_bytes_max = TELEMETRY_BYTES_MAX
        self._gateway: Gateway | None = None

    def _start(self):
        self.oracle.gateway_boots(self.name)
        config = GatewayConfig(
            gateway=self.name,
            data_dir=self.disk.folder,
            uplink=UplinkConfig(host="simulated", port=1, username=None, password=None),
            sources=(),
            reserve_bytes=RESERVE_BYTES,
            telemetry_bytes_max=self.telemetry_bytes_max,
        )
        edges = Edges(
            client=lambda settings, **calls: GatewayClient(
                self._broker, self.name, settings, **calls
            ),
            feedback=lambda commands, log: Ear(commands, log, self._tone),
            new_uuid=lambda: uuid.UUID(int=self.rng.getrandbits(128), version=4),
            spool=SpoolEdges(
                connect=self.disk.connect,
                free_bytes=lambda _folder: 0 if self.disk.full else FREE_BYTES,
                threads=False,
            ),
        )
        self._time = self.clock.as_read(self.name)
        self._gateway = Gateway(config, self._time, self._log, edges=edges)
        self.oracle.spool_opened(self.name, self.lane()._connection)
        telemetry = self._gateway._spool.telemetry.lane._connection
        self.oracle.readings.spool_opened(self.name, telemetry)
        return self._gateway.run()

    def press(self, device: str, number: int, action: str) -> None:
        """A frame of the button reaches the gateway's intake, or nobody."""
        if not self.up:
            return
        now_ms = self._time.now_ms()
        self.oracle.pressed(number, EPOCH_MS + int(self.loop.time() * 1000))
        measurement = Measurement(
            device=device,
            kind="sos",
            measured_at_ms=now_ms,
            received_at_ms=now_ms,
            attrs={"action": action, "press": number},
        )
        self._gateway._intake.take("button", [Decoded(fields={}, measurements=[measurement])])

    def read(self, device: str, number: int) -> None:
        """A meter is read; what nobody hears is nobody's reading."""
        if not self.up:
            return
        now_ms = self._time.now_ms()
        measurement = Measurement(
            device=device,
            kind="power",
            measured_at_ms=now_ms,
            received_at_ms=now_ms,
            values={"power_w": float(number)},
        )
        self._gateway._intake.take("meter", [Decoded(fields={}, measurements=[measurement])])

    def lane(self):
        return self._gateway._spool.urgent.lane

    def _tone(self, device: str, kind: str) -> None:
        if self.up:
            self.oracle.tone(self.name, device, kind)

    def _log(self, event: str, detail: str) -> None:
        if event in ("part_failed", "spool_not_mended"):
            self.oracle.say(f"{self.name}: {event} {detail}")

    def _writers(self):
        spool = self._gateway._spool
        return (spool.urgent, spool.telemetry)

    def _buried(self) -> None:
        if self._gateway is not None:
            for client in (self._gateway._urgent_client, self._gateway._telemetry_client):
                client.close()

    def _committed(self, connection, durable: bool) -> None:
        if connection.path.name == "activation.db":
            self.oracle.spool_committed(self.name, connection, durable)
        else:
            small = self.telemetry_bytes_max < TELEMETRY_BYTES_MAX
            lane = self._gateway._spool.telemetry.lane if self._gateway else None
            size = lane._bytes if lane else 0
            self.oracle.readings.spool_committed(self.name, connection, durable, size, small)

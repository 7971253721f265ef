"""`python -m gateway walk-test`: an installer triggers each device and sees how far it gets.

This is the gateway itself, with all its sources, its spool and its line to the hub, so the village
stays watched meanwhile; its service is stopped for this time, for a spool has one process. What is
a test and what stays a call is decided in `gateway/walk.py`.
"""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from contract import topics
from contract.codec import decode_ack
from contract.config import ConfigError
from contract.errors import ContractError
from contract.ids import is_name
from contract.item import Item, Measurement
from gateway.belonging import give_over
from gateway.clock import Clock, line_ms, load_clock
from gateway.commands import DoneCommands
from gateway.config import GatewayConfig, load
from gateway.process import Client, Edges, Gateway
from gateway.spool.spool import SpoolInUse
from gateway.uplink.paho_client import PahoClient
from gateway.walk import Expected, Walk, devices_of

# From one end of a house to the other and back to the screen.
PRESS_S: Final = 60.0
# Sent again after 1, 2, 4, 8 s: by then a hub that lives has answered.
ACK_S: Final = 20.0
# Meters are read when the gateway starts; a sensor of a door speaks when it is opened.
READINGS_S: Final = 60.0
CONNECT_S: Final = 20.0
EXIT_NOT_HEARD: Final = 1
EXIT_SPOOL: Final = 3
EXIT_STOPPED: Final = 130
_READ_BYTES: Final = 4096
# Lines of a gateway in trouble; what comes after so many different ones helps nobody.
LOGGED_MAX: Final = 200
# What the gateway logs in good order is no news to an installer.
_QUIET: Final = frozenset(
    {"gateway_started", "gateway_stopped", "serial_open", "local_mqtt_open", "command"}
)

EPILOG: Final = """example:
  systemctl stop hearthwatch-gateway
  python -m gateway walk-test --config /etc/hearthwatch/gateway.toml --device hall-sos
  systemctl start hearthwatch-gateway
Only the device you are told to press is marked as a test, and only then. Any other press is a real
call and is answered. Exit code 0: all heard and acknowledged, 1: not all, 2: configuration,
3: the gateway still runs, 130: ended by Ctrl-C.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds for each part."""

    connect_s: float = CONNECT_S
    press_s: float = PRESS_S
    ack_s: float = ACK_S
    readings_s: float = READINGS_S


class WalkTest:
    """One walk, on the event loop. `keys` brings the lines typed: "" goes on, "q" ends."""

    def __init__(
        self,
        config: GatewayConfig,
        walk: Walk,
        say: Callable[[str], None],
        *,
        keys: "asyncio.Queue[str]",
        patience: Patience,
        clock: Clock,
        line_ms: Callable[[], int] = line_ms,
    ) -> None:
        self.walk = walk
        self._config = config
        self._say = say
        self._keys = keys
        self._patience = patience
        self._clock = clock
        self._line_ms = line_ms
        self._changed = asyncio.Event()
        self._connected = False
        self._ended = self._stopped = False
        self._done = DoneCommands()
        self._told_real = 0
        self._logged: set[str] = set()
        self._gateway = self._make()

    async def run(self) -> bool:
        """False when the installer ended it; the gateway stops cleanly in any case."""
        running = asyncio.create_task(self._keep_running())
        try:
            await self._steps(running)
        finally:
            self._ended = True
            self._gateway.end("stop")
            await asyncio.gather(running, return_exceptions=True)
        return not self._stopped

    def stop(self) -> None:
        """The installer has had enough: the summary tells what is known."""
        self._stopped = True
        self._changed.set()

    async def _steps(self, running: "asyncio.Task[None]") -> None:
        running.add_done_callback(lambda _task: self._changed.set())
        self._say("connecting to the hub's broker …")
        if not await self._until(
            lambda: self._connected or running.done(), self._patience.connect_s
        ):
            self._say("no connection: presses are kept here and sent later")
        for one in self.walk.expected:
            if one.pressed and not self._stopped and not running.done():
                await self._step(one)
        rest = [one for one in self.walk.missing() if not one.pressed]
        if rest and not self._stopped and not running.done():
            self._say(f"waiting for readings of {', '.join(one.device for one in rest)}")
            await self._until(lambda: not self._readings_missing(), self._patience.readings_s)
        await self._until(lambda: not self.walk.unacknowledged(), self._patience.ack_s)
        if running.done():
            running.result()

    def _readings_missing(self) -> list[Expected]:
        return [one for one in self.walk.missing() if not one.pressed]

    async def _step(self, one: Expected) -> None:
        """One device: told, heard, on the disk, acknowledged."""
        device, walk = one.device, self.walk
        while not self._keys.empty():
            self._keys.get_nowait()  # typed for the step before
        self._say(f"\n{device}: press it now ({self._patience.press_s:.0f} s; Enter: next, q: end)")
        walk.begin(device)
        heard = await self._until(lambda: device in walk.traces, self._patience.press_s)
        if heard and not self._stopped:
            self._say(f"  heard: {walk.traces[device].kind}, marked as test")
            await self._until(
                lambda: walk.traces[device].acked_line_ms is not None, self._patience.ack_s
            )
        walk.end()
        self._say(f"  {result(walk, one)}")

    async def _until(self, condition: Callable[[], bool], within_s: float) -> bool:
        """Until it is so, the time is over, or the installer goes on."""
        typed = asyncio.create_task(self._typed())
        try:
            async with asyncio.timeout(within_s):
                while not condition() and not self._stopped and not typed.done():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            pass
        finally:
            typed.cancel()
            await asyncio.gather(typed, return_exceptions=True)
        return condition()

    async def _typed(self) -> None:
        line = await self._keys.get()
        if line.strip().lower() == "q":
            self._stopped = True
        # The waiting side looks after this task is done.
        asyncio.get_running_loop().call_soon(self._changed.set)

    # The gateway.

    def _make(self) -> Gateway:
        edges = Edges(client=self._client, measured=self._measured, accepted=self._accepted)
        return Gateway(self._config, self._clock, self._log, self._done, edges)

    async def _keep_running(self) -> None:
        """The hub may ask for a reload; the walk goes on with the configuration it began with."""
        while await self._gateway.run() == "reload" and not self._ended:
            self._gateway = self._make()

    def _client(
        self,
        settings: Any,
        *,
        on_connected: Callable[[], None],
        on_message: Callable[[str, bytes], None],
        **rest: Any,
    ) -> Client:
        """The gateway's client; connections and acknowledgements are seen in passing."""

        def connected() -> None:
            self._connected = True
            self._changed.set()
            on_connected()

        def message(topic: str, payload: bytes) -> None:
            on_message(topic, payload)
            self._heard_hub(topic, payload)

        return PahoClient(settings, on_connected=connected, on_message=message, **rest)

    def _heard_hub(self, topic: str, payload: bytes) -> None:
        try:
            if topics.parse(topic)[1] == "ack":
                self.walk.acked(decode_ack(payload).ids, self._line_ms())
        except ContractError:
            return  # the gateway has logged it
        self._changed.set()

    def _measured(self, batch: Sequence[Measurement]) -> Sequence[Measurement]:
        marked = self.walk.measured(batch, self._line_ms())
        for device in self.walk.real[self._told_real :]:
            self._say(f"  ! {device} was pressed: a REAL call went to the hub")
        self._told_real = len(self.walk.real)
        self._changed.set()
        return marked

    def _accepted(self, items: Sequence[Item]) -> None:
        self.walk.accepted(items, self._line_ms())
        self._changed.set()

    def _log(self, event: str, detail: str) -> None:
        line = f"  ({event}: {detail})"
        # A port that is away says so with each try, and would push the walk off the screen.
        if event in _QUIET:
            self._logged.clear()
        elif line not in self._logged and len(self._logged) < LOGGED_MAX:
            self._logged.add(line)
            self._say(line)


def result(walk: Walk, one: Expected) -> str:
    """What became of a device, in one line."""
    trace = walk.traces.get(one.device)
    if trace is None:
        return "NOT HEARD"
    began = trace.decoded_line_ms
    parts = [f"heard ({trace.kind})"]
    if trace.committed_line_ms is None:
        return f"{parts[0]}, NOT ON THE DISK"
    parts.append(f"on the disk after {trace.committed_line_ms - began} ms")
    if trace.round_trip_ms is None:
        return ", ".join([*parts, "NOT ACKNOWLEDGED by the hub"])
    return ", ".join([*parts, f"acknowledged by the hub after {trace.round_trip_ms} ms"])


def summary(walk: Walk) -> list[str]:
    width = max((len(one.device) for one in walk.expected), default=0)
    lines = ["", "summary"]
    lines += [f"  {one.device.ljust(width)}  {result(walk, one)}" for one in walk.expected]
    if walk.real:
        lines.append(f"real calls during the walk: {', '.join(sorted(set(walk.real)))}")
    if walk.strangers:
        lines.append(f"also heard, not in gateway.toml: {', '.join(sorted(walk.strangers))}")
    good = len(walk.expected) - len(walk.missing()) - len(walk.unacknowledged())
    return [*lines, f"{good} of {len(walk.expected)} devices reached the hub"]


async def _walk(
    config: GatewayConfig, walk: Walk, say: Callable[[str], None], patience: Patience
) -> bool:
    loop = asyncio.get_running_loop()
    keys: asyncio.Queue[str] = asyncio.Queue()
    test = WalkTest(
        config, walk, say, keys=keys, patience=patience, clock=load_clock(config.clock_plan)
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, test.stop)
    reads = listen_to_keys(sys.stdin.fileno(), keys)
    try:
        return await test.run()
    finally:
        if reads:
            loop.remove_reader(sys.stdin.fileno())


def listen_to_keys(descriptor: int, keys: "asyncio.Queue[str]") -> bool:
    """Lines typed go to the queue; False where nobody can type (a file, a service)."""
    loop = asyncio.get_running_loop()

    def readable() -> None:
        text = os.read(descriptor, _READ_BYTES).decode(errors="replace")
        if not text:
            loop.remove_reader(descriptor)  # closed: nobody types any more
        for line in text.splitlines():
            keys.put_nowait(line)

    try:
        loop.add_reader(descriptor, readable)
    except PermissionError:
        return False  # epoll takes no plain files
    return True


def main(argv: Sequence[str], out: Callable[[str], None], say: Callable[[str], None]) -> int:
    args = _parser().parse_args(argv)
    config = load(args.config)
    for name in args.device:
        if not name.strip():
            raise ConfigError("--device", "an empty name")
    walk = Walk(devices_of(config, args.device))
    if not walk.expected:
        raise ConfigError(str(args.config), "names no device; name some with --device")
    for one in walk.expected:
        if not is_name(one.device):
            raise ConfigError("--device", f"{one.device!r} is no name of a device")
    patience = Patience(press_s=args.seconds, ack_s=args.ack_seconds, readings_s=args.readings)
    try:
        whole = asyncio.run(_walk(config, walk, out, patience))
    except SpoolInUse as error:
        say(f"{error}: stop its service first (systemctl stop hearthwatch-gateway)")
        return EXIT_SPOOL
    finally:
        # Root ran this: what it made in the spool is the service's.
        give_over(config.data_dir)
    for line in summary(walk):
        out(line)
    if not whole:
        return EXIT_STOPPED
    return EXIT_NOT_HEARD if walk.missing() or walk.unacknowledged() else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m gateway walk-test",
        description="Trigger each device of a home and see it arrive at the hub, as a test.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, required=True, help="gateway.toml")
    parser.add_argument(
        "--device",
        action="append",
        default=[],
        metavar="NAME",
        help="a button or detector that gateway.toml does not name (Zigbee); may be repeated",
    )
    parser.add_argument("--seconds", type=float, default=PRESS_S, help="for each press")
    parser.add_argument("--ack-seconds", type=float, default=ACK_S, help="for the hub's answer")
    parser.add_argument("--readings", type=float, default=READINGS_S, help="for meters, together")
    return parser

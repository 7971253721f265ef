"""The lines and the broker between gateways and hub.

The lines are worse than TCP: a message may be lost, doubled or overtaken on an open connection. The
broker keeps sessions and says PUBACK as soon as a message is in its memory, and may forget all
of it at any moment; MQTT 5's answer 0x10 says that nobody had subscribed.
"""

import asyncio
import contextlib
import contextvars
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.simulation.faults import Options

# Messages kept for a client that is away when the broker's queue is limited; mosquitto's default
# of 1000, scaled to runs of minutes.
OVERFLOW_MESSAGES = 20
LATENCY_S = (0.001, 0.08)
OVERTAKING_S = 5.0
# After this long without an answer a client gives its connection up (keep-alive).
KEEPALIVE_S = 22.0
RECONNECT_FIRST_S, RECONNECT_MAX_S = 0.5, 15.0
ANSWER_TIMEOUT_S = 10.0
NOBODY_SUBSCRIBED = 0x10
# A PUBACK with its frames below it.
ACK_BYTES = 60


class Network:
    """One-way lines between a client's machine and the broker."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._rng = options.stream("network")
        self._faults = {kind: options.stream(kind) for kind in ("drop", "duplicate", "reorder")}
        self._last_s: dict[tuple[str, str], float] = {}
        self._cut: set[tuple[str, str]] = set()
        self._watching: dict[str, list[asyncio.Event]] = {}
        self.faulty = True
        # 0: the line is never what takes time.
        self.bytes_per_s = options.rate("thin_line")
        self._free_s: dict[tuple[str, str], float] = {}
        self._context = contextvars.copy_context()
        # Messages in the lines.
        self.under_way = 0

    def open(self, machine: str) -> bool:
        return (machine, "up") not in self._cut and (machine, "down") not in self._cut

    @property
    def whole(self) -> bool:
        return not self._cut

    def watch(self, machine: str, stirred: asyncio.Event) -> None:
        """Set when a line of this machine is cut or restored."""
        self._watching.setdefault(machine, []).append(stirred)

    def cut_off(self, machine: str, way: str) -> None:
        self._cut.add((machine, way))
        self._stir(machine)

    def restore(self, machine: str, way: str) -> None:
        self._cut.discard((machine, way))
        self._stir(machine)

    def restore_all(self) -> None:
        for machine, way in sorted(self._cut):
            self.restore(machine, way)

    def _stir(self, machine: str) -> None:
        for stirred in self._watching.get(machine, ()):
            stirred.set()

    def send(
        self, client: "Client", way: str, arrive: Callable[[], None], size: int = ACK_BYTES
    ) -> None:
        """`size` in bytes: what a thin line needs time for."""
        latency_s = self._rng.uniform(*LATENCY_S)
        if (client.machine, way) in self._cut or self._happens("drop"):
            return
        copies = 2 if self._happens("duplicate") else 1
        for _copy in range(copies):
            # What comes down waits in the socket of a machine that stands still.
            self._deliver(
                (client.name, way),
                latency_s + self._on_the_wire_s(client, way, size),
                arrive,
                client.context if way == "down" else self._context,
            )

    def _on_the_wire_s(self, client: "Client", way: str, size: int) -> float:
        """Two connections of one gateway share its line; bytes of one go one after the other."""
        if not self.bytes_per_s or client.machine.startswith("hub"):
            return 0.0
        now_s = asyncio.get_running_loop().time()
        line = (client.name, way)
        free_s = max(now_s, self._free_s.get(line, 0.0)) + 2 * size / self.bytes_per_s
        self._free_s[line] = free_s
        return free_s - now_s

    def hung_up(self, client: "Client") -> None:
        """What was on its way in a connection is not in the way of the next one."""
        for way in ("up", "down"):
            self._free_s.pop((client.name, way), None)
            self._last_s.pop((client.name, way), None)

    def _deliver(
        self,
        line: tuple[str, str],
        latency_s: float,
        arrive: Callable[[], None],
        context: contextvars.Context,
    ) -> None:
        loop = asyncio.get_running_loop()
        at_s = loop.time() + latency_s
        if self._happens("reorder"):
            at_s += self._faults["reorder"].uniform(0, OVERTAKING_S)
        else:
            at_s = self._last_s[line] = max(at_s, self._last_s.get(line, 0.0))
        self.under_way += 1

        def here() -> None:
            self.under_way -= 1
            arrive()

        loop.call_at(at_s, here, context=context)

    def _happens(self, kind: str) -> bool:
        drawn = self._faults[kind].random()
        return self.faulty and drawn < self._options.rate(kind)


@dataclass(slots=True, kw_only=True)
class _Session:
    """`unconfirmed`: sent or waiting, until the client's PUBACK."""

    patterns: Sequence[str]
    unconfirmed: dict[int, tuple[str, bytes]] = field(default_factory=dict)
    link: "Link | None" = None
    last_id: int = 0


class Link:
    """One accepted connection. `ack` of a lost one does nothing: its packet ids are void."""

    def __init__(self, broker: "Broker", client: "Client") -> None:
        self._broker = broker
        self.client = client
        self.open = True

    def ack(self, packet_ids: Sequence[int]) -> None:
        for packet_id in packet_ids:
            self._broker.net.send(self.client, "up", lambda i=packet_id: self._acked(i))

    def _acked(self, packet_id: int) -> None:
        if self.open:
            self._broker.sessions[self.client.name].unconfirmed.pop(packet_id, None)

    def publish(self, number: int, topic: str, payload: bytes) -> None:
        def arrive() -> None:
            if not self.open:
                return
            reason = self._broker.route(topic, payload)
            self._broker.net.send(self.client, "down", lambda: self._confirm(number, reason))

        self._broker.net.send(self.client, "up", arrive, len(payload))

    def _confirm(self, number: int, reason: int) -> None:
        if self.open:
            self.client.confirmed(number, reason)

    def deliver(self, packet_id: int, topic: str, payload: bytes) -> None:
        def arrive() -> None:
            if self.open:
                self.client.arrived(self, packet_id, topic, payload)

        self._broker.net.send(self.client, "down", arrive, len(payload))

    def close(self) -> None:
        if self.open:
            self.open = False
            self._broker.net.hung_up(self.client)
            session = self._broker.sessions.get(self.client.name)
            if session is not None and session.link is self:
                session.link = None


class Broker:
    def __init__(self, net: Network, options: Options) -> None:
        self.net = net
        self._limited = options.rate("overflow") > 0
        self.sessions: dict[str, _Session] = {}
        self.up = True

    def accept(self, client: "Client") -> Link:
        session = self.sessions.get(client.name)
        if session is None:
            session = self.sessions[client.name] = _Session(patterns=client.patterns)
        if session.link is not None:
            session.link.client.lost("taken over")
        link = session.link = Link(self, client)
        for packet_id, (topic, payload) in list(session.unconfirmed.items()):
            link.deliver(packet_id, topic, payload)
        return link

    def route(self, topic: str, payload: bytes) -> int:
        found = NOBODY_SUBSCRIBED
        for session in self.sessions.values():
            if not any(_matches(pattern, topic) for pattern in session.patterns):
                continue
            found = 0
            full = len(session.unconfirmed) >= OVERFLOW_MESSAGES
            if self._limited and full and session.link is None:
                continue  # confirmed all the same, as mosquitto does
            session.last_id = session.last_id % 65_535 + 1
            session.unconfirmed[session.last_id] = (topic, payload)
            if session.link is not None:
                session.link.deliver(session.last_id, topic, payload)
        return found

    def stop(self, *, forget: bool) -> None:
        self.up = False
        for session in list(self.sessions.values()):
            if session.link is not None:
                session.link.client.lost("the broker is gone")
        if forget:
            self.sessions.clear()

    def start(self) -> None:
        self.up = True


class Client:
    """Keeps a session at the broker; `alive` is its process's."""

    def __init__(self, broker: Broker, machine: str, name: str, patterns: Sequence[str]) -> None:
        self._broker = broker
        self.machine = machine
        self.name = name
        self.patterns = patterns
        self._link: Link | None = None
        self._stirred = asyncio.Event()
        self._is_lost = False
        self._numbers = 0
        # Of the process that made it.
        self.context = contextvars.copy_context()
        broker.net.watch(machine, self._stirred)

    @property
    def connected(self) -> bool:
        return self._link is not None

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        pause_s = RECONNECT_FIRST_S
        try:
            while True:
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, RECONNECT_MAX_S)
                if not self._broker.up or not self._broker.net.open(self.machine):
                    continue
                self._is_lost = False
                self._link = self._broker.accept(self)
                pause_s = RECONNECT_FIRST_S
                loop.call_soon(self.opened)
                await self._serve(loop)
                self.close()
        finally:
            self.close()

    async def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        """Until the connection is lost, or nothing has come through for too long."""
        heard_s = loop.time()
        while not self._is_lost:
            self._stirred.clear()
            if self._broker.net.open(self.machine):
                await self._stirred.wait()
                heard_s = loop.time()
                continue
            left_s = heard_s + KEEPALIVE_S - loop.time()
            if left_s <= 0:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await self._stirred.wait()

    def send(self, topic: str, payload: bytes) -> int | None:
        if self._link is None:
            return None
        self._numbers += 1
        self._link.publish(self._numbers, topic, payload)
        return self._numbers

    def lost(self, _reason: str) -> None:
        self.close()
        self._is_lost = True
        self._stirred.set()

    def close(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def opened(self) -> None: ...

    def confirmed(self, number: int, reason: int) -> None: ...

    def arrived(self, link: Link, packet_id: int, topic: str, payload: bytes) -> None: ...


class GatewayClient(Client):
    """Stands where the gateway's `PahoClient` stands; PUBACKs by itself, as paho does."""

    def __init__(
        self,
        broker,
        machine,
        settings,
        *,
        on_connected,
        on_confirmed,
        on_message,
        log,
        spread,
    ) -> None:
        super().__init__(broker, machine, settings.client_id, settings.subscriptions)
        self._on_connected = on_connected
        self._on_confirmed = on_confirmed
        self._on_message = on_message

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int | None:
        return self.send(topic, payload)

    def drop(self, reason: str) -> None:
        self.lost(reason)

    def opened(self) -> None:
        if self.connected:
            self._on_connected()

    def confirmed(self, number: int, reason: int) -> None:
        self._on_confirmed(number, reason)

    def arrived(self, link: Link, packet_id: int, topic: str, payload: bytes) -> None:
        link.ack([packet_id])
        self._on_message(topic, payload)


class HubClient(Client):
    """Stands where the hub's `AsyncioClient` stands: PUBACKs only when it is told to."""

    def __init__(self, broker, patterns, on_message, machine: str = "hub") -> None:
        """Whichever hub has the book comes with the same name."""
        super().__init__(broker, machine, "hub-urgent", patterns)
        self._on_message = on_message
        self._waiting: dict[int, asyncio.Future[int]] = {}

    def publish_soon(self, topic: str, payload: bytes) -> bool:
        return self.send(topic, payload) is not None

    async def publish(self, topic: str, payload: bytes) -> int:
        number = self.send(topic, payload)
        if number is None:
            raise OSError("not connected")
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            return await answer

    def confirmed(self, number: int, reason: int) -> None:
        answer = self._waiting.pop(number, None)
        if answer is not None and not answer.done():
            answer.set_result(reason)

    def arrived(self, link: Link, packet_id: int, topic: str, payload: bytes) -> None:
        self._on_message(topic, payload, packet_id, link)


def _matches(pattern: str, topic: str) -> bool:
    wanted, found = pattern.split("/"), topic.split("/")
    return len(wanted) == len(found) and all(
        w in ("+", f) for w, f in zip(wanted, found, strict=True)
    )

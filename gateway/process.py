"""The gateway process: sources, spool, uplink and heartbeat, composed here and only here."""

import asyncio
import contextlib
import random
import uuid
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from contract import topics
from contract.codec import encode_status
from contract.envelope import Command, DeviceStatus, Status
from contract.item import Item
from gateway.clock import Clock
from gateway.config import GatewayConfig, SourceConfig
from gateway.driver import BusDriver, MessageDriver, StreamDriver
from gateway.feedback import Feedback
from gateway.notify_systemd import notify
from gateway.sources.intake import Intake
from gateway.sources.local_mqtt import LocalMqttSource
from gateway.sources.serial_port import SerialSource
from gateway.spool.spool import Spool, SpoolState
from gateway.uplink.paho_client import BrokerSettings, PahoClient
from gateway.uplink.sender import Sender
from gateway.uplink.uplink import (
    TELEMETRY_ENVELOPE,
    TELEMETRY_LINGER_S,
    TELEMETRY_WINDOW,
    URGENT_ENVELOPE,
    URGENT_WINDOW,
    HubMessages,
    LaneUplink,
)

VERSION: Final = "0.1.0"
# Ids of commands remembered, so that one sent twice is done once.
COMMANDS_REMEMBERED: Final = 200


class Gateway:
    """Made on the event loop by `run`; `log` takes an event and a detail."""

    def __init__(
        self, config: GatewayConfig, clock: Clock, log: Callable[[str, str], None]
    ) -> None:
        self._config = config
        self._clock = clock
        self._log = log
        self._random = random.Random(config.gateway)  # noqa: S311 - jitter, not secrecy
        self._loop = asyncio.get_running_loop()
        self._spool = Spool(
            config.data_dir,
            new_uuid=uuid.uuid4,
            now_ms=clock.now_ms,
            log=log,
            telemetry_bytes_max=config.telemetry_bytes_max,
            reserve_bytes=config.reserve_bytes,
        )
        self._feedback = Feedback(config.feedback, log)
        self._intake = Intake(self._spool.offer, clock.now_ms, log)
        self._done_commands: OrderedDict[str, None] = OrderedDict()
        self._urgent = self._lane("activation")
        self._telemetry = self._lane("telemetry")
        self._messages = HubMessages(
            (self._urgent, self._telemetry), self._spool, self._command, log
        )
        self._urgent_client = self._client("activation", self._urgent)
        self._telemetry_client = self._client("telemetry", self._telemetry)
        self._spool.on_urgent = self._accepted
        self._spool.on_telemetry = self._telemetry.committed

    async def run(self, stop: asyncio.Event) -> None:
        """Until asked to stop; a clean stop says `online: false` by itself."""
        self._spool.start()
        sources = [self._source(source) for source in self._config.sources]
        work = [
            self._urgent_client.run(),
            self._telemetry_client.run(),
            self._urgent.run(),
            self._telemetry.run(),
            self._heartbeat(),
            *(source.run() for source in sources),
        ]
        tasks = [self._loop.create_task(job) for job in work]
        notify("READY=1")
        self._log("gateway_started", self._config.gateway)
        stopping = self._loop.create_task(stop.wait())
        done, _pending = await asyncio.wait({stopping, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        self._urgent_client.publish(self._status_topic, self._offline(), retain=True)
        for task in done - {stopping}:
            self._log("task_ended", repr(task.exception()))
        for task in (stopping, *tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._spool.close()

    # Parts.

    def _lane(self, leaf: str) -> LaneUplink:
        urgent = leaf == "activation"
        return LaneUplink(
            name=leaf,
            gateway=self._config.gateway,
            leaf=leaf,
            lane=self._spool.urgent if urgent else self._spool.telemetry,
            spool=self._spool,
            sender=Sender(URGENT_WINDOW if urgent else TELEMETRY_WINDOW, self._random.random),
            envelope_items=URGENT_ENVELOPE if urgent else TELEMETRY_ENVELOPE,
            linger_s=0 if urgent else TELEMETRY_LINGER_S,
            now_ms=self._clock.now_ms,
            clock_state=self._clock.state,
        )

    def _client(self, leaf: str, lane: LaneUplink) -> PahoClient:
        uplink, gateway = self._config.uplink, self._config.gateway
        urgent = leaf == "activation"
        listens = [topics.topic(gateway, "ack"), topics.topic(gateway, "command")]
        client = PahoClient(
            BrokerSettings(
                host=uplink.host,
                port=uplink.port,
                client_id=gateway if urgent else f"{gateway}-t",
                protocol=uplink.protocol,
                username=uplink.username,
                password=uplink.password,
                tls=uplink.tls,
                ca_file=uplink.ca_file,
                cert_file=uplink.cert_file,
                key_file=uplink.key_file,
                subscriptions=listens if urgent else (),
                will_topic=self._status_topic if urgent else None,
                will_payload=self._offline() if urgent else b"",
            ),
            on_connected=lane.connected,
            on_message=self._hub_message,
            log=self._log,
            spread=self._random.random,
        )
        lane.client = client
        return client

    def _source(self, source: SourceConfig) -> SerialSource | LocalMqttSource:
        driver = source.spec.build(source.config)
        if source.serial is not None and isinstance(driver, StreamDriver | BusDriver):
            return SerialSource(
                source.serial,
                driver,
                self._intake,
                now_ms=self._clock.now_ms,
                real_delay_s=self._clock.real_delay_s,
                log=self._log,
            )
        if source.mqtt is not None and isinstance(driver, MessageDriver):
            return LocalMqttSource(
                source.mqtt,
                driver,
                self._intake,
                client_id=f"{self._config.gateway}-{source.name}",
                now_ms=self._clock.now_ms,
                log=self._log,
            )
        raise TypeError(f"driver {source.spec.name} does not fit source {source.name}")

    # Events.

    def _accepted(self, items: Sequence[Item]) -> None:
        """In the spool's thread, after the commit: send, and let the elder hear it."""
        self._urgent.committed(items)
        self._loop.call_soon_threadsafe(self._say_received, items)

    def _say_received(self, items: Sequence[Item]) -> None:
        for item in items:
            if item.kind != "device_health" and item.attrs.get("action") != "clear":
                self._feedback.received(item.device, item.kind)

    def _hub_message(self, topic: str, payload: bytes) -> None:
        self._messages.take(topic, payload)

    def _command(self, command: Command) -> None:
        """On the event loop; the hub may send a command more than once."""
        if command.id in self._done_commands:
            return
        self._done_commands[command.id] = None
        while len(self._done_commands) > COMMANDS_REMEMBERED:
            self._done_commands.popitem(last=False)
        self._log("command", f"{command.command} {command.device or ''}".strip())
        if command.command in ("reassure", "identify", "test"):
            self._feedback.reassured(command.device or self._config.gateway)

    # Heartbeat.

    @property
    def _status_topic(self) -> str:
        return topics.topic(self._config.gateway, "status")

    def _offline(self) -> bytes:
        status = Status(gateway=self._config.gateway, online=False, version=VERSION)
        return encode_status(status)

    async def _heartbeat(self) -> None:
        period_s = self._config.uplink.heartbeat_s
        while True:
            state: asyncio.Future[SpoolState] = self._loop.create_future()
            self._spool.call(partial(self._read_state, state))
            with contextlib.suppress(TimeoutError):
                spool = await asyncio.wait_for(state, period_s)
                payload = encode_status(self._status(spool))
                self._urgent_client.publish(self._status_topic, payload, retain=True)
            notify("WATCHDOG=1")
            await asyncio.sleep(self._clock.real_delay_s(period_s))

    def _read_state(self, future: "asyncio.Future[SpoolState]") -> None:
        state = self._spool.state()

        def settle() -> None:
            if not future.done():
                future.set_result(state)

        self._loop.call_soon_threadsafe(settle)

    def _status(self, spool: SpoolState) -> Status:
        now_ms = self._clock.now_ms()
        oldest = spool.oldest_received_ms
        battery = self._intake.battery_pct
        return Status(
            gateway=self._config.gateway,
            online=True,
            spool=spool.spool,
            last_seq=spool.last_seq,
            oldest_unacked_s=None if oldest is None else max(0.001, (now_ms - oldest) / 1000),
            spool_free_bytes=spool.free_bytes,
            mains=_flag(self._config.mains_file),
            battery_pct=_number(self._config.battery_file),
            clock=self._clock.state(),
            version=VERSION,
            devices=[
                DeviceStatus(device=name, last_seen_at_ms=at_ms, battery_pct=battery.get(name))
                for name, at_ms in list(self._intake.last_seen_ms.items())
            ],
        )


def _number(path: Path | None) -> float | None:
    """A number in a file of /sys/class/power_supply, or None."""
    if path is None:
        return None
    try:
        return float(path.read_text().strip())
    except (OSError, ValueError):
        return None


def _flag(path: Path | None) -> bool | None:
    number = _number(path)
    return None if number is None else number != 0

"""The gateway process: sources, spool, uplink and heartbeat, composed here and only here."""

import asyncio
import contextlib
import random
import uuid
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

from contract import topics
from contract.item import Item, Measurement, Scalar
from contract.kinds import says_well
from gateway.clock import Clock
from gateway.commands import Commands, DoneCommands
from gateway.config import GatewayConfig, SourceConfig
from gateway.device_health import health
from gateway.driver import BusDriver, Decoded, MessageDriver, StreamDriver
from gateway.enrol.renewal import FAULT as CERTIFICATE_FAULT
from gateway.enrol.renewal import Renewal
from gateway.feedback import Feedback, FeedbackCommands
from gateway.heartbeat import Heartbeat, offline
from gateway.notify_systemd import notify
from gateway.questions import Questions
from gateway.second_path.https_post import HttpsPath
from gateway.second_path.sms_path import SmsPath
from gateway.sources.bluetooth import BluetoothSource, GattDriver
from gateway.sources.intake import Intake
from gateway.sources.local_mqtt import LocalMqttSource
from gateway.sources.serial_port import SerialSource
from gateway.spool.spool import Spool, SpoolEdges
from gateway.spool.writer import Writer
from gateway.uplink.paho_client import BrokerSettings, PahoClient
from gateway.uplink.uplink import TELEMETRY, URGENT, Connection, HubMessages, LaneUplink
from gateway.well import marked

# A part that failed by a mistake of ours is started again, with growing pauses.
RESTART_FIRST_S: Final = 1.0
RESTART_MAX_S: Final = 60.0
End = Literal["stop", "reload"]
Source = SerialSource | LocalMqttSource | BluetoothSource


class Client(Connection, Protocol):
    async def run(self) -> None: ...


def _as_they_are(batch: Sequence[Measurement]) -> Sequence[Measurement]:
    return batch


def _nobody(_items: Sequence[Item]) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """Where a gateway meets the world; a simulation puts its own line, disk and loudspeaker here.
    `client` is called as `PahoClient` is. measured: sees what drivers found before it is durable
    and may mark it (the walk test's presses are tests), but leaves nothing out. accepted: told on
    the event loop what is on the disk."""

    client: Callable[..., Client] = PahoClient
    feedback: Callable[[FeedbackCommands, Callable[[str, str], None]], Feedback] = Feedback
    new_uuid: Callable[[], uuid.UUID] = uuid.uuid4
    spool: SpoolEdges = field(default_factory=SpoolEdges)
    measured: Callable[[Sequence[Measurement]], Sequence[Measurement]] = _as_they_are
    accepted: Callable[[Sequence[Item]], None] = _nobody


class Gateway:
    """Opens the spool when made, on the event loop; `log` takes an event and a detail."""

    def __init__(
        self,
        config: GatewayConfig,
        clock: Clock,
        log: Callable[[str, str], None],
        done: DoneCommands | None = None,
        edges: Edges | None = None,
    ) -> None:
        self._edges = edges or Edges()
        self._config = config
        self._clock = clock
        self._log = log
        self._random = random.Random(config.gateway)  # noqa: S311 - jitter, not secrecy
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[End] = self._loop.create_future()
        self._spool = Spool(
            config.data_dir,
            gateway=config.gateway,
            new_uuid=self._edges.new_uuid,
            now_ms=clock.now_ms,
            log=log,
            telemetry_bytes_max=config.telemetry_bytes_max,
            reserve_bytes=config.reserve_bytes,
            edges=self._edges.spool,
            times=clock,
        )
        self._feedback = self._edges.feedback(config.feedback, log)
        self._intake = Intake(self._offer, clock.now_ms, log)
        self._feedback.on_trouble = self._output_trouble
        self._urgent = self._lane("activation", self._spool.urgent)
        self._telemetry = self._lane("telemetry", self._spool.telemetry)
        self._questions = Questions(
            self._feedback,
            now_ms=clock.now_ms,
            clock_state=clock.state,
            sleep=clock.sleep,
            log=log,
        )
        commands = Commands(
            config.gateway,
            feedback=self._feedback,
            offer=self._spool.offer,
            reload=lambda: self.end("reload"),
            replay_after=self._urgent.rewind,
            ask=self._questions.take,
            done=done or DoneCommands(),
            now_ms=clock.now_ms,
            log=log,
        )
        self._messages = HubMessages((self._urgent, self._telemetry), commands.take, log)
        self._urgent_client = self._client("activation", self._urgent)
        self._telemetry_client = self._client("telemetry", self._telemetry)
        # All acknowledgements come on the connection of the activations.
        self._urgent.unanswered = self._telemetry.unanswered = self._urgent_client.drop
        self._heartbeat = self._make_heartbeat()
        self._spool.urgent.on_commit = self._accepted
        self._spool.telemetry.on_commit = self._accepted_readings

    def end(self, how: End) -> None:
        """Ask for a clean stop, from the event loop."""
        if not self._ended.done():
            self._ended.set_result(how)

    async def run(self) -> End:
        """Until asked to end; a clean end says `online: false` by itself."""
        try:
            sources = [self._source(source) for source in self._config.sources]
            self._spool.start()
            parts: list[tuple[str, Callable[[], Coroutine[Any, Any, None]]]] = [
                ("activations", self._urgent_client.run),
                ("readings", self._telemetry_client.run),
                ("activation lane", self._urgent.run),
                ("telemetry lane", self._telemetry.run),
                ("heartbeat", self._heartbeat.run),
                ("watchdog", self._heartbeat.watchdog),
                *self._second_path(),
                *self._renewal(),
                *((config.name, source.run) for config, source in self._named(sources)),
            ]
            tasks = [self._loop.create_task(self._kept_up(*part)) for part in parts]
            notify("READY=1")
            self._log("gateway_started", self._config.gateway)
            try:
                return await self._ended
            finally:
                self._urgent_client.publish(
                    self._status_topic, offline(self._config.gateway), retain=True
                )
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await self._questions.close()
                await self._feedback.close()
                self._log("gateway_stopped", self._config.gateway)
        finally:
            self._spool.close()

    async def _kept_up(self, name: str, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """A part that raises is a mistake of ours; the others go on, and it is started again."""
        delay_s = RESTART_FIRST_S
        while True:
            try:
                await run()
                return
            except Exception as error:  # noqa: BLE001 - one source must not end the gateway
                self._log("part_failed", f"{name}: {type(error).__name__}: {error}")
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, RESTART_MAX_S)

    # Parts.

    @property
    def _status_topic(self) -> str:
        return topics.topic(self._config.gateway, "status")

    def _lane(self, leaf: str, writer: Writer) -> LaneUplink:
        lane = LaneUplink(
            gateway=self._config.gateway,
            leaf=leaf,
            writer=writer,
            pace=URGENT if leaf == "activation" else TELEMETRY,
            now_ms=self._clock.now_ms,
            clock_state=self._clock.state,
            spread=self._random.random,
            log=self._log,
        )
        writer.on_rescued = lane.rescued
        writer.on_found = lane.found
        return lane

    def _client(self, leaf: str, lane: LaneUplink) -> Client:
        uplink, gateway = self._config.uplink, self._config.gateway
        urgent = leaf == "activation"
        telemetry_cert = uplink.telemetry_cert_file or uplink.cert_file
        listens = [topics.topic(gateway, "ack"), topics.topic(gateway, "command")]
        client = self._edges.client(
            BrokerSettings(
                host=uplink.host,
                port=uplink.port,
                client_id=gateway if urgent else f"{gateway}-t",
                protocol=uplink.protocol,
                keep_session=uplink.keep_session,
                username=uplink.username,
                password=uplink.password,
                tls=uplink.tls,
                ca_file=uplink.ca_file,
                cert_file=uplink.cert_file if urgent else telemetry_cert,
                key_file=uplink.key_file,
                subscriptions=listens if urgent else (),
                will_topic=self._status_topic if urgent else None,
                will_payload=offline(gateway) if urgent else b"",
            ),
            on_connected=self._connected if urgent else lane.connected,
            on_confirmed=lane.confirmed,
            on_message=self._messages.take,
            log=self._log,
            spread=self._random.random,
        )
        lane.connection = client
        return client

    def _second_path(self) -> list[tuple[str, Callable[[], Coroutine[Any, Any, None]]]]:
        paths: list[tuple[str, Callable[[], Coroutine[Any, Any, None]]]] = []
        settings = self._config.second_path
        if settings.https is not None:
            topic = topics.topic(self._config.gateway, "ack")
            https = HttpsPath(
                settings.https,
                self._urgent,
                lambda body: self._messages.take(topic, body),
                self._log,
            )
            paths.append(("second path", https.run))
        if settings.sms is not None:
            sms = SmsPath(
                settings.sms,
                self._urgent,
                self._intake,
                book_file=self._config.data_dir / "sms.db",
                now_ms=self._clock.now_ms,
                clock_synced=lambda: self._clock.state() == "synced",
                log=self._log,
            )
            paths.append(("short messages", sms.run))
        return paths

    def _renewal(self) -> list[tuple[str, Callable[[], Coroutine[Any, Any, None]]]]:
        if not self._config.enrolled:
            return []
        renewal = Renewal(
            self._config.data_dir,
            now_ms=self._clock.now_ms,
            renewed=self._use_new_certificate,
            trouble=self._certificate_trouble,
            log=self._log,
        )
        return [("renewal", renewal.run)]

    def _use_new_certificate(self) -> None:
        """The old one is good for a month more: nothing is lost between the two."""
        self._telemetry_client.drop("a new certificate")
        self._urgent_client.drop("a new certificate")

    def _certificate_trouble(self, trouble: str) -> None:
        attrs: dict[str, Scalar] = {"recovered": CERTIFICATE_FAULT}
        if trouble:
            attrs = {"fault": CERTIFICATE_FAULT, "detail": trouble[:200]}
        told = health(self._config.gateway, self._clock.now_ms(), attrs)
        self._intake.take("renewal", [Decoded(fields={}, measurements=(told,))])

    def _make_heartbeat(self) -> Heartbeat:
        config = self._config
        return Heartbeat(
            config.gateway,
            spool=self._spool,
            intake=self._intake,
            publish=lambda topic, payload: self._urgent_client.publish(topic, payload, retain=True),
            now_ms=self._clock.now_ms,
            clock_state=self._clock.state,
            sleep=self._clock.sleep,
            period_s=config.uplink.heartbeat_s,
            mains_file=config.mains_file,
            battery_file=config.battery_file,
        )

    def _named(self, sources: Sequence[Source]) -> list[tuple[SourceConfig, Source]]:
        return list(zip(self._config.sources, sources, strict=True))

    def _source(self, source: SourceConfig) -> Source:
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
        if source.bluetooth is not None and isinstance(driver, GattDriver):
            return BluetoothSource(
                source.bluetooth,
                driver,
                self._intake,
                now_ms=self._clock.now_ms,
                log=self._log,
            )
        raise TypeError(f"driver {source.spec.name} does not fit source {source.name}")

    # Events.

    def _offer(self, batch: Sequence[Measurement]) -> bool:
        batch = marked(batch, self._feedback.can_ask)
        return self._spool.offer(self._edges.measured(batch))

    def _output_trouble(self, name: str, trouble: str) -> None:
        """The elder heard nothing: somebody has to mend it, and it is told when it is mended."""
        attrs: dict[str, Scalar] = {"recovered": "output_failed", "output": name}
        if trouble:
            attrs = {"fault": "output_failed", "output": name, "detail": trouble[:200]}
        told = health(self._config.gateway, self._clock.now_ms(), attrs)
        self._intake.take("outputs", [Decoded(fields={}, measurements=(told,))])

    def _connected(self) -> None:
        self._urgent.connected()
        beat = self._loop.create_task(self._heartbeat.beat())
        beat.add_done_callback(_spent)

    def _accepted(self, items: Sequence[Item]) -> None:
        """In the spool's thread, after the commit: send, and let the elder hear it."""
        self._urgent.committed(items)
        with contextlib.suppress(RuntimeError):  # the loop may have ended
            self._loop.call_soon_threadsafe(self._say_received, items)

    def _accepted_readings(self, items: Sequence[Item]) -> None:
        """As above; of the readings an "I'm well" alone is answered."""
        self._telemetry.committed(items)
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._say_well, items)

    def _say_well(self, items: Sequence[Item]) -> None:
        self._edges.accepted(items)
        said = [item for item in items if says_well(item.kind, item.attrs)]
        self._questions.heard(said)
        for item in said:
            self._feedback.well(item.device)

    def _say_received(self, items: Sequence[Item]) -> None:
        self._edges.accepted(items)
        self._questions.heard(items)
        for item in items:
            if item.kind != "device_health" and item.attrs.get("action") != "clear":
                self._feedback.received(item.device, item.kind)


def _spent(task: "asyncio.Task[None]") -> None:
    """Take the outcome of a task nobody waits for."""
    if not task.cancelled():
        task.exception()

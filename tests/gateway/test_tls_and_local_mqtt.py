"""The lines to brokers: the uplink over TLS with certificates, and the broker on the gateway."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import aiomqtt
import pytest

from contract.item import Measurement
from gateway.driver import Decoded, Outcome
from gateway.sources.intake import Intake
from gateway.sources.local_mqtt import LocalMqttSettings, LocalMqttSource
from gateway.uplink.paho_client import BrokerSettings, PahoClient
from hearthwatch import embedded_broker
from hearthwatch.embedded_broker import Broker, find_mosquitto, free_port
from tests.adapters.gateway_items import NOW_MS

DEADLINE_S = 30

pytestmark = [
    pytest.mark.mosquitto,
    pytest.mark.skipif(find_mosquitto() is None, reason="no mosquitto on this machine"),
]


async def until(condition: Callable[[], bool], what: str) -> None:
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not condition():  # noqa: ASYNC110 - other processes have no event
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"not within {DEADLINE_S} s: {what}") from None


# TLS.


class Authority:
    """A certificate authority of our own, by the openssl program."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca = folder / "ca.pem"
        self._run(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", "2", "-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem",
        )  # fmt: skip

    def issue(self, name: str, address: str = "IP:127.0.0.1") -> tuple[Path, Path]:
        """(certificate, key) for a name."""
        (self.folder / f"{name}.ext").write_text(f"subjectAltName={address}\n")
        self._run(
            "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr",
        )  # fmt: skip
        self._run(
            "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "2",
            "-CAcreateserial", "-extfile", f"{name}.ext", "-out", f"{name}.pem",
        )  # fmt: skip
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"

    def _run(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)


class TlsBroker:
    """mosquitto that wants a certificate and takes the name in it for the user's."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        self.port = free_port()
        certificate, key = authority.issue("broker")
        config = folder / "mosquitto.conf"
        config.write_text(
            f"listener {self.port} 127.0.0.1\ncafile {authority.ca}\ncertfile {certificate}\n"
            f"keyfile {key}\nrequire_certificate true\nuse_identity_as_username true\n"
            + ("user root\n" if os.geteuid() == 0 else "")
        )
        program = find_mosquitto()
        assert program is not None
        self.log = folder / "mosquitto.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([program, "-c", config], stdout=log, stderr=log)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on this machine")
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def tls_broker(tmp_path: Path, authority: Authority) -> Iterator[TlsBroker]:
    broker = TlsBroker(tmp_path, authority)
    yield broker
    broker.process.kill()
    broker.process.wait()


class Talk:
    """A client that remembers what it was told."""

    def __init__(self, settings: BrokerSettings) -> None:
        self.connections = 0
        self.confirmed: list[tuple[int, int]] = []
        self.messages: list[bytes] = []
        self.logged: list[str] = []
        self.client = PahoClient(
            settings,
            on_connected=self.on_connected,
            on_confirmed=lambda mid, reason: self.confirmed.append((mid, reason)),
            on_message=lambda _topic, payload: self.messages.append(payload),
            log=lambda event, detail: self.logged.append(f"{event} {detail}"),
            spread=lambda: 0.0,
        )
        self.task = asyncio.create_task(self.client.run())

    def on_connected(self) -> None:
        self.connections += 1

    async def close(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


def settings(
    broker: TlsBroker, authority: Authority, certificate: Path | None, key: Path | None
) -> BrokerSettings:
    return BrokerSettings(
        host="127.0.0.1",
        port=broker.port,
        client_id="gw-1",
        tls=True,
        ca_file=authority.ca,
        cert_file=certificate,
        key_file=key,
        subscriptions=["echo"],
    )


async def test_messages_of_all_sizes_come_over_tls(
    tls_broker: TlsBroker, authority: Authority
) -> None:
    """What the TLS layer holds beyond the descriptor's news must not stay there."""
    talk = Talk(settings(tls_broker, authority, *authority.issue("gw-1")))
    await until(lambda: talk.connections == 1, "connected")
    sizes = [1, 200, 17_000, 200_000, 3] * 3
    for number, size in enumerate(sizes):
        assert talk.client.publish("echo", bytes([number]) * size) is not None
    await until(lambda: len(talk.messages) == len(sizes), "every message back")
    assert talk.messages == [bytes([n]) * size for n, size in enumerate(sizes)]
    await until(lambda: len(talk.confirmed) == len(sizes), "every message confirmed")
    await talk.close()


# paho leaves a socket whose handshake failed to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_broker_of_another_authority_is_refused(
    tls_broker: TlsBroker, authority: Authority, tmp_path: Path
) -> None:
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    certificate, key = authority.issue("gw-1")
    wrong = settings(tls_broker, Authority(stranger), certificate, key)
    talk = Talk(wrong)
    await until(lambda: any("CERTIFICATE_VERIFY_FAILED" in line for line in talk.logged), "refused")
    assert talk.connections == 0
    assert talk.client.publish("echo", b"secret") is None
    await talk.close()


async def test_without_our_certificate_the_broker_refuses(
    tls_broker: TlsBroker, authority: Authority
) -> None:
    talk = Talk(settings(tls_broker, authority, None, None))
    await until(lambda: len([x for x in talk.logged if x.startswith("uplink_")]) >= 2, "refusals")
    assert talk.connections == 0
    await talk.close()


# The broker on the gateway.


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    started = embedded_broker.start(tmp_path_factory.mktemp("broker"))
    yield started
    started.process.kill()
    started.process.wait()


class Echo:
    """A driver whose device is the topic; a payload that is a number is its own time."""

    def subscriptions(self) -> list[str]:
        return ["home/#"]

    def decode(self, topic: str, payload: bytes, now_ms: int) -> list[Outcome]:
        if payload == b"boom":
            raise RuntimeError("planted")
        text = payload.decode()
        at_ms = int(text) if text.isdigit() else now_ms
        measurement = Measurement(
            device=topic.replace("/", "-"),
            kind="motion",
            measured_at_ms=at_ms,
            received_at_ms=now_ms,
            values={"active": 1},
        )
        return [Decoded(fields={}, measurements=[measurement])]


class Listening:
    def __init__(self, broker: Broker) -> None:
        self.offered: list[Measurement] = []
        self.logged: list[str] = []
        intake = Intake(self.offer, lambda: NOW_MS, lambda *_: None)
        self.source = LocalMqttSource(
            LocalMqttSettings(
                name="home",
                port=broker.port,
                username=broker.username,
                password=broker.password_file.read_text(),
            ),
            Echo(),
            intake,
            client_id="gw-1-home",
            now_ms=lambda: NOW_MS,
            log=lambda event, _detail: self.logged.append(event),
        )
        self.task = asyncio.create_task(self.source.run())

    def offer(self, batch: list[Measurement]) -> bool:
        self.offered += batch
        return True

    @property
    def devices(self) -> list[str]:
        return [m.device for m in self.offered if m.kind == "motion"]

    async def close(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


@pytest.fixture
async def bridge(broker: Broker) -> AsyncIterator[aiomqtt.Client]:
    async with aiomqtt.Client(
        "127.0.0.1",
        broker.port,
        username=broker.username,
        password=broker.password_file.read_text(),
        protocol=aiomqtt.ProtocolVersion.V5,
    ) as client:
        yield client


async def test_messages_while_we_were_away_and_old_states(
    broker: Broker, bridge: aiomqtt.Client
) -> None:
    """QoS 1 waits for us; a retained state without a time of its own says nothing about now."""
    first = Listening(broker)
    await until(lambda: "local_mqtt_open" in first.logged, "listening")
    await first.close()
    await bridge.publish("home/button", b"pressed", qos=1)
    await bridge.publish("home/door", b"open", qos=1, retain=True)
    await bridge.publish("home/timed", str(NOW_MS - 5000).encode(), qos=1, retain=True)
    again = Listening(broker)
    await until(lambda: "home-button" in again.devices, "what waited")
    await bridge.publish("home/last", b"x", qos=1)
    await until(lambda: "home-last" in again.devices, "what came after")
    assert again.devices.count("home-button") == 1
    await again.close()
    # And for one who comes new, both are retained: only the one with a time counts.
    await bridge.publish("home/last", b"y", qos=1)
    fresh = Listening(broker)
    await until(lambda: "home-last" in fresh.devices, "what came after")
    assert "home-door" not in fresh.devices
    assert "home-timed" in fresh.devices
    await fresh.close()
    for topic in ("home/door", "home/timed"):
        await bridge.publish(topic, b"", qos=1, retain=True)


async def test_a_driver_that_raises_does_not_end_the_source(
    broker: Broker, bridge: aiomqtt.Client
) -> None:
    listening = Listening(broker)
    await until(lambda: "local_mqtt_open" in listening.logged, "listening")
    await bridge.publish("home/a", b"boom", qos=1)
    await bridge.publish("home/b", b"fine", qos=1)
    await until(lambda: "home-b" in listening.devices, "what came after")
    faults = [m for m in listening.offered if m.kind == "device_health"]
    assert [f.attrs["raw_hex"] for f in faults] == [b"boom".hex()]
    await listening.close()

"""The generated configuration of RabbitMQ against a real server: who comes in, who may say and hear
what, and what a hub may. Beside each refusal the right one does the same, so that none is a mistake
of the test."""

import asyncio
import contextlib
import datetime as dt
import re
import shutil
import socket
import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from hearthwatch.authority import certificates, keys
from hearthwatch.broker_sources import gateway_source
from hearthwatch.doctor_rabbitmq import rabbitmq, shards
from hearthwatch.embedded_broker import free_port
from hearthwatch.session_end import end_certified, own_proofs
from ingest.mqtt.session import Message
from tests.adapters.broker_line import Proof, Refused
from tests.adapters.rabbitmq import MISSING, installed
from tests.ops.broker_site import NOW, Site, rogue, site
from tests.ops.rabbit_site import Broker, SiteAuthority, broker, figures, hub, until
from tests.ops.test_compose import DEPLOY

__all__ = ["broker", "site"]

pytestmark = [
    pytest.mark.rabbitmq,
    pytest.mark.skipif(not installed(), reason=MISSING),
    pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on this machine"),
]
KIB = 1024
# An answer comes within milliseconds where there is one.
SILENCE_S = 5.0


@pytest.fixture(scope="module")
def first(site: Site) -> Proof:
    return site.gateway("gw.0001")


@pytest.fixture(scope="module")
def telemetry(site: Site) -> Proof:
    return site.gateway("gw.0001", telemetry=True)


async def test_a_gateway_may_what_it_has_to(broker: Broker, first: Proof, telemetry: Proof) -> None:
    came: list[Message] = []
    async with hub(broker, came) as source:
        with broker.line(first, "gw.0001") as line, broker.line(telemetry, "gw.0001-t") as second:
            assert line.subscribe("hw/v1/gw.0001/ack", "hw/v1/gw.0001/command") == b"\1\1"
            assert line.publish("hw/v1/gw.0001/activation", b"press") == 0
            assert line.publish("hw/v1/gw.0001/status", b"alive", retain=True) == 0
            assert second.publish("hw/v1/gw.0001/telemetry", b"reading") == 0
            await until(lambda: len(came) == 1, "the press")
            assert came[0][:2] == (b"hw/v1/gw.0001/activation", b"press")
            assert await source.publish("hw/v1/gw.0001/ack", b"have it") == 0
            assert await source.publish("hw/v1/gw.0001/command", b"reassure") == 0
            heard = await asyncio.to_thread(line.hear, 2)
            assert [body for _topic, body in heard] == [b"have it", b"reassure"]


def denied(broker: Broker, proof: Proof, client_id: str, topic: str) -> bool:
    """MQTT 3.1.1 has no reason to give: the connection ends."""
    try:
        with broker.line(proof, client_id) as line:
            line.publish(topic, b"forged")
    except Refused:
        return True
    return False


@pytest.mark.parametrize(
    "topic",
    [
        "hw/v1/gw-0002/activation",
        # By a pattern a dot would be any letter.
        "hw/v1/gw-0001/activation",
        "hw/v1/gw.0001/telemetry",
        "hw/v1/gw.0001/ack",
        "hw/v1/gw-0002/ack",
        "elsewhere",
    ],
)
def test_other_topics_are_refused(broker: Broker, first: Proof, topic: str) -> None:
    assert denied(broker, first, "gw.0001", topic)
    assert not denied(broker, first, "gw.0001", "hw/v1/gw.0001/activation")


def test_telemetry_may_nothing_else(broker: Broker, telemetry: Proof) -> None:
    assert not denied(broker, telemetry, "gw.0001-t", "hw/v1/gw.0001/telemetry")
    for leaf in ("activation", "status", "ack"):
        assert denied(broker, telemetry, "gw.0001-t", f"hw/v1/gw.0001/{leaf}")


@pytest.mark.parametrize("password", ["", "x", None])
def test_a_certificate_is_good_for_its_own_name_alone(
    broker: Broker, first: Proof, password: str | None
) -> None:
    """The broker believes a name and a password before it looks at the certificate's name."""
    other = replace(first, username="gw-0002", password=password)
    assert denied(broker, other, "gw-0002", "hw/v1/gw-0002/activation")
    assert not denied(broker, first, "gw.0001", "hw/v1/gw.0001/activation")


@pytest.mark.parametrize("topic", ["#", "hw/v1/+/ack", "hw/v1/gw-0002/command", "hw/v1/#"])
def test_nobody_listens_to_others(broker: Broker, first: Proof, topic: str) -> None:
    with broker.line(first, "gw.0001") as line:
        assert line.subscribe("hw/v1/gw.0001/ack") == b"\1"
    try:
        with broker.line(first, "gw.0001") as line:
            assert line.subscribe(topic) == b"\x80"
    except (Refused, OSError):
        return  # it hangs up


def may_connect(broker: Broker, proof: Proof, client_id: str = "gw.0001") -> bool:
    """Whether it can say something: TLS 1.3 tells a refusal only with the first answer."""
    return not denied(broker, proof, client_id, "hw/v1/gw.0001/activation")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_who_is_refused(site: Site, broker: Broker, first: Proof, tmp_path: Path) -> None:
    assert may_connect(broker, first)
    assert not may_connect(broker, first, "gw-0002")
    assert not may_connect(broker, first, "hub-urgent")
    nothing = Proof(ca_file=first.ca_file)
    refused = {
        "no certificate": nothing,
        "a password instead": replace(nothing, username="hub", password="secret"),
        "another's name beside a certificate": replace(first, username="gw-0002", password="x"),
        "another authority": rogue(site, tmp_path),
        "expired": site.gateway("gw.0001", now=NOW - dt.timedelta(days=91)),
        "not begun": site.gateway("gw.0001", now=NOW + dt.timedelta(days=2)),
        "the broker's own": replace(
            first, cert_file=site.folder / "server.pem", key_file=site.folder / "server.key"
        ),
        "plain": replace(first, tls=False),
        "TLS 1.1": replace(first, newest_tls=ssl.TLSVersion.TLSv1_1, ciphers="ALL:@SECLEVEL=0"),
        "CBC and SHA-1": replace(
            first, newest_tls=ssl.TLSVersion.TLSv1_2, ciphers="ECDHE-ECDSA-AES128-SHA"
        ),
    }
    assert [what for what, proof in refused.items() if may_connect(broker, proof)] == []
    assert may_connect(broker, replace(first, newest_tls=ssl.TLSVersion.TLSv1_2))


def revoke(site: Site, broker: Broker, *serials: str) -> None:
    listed = certificates.revocation_list(*site.authority, [(one, 0) for one in serials], NOW)
    keys.write(broker.enrolment.crl_file, listed.encode(), 0o644)


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_what_is_revoked_is_refused_at_once(
    site: Site, broker: Broker, newest: ssl.TLSVersion
) -> None:
    stolen = replace(site.gateway("gw-0003", serials=True), newest_tls=newest)
    serial = (site.folder / "serial").read_text()
    second = replace(site.gateway("gw-0003", telemetry=True, serials=True), newest_tls=newest)
    other = (site.folder / "serial").read_text()

    def may(proof: Proof, client_id: str, leaf: str) -> bool:
        return not denied(broker, proof, client_id, f"hw/v1/gw-0003/{leaf}")

    assert may(stolen, "gw-0003", "activation")
    assert may(second, "gw-0003-t", "telemetry")
    revoke(site, broker, serial, other)
    assert not may(stolen, "gw-0003", "activation")
    assert not may(second, "gw-0003-t", "telemetry")
    # The machine that takes its place has its name and another certificate.
    assert may(site.gateway("gw-0003"), "gw-0003", "activation")
    revoke(site, broker)
    assert may(stolen, "gw-0003", "activation")


def test_a_session_of_tls_that_is_taken_up_again_is_no_way_around_the_list(
    site: Site, broker: Broker
) -> None:
    stolen = site.gateway("gw-0004", serials=True)
    serial = (site.folder / "serial").read_text()
    context = ssl.create_default_context(cafile=str(stolen.ca_file))
    context.load_cert_chain(stolen.cert_file, stolen.key_file)
    context.maximum_version = ssl.TLSVersion.TLSv1_2

    def shaken(session: ssl.SSLSession | None = None) -> ssl.SSLSession | None:
        with (
            socket.create_connection(("127.0.0.1", broker.tls), 30) as raw,
            context.wrap_socket(raw, server_hostname="127.0.0.1", session=session) as line,
        ):
            assert session is None or not line.session_reused
            return line.session

    session = shaken()
    shaken(session)
    revoke(site, broker, serial)
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        shaken(session)
    revoke(site, broker)


def test_without_a_list_nobody_comes_in(broker: Broker, first: Proof) -> None:
    """A mistake of whoever copies it, and seen at once; presses have their second path."""
    there = broker.enrolment.crl_file
    away = there.rename(there.with_suffix(".away"))
    assert not may_connect(broker, first)
    away.rename(there)
    assert may_connect(broker, first)


async def test_the_hub_ends_what_is_connected(site: Site, broker: Broker) -> None:
    stolen, second = site.gateway("gw-0005"), site.gateway("gw-0005", telemetry=True)
    with broker.line(stolen, "gw-0005") as line, broker.line(second, "gw-0005-t") as other:
        proofs = await asyncio.to_thread(own_proofs, SiteAuthority(site), "gw-0005")
        for client_id, proof in proofs.items():
            await end_certified(broker.enrolment, proof, client_id)
        for ended in (line, other):
            with pytest.raises(OSError, match=r"hung up|reset"):
                await asyncio.to_thread(ended.hear, 1)
    with pytest.raises(OSError, match="said"):
        await end_certified(broker.enrolment, proofs["gw-0005"], "gw-0006")


def test_there_is_no_other_way_in(broker: Broker) -> None:
    """The hub's listener is this machine's alone, and nobody has made a guest."""
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.2", broker.config.port)) != 0
    users = broker.node.control("list_users", "--no-table-headers")
    assert sorted(line.split()[0] for line in users.splitlines() if line) == ["gw.test", "hub"]
    log = broker.node.log.read_text()
    ours = {str(broker.config.port), str(broker.tls)}
    started = [line.rpartition(":")[2] for line in log.splitlines() if "listener on" in line]
    assert set(started) == ours


async def test_a_hub_says_what_a_hub_says(broker: Broker) -> None:
    came: list[Message] = []
    async with hub(broker, came) as source:
        assert await source.publish("hw/v1/gw-9/command", b"x") == 0x10
        with pytest.raises(OSError, match="ACCESS_REFUSED"):
            await source.publish("hw/v1/gw-9/activation", b"forged")
        await until(source.connected.is_set, "it is back")


async def test_the_gateway_of_the_daily_press_may_what_a_gateway_may(broker: Broker) -> None:
    test = replace(broker.config, username="gw.test", password="another")
    came: list[Message] = []
    heard: list[Message] = []
    async with hub(broker, came) as source:
        line = gateway_source(
            test, "gw.test", lambda messages, _link: heard.extend(messages), lambda *_words: None
        )
        task = asyncio.create_task(line.run())
        try:
            await until(line.connected.is_set, "it is connected")
            assert line.publish_soon("hw/v1/gw.test/activation", b"press")
            # Others' may still lie there, of tests before this one.
            own = b"hw/v1/gw.test/activation"
            await until(lambda: [m[1] for m in came if m[0] == own] == [b"press"], "its press")
            await source.publish("hw/v1/gw.test/ack", b"have it")
            await until(lambda: [m[1] for m in heard] == [b"have it"], "the answer")
            with pytest.raises(OSError, match="ACCESS_REFUSED"):
                await line.publish("hw/v1/gw-test/activation", b"forged")
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def test_the_doctor_tells_what_is_wrong(broker: Broker) -> None:
    well = rabbitmq(broker.config)
    assert well.verdict == "ok", well
    guess = rabbitmq(replace(broker.config, password="a guess"))
    assert guess.verdict == "fail"
    assert "ACCESS_REFUSED" in guess.detail
    stranger = rabbitmq(replace(broker.config, username="gw.test", password="another"))
    assert stranger.verdict == "fail"
    assert "begins with hw." in stranger.remedy
    nobody = rabbitmq(replace(broker.config, port=free_port()))
    assert "start the node" in nobody.remedy


async def test_the_doctor_tells_of_shards_that_nobody_hears(broker: Broker) -> None:
    async with hub(broker, []):
        heard = await asyncio.to_thread(shards, broker.config)
    assert (heard.verdict, heard.detail) == ("ok", "2, all heard")
    found = [heard]

    def nobody_is_there() -> bool:
        found.append(shards(broker.config))
        return "nobody hears 2" in found[-1].detail

    await until(nobody_is_there, "the broker has seen the hub go")
    assert found[-1].verdict == "warn"
    assert found[-1].detail.endswith("hw.activation.0, hw.activation.1")
    assert "start a worker" in found[-1].remedy


def test_an_envelope_has_room_and_more_has_none(broker: Broker, first: Proof) -> None:
    with broker.line(first, "gw.0001") as line:
        assert line.publish("hw/v1/gw.0001/activation", bytes(256 * KIB)) == 0
    with contextlib.suppress(Refused), broker.line(first, "gw.0001") as line:
        # It says nothing more, and doesn't hang up.
        line.waits_for(SILENCE_S)
        line.publish("hw/v1/gw.0001/activation", bytes(320 * KIB))
        raise AssertionError("it was taken")


async def test_the_figures_that_grafana_and_the_alarms_name_are_told(broker: Broker) -> None:
    board = (DEPLOY / "grafana" / "dashboards" / "cluster.json").read_text()
    rules = (DEPLOY / "prometheus" / "cluster-alerts.yml").read_text()
    named = set(re.findall(r"rabbitmq_\w+", board + rules))
    assert len(named) > 5
    heard = r'rabbitmq_detailed_queue_consumers\{.*queue="hw.activation.0"\} 1'

    def all_are_told() -> bool:
        told = figures(broker)
        missing = [n for n in named if not re.search(rf"^{n}(?:\{{| )", told, flags=re.MULTILINE)]
        return not missing and re.search(heard, told) is not None

    # A queue tells of itself every five seconds.
    async with hub(broker, []):
        await until(all_are_told, f"all of {sorted(named)}")

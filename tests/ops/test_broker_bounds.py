"""The generated mosquitto.conf at work: what it bounds, what it keeps, and what is renewed beside
gateways that are there; likewise with each line and without it."""

import shutil
import signal
import socket
import ssl
from pathlib import Path

import pytest

from hearthwatch.authority import certificates
from hearthwatch.broker_renewal import renew
from hearthwatch.embedded_broker import find_mosquitto
from tests.acceptance.rig import wait_until
from tests.adapters.broker_line import Line, Proof, Refused
from tests.ops.broker_site import (
    NOBODY,
    NOW,
    Broker,
    Site,
    broker,
    first,
    instead,
    may_connect,
    running,
    site,
    without,
)

__all__ = ["broker", "first", "site"]

pytestmark = [
    pytest.mark.mosquitto,
    pytest.mark.skipif(find_mosquitto() is None, reason="no mosquitto on this machine"),
    pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on this machine"),
]

KIB = 1024


# Revocation.


def test_what_is_revoked_is_refused_after_the_list_was_read_again(
    site: Site, tmp_path: Path
) -> None:
    stolen = site.gateway("gw-0003", serials=True)
    serial = (site.folder / "serial").read_text()
    with running(site, tmp_path) as broker:
        assert may_connect(broker, stolen)
        listed = certificates.revocation_list(*site.authority, [(serial, 0)], NOW)
        (tmp_path / "crl.pem").write_text(listed)
        broker.process.send_signal(1)
        wait_until(lambda: not may_connect(broker, stolen), 30, "the list was read")
        assert may_connect(broker, site.gateway("gw-0004"))
    with running(site, tmp_path) as broker:
        assert not may_connect(broker, stolen)
    with running(site, tmp_path, without("crlfile")) as broker:
        assert may_connect(broker, stolen)


# Caps.


def test_caps_are_told_and_held(site: Site, broker: Broker, first: Proof, tmp_path: Path) -> None:
    with Line(broker.tls, first, "x") as line:
        # Server Keep Alive 60 (0x13), Receive Maximum 5000 (0x21).
        assert b"\x13\x00\x3c" in line.properties
        assert b"\x21\x13\x88" in line.properties
        assert line.publish("hw/v1/gw-0001/activation", bytes(256 * KIB)) in (0, NOBODY)
        with pytest.raises(Refused):
            line.publish("hw/v1/gw-0001/activation", bytes(320 * KIB))

    def loose(text: str) -> str:
        for name in ("max_keepalive", "max_inflight_messages", "max_packet_size"):
            text = without(name)(text)
        return text

    with running(site, tmp_path, loose) as other, Line(other.tls, first, "x") as line:
        assert b"\x13\x00\x3c" not in line.properties
        assert b"\x21\x13\x88" not in line.properties
        assert line.publish("hw/v1/gw-0001/activation", bytes(320 * KIB)) in (0, NOBODY)


def waiting(broker: Broker, line: Line, count: int) -> int:
    """How many of so many presses a hub hears that was away."""
    with Line(broker.plain, broker.hub, "hub-urgent", expiry_s=3600) as hub:
        hub.subscribe("hw/v1/+/activation")
    for number in range(count):
        line.publish("hw/v1/gw-0001/activation", b"%d" % number, number + 1)
    with Line(broker.plain, broker.hub, "hub-urgent", expiry_s=3600) as hub:
        # Its own message is behind all that waited.
        line.publish("hw/v1/gw-0001/activation", b"last", count + 1)
        while not hub.messages or hub.messages[-1][1] != b"last":
            hub.hear(len(hub.messages) + 1)
        return len(hub.messages) - 1


def test_what_waits_is_bounded_by_bytes_not_by_number(
    site: Site, broker: Broker, first: Proof, tmp_path: Path
) -> None:
    count = 1100
    with Line(broker.tls, first, "x") as line:
        assert waiting(broker, line, count) == count
    # mosquitto's usual thousand, all of them confirmed to who sent them.
    change = without("max_queued_messages")
    with running(site, tmp_path / "number", change) as other, Line(other.tls, first, "x") as line:
        assert waiting(other, line, count) < count
    few = instead("max_queued_bytes", "max_queued_bytes 200")
    with running(site, tmp_path / "bytes", few) as other, Line(other.tls, first, "x") as line:
        assert waiting(other, line, count) < count


def test_an_empty_name_is_given_to_nobody(site: Site, broker: Broker, tmp_path: Path) -> None:
    with pytest.raises(Refused):
        Line(broker.plain, broker.hub, "")
    with running(site, tmp_path, without("allow_zero_length_clientid")) as other:
        Line(other.plain, other.hub, "").close()


def test_nothing_is_kept_on_the_disk(site: Site, first: Proof, tmp_path: Path) -> None:
    with running(site, tmp_path / "with") as broker, Line(broker.tls, first, "x") as line:
        line.publish("hw/v1/gw-0001/status", b"alive", retain=True)
    assert not list((tmp_path / "with").glob("*.db"))
    place = f"persistence true\npersistence_location {tmp_path}/kept/"
    (tmp_path / "kept").mkdir()
    with (
        running(site, tmp_path / "kept", instead("persistence", place)) as broker,
        Line(broker.tls, first, "x") as line,
    ):
        line.publish("hw/v1/gw-0001/status", b"alive", retain=True)
    assert list((tmp_path / "kept").glob("*.db"))


def test_the_hubs_listener_is_of_this_machine_alone(site: Site, broker: Broker) -> None:
    """127.0.0.2 is another address of the same machine, as the village's network would be."""
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.2", broker.plain)) != 0


def test_every_line_is_known(site: Site, tmp_path: Path) -> None:
    """What no test takes away is named here with the reason."""
    site.files(tmp_path, lambda text: text)
    lines = (tmp_path / "mosquitto.conf").read_text().splitlines()
    names = {line.split()[0] for line in lines if line and not line.startswith("#")}
    beside = Path(__file__).with_name("test_broker_lines.py").read_text()
    source = beside + Path(__file__).read_text().partition("def test_every_line_is_known")[0]
    untried = {name for name in names if f'"{name}"' not in source}
    assert untried - {"user"} == {
        # Without these there is no listener, or none with TLS.
        "listener", "cafile", "certfile", "keyfile",
        # mosquitto's own default today; said so that nobody's other file changes it.
        "per_listener_settings",
        # Time: seen by ./dev bench (20 to 40 ms), and after sixty days.
        "set_tcp_nodelay", "persistent_client_expiration",
        # A gigabyte.
        "memory_limit",
        # What is written to the log.
        "log_dest", "log_type", "connection_messages",
    }  # fmt: skip


def test_a_renewed_certificate_of_the_broker_loses_no_gateway(site: Site, tmp_path: Path) -> None:
    """Read again on SIGHUP: who is connected stays so, who comes is shown the new one."""
    own = tmp_path / "authority"
    shutil.copytree(site.folder, own)
    first, second = site.gateway("gw-0001"), site.gateway("gw-0002")

    def shown(port: int) -> str:
        context = ssl.create_default_context(cafile=str(site.folder / "ca.pem"))
        with (
            socket.create_connection(("127.0.0.1", port)) as raw,
            context.wrap_socket(raw, server_hostname="127.0.0.1") as line,
        ):
            return str((line.getpeercert() or {})["serialNumber"])

    with running(site, tmp_path / "broker") as broker:
        before = shown(broker.tls)
        with (
            Line(broker.tls, first, "x") as line,
            Line(broker.plain, broker.hub, "hub-urgent") as hub,
        ):
            hub.subscribe("hw/v1/+/activation")
            renew(own, broker.folder, NOW)
            broker.process.send_signal(signal.SIGHUP)
            wait_until(lambda: shown(broker.tls) != before, 30, "the new one is shown")
            assert line.publish("hw/v1/gw-0001/activation", b"press") == 0
            with Line(broker.tls, second, "x") as other:
                assert other.publish("hw/v1/gw-0002/activation", b"press") == 0
            assert len(hub.hear(2)) == 2

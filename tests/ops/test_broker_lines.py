"""The generated mosquitto.conf, line by line: what each keeps out is refused by a real mosquitto
with it, and happens without it. So no line is there for show, and none of the refusals is a
mistake of the test."""

import datetime as dt
import shutil
import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hearthwatch.embedded_broker import find_mosquitto
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
    rogue,
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


def test_a_gateway_may_what_it_has_to(site: Site, broker: Broker, first: Proof) -> None:
    telemetry = site.gateway("gw-0001", telemetry=True)
    with Line(broker.plain, broker.hub, "hub-urgent") as hub:
        assert (
            hub.subscribe("hw/v1/+/activation", "hw/v1/+/telemetry", "hw/v1/+/status") == b"\1\1\1"
        )
        with (
            Line(broker.tls, first, "anything") as line,
            Line(broker.tls, telemetry, "x") as second,
        ):
            line.subscribe("hw/v1/gw-0001/ack", "hw/v1/gw-0001/command")
            assert line.publish("hw/v1/gw-0001/activation", b"press") == 0
            assert line.publish("hw/v1/gw-0001/status", b"alive", retain=True) == 0
            assert second.publish("hw/v1/gw-0001/telemetry", b"reading") == 0
            hub.hear(3)
            hub.publish("hw/v1/gw-0001/ack", b"have it")
            hub.publish("hw/v1/gw-0001/command", b"reassure", 2)
            assert [body for _topic, body in line.hear(2)] == [b"have it", b"reassure"]


@pytest.mark.parametrize(
    "topic",
    [
        "hw/v1/gw-0002/activation",
        "hw/v1/gw-0002/status",
        "hw/v1/gw-0002/telemetry",
        "hw/v1/gw-0001/ack",
        "hw/v1/gw-0001/command",
        "hw/v1/gw-0002/ack",
        "$SYS/broker/uptime",
        "elsewhere",
    ],
)
def test_other_topics_are_refused(broker: Broker, first: Proof, topic: str) -> None:
    assert denied(broker, first, topic)


def denied(broker: Broker, proof: Proof, topic: str) -> bool:
    """By the reason in the PUBACK, or by the end of the connection."""
    with Line(broker.tls, proof, "x") as line:
        try:
            return line.publish(topic, b"forged") >= 0x80
        except Refused:
            return True


def test_telemetry_may_nothing_else(site: Site, broker: Broker) -> None:
    telemetry = site.gateway("gw-0001", telemetry=True)
    assert not denied(broker, telemetry, "hw/v1/gw-0001/telemetry")
    for leaf in ("activation", "status", "ack", "command"):
        assert denied(broker, telemetry, f"hw/v1/gw-0001/{leaf}")


def test_listening_to_everything_hears_its_own_alone(broker: Broker, first: Proof) -> None:
    with (
        Line(broker.tls, first, "x") as line,
        Line(broker.plain, broker.hub, "hub-urgent") as hub,
    ):
        line.subscribe("#", "hw/v1/+/ack", "hw/v1/gw-0002/command", "$SYS/#")
        hub.publish("hw/v1/gw-0002/ack", b"for the second")
        hub.publish("hw/v1/gw-0002/command", b"for the second", 2)
        hub.publish("hw/v1/gw-0001/ack", b"for the first", 3)
        # It comes by two of the filters.
        heard = line.hear(2)
        assert {body for _topic, body in heard} == {b"for the first"}


def test_without_rights_anybody_may_everything(site: Site, first: Proof, tmp_path: Path) -> None:
    with (
        running(site, tmp_path, without("acl_file")) as broker,
        Line(broker.tls, first, "x") as line,
    ):
        assert line.publish("hw/v1/gw-0002/activation", b"forged") < 0x80


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_who_is_refused(site: Site, broker: Broker, first: Proof, tmp_path: Path) -> None:
    assert may_connect(broker, first)
    nothing = Proof(ca_file=first.ca_file)
    over = site.gateway("gw-0001", now=NOW - dt.timedelta(days=91))
    early = site.gateway("gw-0001", now=NOW + dt.timedelta(days=2))
    # The broker's own certificate is good for a server and for nobody's client.
    server = replace(
        first, cert_file=site.folder / "server.pem", key_file=site.folder / "server.key"
    )
    refused = {
        "no certificate": nothing,
        "a password instead": replace(nothing, username="hub", password="secret"),
        "another authority": rogue(site, tmp_path),
        "expired": over,
        "not begun": early,
        "the broker's own": server,
        "plain": replace(first, tls=False),
        "TLS 1.1": replace(first, newest_tls=ssl.TLSVersion.TLSv1_1, ciphers="ALL:@SECLEVEL=0"),
        "CBC and SHA-1": replace(
            first, newest_tls=ssl.TLSVersion.TLSv1_2, ciphers="ECDHE-ECDSA-AES128-SHA"
        ),
    }
    let_in = [what for what, proof in refused.items() if may_connect(broker, proof)]
    assert let_in == []
    for proof in (Proof(tls=False), Proof(username="hub", password="guess", tls=False)):
        with pytest.raises(Refused):
            Line(broker.plain, proof, "hub-urgent")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_tls_is_kept_out_by_its_lines(site: Site, first: Proof, tmp_path: Path) -> None:
    """Both lines alone; and the client of the test before can do what it was refused."""
    old = replace(first, newest_tls=ssl.TLSVersion.TLSv1_1, ciphers="ALL:@SECLEVEL=0")
    cbc = replace(first, newest_tls=ssl.TLSVersion.TLSv1_2, ciphers="ECDHE-ECDSA-AES128-SHA")
    weak = instead("ciphers", "ciphers ALL:@SECLEVEL=0")

    def both(text: str) -> str:
        return weak(instead("tls_version", "tls_version tlsv1.1")(text))

    with running(site, tmp_path / "versions", weak) as broker:
        assert not may_connect(broker, old)
        assert may_connect(broker, cbc)
    with running(site, tmp_path / "both", both) as broker:
        assert may_connect(broker, old)


def test_certificates_are_wanted_by_their_line(site: Site, first: Proof, tmp_path: Path) -> None:
    """Without them a password would do, and there would be one to steal."""

    def loose(text: str) -> str:
        text = without("use_identity_as_username")(text)
        return without("use_username_as_clientid")(without("require_certificate")(text))

    with running(site, tmp_path, loose) as broker:
        stolen = Proof(ca_file=first.ca_file, username="hub", password="secret")
        with Line(broker.tls, stolen, "x") as line:
            assert line.publish("hw/v1/gw-0002/ack", b"forged") < 0x80


def test_the_name_in_the_certificate_is_the_user(site: Site, first: Proof, tmp_path: Path) -> None:
    def loose(text: str) -> str:
        return without("use_username_as_clientid")(without("use_identity_as_username")(text))

    with running(site, tmp_path, loose) as broker:
        # With a certificate of its own a gateway could use another's password.
        liar = replace(first, username="hub", password="secret")
        with Line(broker.tls, liar, "x") as line:
            assert line.publish("hw/v1/gw-0002/ack", b"forged") < 0x80


def test_anonymous_users_are_kept_out_by_their_line(site: Site, tmp_path: Path) -> None:
    with running(site, tmp_path, instead("allow_anonymous", "allow_anonymous true")) as broker:
        Line(broker.plain, Proof(tls=False), "x").close()


def test_the_hubs_password_is_asked_for_by_its_line(site: Site, tmp_path: Path) -> None:
    with running(site, tmp_path, without("password_file")) as broker:
        try:
            Line(broker.plain, Proof(username="hub", password="guess", tls=False), "x").close()
            guessed = True
        except Refused:
            guessed = False
    # Either everybody is the hub, or the hub itself can't come in: the line is needed.
    assert guessed or not hub_comes_in(site, tmp_path / "again", without("password_file"))


def hub_comes_in(site: Site, out: Path, change: Callable[[str], str]) -> bool:
    with running(site, out, change) as broker:
        try:
            Line(broker.plain, broker.hub, "hub-urgent").close()
        except Refused:
            return False
        return True


# Sessions.


def hub_with_a_queue(broker: Broker, line: Line) -> None:
    """The hub was there, went away, and a press waits for it."""
    with Line(broker.plain, broker.hub, "hub-urgent", expiry_s=3600) as hub:
        hub.subscribe("hw/v1/+/activation")
    assert line.publish("hw/v1/gw-0001/activation", b"press") == 0


def wiped(broker: Broker) -> bool:
    """Whether the hub's session is gone."""
    with Line(broker.plain, broker.hub, "hub-urgent", expiry_s=3600) as hub:
        if not hub.session_present:
            return True
        assert hub.hear(1) == [("hw/v1/gw-0001/activation", b"press")]
        return False


def test_no_gateway_takes_the_hubs_session(
    site: Site, broker: Broker, first: Proof, tmp_path: Path
) -> None:
    """A client that says the hub's name with an expiry of nothing ends its session and all that
    waits in it."""
    other = site.gateway("gw-0002")
    with Line(broker.tls, first, "x") as line:
        hub_with_a_queue(broker, line)
        Line(broker.tls, other, "hub-urgent").close()
        assert not wiped(broker)
    change = without("use_username_as_clientid")
    with running(site, tmp_path, change) as loose, Line(loose.tls, first, "x") as line:
        hub_with_a_queue(loose, line)
        Line(loose.tls, other, "hub-urgent").close()
        assert wiped(loose)


def test_no_gateway_ends_anothers_connection(site: Site, broker: Broker, first: Proof) -> None:
    with Line(broker.tls, first, "x") as line:
        Line(broker.tls, site.gateway("gw-0002"), "gw-0001").close()
        assert line.publish("hw/v1/gw-0001/activation", b"still here") in (0, NOBODY)
        # The same machine that comes again takes its own.
        with Line(broker.tls, first, "y"), pytest.raises(Refused):
            line.publish("hw/v1/gw-0001/activation", b"gone")

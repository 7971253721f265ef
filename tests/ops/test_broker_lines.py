"""The generated mosquitto.conf, line by line: what each keeps out is refused by a real mosquitto
with it, and happens without it. So no line is there for show, and none of the refusals is a
mistake of the test."""

import contextlib
import datetime as dt
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import trustme

from hearthwatch import broker_files
from hearthwatch.authority import certificates, keys
from hearthwatch.authority.keys import Authority
from hearthwatch.broker_config import BrokerConfig
from hearthwatch.broker_renewal import renew
from hearthwatch.embedded_broker import find_mosquitto, free_port
from hearthwatch.enrolment_config import EnrolmentConfig
from tests.acceptance.rig import wait_until
from tests.adapters.broker_line import Line, Proof, Refused

pytestmark = [
    pytest.mark.mosquitto,
    pytest.mark.skipif(find_mosquitto() is None, reason="no mosquitto on this machine"),
    pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on this machine"),
]
NOW = dt.datetime.now(tz=dt.UTC)  # noqa: TID251 - the broker's own clock judges
NOBODY = 0x10
KIB = 1024


def request_of(folder: Path, name: str) -> tuple[Path, bytes]:
    """A key and its request, whose name is one that nobody may believe."""
    key, request = folder / f"{name}.key", folder / f"{name}.csr"
    subprocess.run(
        ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-subj", "/CN=hub", "-keyout", key, "-out", request],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, request.read_bytes()


@dataclass
class Site:
    """Certificates for a whole county, made once."""

    folder: Path
    authority: Authority

    def gateway(
        self, name: str, *, now: dt.datetime = NOW, telemetry: bool = False, serials: bool = False
    ) -> Proof:
        key, request = request_of(self.folder, f"{name}-{now:%j}-{telemetry}")
        issued = certificates.for_gateway(*self.authority, name, request, now)
        pem = key.with_suffix(".pem")
        pem.write_text(issued.telemetry_pem if telemetry else issued.pem)
        if serials:
            (self.folder / "serial").write_text(issued.serial)
        return Proof(ca_file=self.folder / "ca.pem", cert_file=pem, key_file=key)

    def files(self, out: Path, change: "Callable[[str], str]") -> tuple[int, int]:
        """The configuration as `admin broker-config` makes it, with a change; its ports."""
        out.mkdir(exist_ok=True)
        plain, tls = free_port(), free_port()
        enrolment = EnrolmentConfig(
            authority=out / "none", url="https://127.0.0.1", broker_host="127.0.0.1",
            broker_port=tls, crl_file=out / "crl.pem",
        )  # fmt: skip
        broker = BrokerConfig(port=plain, username="hub", password="secret")
        for name, text in broker_files.files(out, broker, enrolment, {"hub": "secret"}).items():
            (out / name).write_text(text)
        for name in ("ca.pem", "server.pem", "server.key"):
            shutil.copy(self.folder / name, out / name)
        if not (out / "crl.pem").exists():
            shutil.copy(self.folder / "crl.pem", out / "crl.pem")
        conf = out / "mosquitto.conf"
        before = conf.read_text()
        text = change(before)
        text = text.replace(f"listener {tls}\n", f"listener {tls} 127.0.0.1\n")
        conf.write_text(text + ("user root\n" if os.geteuid() == 0 else ""))
        return plain, tls


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("site")
    keys.init(folder, "127.0.0.1", NOW)
    return Site(folder, keys.load(folder))


@pytest.fixture(scope="module")
def first(site: Site) -> Proof:
    return site.gateway("gw-0001")


@dataclass
class Broker:
    plain: int
    tls: int
    process: "subprocess.Popen[bytes]"
    folder: Path

    @property
    def hub(self) -> Proof:
        return Proof(username="hub", password="secret", tls=False)


@contextlib.contextmanager
def running(
    site: Site, out: Path, change: Callable[[str], str] = lambda text: text
) -> Iterator[Broker]:
    plain, tls = site.files(out, change)
    with (out / "log").open("wb") as log:
        command = [str(find_mosquitto()), "-c", str(out / "mosquitto.conf")]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:

        def listens() -> bool:
            assert process.poll() is None, (out / "log").read_text()
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", tls)) == 0

        wait_until(listens, 60, "mosquitto takes the configuration")
        yield Broker(plain, tls, process, out)
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="module")
def broker(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with running(site, tmp_path_factory.mktemp("broker")) as found:
        yield found


def without(line: str) -> Callable[[str], str]:
    return instead(line, "")


def instead(line: str, other: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert re.search(f"^{line}", text, flags=re.MULTILINE), line
        return re.sub(f"^{line}.*$", other, text, flags=re.MULTILINE)

    return change


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


# Who may connect.


def rogue(site: Site, folder: Path) -> Proof:
    """A certificate with a gateway's name by an authority of somebody else."""
    issued = trustme.CA().issue_cert("127.0.0.1", common_name="gw-0001")
    issued.private_key_and_cert_chain_pem.write_to_path(folder / "rogue.pem")
    return Proof(
        ca_file=site.folder / "ca.pem",
        cert_file=folder / "rogue.pem",
        key_file=folder / "rogue.pem",
    )


def may_connect(broker: Broker, proof: Proof) -> bool:
    """Whether it can say something: TLS 1.3 tells a refusal only with the first answer."""
    try:
        with Line(broker.tls, proof, "x") as line:
            line.publish("hw/v1/gw-0001/activation", b"?")
    except Refused:
        return False
    return True


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
    source = Path(__file__).read_text().partition("def test_every_line_is_known")[0]
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

"""A county's certificates, and a real mosquitto with its configuration or a changed one."""

import contextlib
import datetime as dt
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from hearthwatch import broker_files
from hearthwatch.authority import certificates, keys
from hearthwatch.authority.keys import Authority
from hearthwatch.broker_config import BrokerConfig
from hearthwatch.embedded_broker import find_mosquitto, free_port
from hearthwatch.enrolment_config import EnrolmentConfig
from tests.acceptance.rig import wait_until
from tests.adapters.broker_line import Line, Proof, Refused

NOW = dt.datetime.now(tz=dt.UTC)  # noqa: TID251 - the broker's own clock judges

NOBODY = 0x10


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


def without(line: str) -> Callable[[str], str]:
    return instead(line, "")


def instead(line: str, other: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert re.search(f"^{line}", text, flags=re.MULTILINE), line
        return re.sub(f"^{line}.*$", other, text, flags=re.MULTILINE)

    return change


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


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("site")
    keys.init(folder, "127.0.0.1", NOW)
    return Site(folder, keys.load(folder))


@pytest.fixture(scope="module")
def first(site: Site) -> Proof:
    return site.gateway("gw-0001")


@pytest.fixture(scope="module")
def broker(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with running(site, tmp_path_factory.mktemp("broker")) as found:
        yield found

"""The files of deploy/ at work: secrets made, mosquitto with its template and rights, the hub with
its configuration, the simulated homes' script. Only paths and ports are changed, as there are no
containers here."""

import asyncio
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiomqtt
import pytest

from hearthwatch.embedded_broker import find_mosquitto, free_port

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
DEADLINE_S = 60

pytestmark = [
    pytest.mark.mosquitto,
    pytest.mark.skipif(find_mosquitto() is None, reason="no mosquitto on this machine"),
    pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on this machine"),
]


def prepare(out: Path, *arguments: str) -> None:
    command = [sys.executable, str(DEPLOY / "prepare.py"), "--host", "127.0.0.1", "--out", str(out)]
    subprocess.run([*command, *arguments], check=True, capture_output=True)


async def until(condition: Callable[[], bool], what: str) -> None:
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not condition():  # noqa: ASYNC110 - other processes have no event
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"not within {DEADLINE_S} s: {what}") from None


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Site:
    """One installation in a folder, as the installer makes it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secrets = folder / "secrets"
        self.plain_port, self.tls_port, self.http_port = free_port(), free_port(), free_port()
        self.children: list[subprocess.Popen[bytes]] = []
        prepare(self.secrets, "--gateway=gw-0001", "--gateway=gw-0002", "--simulator")

    def start(self, name: str, *command: str, env: dict[str, str] | None = None) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            self.children.append(
                subprocess.Popen(
                    command,
                    stdout=log,
                    stderr=log,
                    cwd=ROOT,
                    env={**os.environ, **(env or {})},
                    start_new_session=True,
                )
            )

    async def start_broker(self) -> None:
        text = (DEPLOY / "mosquitto" / "mosquitto.conf").read_text()
        text = text.replace("/mosquitto/secrets", str(self.secrets))
        text = text.replace("/mosquitto/config", str(DEPLOY / "mosquitto"))
        text = text.replace("listener 1883\n", f"listener {self.plain_port} 127.0.0.1\n")
        text = text.replace("listener 8883\n", f"listener {self.tls_port} 127.0.0.1\n")
        if os.geteuid() == 0:
            text += "user root\n"
        config = self.folder / "mosquitto.conf"
        config.write_text(text)
        self.start("mosquitto", str(find_mosquitto()), "-c", str(config))
        await until(lambda: listens(self.tls_port), "mosquitto accepts the template")

    def start_hub(self) -> None:
        text = (DEPLOY / "config" / "hub.toml").read_text()
        for old, new in (
            ("/var/lib/hearthwatch", str(self.folder / "hub")),
            ("/run/secrets", str(self.secrets)),
            ('host = "0.0.0.0"', 'host = "127.0.0.1"'),
            ('host = "mosquitto"', 'host = "127.0.0.1"'),
            ("port = 8080", f"port = {self.http_port}"),
            ("port = 1883", f"port = {self.plain_port}"),
        ):
            assert old in text
            text = text.replace(old, new)
        (self.folder / "hub.toml").write_text(text)
        roster = subprocess.run(
            [str(DEPLOY / "homes.sh"), "roster"],
            env=self.homes_environment(),
            check=True,
            capture_output=True,
            text=True,
        )
        (self.folder / "homes.toml").write_text(roster.stdout)
        command = [sys.executable, "-m", "hearthwatch", "hub", "--config"]
        self.start("hub", *command, str(self.folder / "hub.toml"))

    def homes_environment(self) -> dict[str, str]:
        """Where the container has its programs and its volume."""
        programs = self.folder / "bin"
        programs.mkdir(exist_ok=True)
        script = f"#!/bin/sh\nPYTHONPATH='{ROOT}' exec '{sys.executable}' -m hearthwatch \"$@\"\n"
        (programs / "hearthwatch").write_text(script)
        (programs / "hearthwatch").chmod(0o755)
        return {
            "PATH": f"{programs}:/usr/bin:/bin",
            "HOMES": "4",
            "BROKER": f"127.0.0.1:{self.plain_port}",
            "DATA": str(self.folder / "homes"),
            "PASSWORD_FILE": str(self.secrets / "simulator-password"),
        }

    def get(self, path: str) -> str | None:
        """An answer of the hub, None while it has none or says 503."""
        try:
            url = f"http://127.0.0.1:{self.http_port}{path}"
            with urllib.request.urlopen(url, timeout=5) as answer:
                return str(answer.read().decode())
        except (urllib.error.URLError, OSError):
            return None

    def figure(self, name: str) -> float:
        found = re.search(rf"^{name} (\S+)$", self.get("/metrics") or "", flags=re.MULTILINE)
        return float(found[1]) if found else 0.0

    def close(self) -> None:
        for child in reversed(self.children):
            child.terminate()
        for child in reversed(self.children):
            child.wait(20)


@pytest.fixture
async def site(tmp_path) -> AsyncIterator[Site]:
    site = Site(tmp_path)
    try:
        await site.start_broker()
        yield site
    finally:
        site.close()


def gateway(site: Site, name: str, password_of: str | None = None) -> aiomqtt.Client:
    """A gateway's way in: TLS, the authority it was given, its own password."""
    given = site.secrets / "gateways" / (password_of or name)
    return aiomqtt.Client(
        "127.0.0.1",
        site.tls_port,
        username=name,
        password=(given / "uplink-password").read_text().strip(),
        tls_params=aiomqtt.TLSParameters(ca_certs=str(given / "ca.pem")),
    )


async def test_a_gateway_speaks_for_itself_alone(site) -> None:
    password = (site.secrets / "broker-password").read_text().strip()
    async with (
        asyncio.timeout(DEADLINE_S),
        aiomqtt.Client("127.0.0.1", site.plain_port, username="hub", password=password) as hub,
    ):
        await hub.subscribe("hw/v1/#", qos=1)
        for topic in ("hw/v1/gw-0002/activation", "hw/v1/gw-0001/ack", "hw/v1/gw-0001/activation"):
            # Refused in silence or, by mosquitto 2.0.11, with the end of the connection.
            with contextlib.suppress(aiomqtt.MqttError):
                async with gateway(site, "gw-0001") as first:
                    await first.publish(topic, b"from the first", qos=1)
        message = await anext(aiter(hub.messages))
        assert str(message.topic) == "hw/v1/gw-0001/activation"


async def test_a_gateway_hears_what_is_for_it_alone(site) -> None:
    password = (site.secrets / "broker-password").read_text().strip()
    async with (
        asyncio.timeout(DEADLINE_S),
        aiomqtt.Client("127.0.0.1", site.plain_port, username="hub", password=password) as hub,
        gateway(site, "gw-0002") as second,
    ):
        await second.subscribe("hw/v1/#", qos=1)
        await hub.publish("hw/v1/gw-0001/ack", b"for the first", qos=1)
        await hub.publish("hw/v1/gw-0002/ack", b"for the second", qos=1)
        message = await anext(aiter(second.messages))
        assert message.payload == b"for the second"


async def test_a_password_opens_one_gateway_only(site) -> None:
    with pytest.raises(aiomqtt.MqttError):
        async with asyncio.timeout(DEADLINE_S), gateway(site, "gw-0001", password_of="gw-0002"):
            pass


async def test_simulated_homes_reach_the_hub_and_its_figures_are_drawn(site) -> None:
    site.start_hub()
    await until(lambda: site.get("/readyz") is not None, "the hub is ready")
    site.start("homes", str(DEPLOY / "homes.sh"), env=site.homes_environment())
    await until(lambda: site.figure("hearthwatch_readings_stored") > 0, "readings are stored")
    assert all(child.poll() is None for child in site.children)
    figures = site.get("/metrics") or ""
    board = json.loads((DEPLOY / "grafana" / "dashboards" / "hub.json").read_text())
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    asked.append((DEPLOY / "prometheus" / "alerts.yml").read_text())
    for name in set(re.findall(r"hearthwatch_\w+", " ".join(asked))):
        assert re.search(rf"^{name}(?:\{{| )", figures, flags=re.MULTILINE), name


def test_preparing_again_keeps_what_is_there(tmp_path) -> None:
    prepare(tmp_path / "s", "--gateway=gw-0001")
    before = {p: p.read_bytes() for p in (tmp_path / "s").rglob("*") if p.is_file()}
    prepare(tmp_path / "s", "--gateway=gw-0002")
    for path, content in before.items():
        assert path.name == "passwd" or path.read_bytes() == content
    users = (tmp_path / "s" / "passwd").read_text()
    assert [line.split(":")[0] for line in users.splitlines()] == ["gw-0001", "gw-0002", "hub"]


def test_secrets_are_closed_to_others(tmp_path) -> None:
    prepare(tmp_path / "s", "--gateway=gw-0001")
    assert (tmp_path / "s").stat().st_mode & 0o077 == 0
    assert (tmp_path / "s" / "ca.key").stat().st_mode & 0o077 == 0


def test_a_gateway_cannot_be_called_hub(tmp_path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        prepare(tmp_path / "s", "--gateway=hub")

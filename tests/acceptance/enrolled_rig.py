"""The real programs with certificates: authority, hub behind TLS, mosquitto or RabbitMQ with the
generated configuration, gateways that were enrolled by a code."""

import asyncio
import contextlib
import json
import os
import ssl
import subprocess
import sys
import threading
import tomllib
import tty
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dashboard.accounts import create_user
from dashboard.passwords import Passwords
from hearthwatch.book_change import change_book
from hearthwatch.embedded_broker import free_port
from hearthwatch.rabbitmq_files import RIGHTS_PORT
from ledger.place import Place, SqliteBook
from tests.acceptance.rig import ROOT, Program, wait_until
from tests.adapters.broker_line import Line, Proof
from tests.adapters.postgres import Postgres
from tests.adapters.rabbitmq import Node, PortMapper
from tests.adapters.rows import rows_of

GATEWAY = "gw-0001"
DEADLINE_S = 120
PASSWORD = "correct-horse-battery-9"


class TlsProxy:
    """What stands before the hub's web address in a county: TLS outside, plain inside."""

    def __init__(self, certificate: Path, key: Path, inside: int) -> None:
        self.port = free_port()
        self._inside = inside
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(DEADLINE_S)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        serving = asyncio.start_server(self._talk, "127.0.0.1", self.port, ssl=self._context)
        self._server = self._loop.run_until_complete(serving)
        self._ready.set()
        self._loop.run_forever()
        self._server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner = await asyncio.open_connection("127.0.0.1", self._inside)
        except OSError:
            writer.close()
            return
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await asyncio.gather(_copy(reader, inner[1]), _copy(inner[0], writer))

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DEADLINE_S)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


class Machine:
    """One Raspberry Pi: a folder, a radio receiver that is ours to write to, its process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.config = folder / "gateway.toml"
        self.device, self.far = os.openpty()
        tty.setraw(self.far)
        os.set_blocking(self.device, False)
        (folder / "rf").symlink_to(os.ttyname(self.far))
        command = [sys.executable, "-m", "gateway", "--config", str(self.config)]
        self.program = Program(command, folder / "gateway.log")

    @property
    def log(self) -> str:
        return self.program.log.read_text() if self.program.log.exists() else ""

    def enrol(self, code: str, *more: str) -> subprocess.CompletedProcess[str]:
        """The installer's command, with the code on standard input."""
        command = [sys.executable, "-m", "gateway", "enrol", "--code", "-"]
        places = ["--config", str(self.config), "--data-dir", str(self.folder / "spool")]
        return subprocess.run(
            [*command, *places, *more],
            input=code + "\n",
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=DEADLINE_S,
            check=False,
        )

    def fit(self) -> None:
        """The receiver and a heartbeat for tests are put into the file that `enrol` has made."""
        assert tomllib.loads(self.config.read_text())["gateway"] == GATEWAY
        text = self.config.read_text() + "heartbeat_s = 1\n\n[second_path]\nafter_s = 2.0\n"
        text += f'\n[[serial]]\nname = "rf"\nport = "{self.folder}/rf"\ndriver = "ev1527"\n'
        self.config.write_text(text)

    def start(self) -> None:
        before = self.log.count("serial_open")
        self.program.start()

        def listens() -> bool:
            assert self.program.process is not None
            assert self.program.process.poll() is None, self.log[-2000:]
            return self.log.count("serial_open") > before

        wait_until(listens, DEADLINE_S, "it listens")

    def press(self, number: int) -> None:
        code = bytes.fromhex(f"{number & 0xFFFFF:05X}8")
        os.write(self.device, b"\xaa\xa4\x25\x08\x01\x4a\x03\xde" + code + b"\x55")

    def accepted(self) -> set[str]:
        found = rows_of(self.folder / "spool" / "activation.db", "SELECT id FROM item")
        return {row[0] for row in found}

    def waiting(self) -> int:
        sql = "SELECT count(*) FROM item WHERE acked_at_ms IS NULL"
        found = rows_of(self.folder / "spool" / "activation.db", sql)
        return int(found[0][0]) if found else 0

    def close(self) -> None:
        self.program.stop()
        (self.folder / "rf").unlink()
        os.close(self.device)
        os.close(self.far)


class OneMachine:
    """mosquitto, and a file."""

    broker_toml = ""
    extra: Mapping[str, Program] = {}

    def __init__(self, folder: Path) -> None:
        self.book: Place = SqliteBook(path=folder / "hub" / "hub.db")
        self._path = folder / "hub" / "hub.db"

    def rows(self, sql: str) -> list[Any]:
        return rows_of(self._path, sql)

    def broker(self, folder: Path, plain_port: int, tls_port: int) -> Program:
        conf = folder / "mosquitto.conf"
        text = conf.read_text()
        text = text.replace(f"listener {tls_port}", f"listener {tls_port} 127.0.0.1")
        # As root it would become the user `mosquitto`, who can't look into a test's folder.
        conf.write_text(text + ("user root\n" if os.geteuid() == 0 else ""))
        run = str(ROOT / "deploy" / "mosquitto" / "run.sh")
        return Program([run, str(conf)], folder.parent / "broker.log")

    def stored(self) -> list[Path]:
        return []

    def line(self, port: int, identity: Path) -> Line:
        """As the telemetry connection of a gateway; Refused."""
        return Line(port, _proof(identity), "x")

    def close(self) -> None: ...


class Cluster:
    """RabbitMQ with the program of rights beside it, and a database."""

    broker_toml = "[broker.rabbitmq]\nshards = 2\n"

    def __init__(self, folder: Path, postgres: Postgres) -> None:
        self._postgres = postgres
        self._book = postgres.empty()
        self.book: Place = self._book
        url = self._book.url.render_as_string(hide_password=False).replace("+psycopg", "")
        self.broker_toml = f'{self.broker_toml}[book]\nurl = "{url}"\n'
        self._mapper = PortMapper()
        self._rights_port = free_port()
        rights = [sys.executable, "-m", "hearthwatch", "broker-rights"]
        log = folder / "rights.log"
        self.extra = {"rights": Program([*rights, "--port", str(self._rights_port)], log)}

    def rows(self, sql: str) -> list[Any]:
        return self._postgres.sql(sql, self._book.url.database)

    def broker(self, folder: Path, plain_port: int, tls_port: int) -> "OwnNode":
        text = (folder / "rabbitmq.conf").read_text()
        # Others may have the usual port on this machine, and a test's disk is small.
        text = text.replace(f":{RIGHTS_PORT}/", f":{self._rights_port}/")
        text = text.replace("disk_free_limit.absolute = 2GB\n", "")
        text = text.replace("vm_memory_high_watermark.relative = 0.5\n", "")
        plugins = (folder / "enabled_plugins").read_text().strip("[].\n").split(",")
        return OwnNode(
            folder, "county", self._mapper, text, (plain_port, tls_port),
            plugins=[name for name in plugins if name != "rabbitmq_prometheus"],
        )  # fmt: skip

    def stored(self) -> list[Path]:
        self._postgres.sql("CHECKPOINT")
        return [self._postgres.folder]

    def line(self, port: int, identity: Path) -> Line:
        return Line(port, _proof(identity), f"{GATEWAY}-t", protocol="3.1.1")

    def close(self) -> None:
        self._mapper.close()


class OwnNode(Node):
    """A node as a program of this test's; it takes its time to come up."""

    def start(self) -> None:
        super().start()
        self.wait()

    def stop(self) -> None:
        self.close()


def _proof(identity: Path) -> Proof:
    cert, key = identity / "telemetry.pem", identity / "key.pem"
    return Proof(ca_file=identity / "ca.pem", cert_file=cert, key_file=key)


class County:
    """The hub's side of an installation, made by the commands of docs/deployment.md."""

    def __init__(self, folder: Path, runs_on: OneMachine | Cluster) -> None:
        self.folder = folder
        self.runs_on = runs_on
        self.http_port, self.plain_port, self.tls_port = free_port(), free_port(), free_port()
        self.authority_dir = folder / "authority"
        self.machines: list[Machine] = []
        self.admin("ca-init", "--dir", str(self.authority_dir), "--host", "127.0.0.1")
        self.proxy = TlsProxy(
            self.authority_dir / "server.pem", self.authority_dir / "server.key", self.http_port
        )
        (folder / "broker-password").write_text("secret-of-the-hub")
        kind = 'kind = "rabbitmq"\n' if isinstance(runs_on, Cluster) else ""
        self.config = folder / "hub.toml"
        self.config.write_text(
            f'data_dir = "hub"\nhomes = "homes.toml"\n[http]\nport = {self.http_port}\n'
            f'[broker]\n{kind}port = {self.plain_port}\nusername = "hub"\n'
            f'password_file = "broker-password"\n{runs_on.broker_toml}'
            f'[enrolment]\nauthority = "authority.sock"\nurl = "{self.url}"\n'
            f'broker = "127.0.0.1:{self.tls_port}"\ncrl_file = "broker/crl.pem"\n'
        )
        (folder / "homes.toml").write_text(
            '[[region]]\ncode = "610926"\nname = "平利县"\nlevel = "county"\n'
            f'[[gateway]]\nid = "{GATEWAY}"\nregion = "610926"\n'
        )
        self.broker_dir = folder / "broker"
        where = ("--authority", str(self.authority_dir), "--out", str(self.broker_dir))
        self.admin("broker-config", "--config", str(self.config), *where)
        run = [sys.executable, "-m", "hearthwatch"]
        door = ["--dir", str(self.authority_dir), "--socket", str(folder / "authority.sock")]
        self.programs: dict[str, Any] = {
            "authority": Program([*run, "authority", *door], folder / "authority.log"),
            **runs_on.extra,
            "broker": runs_on.broker(self.broker_dir, self.plain_port, self.tls_port),
            "hub": Program([*run, "hub", "--config", str(self.config)], folder / "hub.log"),
        }

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.proxy.port}"

    def admin(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "hearthwatch", "admin", *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=ROOT, timeout=DEADLINE_S, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self) -> None:
        for program in self.programs.values():
            if program.process is None or program.process.poll() is not None:
                program.start()
        wait_until(self.ready, DEADLINE_S, "the hub is ready")

    def ready(self) -> bool:
        hub = self.programs["hub"]
        assert hub.process is not None
        assert hub.process.poll() is None, hub.log.read_text()[-2000:]
        try:
            address = f"http://127.0.0.1:{self.http_port}/readyz"
            with urllib.request.urlopen(address, timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def code(self) -> str:
        """By the command that an administrator has on the hub's machine."""
        said = self.admin("enrol", GATEWAY, "--config", str(self.config), "--no-qr")
        return said.splitlines()[0]

    def machine(self, name: str) -> Machine:
        made = Machine(self.folder / name)
        self.machines.append(made)
        return made

    def installer(self) -> str:
        """The bearer token of an account that may fit gateways."""
        hashed = Passwords().hash(PASSWORD)
        change_book(
            self.runs_on.book,
            lambda unit: create_user(
                unit, username="fitter", name="安装", role="installer", region="610926",
                phone="", password_hash=hashed, actor="test",
            ),
        )  # fmt: skip
        return str(self.post("login", {"username": "fitter", "password": PASSWORD})["token"])

    def post(self, path: str, body: object, token: str = "") -> dict[str, Any]:
        return self._call("POST", path, json.dumps(body).encode(), token)

    def get(self, path: str, token: str) -> dict[str, Any]:
        return self._call("GET", path, None, token)

    def _call(self, method: str, path: str, body: bytes | None, token: str) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        address = f"{self.url}/api/v1/{path}"
        request = urllib.request.Request(address, body, headers, method=method)  # noqa: S310 - https
        context = ssl.create_default_context(cafile=str(self.authority_dir / "ca.pem"))
        with urllib.request.urlopen(request, timeout=DEADLINE_S, context=context) as answer:  # noqa: S310
            return dict(json.loads(answer.read()))

    def events(self) -> set[str]:
        return {row[0] for row in self.rows("SELECT id FROM event WHERE kind = 'sos'")}

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.runs_on.rows(sql)

    def stored(self) -> list[Path]:
        """Where the hub's side keeps what it has, but for its own folder's folders."""
        return [self.folder / "hub", *self.runs_on.stored()]

    def connected(self, identity: Path) -> Line:
        """A connection of this identity that the broker has accepted; Refused."""
        return self.runs_on.line(self.tls_port, identity)

    def close(self) -> None:
        for machine in self.machines:
            machine.close()
        for program in reversed(self.programs.values()):
            program.stop()
        self.proxy.close()
        self.runs_on.close()

"""Real RabbitMQ nodes of Debian's package as children of a test, beside whatever else runs here:
names, ports, folders, cookie and port mapper of their own; killable, alone or as a cluster."""

import base64
import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.adapters.ports import quiet_port

PROGRAM: Final = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
CONTROL: Final = Path("/usr/lib/rabbitmq/bin/rabbitmqctl")
MISSING: Final = "no rabbitmq-server on this machine (Debian's package of that name)"
# Ten seconds alone; beside everything else that a run starts, many times that.
START_S: Final = 240.0
PLUGINS: Final = ("rabbitmq_mqtt", "rabbitmq_consistent_hash_exchange")
# One server has a place for each test: who asks gets a virtual host that nobody had before.
PLACES: Final = 24
USER: Final = "hub"
# A processor's time is for the tests: two schedulers, and none that spins.
_ERLANG: Final = "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none -noinput"
# A test's disk is memory, and small.
_LIMITS: Final = """\
log.console = true
log.console.level = info
log.file = false
disk_free_limit.absolute = 20MB
vm_memory_high_watermark.absolute = 600MB
"""


def installed() -> bool:
    return PROGRAM.exists()


def version() -> str:
    """Of the server, by the folder that it is in."""
    [folder] = Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*")
    return folder.name.partition("-")[2]


def hashed(password: str) -> str:
    """As definitions hold it: base64 of a salt and SHA-256 over salt and password."""
    salt = secrets.token_bytes(4)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


class PortMapper:
    """epmd: by it nodes of one machine find each other. One for each family of nodes."""

    def __init__(self) -> None:
        self.port = quiet_port()
        [program] = sorted(Path("/usr/lib/erlang").glob("erts-*/bin/epmd"))[-1:]
        self.process = subprocess.Popen(
            [program, "-port", str(self.port), "-address", "127.0.0.1"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


@dataclass
class Node:
    """`config`: rabbitmq.conf without what a test adds; `ports`: where it listens."""

    folder: Path
    name: str
    mapper: PortMapper
    config: str
    ports: Sequence[int]
    plugins: Sequence[str] = PLUGINS
    cookie: str = "of-a-test"
    files: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        cookie = self.folder / ".erlang.cookie"
        if not cookie.exists():
            cookie.write_text(self.cookie)
            cookie.chmod(0o400)
        (self.folder / "enabled_plugins").write_text(f"[{','.join(self.plugins)}].\n")
        (self.folder / "rabbitmq.conf").write_text(self.config + _LIMITS)
        for name, text in self.files.items():
            (self.folder / name).write_text(text)
        self._dist_port = quiet_port()

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def _env(self) -> dict[str, str]:
        place = str(self.folder)
        return {
            **{k: v for k, v in os.environ.items() if not k.startswith(("RABBITMQ_", "ERL_"))},
            "HOME": place,
            "ERL_EPMD_PORT": str(self.mapper.port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"{self.name}@localhost",
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_MNESIA_BASE": f"{place}/data",
            "RABBITMQ_LOG_BASE": f"{place}/logs",
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONFIG_FILE": f"{place}/rabbitmq.conf",
            "RABBITMQ_ADVANCED_CONFIG_FILE": f"{place}/advanced.config",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{place}/enabled_plugins",
            "RABBITMQ_PID_FILE": f"{place}/pid",
            "RABBITMQ_GENERATED_CONFIG_DIR": f"{place}/generated",
            "RABBITMQ_SCHEMA_DIR": f"{place}/schema",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            # The program itself is our child then, and not a script that waits for it.
            "RABBITMQ_ALLOW_INPUT": "1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _ERLANG,
        }

    def start(self) -> None:
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [PROGRAM],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=self._env,
                cwd=self.folder,
                start_new_session=True,
            )

    def up(self) -> bool:
        """AssertionError when it has ended by itself."""
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()[-4000:]
        return all(_listens(port) for port in self.ports)

    def wait(self) -> None:
        until_s = time.monotonic() + START_S
        while not self.up():
            assert time.monotonic() < until_s, self.log.read_text()[-4000:]
            with contextlib.suppress(subprocess.TimeoutExpired):
                assert self.process is not None
                self.process.wait(0.1)

    def kill(self) -> None:
        """SIGKILL: no goodbye to anybody."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def control(self, *words: str) -> str:
        """What rabbitmqctl says; a second or two."""
        done = subprocess.run(
            [CONTROL, "-q", "-n", f"{self.name}@localhost", *words],
            env=self._env, cwd=self.folder, capture_output=True, text=True, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass(frozen=True)
class Place:
    """One test's own: a virtual host, in which the user may everything."""

    virtual_host: str
    port: int
    mqtt_port: int
    username: str
    password: str

    @property
    def mqtt_username(self) -> str:
        """The plugin takes the virtual host in front of the name."""
        return f"{self.virtual_host}:{self.username}"


def definitions(password: str, places: int) -> str:
    names = ["/", *(f"place-{number}" for number in range(places))]
    rights = {"configure": ".*", "write": ".*", "read": ".*"}
    return json.dumps(
        {
            "users": [
                {
                    "name": USER,
                    "password_hash": hashed(password),
                    "hashing_algorithm": "rabbit_password_hashing_sha256",
                    "tags": "",
                }
            ],
            "vhosts": [{"name": name} for name in names],
            "permissions": [{"user": USER, "vhost": name, **rights} for name in names],
        }
    )


class Server:
    """One node with places for many tests, or the first of several that are one cluster."""

    def __init__(self, folder: Path, *, nodes: int = 1, places: int = PLACES) -> None:
        self.mapper = PortMapper()
        self.password = secrets.token_urlsafe(24)
        self._given = 0
        self._places = places
        names = [f"node{number}" for number in range(nodes)]
        self.nodes = [self._node(folder / name, name, names) for name in names]

    def _node(self, folder: Path, name: str, names: list[str]) -> Node:
        amqp, mqtt = quiet_port(), quiet_port()
        lines = [
            f"listeners.tcp.1 = 127.0.0.1:{amqp}",
            f"mqtt.listeners.tcp.1 = 127.0.0.1:{mqtt}",
            "mqtt.allow_anonymous = false",
            "mqtt.tcp_listen_options.nodelay = true",
            f"load_definitions = {folder}/definitions.json",
        ]
        if len(names) > 1:
            lines.append("cluster_formation.peer_discovery_backend = classic_config")
            lines += [
                f"cluster_formation.classic_config.nodes.{number} = {other}@localhost"
                for number, other in enumerate(names, start=1)
            ]
            # A node that is gone is noticed in seconds, not in a minute.
            lines += ["net_ticktime = 5", "cluster_partition_handling = pause_minority"]
        text = "\n".join(lines) + "\n"
        files = {"definitions.json": definitions(self.password, self._places)}
        return Node(folder, name, self.mapper, text, (amqp, mqtt), files=files)

    @property
    def node(self) -> Node:
        return self.nodes[0]

    def start(self) -> None:
        """All of them; the first one is up before the others ask it in."""
        for node in self.nodes:
            node.start()
            if node is self.node:
                node.wait()
        for node in self.nodes:
            node.wait()

    def place(self) -> Place:
        number, self._given = self._given, self._given + 1
        assert number < self._places, "more tests than places: raise PLACES"
        amqp, mqtt = self.node.ports
        return Place(f"place-{number}", amqp, mqtt, USER, self.password)

    def close(self) -> None:
        for node in self.nodes:
            node.close()
        self.mapper.close()


@contextlib.contextmanager
def rabbitmq_server(nodes: int = 1) -> Iterator[Server]:
    """In memory where there is room, and gone with the test."""
    folder = Path(tempfile.mkdtemp(prefix="hearthwatch-mq-"))
    server = Server(folder, nodes=nodes)
    try:
        server.start()
        yield server
    finally:
        server.close()
        shutil.rmtree(folder, ignore_errors=True)


def queues(node: Node, virtual_host: str) -> dict[str, dict[str, str]]:
    """What the broker says of its queues."""
    fields = ("name", "type", "arguments", "messages", "consumers", "leader", "online")
    text = node.control("list_queues", "-p", virtual_host, "--formatter", "json", *fields)
    return {queue["name"]: queue for queue in json.loads(re.sub(r"^[^\[]*", "", text))}

"""A province on one machine: three nodes of RabbitMQ, PostgreSQL, three workers, two processes that
serve pages, two that escalate; gateways, and balancers before the nodes and the pages."""

import json
import sys
import time
from pathlib import Path
from typing import Any, Final

import psycopg

from gateway.uplink.paho_client import BrokerSettings
from hearthwatch.admin import add_user
from hearthwatch.book_change import change_book
from ingest.readings.pg_schema import ensure
from ledger.register import store
from ledger.roster import parse
from tests.adapters.ports import quiet_port
from tests.adapters.postgres import Postgres
from tests.adapters.rabbitmq import Node, Server
from tests.chaos.program import Program
from tests.cluster.balancer import Balancer
from tests.cluster.light import METER
from tests.cluster.plan import COUNTS, ESCALATION, NODE, WEB, WORKER
from tests.cluster.real import RealGateway

PASSWORD: Final = "correct horse battery staple"
# More than gateways' names spread over evenly, so that a worker has several.
SHARDS: Final = 6
HUBS: Final = (WORKER, WEB, ESCALATION)
# A process that lost what only one may do says so by this code, and waits for its turn again.
STEPS_DOWN: Final = 1
# A round in half an hour: alarms are many, and each is called to twice and not all the time.
POLICIES: Final = """
[[policy]]
name = "quick"
severities = ["urgent", "watch", "technical"]
repeat_s = 1800
taken_s = 1800
[[policy.step]]
after_s = 0
targets = ["duty"]
[[policy.step]]
after_s = 5
targets = ["duty"]
"""


class NodeProgram:
    """A node of RabbitMQ as a program of the storm's."""

    def __init__(self, name: str, node: Node) -> None:
        self.name, self.node = name, node
        self.kills = 0
        self.exits: dict[int, int] = {}
        self._start_at_s: float | None = None

    def kill(self, again_at_s: float) -> None:
        self.node.kill()
        self.kills += 1
        self._start_at_s = again_at_s

    def tend(self, now_s: float) -> None:
        process = self.node.process
        assert process is not None
        code = process.poll()
        if code is None:
            return
        if self._start_at_s is None:
            self.exits[code] = self.exits.get(code, 0) + 1
            self._start_at_s = now_s
        if now_s >= self._start_at_s:
            self._start_at_s = None
            self.node.start()

    @property
    def up(self) -> bool:
        process = self.node.process
        return process is not None and process.poll() is None and self.node.up()


class Province:
    def __init__(
        self, folder: Path, postgres: Postgres, rabbitmq: Server, *, light: int, real: int
    ) -> None:
        self.folder = folder
        self.book = postgres.empty()
        self.book.migrate()
        add_user(self.book, "duty1", "李敏", "duty", "", PASSWORD)
        names = [f"light-{n}" for n in range(light)] + [f"real-{n}" for n in range(real)]
        change_book(self.book, lambda unit: store(unit, parse(roster(names))))
        self._place = rabbitmq.place()
        (folder / "broker-password").write_text(self._place.password)
        (folder / "book-password").write_text(self.book.url.password or "none")
        (folder / "policies.toml").write_text(POLICIES)
        self._amqp = [node.ports[0] for node in rabbitmq.nodes]
        self.mqtt = Balancer([node.ports[1] for node in rabbitmq.nodes])
        self.ports = {f"{kind}-{n}": quiet_port() for kind in HUBS for n in range(COUNTS[kind])}
        self.web = Balancer([self.ports[f"{WEB}-{n}"] for n in range(COUNTS[WEB])])
        self.hubs = {name: self._hub(number, name) for number, name in enumerate(self.ports)}
        self.nodes = {
            f"{NODE}-{n}": NodeProgram(f"{NODE}-{n}", node) for n, node in enumerate(rabbitmq.nodes)
        }
        uplink = (
            f'[uplink]\nhost = "127.0.0.1"\nport = {self.mqtt.port}\nprotocol = "3.1.1"\n'
            f'keep_session = false\nusername = "{self._place.mqtt_username}"\n'
            f'password_file = "{folder}/broker-password"\n'
        )
        self.real = [RealGateway(folder, number, uplink) for number in range(real)]
        self.light_names = names[:light]
        conninfo = self.book.conninfo()
        self._raw = psycopg.connect(conninfo, autocommit=True, application_name="storm")

    def _hub(self, number: int, name: str) -> Program:
        kind = name.partition("-")[0]
        config = self.folder / f"{name}.toml"
        config.write_text(self._hub_toml(number, name))
        command = [sys.executable, "-m", "hearthwatch", "hub", "--role", kind, "--config"]
        program = Program(
            name,
            [*command, str(config)],
            self.folder / f"{name}.log",
            refusals=frozenset({STEPS_DOWN}),
        )
        # To step down is no mistake at any time.
        program.trouble_until_s = float("inf")
        return program

    def _hub_toml(self, number: int, name: str) -> str:
        """Each asks another node first, so that a node's death meets some and not all."""
        first = number % len(self._amqp)
        amqp = [*self._amqp[first:], *self._amqp[:first]]
        others = json.dumps([f"127.0.0.1:{port}" for port in amqp[1:]])
        url = self.book.url._replace(password=None).render_as_string()
        return (
            f'data_dir = "{name}"\n[http]\nport = {self.ports[name]}\n'
            f'[book]\nurl = "{url}"\npassword_file = "book-password"\nshared = true\n'
            f'[broker]\nkind = "rabbitmq"\nhost = "127.0.0.1"\nport = {amqp[0]}\n'
            f'username = "{self._place.username}"\npassword_file = "broker-password"\n'
            f'client_id = "{name}"\n'
            f"[broker.rabbitmq]\nshards = {SHARDS}\nnodes = {others}\n"
            f'virtual_host = "{self._place.virtual_host}"\n'
            '[readings]\nstore = "postgresql"\n'
            '[escalation]\npolicies = "policies.toml"\n'
            '[sealing]\nkey_file = "keys/persons.json"\n'
        )

    @property
    def programs(self) -> "dict[str, Program | NodeProgram]":
        return {**self.nodes, **self.hubs}

    def light_settings(self, name: str) -> BrokerSettings:
        return BrokerSettings(
            host="127.0.0.1",
            port=self.mqtt.port,
            client_id=name,
            protocol="3.1.1",
            keep_session=False,
            username=self._place.mqtt_username,
            password=self._place.password,
            subscriptions=(f"hw/v1/{name}/ack", f"hw/v1/{name}/command"),
        )

    def start(self) -> None:
        now_s = time.monotonic()
        for program in self.hubs.values():
            program.start(now_s)
        for gateway in self.real:
            gateway.program.start()

    def make_readings_tables(self) -> None:
        """As the first worker would."""
        ensure(self._raw)

    def run(self, sql: str) -> None:
        self._raw.execute(sql.encode())

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """From one thread at a time. Empty where there is no such table yet."""
        try:
            return self._raw.execute(sql.encode()).fetchall()
        except psycopg.errors.UndefinedTable:
            return []

    def close(self) -> None:
        for program in self.hubs.values():
            program.end()
        for gateway in self.real:
            gateway.close()
        self._raw.close()
        self.web.close()
        self.mqtt.close()


def roster(gateways: list[str]) -> str:
    """A home for each gateway, with the meter that it hears; its buttons are in no list."""
    lines = ['[[region]]\ncode = "1"\nname = "province"\nlevel = "county"\n']
    lines += [f'[[gateway]]\nid = "{name}"\nregion = "1"\n' for name in gateways]
    lines += [
        f'[[home]]\nid = "home-{name}"\nregion = "1"\naddress = "{name}"\n'
        f'[[home.device]]\ngateway = "{name}"\ndevice = "{METER}"\nkind = "power"\n'
        for name in gateways
    ]
    return "".join(lines)

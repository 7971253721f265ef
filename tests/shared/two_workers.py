"""Workers that hear at once: RabbitMQ, PostgreSQL for book and readings, and gateways that speak
when they are asked to. Each gateway has a home with a meter and a button; one home has two."""

import json
import sys
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx2

from contract.codec import encode_status
from contract.envelope import Status
from contract.moment import to_iso
from hearthwatch.book_change import change_book
from hearthwatch.embedded_broker import free_port
from ingest.readings.pg_reader import PgReader
from ingest.readings.pg_settings import PgSettings
from ledger.register import store
from ledger.roster import parse
from tests.acceptance.rig import Program, wait_until
from tests.adapters.broker_line import Line, Proof
from tests.adapters.postgres import Postgres
from tests.adapters.rabbitmq import Place

SHARDS = 4
PATIENCE_S = 120
RULES = """
[[rule]]
name = "gateway_silent"
kind = "gateway_silent"
severity = "technical"
after_s = 10
"""
MUTE = "gw-mute"


def roster(gateways: Sequence[str]) -> str:
    text = '[[region]]\ncode = "1"\nname = "village"\nlevel = "village"\n'
    for gateway in (*gateways, MUTE):
        text += f'[[gateway]]\nid = "{gateway}"\nregion = "1"\n'
    for gateway in gateways:
        text += (
            f'[[home]]\nid = "home-{gateway}"\nregion = "1"\naddress = "三里垭村 {gateway} 号"\n'
        )
        for device, kind in (("meter", "power"), ("button", "sos")):
            text += (
                f'[[home.device]]\ngateway = "{gateway}"\ndevice = "{device}"\nkind = "{kind}"\n'
            )
    return text


class Spool:
    """A gateway of few words: what it says is numbered, and it knows what was acknowledged."""

    def __init__(self, place: Place, name: str) -> None:
        self.name = name
        self.said = {"activation": 0, "telemetry": 0}
        self._spools = {leaf: str(uuid.uuid4()) for leaf in self.said}
        proof = Proof(username=place.mqtt_username, password=place.password, tls=False)
        self._line = Line(place.mqtt_port, proof, name, protocol="3.1.1")
        self._packet = 0

    def _publish(self, leaf: str, payload: bytes) -> None:
        self._packet = self._packet % 60_000 + 1
        self._line.publish(f"hw/v1/{self.name}/{leaf}", payload, self._packet)

    def _item(self, leaf: str, device: str, kind: str, **more: Any) -> None:
        self.said[leaf] += 1
        now = to_iso(time.time_ns() // 1_000_000)
        seq = self.said[leaf]
        item = {"id": str(uuid.uuid4()), "seq": seq, "device": device, "kind": kind,
                "measured_at": now, "received_at": now, **more}  # fmt: skip
        envelope = {"v": 1, "gateway": self.name, "spool": self._spools[leaf], "sent_at": now,
                    "clock": "synced", "items": [item]}  # fmt: skip
        self._publish(leaf, json.dumps(envelope).encode())

    def press(self) -> None:
        self._item("activation", "button", "sos", attrs={"action": "press"})

    def read(self) -> None:
        values = {"power_w": float(self.said["telemetry"])}
        self._item("telemetry", "meter", "power", values=values)

    def beat(self) -> None:
        self._publish("status", encode_status(Status(gateway=self.name, online=True)))

    def close(self) -> None:
        self._line.close()


class Workers:
    def __init__(
        self, folder: Path, postgres: Postgres, place: Place, gateways: int, names: Sequence[str]
    ) -> None:
        self._postgres, self.folder = postgres, folder
        self.book = postgres.empty()
        self.book.migrate()
        self.gateways = [f"gw-{number}" for number in range(gateways)]
        change_book(self.book, lambda unit: store(unit, parse(roster(self.gateways))))
        self.readings = PgReader(PgSettings(conninfo=self.book.conninfo()))
        (folder / "broker-password").write_text(place.password)
        (folder / "password").write_text(self.book.url.password or "none")
        (folder / "rules.toml").write_text(RULES)
        self.client = httpx2.Client()
        self.ports = {name: free_port() for name in names}
        self.programs: dict[str, Program] = {}
        for name in names:
            config = folder / f"{name}.toml"
            config.write_text(self._config(name, place))
            command = [sys.executable, "-m", "hearthwatch", "hub", "--role", "worker", "--config"]
            self.programs[name] = Program([*command, str(config)], folder / f"{name}.log")
        self.spools = {name: Spool(place, name) for name in self.gateways}

    def _config(self, name: str, place: Place) -> str:
        url = self.book.url._replace(password=None).render_as_string()
        return (
            f'data_dir = "{name}"\nrules = "rules.toml"\n[http]\nport = {self.ports[name]}\n'
            f'[broker]\nkind = "rabbitmq"\nhost = "127.0.0.1"\nport = {place.port}\n'
            f'client_id = "{name}"\nusername = "{place.username}"\n'
            'password_file = "broker-password"\n'
            f'[broker.rabbitmq]\nshards = {SHARDS}\nvirtual_host = "{place.virtual_host}"\n'
            f'[book]\nurl = "{url}"\npassword_file = "password"\nshared = true\n'
            '[readings]\nstore = "postgresql"\n[sealing]\nkey_file = "keys/persons.json"\n'
        )

    def start(self, *names: str) -> None:
        for name in names:
            self.programs[name].start()

    def _told(self, name: str) -> dict[str, Any]:
        try:
            answer = self.client.get(f"http://127.0.0.1:{self.ports[name]}/readyz", timeout=5)
            return dict(answer.json())
        except httpx2.HTTPError:
            return {}

    def shards(self, name: str) -> list[int]:
        return list(self._told(name).get("shards", ()))

    def checks(self, name: str) -> dict[str, str]:
        return dict(self._told(name).get("checks", {}))

    def heard_in(self) -> dict[str, int]:
        return dict(self._look("SELECT gateway, shard FROM readings.gateway"))

    def watched_in(self) -> dict[str, int]:
        return dict(self._look("SELECT subject, shard FROM readings.subject"))

    def missed(self, gateway: str) -> list[str]:
        """The states of the alarms that it was silent."""
        rows = self.rows("SELECT subject, state FROM alarm WHERE kind = 'gateway_silent'")
        return [state for subject, state in rows if subject == f"gateway:{gateway}"]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._postgres.sql(sql, self.book.url.database)]

    def _look(self, sql: str) -> list[tuple[Any, ...]]:
        """Nothing while there are no tables."""
        if self.rows("SELECT to_regclass('readings.subject')") == [(None,)]:
            return []
        return self.rows(sql)

    def until(self, condition: Any, what: str) -> None:
        wait_until(condition, PATIENCE_S, what)

    def close(self) -> None:
        for spool in self.spools.values():
            spool.close()
        for program in self.programs.values():
            program.stop()
        self.readings.close()
        self.client.close()

"""A county's hub as processes of their own on one book: two workers and two that escalate, of which
one works and one waits, two that serve pages; the broker, and somebody at each of the pages."""

import asyncio
import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiomqtt
import httpx2
from sqlalchemy import text

from hearthwatch.admin import add_user
from hearthwatch.book_change import change_book
from hearthwatch.embedded_broker import free_port
from ledger.place import PostgresBook
from ledger.register import store
from ledger.roster import parse
from tests.acceptance.rig import Program, wait_until
from tests.adapters.broker import KillableBroker
from tests.adapters.hub_bench import ROSTER, press
from tests.adapters.quick_steps import POLICIES

PASSWORD = "correct horse battery staple"
ROLES = {
    "worker": "worker",
    "worker-b": "worker",
    "web-a": "web",
    "web-b": "web",
    "duty-a": "escalation",
    "duty-b": "escalation",
}


class Screen:
    """An open board: what it is told, by number; it ends when its process does."""

    def __init__(self, address: str, token: str, last: int | None = None) -> None:
        self.entries: dict[int, dict[str, Any]] = {}
        self.order: list[int] = []
        self.ready, self.ended = threading.Event(), threading.Event()
        self._address, self._last = address, last
        self._headers = {"Authorization": f"Bearer {token}"}
        if last is not None:
            self._headers["Last-Event-ID"] = str(last)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        try:
            with (
                httpx2.Client(timeout=None) as client,
                client.stream("GET", f"{self._address}/api/v1/stream", headers=self._headers) as it,
            ):
                for line in it.iter_lines():
                    if line.startswith(": ready"):
                        self.ready.set()
                    elif line.startswith("data: "):
                        entry = json.loads(line[6:]).get("entry")
                        if entry is not None:
                            self.entries[entry["seq"]] = entry
                            self.order.append(entry["seq"])
        except httpx2.HTTPError:
            pass  # its process was killed
        finally:
            self.ended.set()

    def has(self, topic: str, fact: str, times: int = 1) -> bool:
        found = [e for e in [*self.entries.values()] if (e["topic"], e["fact"]) == (topic, fact)]
        return len(found) >= times


class Processes:
    def __init__(self, folder: Path, book: PostgresBook) -> None:
        self.folder, self.book = folder, book
        book.migrate()
        add_user(book, "duty1", "李敏", "duty", "", PASSWORD)
        change_book(book, lambda unit: store(unit, parse(ROSTER)))
        self.reader = book.open_reader()
        self.broker = KillableBroker(folder / "broker")
        (folder / "broker-password").write_text(self.broker.password)
        (folder / "password").write_text(book.url.password or "none")
        (folder / "policies.toml").write_text(POLICIES)
        self.client = httpx2.Client(limits=httpx2.Limits(max_keepalive_connections=0))
        self.ports = {name: free_port() for name in ROLES}
        self.programs: dict[str, Program] = {}
        for name, role in ROLES.items():
            config = folder / f"{name}.toml"
            config.write_text(self._config(name))
            command = [sys.executable, "-m", "hearthwatch", "hub", "--role", role, "--config"]
            self.programs[name] = Program([*command, str(config)], folder / f"{name}.log")

    def _config(self, name: str) -> str:
        url = self.book.url._replace(password=None).render_as_string()
        return (
            f'data_dir = "{name}"\n[http]\nport = {self.ports[name]}\n'
            f'[broker]\nport = {self.broker.port}\nusername = "{self.broker.username}"\n'
            'password_file = "broker-password"\n'
            f'[book]\nurl = "{url}"\npassword_file = "password"\nshared = true\n'
            '[escalation]\npolicies = "policies.toml"\n'
            '[sealing]\nkey_file = "keys/persons.json"\n'
        )

    def at(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def status(self, name: str) -> str:
        try:
            return str(self.client.get(f"{self.at(name)}/readyz", timeout=5).json()["status"])
        except httpx2.HTTPError:
            return "away"

    def figures(self, name: str) -> str:
        """What Prometheus is told."""
        try:
            return self.client.get(f"{self.at(name)}/metrics", timeout=5).text
        except httpx2.HTTPError:
            return ""

    def start(self, *names: str, status: str = "ok") -> None:
        for name in names:
            self.programs[name].start()
        for name in names:
            wait_until(lambda name=name: self.status(name) == status, 120, f"{name} is {status}")

    def signs_in(self, name: str) -> str:
        answer = self.post(name, "login", {"username": "duty1", "password": PASSWORD})
        return str(answer.json()["token"])

    def post(
        self, name: str, path: str, body: object = None, token: str | None = None
    ) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        address = f"{self.at(name)}/api/v1/{path}"
        return self.client.post(address, json=body or {}, headers=headers, timeout=30)

    def press(self, number: int) -> None:
        """As a gateway publishes it."""

        async def publish() -> None:
            async with aiomqtt.Client(
                "127.0.0.1",
                self.broker.port,
                username=self.broker.username,
                password=self.broker.password,
            ) as gateway:
                await gateway.publish("hw/v1/gw-1/activation", press(number), qos=1)

        asyncio.run(publish())

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.reader.connect() as connection:
            return [tuple(row) for row in connection.execute(text(sql))]

    def steps(self) -> list[tuple[str, int, int]]:
        found = self.rows("SELECT alarm, round, step FROM escalation_step ORDER BY 1, 2, 3")
        return [(row[0], row[1], row[2]) for row in found]

    def told(self) -> list[tuple[str, int, int]]:
        """As `steps`, by the entries."""
        entries = self.rows("SELECT subject, data FROM entry WHERE fact = 'told'")
        said = ((alarm, json.loads(data)) for alarm, data in entries)
        return sorted((alarm, data["round"], data["step"]) for alarm, data in said)

    def until(self, condition: Callable[[], bool], what: str) -> None:
        wait_until(condition, 90, what)

    def close(self) -> None:
        for program in self.programs.values():
            program.stop()
        self.reader.dispose()
        self.client.close()
        self.broker.kill()

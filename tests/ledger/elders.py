"""A hub with people who measure, and with somebody who may change the rules."""

import asyncio
import json

import httpx2
from argon2 import PasswordHasher

from contract.moment import to_iso
from ingest.urgent_lane import decode_message
from ledger.schema import ALARM
from tests.adapters.hub_bench import NOW_MS, ROSTER, Bench

# Sooner than the gateway is missed.
STEP_MS = 15_000
PASSWORD = "correct horse battery"
HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
ELDERS = f"""{ROSTER}
[[home.device]]
gateway = "gw-1"
device = "cuff-1"
kind = "blood_pressure"
[[home.device]]
gateway = "gw-1"
device = "fall-1"
kind = "fall"
[[home.person]]
id = "person-1"
name = "张桂英"
[[home]]
id = "home-2"
region = "1"
address = "三里垭村四组 4 号"
[[home.person]]
id = "person-2"
name = "王秀兰"
categories = ["失能"]
[[home.device]]
gateway = "gw-1"
device = "cuff-2"
kind = "blood_pressure"
[[home.device]]
gateway = "gw-1"
device = "button-2"
kind = "sos"
"""


class Elders(Bench):
    """The bench with people who measure, and somebody who may change the rules."""

    seq = 0

    def open(self) -> None:
        super().open()
        self.hub._server()

    def patch(self, rule: str, **body) -> httpx2.Response:
        return asyncio.run(self._ask("PATCH", f"rules/{rule}", {"reason": "医生建议", **body}))

    def rule(self, name: str) -> dict:
        items = asyncio.run(self._ask("GET", "rules")).json()["items"]
        return next(item for item in items if item["name"] == name)

    async def _ask(self, method: str, path: str, body: dict | None = None) -> httpx2.Response:
        app = self.hub.app
        transport = httpx2.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=transport, base_url="http://hub/api/v1/") as client,
        ):
            account = {"username": "boss", "password": PASSWORD}
            token = (await client.post("login", json=account)).json()["token"]
            client.headers["Authorization"] = f"Bearer {token}"
            return await client.request(method, path, json=body)

    def batch(self, apply) -> None:
        batch = self.hub.batch
        batch.begin()
        apply(batch)
        batch.commit()

    def item(self, device: str, kind: str, values=None, **attrs):
        type(self).seq += 1
        item = {
            "id": f"word-{self.seq}",
            "seq": self.seq,
            "device": device,
            "kind": kind,
            "measured_at": to_iso(self.clock.at_ms),
            "received_at": to_iso(self.clock.at_ms),
            "values": values or {},
            "attrs": attrs,
        }
        envelope = {"v": 1, "gateway": "gw-1", "spool": "spool-words", "items": [item]}
        return json.dumps({**envelope, "sent_at": to_iso(NOW_MS), "clock": "synced"}).encode()

    def pressure(self, number: int, systolic: float) -> bytes:
        values = {"systolic_mmhg": systolic, "diastolic_mmhg": 80.0, "pulse_bpm": 70.0}
        return self.item(f"cuff-{number}", "blood_pressure", values)

    def measure(self, number: int, systolic: float) -> None:
        self.clock.at_ms += STEP_MS
        decoded = decode_message(b"hw/v1/gw-1/telemetry", self.pressure(number, systolic))
        self.batch(lambda batch: batch.take(decoded))

    def battery(self, percent: float) -> None:
        self.clock.at_ms += STEP_MS
        word = self.item("button-1", "device_health", {"battery_pct": percent})
        decoded = decode_message(b"hw/v1/gw-1/telemetry", word)
        self.batch(lambda batch: batch.take(decoded))

    def alarms(self) -> list[tuple[str, str]]:
        rows = sorted(self.rows(ALARM), key=lambda row: row["number"])
        return [(row["home"], row["rule"]) for row in rows if row["state"] != "closed"]

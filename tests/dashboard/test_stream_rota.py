"""Entries about stays, the rota and sheets reach a stream that was away when they were made."""

import json

from contract.moment import to_iso
from tests.adapters.asgi_stream import StreamClient
from tests.adapters.rota_desk import staff
from tests.dashboard.conftest import NOW_MS, World


async def test_what_was_missed_is_told_whatever_it_is_about(world: World) -> None:
    await staff(world)
    body = {"kind": "away", "until": to_iso(NOW_MS + 86_400_000), "note": ""}
    async with world.client("duty-1") as client:
        await client.post("/api/v1/homes/home-0001/stays", json=body)
        assert (await client.post("/api/v1/handovers", json={"desk": "town"})).status_code == 201
    headers = {"Authorization": f"Bearer {await world.token('duty-1')}", "Last-Event-ID": "0"}
    async with StreamClient(world.app, "/api/v1/stream", headers) as stream:
        events = [await stream.event() for _ in range(4)]
    assert [(e["event"], json.loads(e["data"])["object"] is None) for e in events] == [
        ("rota", True),
        ("rota", True),
        ("stay", False),
        ("handover", True),
    ]

"""A large book that is caught up with keeps nobody from noticing that a gateway is gone."""

import asyncio
from types import SimpleNamespace

import pytest

from hearthwatch import hub as hub_module
from hearthwatch.hub import Hub
from hearthwatch.roles import ALL


async def test_supervision_goes_on_while_an_old_book_is_caught_up_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    flushed = asyncio.Event()
    portions = 0

    def flush(_unit: object) -> list:
        flushed.set()
        return []

    async def change(apply: object) -> object:
        nonlocal portions
        await asyncio.sleep(0)
        if apply is flush:
            return flush(None)
        portions += 1
        return True  # there is always more

    monkeypatch.setattr(hub_module, "FLUSH_S", 0.0)
    hub = Hub.__new__(Hub)
    hub.role = ALL
    hub.writer = SimpleNamespace(change=change)
    hub.side = SimpleNamespace(flush=flush)
    hub.client = SimpleNamespace()
    hub.config = SimpleNamespace(book=SimpleNamespace(tend=lambda: None))
    part = asyncio.create_task(hub._supervise())
    async with asyncio.timeout(5):
        await flushed.wait()
    part.cancel()
    await asyncio.gather(part, return_exceptions=True)
    seen = portions
    for _ in range(5):
        await asyncio.sleep(0)
    assert seen
    assert portions <= seen + 1, "the catching up ends with the hub"

"""`./dev bench --notify`: a hundred presses at once, each until the first provider has its
message.

The hub's own urgent side with its book on disk and its dispatcher; presses come in by the second
path (no broker), three people are told of each in the transaction that raises it, and a provider
in a process of its own writes down when it had each request. The floor: as many requests of the
same size by the same client to the same provider, without a hub.
"""

import asyncio
import json
import multiprocessing
import re
import tempfile
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import httpx2

from alarms.notifiers import wecom_bot
from alarms.outbox import TableOutbox
from alarms.telling import Step, Telling
from contract.moment import to_iso
from hearthwatch.clock import PlannedClock, wall_ms
from hearthwatch.hub import Hub
from hearthwatch.hub_config import HubConfig
from hearthwatch.notify_config import NotifyConfig
from ledger.place import SqliteBook
from ledger.unit_of_work import UnitOfWork
from rules.config import default_rules

ALARMS: Final = 100
ROUNDS: Final = 10
PEOPLE: Final = 3
# What the provider takes to answer: a telephone network's gateway does not answer at once.
ANSWER_S: Final = 0.05
_TARGET_MS: Final = 1000.0
_NUMBER: Final = re.compile(rb"\xe3\x80\x91(\d+)")


class FirstStep(TableOutbox):
    """Tells three people by a bot each at once, as the first step of a policy does."""

    def __init__(self, telling: Telling, on_written: Any) -> None:
        super().__init__((), on_written, telling)
        self.telling = telling

    def alarm_raised(self, unit: UnitOfWork, alarm: Mapping[str, Any]) -> None:
        super().alarm_raised(unit, alarm)
        for person in range(PEOPLE):
            name = f"person-{person}"
            self.telling.tell(
                unit,
                alarm,
                Step(
                    recipient=name,
                    channel="wecom_bot",
                    # Nobody's limit is to be measured here.
                    address=f"{name}-{alarm['number']}",
                    round=1,
                    step=0,
                    urgent=True,
                ),
            )
        if self._on_written is not None:
            self._on_written()


def provider(pipe: Connection) -> None:
    """A process: answers every request and tells, when asked, when each number came first."""
    asyncio.run(_provide(pipe))


async def _provide(pipe: Connection) -> None:
    first: dict[int, int] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])  # type: ignore[index]
            body = await reader.readexactly(length)
            text = json.loads(body)["text"]["content"].encode()
            found = _NUMBER.search(text)
            if found:
                first.setdefault(int(found[1]), time.time_ns())
            await asyncio.sleep(ANSWER_S)
            answer = b'{"errcode":0,"errmsg":"ok"}'
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(answer) + answer)
            await writer.drain()

    async def quiet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(quiet, "127.0.0.1", 0, backlog=1024)
    pipe.send(server.sockets[0].getsockname()[1])
    loop = asyncio.get_running_loop()
    while True:
        asked = await loop.run_in_executor(None, pipe.recv)
        if asked == "stop":
            return
        pipe.send(dict(first))
        if asked == "clear":
            first.clear()


def _press(number: int, now_ms: int) -> bytes:
    item = {
        "id": f"press-{number}",
        "seq": number + 1,
        "device": f"button-{number}",
        "kind": "sos",
        "measured_at": to_iso(now_ms),
        "received_at": to_iso(now_ms),
        "values": {},
        "attrs": {"action": "press"},
    }
    head = {"v": 1, "gateway": "gw-1", "spool": "s", "sent_at": to_iso(now_ms), "clock": "synced"}
    return json.dumps({**head, "items": [item]}).encode()


def _roster(homes: int) -> str:
    parts = [
        '[[region]]\ncode = "1"\nname = "county"\nlevel = "county"\n',
        '[[gateway]]\nid = "gw-1"\nregion = "1"\n',
    ]
    parts += [
        f'[[home]]\nid = "home-{n}"\nregion = "1"\naddress = "a"\n[[home.device]]\n'
        f'gateway = "gw-1"\ndevice = "button-{n}"\nkind = "sos"\n'
        for n in range(homes)
    ]
    return "".join(parts)


def _hub(folder: Path, url: str) -> Hub:
    homes = folder / "homes.toml"
    homes.write_text(_roster(ALARMS * ROUNDS))
    urls = {
        f"person-{person}-{number}": url
        for person in range(PEOPLE)
        for number in range(1, ALARMS * ROUNDS + 1)
    }
    config = HubConfig(
        data_dir=folder / "hub",
        book=SqliteBook(path=folder / "hub" / "hub.db"),
        homes=homes,
        notify=NotifyConfig(channels={"wecom_bot": wecom_bot.Config(urls=urls)}),
    )
    hub = Hub(config, PlannedClock(), default_rules())
    hub.side.book._outbox = FirstStep(hub.notices.telling, hub.side.note_outbox)
    return hub


async def _round(hub: Hub, at: int) -> dict[int, int]:
    """When each press of this round came in, by its number; all at once."""
    pressed: dict[int, int] = {}

    async def press(number: int) -> None:
        payload = _press(number, wall_ms())
        pressed[number] = time.time_ns()
        await hub.urgent.accept(payload, "gw-1")

    await asyncio.gather(*(press(number) for number in range(at, at + ALARMS)))
    return pressed


async def _measure(folder: Path, pipe: Connection, url: str) -> tuple[list[float], list[float]]:
    hub = _hub(folder, url)
    hub._loop = asyncio.get_running_loop()
    handed: list[float] = []
    async with hub.notices.client() as http:
        dispatcher = hub.side.dispatcher = hub.notices.dispatcher(hub.writer, http, hub.client)
        sending = asyncio.create_task(dispatcher.run())
        for turn in range(ROUNDS):
            pressed = sorted((await _round(hub, turn * ALARMS)).values())
            while len(came := _asked(pipe, "look")) < ALARMS:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
            pipe.send("clear")
            pipe.recv()
            # Numbers are given in the order of the commits: the first in, the first numbered.
            handed += [(b - a) / 1e6 for a, b in zip(pressed, sorted(came.values()), strict=True)]
            while dispatcher._under_way:  # noqa: ASYNC110 - the round's own end
                await asyncio.sleep(0.05)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        floor = await _floor(http, pipe, url)
    hub.close()
    return handed, floor


def _asked(pipe: Connection, what: str) -> dict[int, int]:
    pipe.send(what)
    found: dict[int, int] = pipe.recv()
    return found


async def _floor(http: httpx2.AsyncClient, pipe: Connection, url: str) -> list[float]:
    found: list[float] = []
    for _turn in range(ROUNDS):
        began: dict[int, int] = {}

        async def send(number: int, began: dict[int, int] = began) -> None:
            text = f"【紧急】{number}号 紧急呼叫 county\n登录后查看详情并处置"
            began[number] = time.time_ns()
            await http.post(url, json={"msgtype": "text", "text": {"content": text}})

        await asyncio.gather(*(send(n) for n in range(ALARMS) for _copy in range(PEOPLE)))
        came = _asked(pipe, "clear")
        found += [(came[n] - began[n]) / 1e6 for n in range(ALARMS)]
    return found


def _quantile(values: list[float], q: float) -> float:
    return sorted(values)[min(len(values) - 1, int(q * len(values)))]


def report() -> None:
    spawn = multiprocessing.get_context("spawn")
    mine, theirs = spawn.Pipe()
    process = spawn.Process(target=provider, args=(theirs,), daemon=True)
    process.start()
    url = f"http://127.0.0.1:{mine.recv()}/cgi-bin/webhook/send?key=k"
    with tempfile.TemporaryDirectory(prefix="bench-notify-") as folder:
        handed, floor = asyncio.run(_measure(Path(folder), mine, url))
    mine.send("stop")
    process.join(5)
    print(
        f"{ALARMS} presses at once, {ROUNDS} times, {PEOPLE} people told of each;"
        f" the provider answers after {1000 * ANSWER_S:.0f} ms"
    )
    for name, values in (("floor, requests alone", floor), ("press -> first provider", handed)):
        print(
            f"{name:26} p50 {_quantile(values, 0.5):7.1f} ms  p99 {_quantile(values, 0.99):7.1f} ms"
            f"  slowest {max(values):7.1f} ms"
        )
    p99 = _quantile(handed, 0.99)
    print(f"target: p99 <= {_TARGET_MS:.0f} ms: {'met' if p99 <= _TARGET_MS else 'MISSED'}")

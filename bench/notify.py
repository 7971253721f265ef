"""`./dev bench --notify`: a hundred presses at once, each until the first provider has its
message.

The hub's own urgent side with its book on disk, its watch of what is due and its dispatcher;
presses come in by the second path (no broker). The policy is the default one; a home's visitor and
who is on duty by the rota (`bench.notify_county`) are told in the transaction that raises it, by
ways that are theirs, under the providers' limits. A provider in a process of its own writes down
when it had each request. The floor: as many requests by the same client to the same provider,
without a hub.
"""

import asyncio
import json
import multiprocessing
import re
import tempfile
import time
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import httpx2

from alarms.lifecycle import Outcome
from alarms.notifiers import aliyun_sms, aliyun_voice, wecom_bot
from alarms.providers.aliyun import Account
from alarms.providers.template import Template, Templates
from bench.notify_county import OFFICERS, PEOPLE, VISITORS, roster, staff
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
# What the provider takes to answer: a telephone network's gateway does not answer at once.
ANSWER_S: Final = 0.05
_TARGET_MS: Final = 1000.0
_NUMBER: Final = re.compile(r'】(\d+)|"no": "(\d+)')


def provider(pipe: Connection) -> None:
    """A process: answers every request and tells, when asked, when each number came first."""
    asyncio.run(_provide(pipe))


async def _provide(pipe: Connection) -> None:
    first: dict[int, int] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])  # type: ignore[index]
            body = await reader.readexactly(length)
            # A bot has its text in the body, a short message its words in the address.
            text = json.loads(body)["text"]["content"] if body else unquote(head.decode())
            found = _NUMBER.search(text)
            if found:
                first.setdefault(int(found[1] or found[2]), time.time_ns())
            await asyncio.sleep(ANSWER_S)
            answer = b'{"errcode":0,"errmsg":"ok","Code":"OK","BizId":"1"}'
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
        pipe.send({number: at for number, at in first.items() if number > asked})


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


def _hub(folder: Path, api: str) -> Hub:
    homes = folder / "homes.toml"
    homes.write_text(roster(ALARMS * ROUNDS))
    bot = f"{api}/cgi-bin/webhook/send?key=k"
    account = Account(key_id="id", key_secret="-", api=api)
    places = (("no", "number"), ("what", "kind"), ("place", "place"))
    words = Templates(alarm=Template(id="SMS_1", places=places), code=None)
    channels = {
        "wecom_bot": wecom_bot.Config(urls=dict.fromkeys(VISITORS, bot)),
        "aliyun_sms": aliyun_sms.Config(account=account, sign_name="守望", templates=words),
        "aliyun_voice": aliyun_voice.Config(account=account, show_number="", templates=words),
    }
    config = HubConfig(
        data_dir=folder / "hub",
        book=SqliteBook(path=folder / "hub" / "hub.db"),
        homes=homes,
        notify=NotifyConfig(channels=channels),
    )
    hub = Hub(config, PlannedClock(), default_rules())

    def furnish(unit: UnitOfWork) -> None:
        staff(unit)
        hub.roster_changed(unit)
        hub.side.rota.book.reload(unit.cursor)

    hub.writer.submit(furnish).result()
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


async def _measure(folder: Path, pipe: Connection, api: str) -> tuple[list[float], list[float]]:
    hub = _hub(folder, api)
    hub.to_loop.open()
    if hub.client is None:
        raise SystemExit("this hub has no line to the broker")
    handed: list[float] = []
    async with hub.notices.client() as http:
        dispatcher = hub.side.dispatcher = hub.notices.dispatcher(hub.writer, http, hub.client)
        tasks = [asyncio.create_task(dispatcher.run()), asyncio.create_task(hub._watch_due())]
        for turn in range(ROUNDS):
            pressed = await _round(hub, turn * ALARMS)
            # Who is told later of a round before is no news.
            while len(came := _asked(pipe, turn * ALARMS)) < ALARMS:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
            while dispatcher._under_way:  # noqa: ASYNC110 - the round's own end
                await asyncio.sleep(0.05)
            homes = await hub.writer.change(partial(_close_all, hub))
            handed += [(at - pressed[homes[number]]) / 1e6 for number, at in came.items()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        floor = await _floor(http, pipe, api)
    hub.close()
    return handed, floor


def _close_all(hub: Hub, unit: UnitOfWork) -> dict[int, int]:
    """Before the next step of any is due: it is not what is measured. By number of the alarm: the
    press that it was."""
    found = unit.execute("SELECT id, number, home FROM alarm WHERE state <> 'closed'").fetchall()
    for alarm, _number, _home in found:
        hub.book.close(unit, alarm, OFFICERS[0], Outcome.TEST, "")
    return {number: int(home.rpartition("-")[2]) for _alarm, number, home in found}


def _asked(pipe: Connection, after: int) -> dict[int, int]:
    """When the provider had the first request of each number above this one."""
    pipe.send(after)
    found: dict[int, int] = pipe.recv()
    return found


async def _floor(http: httpx2.AsyncClient, pipe: Connection, api: str) -> list[float]:
    url = f"{api}/cgi-bin/webhook/send?key=k"
    found: list[float] = []
    for turn in range(ROUNDS):
        began: dict[int, int] = {}
        # Above those of the alarms.
        numbers = range((ROUNDS + turn) * ALARMS + 1, (ROUNDS + turn + 1) * ALARMS + 1)

        async def send(number: int, began: dict[int, int] = began) -> None:
            text = f"【紧急】{number}号 紧急呼叫 county\n登录后查看详情并处置"
            began.setdefault(number, time.time_ns())
            await http.post(url, json={"msgtype": "text", "text": {"content": text}})

        await asyncio.gather(*(send(n) for n in numbers for _copy in range(PEOPLE)))
        came = _asked(pipe, numbers[0] - 1)
        found += [(came[n] - began[n]) / 1e6 for n in numbers]
    return found


def _quantile(values: list[float], q: float) -> float:
    return sorted(values)[min(len(values) - 1, int(q * len(values)))]


def report() -> None:
    spawn = multiprocessing.get_context("spawn")
    mine, theirs = spawn.Pipe()
    process = spawn.Process(target=provider, args=(theirs,), daemon=True)
    process.start()
    api = f"http://127.0.0.1:{mine.recv()}"
    with tempfile.TemporaryDirectory(prefix="bench-notify-") as folder:
        handed, floor = asyncio.run(_measure(Path(folder), mine, api))
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

"""Providers that fail in every way there is, on sockets of the test's own event loop.

One server speaks as Alibaba Cloud's short messages (`Code`, `OutId`), as Tencent Cloud's
(`SendStatusSet`, `SessionContext`) and as a receiver of webhooks (status, `webhook-id`). What
it does to a request follows from the seed, the message's id and how often that came: a run can be
repeated whatever the order of the requests. It keeps apart what people got and what it said of it.
"""

import asyncio
import contextlib
import json
import random
import socket
import struct
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qs, urlsplit

import httpx2

from alarms.notifier import Notification, Notifier, Result
from tests.adapters.processes import until

RETRY_AFTER_S: Final = 7
# Whatever comes so often gets through at last.
BAD_TIMES: Final = 4
# What can be known by its answer, or by none: nobody has the message.
_NOT_TAKEN: Final = ("silent", "reset", "http_500", "http_429", "error_in_200")
# The message is with the person, and we can't know.
_TAKEN: Final = ("taken_and_silent", "taken_and_stalls", "taken_and_reset", "taken_and_500")
# It says yes.
_YES: Final = ("ok", "byte_by_byte", "never_shown", "twice")
FAULTS: Final = (*_NOT_TAKEN, *_TAKEN, *_YES, "no_for_good")
SAYS_YES: Final = frozenset(_YES)
# These of a receiver of webhooks would be a lie in a body that nobody reads.
OF_STATUS: Final = tuple(f for f in FAULTS if f != "error_in_200")
_REASONS: Final = {200: "OK", 403: "Forbidden", 429: "Too Many Requests", 500: "Oops"}
_ERRORS: Final = {
    "error_in_200": ("isv.BUSINESS_LIMIT_CONTROL", "LimitExceeded.PhoneNumberOneHourLimit"),
    "no_for_good": (
        "isv.TEMPLATE_MISSING_PARAMETERS",
        "InvalidParameterValue.TemplateParameterFormatError",
    ),
    "ok": ("OK", "Ok"),
}


def _port() -> socket.socket:
    found = socket.socket()
    found.bind(("127.0.0.1", 0))
    return found


@dataclass
class HardProvider:
    """`asked`: by id, what was done to each of its requests, and `times`, when; `shown`: how often
    people got it; `hanging`: ids whose requests are not answered, and who asked still waits.
    `broken`: addresses for which it answers 500 for ever."""

    now_ms: Callable[[], int]
    seed: int = 0
    faults: Sequence[str] = ("ok",)
    broken: frozenset[str] = frozenset()
    asked: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    times: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    told: dict[str, tuple[str, str]] = field(default_factory=dict)
    shown: Counter[str] = field(default_factory=Counter)
    hanging: set[str] = field(default_factory=set)
    mixed_up: list[str] = field(default_factory=list)
    url: str = ""
    _listener: socket.socket = field(default_factory=_port)
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    async def open(self) -> None:
        """Before, every connection is refused: the port is taken and nobody listens."""
        self._server = await asyncio.start_server(self._serve, sock=self._listener, backlog=1024)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        self._listener.close()
        for writer in self._writers:
            writer.transport.abort()
        # Their readers see the end and leave.
        await until(lambda: not self._writers, "the end of all connections")

    def count(self, fault: str) -> int:
        return sum(done.count(fault) for done in self.asked.values())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._answer(reader, writer)
        self._writers.discard(writer)
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        form, key, target, text = _read(first.split()[1], headers, body)
        # One id is one message to one person, however often it comes.
        if self.told.setdefault(key, (target, text)) != (target, text):
            self.mixed_up.append(key)
        fault = self._fault(key, target)
        self.asked[key].append(fault)
        self.times[key].append(self.now_ms())
        if fault in _TAKEN or fault in ("ok", "byte_by_byte"):
            self.shown[key] += 1
        elif fault == "twice":
            self.shown[key] += 2
        if fault.endswith("reset"):
            _reset(writer)
        elif fault.endswith("silent"):
            await self._hang(key, reader)
        elif fault == "taken_and_stalls":
            for byte in _answer(form, "ok")[:-1]:
                writer.write(bytes([byte]))
                await writer.drain()
            await self._hang(key, reader)
        elif fault == "byte_by_byte":
            for byte in _answer(form, "ok"):
                writer.write(bytes([byte]))
                await writer.drain()
        else:
            writer.write(_answer(form, fault))
            await writer.drain()

    def _fault(self, key: str, target: str) -> str:
        if target in self.broken:
            return "http_500"
        if len(self.asked[key]) >= BAD_TIMES:
            return "ok"
        chance = random.Random(f"{self.seed}|{key}|{len(self.asked[key])}")
        return chance.choice(self.faults)

    async def _hang(self, key: str, reader: asyncio.StreamReader) -> None:
        """Until whoever asked has given up."""
        self.hanging.add(key)
        await reader.read()


class Watched:
    """A notifier whose attempts are no longer among what hangs as soon as they end on our side,
    which is before the provider can see it."""

    def __init__(self, notifier: Notifier, provider: HardProvider) -> None:
        self._notifier = notifier
        self._provider = provider

    async def send(self, notification: Notification) -> Result:
        try:
            return await self._notifier.send(notification)
        finally:
            self._provider.hanging.discard(notification.id)


class Patient(httpx2.AsyncHTTPTransport):
    """Without time-outs of its own: how long is waited the test's clock says."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request.extensions = {**request.extensions, "timeout": {}}
        return await super().handle_async_request(request)


class Patience:
    """`asyncio.timeout` by a clock that only the test moves."""

    def __init__(self, now_ms) -> None:
        self._now_ms = now_ms
        self._ends: dict[asyncio.Timeout, float] = {}

    @contextlib.asynccontextmanager
    async def __call__(self, seconds: float):
        async with asyncio.timeout(None) as limit:
            self._ends[limit] = self._now_ms() + seconds * 1000
            try:
                yield
            finally:
                del self._ends[limit]

    def ending(self) -> bool:
        """Whether somebody has lost patience and has not yet noticed."""
        return any(end_ms <= self._now_ms() for end_ms in self._ends.values())

    def passed(self) -> None:
        """The clock has moved."""
        for limit, end_ms in list(self._ends.items()):
            if end_ms <= self._now_ms() and not limit.expired():
                limit.reschedule(asyncio.get_running_loop().time())


def _read(path: str, headers: dict[str, str], body: bytes) -> tuple[str, str, str, str]:
    """Whose form it is, the id, to whom, and what it says."""
    if "webhook-id" in headers:
        return "webhook", headers["webhook-id"], path, body.decode()
    query = {name: texts[0] for name, texts in parse_qs(urlsplit(path).query).items()}
    if "OutId" in query:
        return "aliyun", query["OutId"], query["PhoneNumbers"], query["TemplateParam"]
    call = json.loads(body)
    text = json.dumps(call["TemplateParamSet"])
    return "tencent", call["SessionContext"], call["PhoneNumberSet"][0], text


def _answer(form: str, fault: str) -> bytes:
    status, extra = 200, ""
    if fault.endswith("500"):
        status = 500
    elif fault == "http_429":
        status, extra = 429, f"retry-after: {RETRY_AFTER_S}\r\n"
    elif fault == "no_for_good" and form == "webhook":
        status = 403
    aliyun, tencent = _ERRORS.get(fault, _ERRORS["ok"])
    said = {
        "Code": aliyun,
        "BizId": "1",
        "Response": {"SendStatusSet": [{"Code": tencent, "SerialNo": "1"}]},
    }
    body = json.dumps(said).encode()
    head = f"HTTP/1.1 {status} {_REASONS[status]}\r\n{extra}connection: close\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def _reset(writer: asyncio.StreamWriter) -> None:
    """RST instead of a proper end."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()

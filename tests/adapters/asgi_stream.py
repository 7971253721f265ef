"""A client of a streaming answer, at the level of ASGI: reads what is sent as it is sent."""

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from starlette.types import ASGIApp, Message

# Generous: only a broken stream ever waits this long.
DEADLINE_S = 20.0


class StreamClient:
    """Opens `path` and splits the answer into server-sent events and comments."""

    def __init__(self, app: ASGIApp, path: str, headers: Mapping[str, str]) -> None:
        self._app = app
        self._scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
            "client": ("127.0.0.1", 4000),
            "server": ("hub", 80),
            "state": {},
        }
        self._sent: asyncio.Queue[bytes] = asyncio.Queue()
        self._gone = asyncio.Event()
        self._started = asyncio.Event()
        self._asked = False
        self._buffer = b""
        self.status = 0
        self.headers: dict[str, str] = {}
        self.ended = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._app(self._scope, self._receive, self._send))
        async with asyncio.timeout(DEADLINE_S):
            await self._started.wait()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._gone.set()
        async with asyncio.timeout(DEADLINE_S):
            await self._task

    async def block(self) -> dict[str, str]:
        """The next block of the stream, by field name; a comment's name is `comment`."""
        while b"\n\n" not in self._buffer:
            self._buffer += await self._sent.get()
        text, _, self._buffer = self._buffer.partition(b"\n\n")
        fields = {}
        for line in text.decode().split("\n"):
            name, _, value = line.partition(":")
            fields[name or "comment"] = value.strip()
        return fields

    async def event(self) -> dict[str, str]:
        """The next block that a browser would dispatch."""
        async with asyncio.timeout(DEADLINE_S):
            while "data" not in (block := await self.block()):
                pass
        return block

    async def comment(self, text: str) -> dict[str, str]:
        """The next block with this comment."""
        async with asyncio.timeout(DEADLINE_S):
            while (block := await self.block()).get("comment") != text:
                pass
        return block

    async def _receive(self) -> Message:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {k.decode(): v.decode() for k, v in message["headers"]}
            self._started.set()
        else:
            self._sent.put_nowait(message.get("body", b""))
            if not message.get("more_body", False):
                self.ended.set()

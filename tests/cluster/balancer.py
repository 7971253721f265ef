"""What stands before the nodes of a cluster: a line goes to one that listens, and ends with it."""

import asyncio
import contextlib
import itertools
import threading
from collections.abc import Sequence

from tests.adapters.ports import quiet_port


class Balancer:
    """On a thread of its own; `ports`: the nodes', tried in turn."""

    def __init__(self, ports: Sequence[int]) -> None:
        self.port = quiet_port()
        self._ports = itertools.cycle(ports)
        self._count = len(ports)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(30)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        serving = asyncio.start_server(self._line, "127.0.0.1", self.port)
        server = self._loop.run_until_complete(serving)
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            node = await self._node()
        except OSError:
            writer.close()
            return
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await asyncio.gather(_copy(reader, node[1]), _copy(node[0], writer))

    async def _node(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        for _try in range(self._count):
            with contextlib.suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", next(self._ports))
        raise OSError("no node listens")

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()

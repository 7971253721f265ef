"""A way to a PostgreSQL server that is cut in the middle of what is said on it."""

import contextlib
import select
import socket
import threading
from collections.abc import Callable
from typing import Final

from sqlalchemy import URL

# The last word of a commit's way to the server; nothing before it holds these bytes.
COMMIT: Final = b"COMMIT"


class CutLine:
    """Listens on a socket of its own and carries bytes to the server and back, until it is told to
    cut: "before" the server hears of the next COMMIT, or "after", before its answer comes back."""

    def __init__(self, url: URL) -> None:
        self._url = url
        self._cut: str | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lines: list[socket.socket] = []
        self._accepts = threading.Thread(target=self._accept, daemon=True)
        self._carriers: list[threading.Thread] = []
        port = self._listener.getsockname()[1]
        direct = url.set(drivername="postgresql", host="127.0.0.1", port=port, query={})
        self.conninfo = direct.render_as_string(hide_password=False)

    def __enter__(self) -> "CutLine":
        self._accepts.start()
        return self

    def __exit__(self, *_error: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for line in self._lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        for thread in (self._accepts, *self._carriers):
            thread.join()
        for line in self._lines:
            line.close()

    def cut(self, when: str) -> None:
        self._cut = when

    def close_door(self) -> None:
        """Whoever comes now is sent away, as by a server that is not up."""
        self._cut = "all"

    def mend(self) -> None:
        self._cut = None

    def settled(self, sql: Callable[[str], list[tuple[object, ...]]]) -> None:
        """Until the server has done with whatever reached it."""
        busy = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name LIKE 'hearthwatch-readings%'"
        )
        for _ in range(10_000):
            if sql(busy) == [(0,)]:
                return
        raise AssertionError("the server still has the session")

    def _accept(self) -> None:
        while True:
            try:
                near, _address = self._listener.accept()
            except OSError:
                return
            if self._cut == "all":
                near.close()
                continue
            far = self._server()
            self._lines += [near, far]
            carrier = threading.Thread(target=self._carry, args=(near, far), daemon=True)
            self._carriers.append(carrier)
            carrier.start()

    def _server(self) -> socket.socket:
        host = str(self._url.query.get("host") or self._url.host)
        port = self._url.port or self._url.query.get("port") or 5432
        if not host.startswith("/"):
            return socket.create_connection((host, int(str(port))))
        line = socket.socket(socket.AF_UNIX)
        line.connect(f"{host}/.s.PGSQL.{port}")
        return line

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        with contextlib.suppress(OSError):
            self._carried(near, far)
        for line in (near, far):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def _carried(self, near: socket.socket, far: socket.socket) -> None:
        said, deaf = b"", False
        while True:
            for line in select.select([near, far], [], [])[0]:
                data = line.recv(65536)
                if not data or (line is far and deaf):
                    return
                if line is far:
                    near.sendall(data)
                    continue
                # What is said may come in pieces, cut anywhere.
                said = said[-len(COMMIT) :] + data
                if COMMIT in said and self._cut == "before":
                    return
                deaf = deaf or (COMMIT in said and self._cut == "after")
                far.sendall(data)

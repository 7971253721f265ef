"""A process that holds many boards' streams open and says when all of them heard of a press; and
the floor beside it: a process that does nothing but send the same bytes to as many sockets."""

import json
import re
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Final

# Nothing here takes seconds; a stream that is not heard fails the benchmark instead of hanging it.
ANSWER_S: Final = 60.0
READ_MAX: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Seconds of the clock that all processes of a machine share."""

    first: float
    last: float


class _Board:
    """One stream: its blocks are taken apart and its events parsed, as a page does."""

    def __init__(self, port: int, token: str) -> None:
        self.line = socket.create_connection(("127.0.0.1", port), ANSWER_S)
        self.line.sendall(request("stream", token))
        self._rest = b""

    def wait_ready(self) -> None:
        while b": ready" not in self._rest:
            part = self.line.recv(READ_MAX)
            if not part:
                raise SystemExit(f"no stream: {self._rest[:200]!r}")
            self._rest += part
        self._rest = b""

    def heard(self) -> Iterator[Any]:
        part = self.line.recv(READ_MAX)
        if not part:
            raise SystemExit("the hub closed a stream")
        *blocks, self._rest = (self._rest + part).split(b"\n\n")
        for block in blocks:
            if b"event: alarm" in block:
                yield json.loads(block[block.index(b"\ndata: ") + 7 :].split(b"\n", 1)[0])["object"]


def request(path: str, token: str) -> bytes:
    head = f"GET /api/v1/{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
    return head.encode()


def boards(pipe: Connection, port: int, tokens: Sequence[str], deaf: int) -> None:
    """Streams for these tokens; `deaf` more read nothing after their beginning. Each message is
    (home, how often it pressed); the answer says when the first and the last board heard it."""
    open_ = [_Board(port, token) for token in tokens]
    for board in open_:
        board.wait_ready()
    unread = [_deaf(port, tokens[n % len(tokens)]) for n in range(deaf)]
    selector = selectors.DefaultSelector()
    for board in open_:
        board.line.setblocking(False)
        selector.register(board.line, selectors.EVENT_READ, board)
    pipe.send("ready")
    while (asked := pipe.recv()) is not None:
        pipe.send(_all_heard(selector, len(open_), *asked))
    for line in [board.line for board in open_] + unread:
        line.close()


def _deaf(port: int, token: str) -> socket.socket:
    """Somebody's computer that sleeps: connected, and its buffers as small as they can be."""
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    line.connect(("127.0.0.1", port))
    line.sendall(request("stream", token))
    return line


def _all_heard(selector: selectors.BaseSelector, count: int, home: str, presses: int) -> Heard:
    heard: set[int] = set()
    first = last = 0.0
    deadline = time.perf_counter() + ANSWER_S
    while len(heard) < count:
        if time.perf_counter() > deadline:
            raise SystemExit(f"only {len(heard)} of {count} boards heard of {home}")
        for key, _events in selector.select(1.0):
            for alarm in key.data.heard():
                if alarm["home"]["id"] == home and alarm["event_count"] >= presses:
                    last = time.perf_counter()
                    first = first or last
                    heard.add(key.fd)
    return Heard(first=first, last=last)


def summaries(pipe: Connection, port: int, tokens: Sequence[str]) -> None:
    """As many lines as there are boards, each asking for the counters whenever told to; the answer
    is how long each waited, from the moment in which all asked."""
    lines = [socket.create_connection(("127.0.0.1", port), ANSWER_S) for _token in tokens]
    selector = selectors.DefaultSelector()
    for number, line in enumerate(lines):
        selector.register(line, selectors.EVENT_READ, number)
    pipe.send("ready")
    while pipe.recv() is not None:
        began = time.perf_counter()
        for line, token in zip(lines, tokens, strict=True):
            line.sendall(request("summary", token))
        took: list[float] = []
        parts = [b""] * len(lines)
        while len(took) < len(lines):
            for key, _events in selector.select(ANSWER_S):
                part = lines[key.data].recv(READ_MAX)
                if not part:
                    raise SystemExit(f"no counters: {parts[key.data][:200]!r}")
                parts[key.data] += part
                if _is_whole(parts[key.data]):
                    took.append(time.perf_counter() - began)
        pipe.send(took)


def _is_whole(answer: bytes) -> bool:
    """Whether it is as long as its head says."""
    head, found, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return bool(found and length and len(body) >= int(length[1]))


def broadcaster(pipe: Connection, count: int, payload: bytes) -> None:
    """The floor: told (home, presses), sends an event as long as the hub's to every socket."""
    server = socket.create_server(("127.0.0.1", 0), backlog=count)
    pipe.send(server.getsockname()[1])
    lines = []
    for _number in range(count):
        line, _address = server.accept()
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line.recv(READ_MAX)
        line.sendall(b": ready\n\n")
        lines.append(line)
    while (asked := pipe.recv()) is not None:
        home, presses = asked
        text = {"object": {"home": {"id": home}, "event_count": presses, "x": payload.decode()}}
        event = b"id: 1\nevent: alarm\ndata: %b\n\n" % json.dumps(text).encode()
        for line in lines:
            line.sendall(event)

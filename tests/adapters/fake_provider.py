"""A provider of group bots that misbehaves by a seed: a real HTTP server on a free port.

It answers as WeCom, DingTalk and Feishu do (`errcode` and `code`), checks DingTalk's signature, and
writes down what it has handed to people, apart from what it has said about it.
"""

import base64
import hashlib
import hmac
import json
import random
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

FAULTS = ("drop", "taken_and_drop", "http_500", "lie", "taken_and_500", "twice", "none")


@dataclass
class FakeProvider:
    """`delivered`: how often people got each text; `excused`: those that we could not know of, or
    that it doubled itself."""

    secret: str
    chance: random.Random
    faults: Sequence[str] = FAULTS
    delivered: Counter[str] = field(default_factory=Counter)
    excused: Counter[str] = field(default_factory=Counter)
    met: Counter[str] = field(default_factory=Counter)
    bad_signatures: int = 0
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, path: str, body: bytes) -> tuple[int, bytes] | None:
        """Status and body; None: the line is cut."""
        document = json.loads(body)
        text = document.get("text") or document.get("content")
        said = text.get("content") or text.get("text")
        with self.lock:
            if not self._signed(path, document):
                self.bad_signatures += 1
                return 200, b'{"errcode":310000,"errmsg":"sign not match","code":19021}'
            fault = self.chance.choice(self.faults)
            self.met[fault] += 1
            if fault in ("taken_and_drop", "taken_and_500"):
                self.delivered[said] += 1
                self.excused[said] += 1
            if fault in ("drop", "taken_and_drop"):
                return None
            if fault in ("http_500", "taken_and_500"):
                return 500, b"oops"
            if fault == "lie":
                limited = 130101 if "access_token" in path else 45009
                return 200, json.dumps({"errcode": limited, "errmsg": "too fast"}).encode()
            self.delivered[said] += 2 if fault == "twice" else 1
            self.excused[said] += fault == "twice"
            return 200, b'{"errcode":0,"errmsg":"ok","code":0,"msg":"success"}'

    def _signed(self, path: str, document: dict) -> bool:
        query = parse_qs(urlsplit(path).query)
        if "access_token" in query:
            [at], [sign] = query["timestamp"], query["sign"]
            mac = hmac.new(self.secret.encode(), f"{at}\n{self.secret}".encode(), hashlib.sha256)
            return base64.b64decode(sign) == mac.digest()
        if "sign" in document:
            key = f"{document['timestamp']}\n{self.secret}".encode()
            return base64.b64decode(document["sign"]) == hmac.new(key, b"", hashlib.sha256).digest()
        return query.get("key") == [self.secret]


@contextmanager
def fake_provider(provider: FakeProvider) -> Iterator[FakeProvider]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answered = provider.answer(self.path, body)
            if answered is None:
                self.close_connection = True
                self.connection.shutdown(2)
                return
            status, answer = answered
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_arguments: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    provider.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

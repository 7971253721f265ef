"""A fake hub for the tests of the web page: docs/http.md over a county in memory.

Threads and the standard library; the page is served under the hub's own security headers. Tests
move it by hand: `raise_alarm`, `drop_streams`, `stop_answering`. To look at the page by eye:

    python -m tests.adapters.fake_api --port 8090      (any account of the county, password "demo")
"""

import argparse
import json
import mimetypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from dashboard.middleware import HEADERS
from tests.adapters.fake_cases import Refused
from tests.adapters.fake_county import (
    ACCOUNTS,
    Document,
)
from tests.adapters.fake_hub import PASSWORD, FakeHub

__all__ = ["PASSWORD", "FakeHub", "serving"]

STATIC: Final = Path(__file__).resolve().parents[2] / "dashboard" / "static"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: FakeHub

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        self._handle("GET")

    def do_POST(self) -> None:
        self._handle("POST")

    def do_PATCH(self) -> None:
        self._handle("PATCH")

    def do_DELETE(self) -> None:
        self._handle("DELETE")

    def _handle(self, method: str) -> None:
        try:
            if self.hub.unreachable:
                # As where there is no network: not even a refusal.
                self.close_connection = True
                return
            url = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = self._body(self.rfile.read(length))
            if not url.path.startswith("/api/v1/"):
                self._file(url.path)
            elif not self.hub.answering:
                self._problem(503, "busy")
            else:
                path = [unquote(part) for part in url.path[len("/api/v1/") :].split("/")]
                query = {name: values[0] for name, values in parse_qs(url.query).items()}
                self._api(method, path, {**query, **body})
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def _body(self, payload: bytes) -> Document:
        """A JSON body as it is, a file by itself, with the key of a request that is sent again."""
        named = self.path.startswith("/api/v1/visits") and "Idempotency-Key" in self.headers
        key = {"_key": self.headers["Idempotency-Key"]} if named else {}
        if self.headers.get("Content-Type") == "application/octet-stream":
            return {"_file": payload, **key}
        return {**json.loads(payload or b"{}"), **key} if payload else key

    def _api(self, method: str, path: list[str], asked: Document) -> None:
        if path[0] == "replies" and len(path) == 2:
            try:
                self._json(200, self.hub.by_link(method, path[1], asked))
            except Refused as refused:
                self._problem(refused.status, refused.code)
            return
        if method != "GET" and self.headers.get("X-Requested-With") != "hearthwatch":
            self._problem(403, "csrf")
            return
        if path == ["login"]:
            self._login(asked)
            return
        if path == ["login", "ways"]:
            self._json(200, {"passkeys": False, "sign_on": None})
            return
        cookie = SimpleCookie(self.headers.get("Cookie", "")).get("hearthwatch")
        username = cookie.value if cookie is not None else ""
        if username not in ACCOUNTS:
            self._problem(401, "signed_out")
        elif path == ["stream"]:
            self._stream()
        else:
            try:
                document = self.hub.answer(username, method, path, asked)
            except Refused as refused:
                self._problem(refused.status, refused.code, refused.detail, refused.field, refused)
                return
            if document is None:
                self._begin(204, "text/plain", None)
                return
            ended = "hearthwatch=; Max-Age=0; Path=/" if path == ["logout"] else None
            self._json(200, document, cookie=ended)

    def _login(self, asked: Document) -> None:
        username = asked.get("username", "")
        if username not in ACCOUNTS or asked.get("password") != PASSWORD:
            self._problem(401, "bad_credentials")
            return
        answer = {"token": username, "role": ACCOUNTS[username][1], "expires_at": None}
        self._json(200, answer, cookie=f"hearthwatch={username}; Path=/; HttpOnly; SameSite=Lax")

    def _stream(self) -> None:
        with self.hub.stream_opened() as left:
            if left:
                self._tell()
            else:
                self._problem(503, "too_many_streams")

    def _tell(self) -> None:
        """Until the hub cuts it or the page goes away."""
        hub = self.hub
        with hub.lock:
            generation = hub.generation
            after = int(self.headers.get("Last-Event-ID") or len(hub.entries))
        self._begin(200, "text/event-stream", None)
        self.close_connection = True
        self.wfile.write(f"retry: 1000\n\nid: {after}\n: ready\n\n".encode())
        while (events := hub.events_after(after, generation)) is not None:
            text = "".join(
                f"id: {seq}\nevent: {topic}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
                for seq, topic, data in events
            )
            self.wfile.write((text or ": still here\n\n").encode())
            after += len(events)

    def _file(self, path: str) -> None:
        file = (STATIC / path.lstrip("/")).resolve()
        if not (file.is_file() and file.is_relative_to(STATIC)):
            file = STATIC / "index.html"
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        self._send(200, kind, file.read_bytes())

    def _problem(
        self,
        status: int,
        code: str,
        detail: str = "",
        field: str | None = None,
        refused: Refused | None = None,
    ) -> None:
        document = {"type": code, "title": HTTPStatus(status).phrase, "status": status}
        document |= {"detail": detail or code, **({} if field is None else {"field": field})}
        if refused is not None and refused.errors:
            document["errors"] = list(refused.errors)
        self._json(status, document, kind="application/problem+json")

    def _json(
        self,
        status: int,
        document: Document,
        *,
        kind: str = "application/json",
        cookie: str | None = None,
    ) -> None:
        self._send(status, kind, json.dumps(document).encode(), cookie)

    def _send(self, status: int, kind: str, body: bytes, cookie: str | None = None) -> None:
        self._begin(status, kind, len(body), cookie)
        self.wfile.write(body)

    def _begin(self, status: int, kind: str, length: int | None, cookie: str | None = None) -> None:
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", "no-store")
        if length is not None:
            self.send_header("Content-Length", str(length))
        if cookie is not None:
            self.send_header("Set-Cookie", cookie)
        self.end_headers()


@contextmanager
def serving(hub: FakeHub, port: int = 0) -> Iterator[str]:
    """The hub on a port of this machine; gives its address."""
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        hub.drop_streams()
        server.shutdown()
        server.server_close()
        thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--empty", action="store_true", help="no alarm is open")
    parser.add_argument("--worn", action="store_true", help="many devices are in trouble")
    asked = parser.parse_args()
    hub = FakeHub(speed=asked.speed, empty=asked.empty, worn=asked.worn)
    with serving(hub, asked.port):
        threading.Event().wait()


if __name__ == "__main__":
    main()

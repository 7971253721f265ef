"""A fake hub for the tests of the web page: docs/http.md over a county in memory.

Threads and the standard library; the page is served under the hub's own security headers. Tests
move it by hand: `raise_alarm`, `drop_streams`, `stop_answering`. To look at the page by eye:

    python -m tests.adapters.fake_api --port 8090      (any account of the county, password "demo")
"""

import argparse
import itertools
import json
import mimetypes
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from contract.moment import from_iso, to_iso
from dashboard.middleware import HEADERS
from dashboard.permissions import permissions_of
from tests.adapters.fake_cases import Cases, Refused
from tests.adapters.fake_county import (
    ACCOUNTS,
    HOMES,
    QUARANTINE,
    County,
    Document,
    account,
)
from tests.adapters.fake_notices import Notices
from tests.adapters.fake_plan import FakePlan
from tests.adapters.fake_register import REGIONS, find_homes, find_persons, open_contact
from tests.adapters.fake_rota import FakeRota
from tests.adapters.fake_rules import Rules
from tests.adapters.fake_service import Service
from tests.adapters.fake_stays import Stays
from tests.adapters.fake_supervision import repairs, wear
from tests.adapters.fake_visits import Visits

PASSWORD: Final = "demo"
ZONE: Final = "Asia/Shanghai"
STATIC: Final = Path(__file__).resolve().parents[2] / "dashboard" / "static"
KEEPALIVE_S: Final = 5.0


class FakeHub:
    """The state behind the server; every method may be called from any thread."""

    def __init__(self, *, speed: float = 1.0, empty: bool = False, worn: bool = False) -> None:
        self.speed = speed
        self.timezone = ZONE
        self.county = County()
        self._began = time.monotonic()
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.entries: list[tuple[int, str, Document]] = []
        self._seq = itertools.count(1)
        self.generation = 0
        self.answering = True
        self.unreachable = False
        # None: as many as ask.
        self.streams_max: int | None = None
        self._streams = 0
        self.stays = Stays(self.now_ms, self._publish)
        # Who had whose numbers opened, and why.
        self.opened: list[tuple[str, str, str]] = []
        self.rota = FakeRota(self.now_ms, self._publish)
        self.rules = Rules(self.county, self.now_ms, self._publish)
        self.notices = Notices(self.now_ms)
        self.cases = Cases(self.county, self.now_ms, self._publish)
        self.service = Service(self.county, self.cases, self.now_ms)
        self.visits = Visits(self.county, self.cases, self.now_ms, self._publish)
        self.plan = FakePlan(self.county, self.cases, self.service)
        if not empty:
            self.cases.begin()
        if worn:
            wear(self.cases, self.county)

    def now_ms(self) -> int:
        return self.county.now_ms + round((time.monotonic() - self._began) * 1000 * self.speed)

    def raise_alarm(self, kind: str, home: str | None, **more: Any) -> Document:
        """A new alarm, told over the stream."""
        with self.lock:
            return self.cases.raise_alarm(kind, home, **more)

    def drop_streams(self) -> None:
        """Cut every open stream, as a restarting proxy would."""
        with self.changed:
            self.generation += 1
            self.changed.notify_all()

    def stop_answering(self, stopped: bool = True) -> None:
        """Every request is refused from now on, and the open streams are cut."""
        self.answering = not stopped
        self.drop_streams()

    def cut_network(self, cut: bool = True) -> None:
        """Nothing of this hub can be reached, the page's own files neither."""
        self.unreachable = cut
        self.drop_streams()

    def _publish(self, topic: str, subject: str, fact: str, document: Document) -> None:
        with self.changed:
            seq = next(self._seq)
            entry = {"seq": seq, "at": to_iso(self.now_ms()), "topic": topic, "subject": subject}
            data = {"entry": {**entry, "fact": fact, "data": {}}, "object": document}
            self.entries.append((seq, topic, json.loads(json.dumps(data))))
            self.changed.notify_all()

    @contextmanager
    def stream_opened(self) -> Iterator[bool]:
        """Whether there is a stream left; it is one less meanwhile."""
        with self.lock:
            left = self.streams_max is None or self._streams < self.streams_max
            self._streams += left
        try:
            yield left
        finally:
            with self.lock:
                self._streams -= left

    def events_after(self, after: int, generation: int) -> list[tuple[int, str, Document]] | None:
        """What came after this number, waiting a little; None when the stream was cut."""
        with self.changed:
            self.changed.wait_for(
                lambda: self.generation != generation or len(self.entries) > after,
                timeout=KEEPALIVE_S,
            )
            if self.generation != generation:
                return None
            return self.entries[after:]

    def answer(
        self, username: str, method: str, path: list[str], asked: Document
    ) -> Document | None:
        """The document for one request, None when it is done and says nothing; Refused says why
        there is none."""
        with self.lock:
            if path[0] == "rules":
                return self.rules.answer(username, method, path[1:], asked)
            if path[:2] in (["me", "channels"], ["users", username]):
                return self._ways(method, path[2:], asked)
            if path[0] == "notifications":
                return self.notices.undelivered(method, path[1:], asked)
            if path[0] == "plan" or path[2:3] == ["tier"]:
                return self.plan.answer(username, method, path, asked)
            for room in (self.service, self.visits):
                mine = room.answer(username, method, path, asked)
                if mine is not None:
                    return mine
            if method == "GET":
                return self._read(username, path, asked)
            return self._write(username, path, asked)

    def _ways(self, method: str, path: list[str], asked: Document) -> Document:
        notices = self.notices
        match (method, path):
            case ("GET", []):
                return notices.channels()
            case ("GET", ["contact-points"]):
                return notices.listed()
            case ("POST", ["contact-points"]):
                return notices.add(asked)
            case ("PATCH", ["contact-points", point]):
                return notices.change(point, asked)
            case ("DELETE", ["contact-points", point]):
                return notices.remove(point)
            case ("POST", ["contact-points", point, "code"]):
                return notices.send_code(point)
            case ("POST", ["contact-points", point, "verify"]):
                return notices.verify(point, asked["code"])
        raise Refused(404, "not_found")

    def by_link(self, method: str, token: str, asked: Document) -> Document:
        with self.lock:
            if method == "GET":
                return self.notices.look(token)
            return self.notices.answer(token, asked)

    def _read(self, username: str, path: list[str], asked: Document) -> Document:
        cases = self.cases
        name, role, _phone = ACCOUNTS[username]
        match path:
            case ["me"]:
                can = sorted(permissions_of(role))
                region = REGIONS.get(username, "")
                who = {"username": username, "name": name, "role": role}
                return {**who, "region": region, "can": can}
            case ["clock"]:
                now = to_iso(self.now_ms())
                return {"now": now, "speed": self.speed, "timezone": self.timezone}
            case ["summary"]:
                return self._summary()
            case ["alarms"]:
                found = cases.list_alarms(asked)
                limit = int(asked.get("limit", 100))
                more = found[limit - 1]["number"] if len(found) > limit else None
                return {"items": found[:limit], "next": more}
            case ["alarms", alarm]:
                return cases.alarm_detail(alarm)
            case ["tasks"]:
                return {"items": cases.list_tasks(asked, username), "next": None}
            case ["assignees"]:
                people = [
                    {"username": u, "name": n, "role": r, "phone": p}
                    for u, (n, r, p) in ACCOUNTS.items()
                    if r in ("visitor", "duty")
                ]
                return {"items": people}
            case ["rota", *rest]:
                return self.rota.read(rest, asked)
            case ["handovers", *rest]:
                return self.rota.read_sheet(rest, username)
        return self._register(path, asked)

    def _register(self, path: list[str], asked: Document) -> Document:
        county = self.county
        match path:
            case ["homes"]:
                found = find_homes(county, asked.get("q", ""))
                rows = [county.home_row(h, self.cases.open_of(h)) for h in found]
                return {"items": rows}
            case ["homes", home]:
                return self._home(home)
            case ["homes", home, "stays"]:
                return {"items": self.stays.of(home)}
            case ["unseen", "count"]:
                return {"people": HOMES, "unseen": 3, "silent": 1, "cannot_judge": 1, "away": 0}
            case ["service-users"]:
                return {"items": find_persons(county, asked.get("q", ""))}
            case ["service-users", person]:
                found = next(p for ps in county.persons.values() for p in ps if p["id"] == person)
                return {**found, "born": "1941-03-09", "home": None}
            case ["devices"]:
                return {"items": [self._device(found) for found in county.devices.values()]}
            case ["gateways"]:
                return {"items": county.gateways()}
            case ["quarantine"]:
                return {"items": list(QUARANTINE), "total": len(QUARANTINE)}
            case ["readings"]:
                span = (from_iso(asked["from"]), from_iso(asked["to"]))
                return {"series": county.series(asked["device"], *span, asked.get("resolution"))}
        raise Refused(404, "not_found")

    def _write(self, username: str, path: list[str], asked: Document) -> Document:
        match path:
            case ["logout"]:
                return {"username": username}
            case ["alarms", alarm, move]:
                return self.cases.move_alarm(alarm, move, username, asked)
            case ["tasks", task, move]:
                return self.cases.move_task(task, move, username, asked.get("finding", ""))
            case ["rota", *rest]:
                return self.rota.write(username, rest, asked)
            case ["handovers", *rest]:
                return self.rota.write_sheet(username, rest, asked)
            case ["service-users", person, "contact", "open"]:
                self.opened.append((username, person, asked["reason"]))
                return open_contact(self.county, person, asked)
            case ["homes", home, "stays"]:
                return self.stays.set(home, account(username), asked)
            case ["homes", home, "stays", stay, "end"]:
                return self.stays.end(home, stay, account(username))
            case ["devices", gateway, device]:
                found = self.county.devices[f"{gateway}/{device}"]
                found.update(asked)
                found["state"] = "ok" if found["home"] else "unbound"
                self._publish("device", f"{gateway}/{device}", "bound", self._device(found))
                return self._device(found)
        raise Refused(404, "not_found")

    def _home(self, home: str) -> Document:
        if home not in self.county.homes:
            raise Refused(404, "not_found")
        return {
            **self.county.home_row(home, self.cases.open_of(home)),
            "staying": self.stays.now(home),
            "devices": [self._device(d) for d in self.county.devices.values() if d["home"] == home],
            "checks": self.cases.checks(home),
            "rules": self.county.rules(home),
            "alarms": [
                a for a in self.cases.alarms.values() if (a["home"] or {}).get("id") == home
            ],
        }

    def _device(self, device: Document) -> Document:
        mine = (device["gateway"], device["device"])
        found = self.cases.checks(None)
        return {**device, "troubles": [t for t in found if (t["gateway"], t["device"]) == mine]}

    def _summary(self) -> Document:
        devices = list(self.county.devices.values())
        gateways = self.county.gateways()
        online = sum(g["online"] for g in gateways)
        return {
            "alarms": self.cases.count_alarms(),
            "tasks": {"open": 0, "accepted": 0, "departed": 0, "arrived": 0},
            "homes": HOMES,
            "gateways": {"online": online, "total": len(gateways)},
            "devices": {
                "total": len(devices),
                "silent": sum(d["state"] == "silent" for d in devices),
                "unheard": sum(d["state"] == "never_seen" for d in devices),
                "unbound": sum(d["home"] is None for d in devices),
            },
            "quarantine": len(QUARANTINE),
            "repairs": repairs(self.cases.checks(None)),
        }


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

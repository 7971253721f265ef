"""What is behind the fake hub (`tests/adapters/fake_api.py`): docs/http.md over a county in memory.

Tests move it by hand: `raise_alarm`, `drop_streams`, `stop_answering`.
"""

import itertools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from contract.moment import from_iso, to_iso
from dashboard.permissions import permissions_of
from tests.adapters.fake_cases import Cases, Refused
from tests.adapters.fake_county import ACCOUNTS, HOMES, County, Document, account
from tests.adapters.fake_notices import Notices
from tests.adapters.fake_plan import FakePlan
from tests.adapters.fake_quarantine import QUARANTINE
from tests.adapters.fake_register import REGIONS, find_homes, find_persons, open_contact
from tests.adapters.fake_rota import FakeRota
from tests.adapters.fake_rules import Rules
from tests.adapters.fake_service import Service
from tests.adapters.fake_stays import Stays
from tests.adapters.fake_supervision import repairs, wear
from tests.adapters.fake_visits import Visits

PASSWORD: Final = "demo"
ZONE: Final = "Asia/Shanghai"
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

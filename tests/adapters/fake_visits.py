"""Visits of the fake hub: recorded once by their key, corrected, decided, with photos."""

import hashlib
from collections.abc import Callable
from typing import Any

from contract.moment import from_iso, to_iso
from ledger.forms.concerns import concerns_of
from ledger.forms.visit_form import check
from ledger.visits import corrected, differences, is_met, may_be_same, services_of
from tests.adapters.fake_cases import Cases, Refused
from tests.adapters.fake_county import County, Document, account


class Visits:
    def __init__(
        self,
        county: County,
        cases: Cases,
        now_ms: Callable[[], int],
        publish: Callable[[str, str, str, Document], None],
    ) -> None:
        self._county, self._now_ms, self._publish = county, now_ms, publish
        self._cases = cases
        # Who of the family was told, by alarm.
        self.family: dict[str, list[Document]] = {}
        self.visits: dict[str, Document] = {}
        self.files: dict[str, list[tuple[str, bytes]]] = {}
        self._history: dict[str, list[Document]] = {}
        self._decided: set[frozenset[str]] = set()
        self._raised: set[tuple[str, str]] = set()
        # How often a report came in, and what came.
        self.posts: list[Document] = []

    def answer(
        self, username: str, method: str, path: list[str], asked: Document
    ) -> Document | None:
        """None: what is asked is somebody else's."""
        match [method, *path]:
            case ["GET", "alarms", alarm] if alarm in self._cases.alarms:
                return {**self._cases.alarm_detail(alarm), "chain": self._chain(alarm)}
            case ["POST", "alarms", alarm, "family"]:
                self.family.setdefault(alarm, []).append(asked)
                return {"timeline": []}
            case ["GET", "visits", "people"]:
                return {"items": self._people(username)}
            case ["GET", "visits"]:
                return {"items": self._listed(asked), "next": None}
            case ["POST", "visits"]:
                return self.record(username, asked)
            case ["GET", "visits", visit]:
                return self.detail(visit)
            case ["POST", "visits", visit, "attachments"]:
                self.files.setdefault(visit, []).append((asked["kind"], asked["_file"]))
                return self.detail(visit)
            case ["POST", "visits", visit, "corrections"]:
                return self._correct(username, visit, asked)
            case ["POST", "visits", visit, "void"]:
                told = {"voided_at": to_iso(self._now_ms()), "void_reason": asked["reason"]}
                return self._changed(visit, voided_by=account(username), counts=False, **told)
            case ["POST", "visits", visit, "decision"]:
                return self._decide(visit, asked)
            case ["POST", "visits", visit, "concerns"]:
                self._raised.add((visit, asked["concern"]))
                return self.detail(visit)
        return None

    def record(self, username: str, asked: Document) -> Document:
        self.posts.append(asked)
        digest = hashlib.sha256(f"{username}:{asked.get('_key')}".encode()).hexdigest()[:16]
        known = self.visits.get(digest)
        if known is not None:
            return known
        faults = check(asked["record"])
        if faults:
            raise Refused(
                422,
                "invalid",
                errors=[{"field": f.field, "code": f.code, "zh": f.zh, "en": f.en} for f in faults],
            )
        person = asked["service_user"]
        number = sum(v["service_user"] == person for v in self.visits.values()) + 1
        at_ms = from_iso(asked["visited_at"]) - (asked.get("clock_offset_ms") or 0)
        names = {p["id"]: p["name"] for ps in self._county.persons.values() for p in ps}
        visit: Document = {
            "id": digest,
            "number": number,
            "home": self._county.homes[asked["home"]],
            "service_user": person,
            "service_user_name": names.get(person),
            "kind": "routine" if asked.get("task") is None else "emergency",
            "visitor": account(username),
            "visited_at": to_iso(at_ms),
            "recorded_at": to_iso(self._now_ms()),
            "met": is_met(asked["record"]),
            "services": services_of(asked["record"]),
            "version": 1,
            "counts": True,
            **{name: asked.get(name) for name in ("way", "task", "alarm", "record")},
            **dict.fromkeys(("voided_at", "voided_by", "void_reason", "duplicate_of")),
        }
        self.visits[digest] = visit
        self._publish("visit", digest, "recorded", visit)
        return self._shown(visit)

    def detail(self, visit_id: str) -> Document:
        if visit_id not in self.visits:
            raise Refused(404, "not_found")
        visit = self.visits[visit_id]
        return {
            **self._shown(visit),
            "others": [self._shown(self.visits[i]) for i in self._conflicts(visit)],
            "history": self._history.get(visit_id, [])[::-1],
            "timeline": [],
            "attachments": [
                {"id": f"a{n}", "kind": kind, "width": 1, "height": 1}
                for n, (kind, _content) in enumerate(self.files.get(visit_id, []))
            ],
            "concerns": [
                {
                    **{"code": one.code, "zh": one.zh, "en": one.en, "days": one.days},
                    "task": "t" if (visit_id, one.code) in self._raised else None,
                    "task_state": "open" if (visit_id, one.code) in self._raised else None,
                }
                for one in concerns_of(visit["record"])
            ],
        }

    def _chain(self, alarm_id: str) -> Document:
        alarm = self._cases.alarms[alarm_id]
        task = self._cases.tasks.get(alarm["task"] or "")
        visit = next((v["id"] for v in self.visits.values() if v["alarm"] == alarm_id), None)
        steps = {
            "found": task is not None and bool(task["finding"]),
            "family_informed": alarm_id in self.family,
            "closed": alarm["state"] == "closed",
        }
        complete = visit is not None and all(steps.values())
        return {**steps, "visit": visit, "follow_ups": [], "complete": complete}

    def _people(self, username: str) -> list[Document]:
        found = []
        for home, persons in sorted(self._county.persons.items()):
            row = self._county.homes[home]
            for person in persons:
                if person["visitor"] != username:
                    continue
                told = [v for v in self.visits.values() if v["service_user"] == person["id"]]
                last = max(told, key=lambda v: v["visited_at"], default=None)
                found.append(
                    {
                        **{"id": person["id"], "name": person["name"], "home": home},
                        **{name: row[name] for name in ("address", "region_path")},
                        "last": None if last is None else self._last(last),
                    }
                )
        return found

    def _last(self, visit: Document) -> Document:
        record = visit["record"]
        said = {name: record.get(name, "") for name in ("needs", "suggestions")}
        return {**{n: visit[n] for n in ("id", "number", "way", "met", "visited_at")}, **said}

    def _listed(self, asked: Document) -> list[Document]:
        shown = [self._shown(v) for v in self.visits.values()]
        if asked.get("home"):
            shown = [v for v in shown if v["home"]["id"] == asked["home"]]
        if asked.get("conflict") == "true":
            shown = [v for v in shown if v["conflicts"]]
        return sorted(shown, key=lambda v: v["visited_at"], reverse=True)

    def _correct(self, username: str, visit_id: str, asked: Document) -> Document:
        visit = self.visits[visit_id]
        record = corrected(visit["record"], asked["record"])
        before = {f"record.{k}": v for k, v in visit["record"].items()}
        after = {f"record.{k}": v for k, v in record.items()}
        made = self._history.setdefault(visit_id, [])
        made.append(
            {
                **{"id": f"c{len(made)}", "version": visit["version"] + 1},
                **{"at": to_iso(self._now_ms()), "by": account(username)},
                **{"reason": asked["reason"], "changes": differences(before, after)},
            }
        )
        return self._changed(visit_id, record=record, version=visit["version"] + 1)

    def _decide(self, visit_id: str, asked: Document) -> Document:
        other, keep = asked["other"], asked["keep"]
        self._decided.add(frozenset((visit_id, other)))
        if keep is not None:
            lost = other if keep == visit_id else visit_id
            self._changed(lost, counts=False, duplicate_of=keep)
        return self.detail(visit_id)

    def _changed(self, visit_id: str, **changes: Any) -> Document:
        self.visits[visit_id] = {**self.visits[visit_id], **changes}
        self._publish("visit", visit_id, "corrected", self.visits[visit_id])
        return self.detail(visit_id)

    def _shown(self, visit: Document) -> Document:
        return {**visit, "conflicts": self._conflicts(visit)}

    def _conflicts(self, visit: Document) -> list[str]:
        return [
            other["id"]
            for other in self.visits.values()
            if other["id"] != visit["id"]
            and visit["counts"]
            and other["counts"]
            and frozenset((visit["id"], other["id"])) not in self._decided
            and may_be_same(_row(visit), _row(other))
        ]


def _row(visit: Document) -> Document:
    return {
        **{name: visit[name] for name in ("service_user", "task", "way")},
        "home": visit["home"]["id"],
        "visitor": visit["visitor"]["username"],
        "visited_at_ms": from_iso(visit["visited_at"]),
    }

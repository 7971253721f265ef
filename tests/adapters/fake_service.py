"""Dispatching and figures of the fake hub: cards, sheets, who could go, a report, reviews."""

from collections.abc import Callable

from contract.moment import to_iso
from tests.adapters.fake_cases import Cases, Refused
from tests.adapters.fake_county import ACCOUNTS, County, Document, account

PRESS_MS = 120_000


class Service:
    def __init__(self, county: County, cases: Cases, now_ms: Callable[[], int]) -> None:
        self._county, self._cases, self._now_ms = county, cases, now_ms
        self.reviews: list[tuple[str, str, str]] = []

    def answer(
        self, username: str, method: str, path: list[str], asked: Document
    ) -> Document | None:
        """None: what is asked is somebody else's."""
        match [method, *path]:
            case ["GET", "tasks", task, "suggestions"]:
                return self.suggestions(task)
            case ["GET", "tasks", task, "card"]:
                return self.card(task)
            case ["GET", "alarms", alarm, "sheet"]:
                return self.sheet(alarm)
            case ["GET", "reports", "response"]:
                return self.report(asked["by"])
            case ["GET", "reports", "response", "calls"]:
                return self.calls()
            case ["POST", "alarms", alarm, "review"]:
                return self.review(alarm, asked)
            case ["POST", "tasks", task, "ask-press"]:
                return self.ask_press(task)
            case ["POST", "tasks", task, "arrive"] if "proof" in asked:
                return self.prove(task, username, asked["proof"]["kind"])
        return None

    def suggestions(self, task_id: str) -> Document:
        responsible = {p["visitor"] for p in self._cases.tasks[task_id]["persons"]}
        people = [
            {
                **{"username": u, "name": n, "role": r, "phone": p},
                "km": 1.2 if u in responsible else None,
                "tasks": 0,
                "why": [{"code": "responsible"}, {"code": "near", "km": 1.2, "from": "homes"}]
                if u in responsible
                else [],
            }
            for u, (n, r, p) in ACCOUNTS.items()
            if r in ("visitor", "duty")
        ]
        return {"items": sorted(people, key=lambda one: not one["why"])}

    def card(self, task_id: str) -> Document:
        if task_id not in self._cases.tasks:
            raise Refused(404, "not_found")
        task = self._cases.shown(self._cases.tasks[task_id])
        alarm = self._cases.alarms[task["alarm"]]
        proofs = {"button": True, "label": True, "gps": False}
        return {**self._of_home(alarm), "task": task, "proofs": proofs, "checks": []}

    def sheet(self, alarm_id: str) -> Document:
        alarm = self._cases.alarm_detail(alarm_id)
        more = {"task": alarm["task_detail"], "timeline": alarm["timeline"], "events": []}
        return {**self._of_home(alarm), **more}

    def _of_home(self, alarm: Document) -> Document:
        care = {
            "medication": ["硝苯地平"],
            "allergies": ["青霉素"],
            "hearing": "右耳听不见",
            "born": "1941-03-09",
            "responsible": account("visitor-1"),
        }
        way = {"key_place": "邻居家", "lane": "过桥左转", "dog": "黄狗"}
        reading = {"gateway": "gw-0001", "device": "cuff", "label": "血压计"}
        last = {"kind": "blood_pressure", "field": "systolic_mmhg", "value": 139}
        return {
            "at": to_iso(self._now_ms()),
            "alarm": alarm,
            "home": {**alarm["home"], **way},
            "persons": [{**person, **care} for person in alarm["persons"]],
            "readings": [{**reading, **last, "at": to_iso(self._now_ms() - 600_000)}],
            "devices": [],
            "stays": [],
            "open_alarms": [alarm],
        }

    def ask_press(self, task_id: str) -> Document:
        task = self._cases.tasks[task_id]
        task.update(press_until=to_iso(self._now_ms() + PRESS_MS))
        task["version"] += 1
        return self._cases.shown(task)

    def prove(self, task_id: str, actor: str, kind: str) -> Document:
        self._cases.tasks[task_id].update(proof=kind, press_until=None)
        return self._cases.move_task(task_id, "arrive", actor, "")

    def report(self, by: str) -> Document:
        total = _figures(8, (6, 7), (2, 3))
        names = {"region": "城关镇", "person": "赵敏", "shift": ""}
        group = {"group": "00-08" if by == "shift" else "g1", "name": names[by]}
        now_ms = self._now_ms()
        span = {"from": to_iso(now_ms - 30 * 86_400_000), "to": to_iso(now_ms)}
        return {**span, "total": total, "groups": [{**group, **total}]}

    def calls(self) -> Document:
        alarms = [a for a in self._cases.alarms.values() if a["severity"] == "urgent"]
        reviewed = {alarm for alarm, _cause, _note in self.reviews}
        items = [
            {
                **{name: a[name] for name in ("number", "rule", "kind", "outcome")},
                "alarm": a["id"],
                "region_path": (a["home"] or {}).get("region_path", []),
                "shift": "00-08",
                "called_at": a["raised_at"],
                **{"answered_at": None, "answered_by": "赵敏", "answer_s": 200.0, "went": None},
                **{"arrived_at": None, "attend_s": None, "review_due": True, "reviewed": False},
            }
            for a in alarms
            if a["id"] not in reviewed
        ]
        return {"items": items, "total": len(items)}

    def review(self, alarm: str, asked: Document) -> Document:
        self.reviews.append((alarm, asked["cause"], asked["note"]))
        return {"items": []}


def _figures(calls: int, answered: tuple[int, int], attended: tuple[int, int]) -> Document:
    return {
        "calls": calls,
        "answered": _speed(answered, calls, (60, 180), (0.975, 0.99)),
        "attended": _speed(attended, 3, (2700, 3600), (0.9, 1.0)),
        "called_off": 5,
        "by_outcome": [{"outcome": "social", "count": 3}],
        "by_rule": [{"rule": "sos", "count": calls}],
        "reviews": {"due": 1, "done": 0},
    }


def _speed(
    met: tuple[int, int], of: int, within: tuple[int, int], goals: tuple[float, float]
) -> Document:
    shares = [
        {
            **{"within_s": span, "goal": goal, "met": count, "of": of},
            **{"share": count / of, "reached": count / of >= goal},
        }
        for count, span, goal in zip(met, within, goals, strict=True)
    ]
    return {"shares": shares, "done": of, "waiting": 0, "median_s": 21.0, "worst_s": 200.0}

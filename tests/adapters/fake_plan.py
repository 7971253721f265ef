"""The plan of visits as the fake hub of the page tests tells it: documents of docs/http.md."""

from collections.abc import Callable
from typing import Any, Final

from alarms.rota.days import day_number, iso_day
from tests.adapters.fake_cases import Cases, Refused
from tests.adapters.fake_county import County, Document, account
from tests.adapters.fake_service import Service

TODAY: Final = day_number("2026-11-24")
VILLAGE: Final = "610926101001"
HOMES: Final = ("home-0001", "home-0002", "home-0003")


class FakePlan:
    """Three people of one village for today; what was said is kept in `said`."""

    def __init__(self, county: County, cases: Cases, service: Service) -> None:
        self._county, self._cases, self._service = county, cases, service
        self.said: list[Document] = []
        self.moved: set[str] = set()
        self.tiers: dict[str, str] = {}

    def answer(self, username: str, method: str, path: list[str], asked: Document) -> Document:
        calls: dict[tuple[str, ...], Callable[[], Document]] = {
            ("GET", "plan"): lambda: self._plan(username, asked),
            ("GET", "plan", "summary"): lambda: self._summary(asked),
            ("GET", "plan", "people"): self._people,
            ("POST", "plan", "moves"): lambda: self._move(asked),
            ("POST", "plan", "bad-weather"): lambda: self._say(asked),
            ("POST", "plan", "start"): lambda: self._start(username, asked),
        }
        if (method, *path) in calls:
            return calls[method, *path]()
        match (method, path):
            case ("GET", ["service-users", person, "tier"]):
                return self._tier(person)
            case ("POST", ["service-users", person, "tier", "raise"]):
                self.tiers[person] = asked["tier"]
                self._say({"service_user": person, **asked})
                return self._tier(person)
        raise Refused(404, "not_found")

    def _say(self, asked: Document) -> Document:
        self.said.append(asked)
        return {}

    def _move(self, asked: Document) -> Document:
        self.moved.add(asked["service_user"])
        return self._say(asked)

    def _start(self, username: str, asked: Document) -> Document:
        self._say(asked)
        task = next(t for t in self._cases.tasks.values() if t["state"] == "open")
        return self._cases.move_task(task["id"], "accept", username, "")

    def _who(self, home: str) -> Document:
        person = self._county.persons[home][0]
        return {
            "service_user": person["id"],
            "person": {k: person[k] for k in ("id", "name", "age", "phone")},
            "home": self._county.homes[home],
        }

    @staticmethod
    def _stands(state: str, since: str | None, last: str | None) -> Document:
        return {
            "tier": "twice_weekly",
            "state": state,
            "since": since,
            "period": "2026-W48",
            "owed": 2,
            "done": 0,
            "last": last,
            "calls": 1,
            "nobody_met": 1,
        }

    def _items(self, day: int) -> list[Document]:
        if day != TODAY:
            return []
        found: list[Document] = [
            {
                **self._who("home-0004"),
                "state": "done",
                "way": "home_visit",
                "kind": "routine",
                "at": "2026-11-23T17:20:00Z",
            }
        ]
        for place, home in enumerate(HOMES):
            who = self._who(home)
            if who["service_user"] in self.moved:
                continue
            late = self._stands("overdue", "2026-11-09", "2026-11-02")
            found.append(
                {
                    **who,
                    "state": "planned",
                    "why": "catch_up" if place == 1 else "planned",
                    "meant": None,
                    "cause": "",
                    "said": None,
                    "rest_day": False,
                    "period": "2026-W48",
                    "tier": "twice_weekly",
                    "standing": late if place == 0 else self._stands("due", None, "2026-11-20"),
                    "task": None,
                }
            )
        return found

    def _plan(self, username: str, asked: Document) -> Document:
        first = day_number(asked["from"]) if "from" in asked else TODAY
        last = day_number(asked["to"]) if "to" in asked else first
        return {
            "visitor": account(asked.get("visitor", username)),
            "today": iso_day(TODAY),
            "from": iso_day(first),
            "to": iso_day(last),
            "capacity": 12,
            "people": 4,
            "days": [
                {
                    "date": iso_day(day),
                    "working": (day + 3) % 7 < 5,
                    "name": "",
                    "known": "announced",
                    "away": "",
                    "closed": [],
                    "km": 3.2 if day == TODAY else 0.0,
                    "over": 0,
                    "items": self._items(day),
                }
                for day in range(first, last + 1)
            ],
            "unplaced": [],
            "standings": [
                {**self._who("home-0001"), **self._stands("overdue", "2026-11-09", "2026-11-02")}
            ],
        }

    def _summary(self, asked: Document) -> Document:
        tally = {
            "people": 24,
            "owed": 40,
            "done": 30,
            "due": 4,
            "late": 3,
            "overdue": 3,
            "more": 1,
            "people_short": 4,
            "calls": 6,
            "nobody_met": 2,
        }
        group: dict[str, Any] = {"total": tally, "tiers": {"monthly": tally}}
        return {
            "period": asked.get("period", "2026-11"),
            "from": "2026-11-01",
            "to": "2026-11-30",
            "today": iso_day(TODAY),
            "region": asked.get("region", "610926"),
            "look_from": "2026-06-01",
            **group,
            "regions": [
                {"region": VILLAGE, "name": "龙头村", "level": "village", **group},
                {"region": "610926101002", "name": "三里垭村", "level": "village", **group},
            ],
            "visitors": [{"username": "visitor-1", "name": "冯建国", **group}],
            "closed": [],
            "frequencies": {},
        }

    def _people(self) -> Document:
        items = [
            {
                **self._who(home),
                **self._stands("overdue", "2026-11-09", None if place == 0 else "2026-11-02"),
                "visitor": account("visitor-1"),
            }
            for place, home in enumerate(HOMES)
        ]
        return {"items": items, "total": len(items)}

    def _tier(self, person: str) -> Document:
        tier = self.tiers.get(person, "monthly")
        return {
            "service_user": person,
            "tier": tier,
            "base": "monthly",
            "why": [{"code": "able", "zh": "身体健康、能够自理", "en": "able and healthy"}],
            "missing": ["seriously_ill"],
            "raises": [],
            "can_be": [{"tier": "weekly"}, {"tier": "twice_weekly"}],
            "standing": None,
        }

"""The fake hub's rota: the real plan and its documents, with people and sheets of its own."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from alarms.rota.coverage import Level, Problem, Reason
from alarms.rota.days import DayKind, day_number, iso_day
from alarms.rota.facts import OWN_SOURCE, Fact, PlanBuilder, change_fact, day_fact, swap_fact
from alarms.rota.model import Change, Desk, Hours, Leave, ShiftKey, parse_key
from alarms.rota.plan import Plan, rotating
from alarms.rota.swaps import Swap, SwapMove, SwapState, changes_of, move_swap
from contract.moment import to_iso
from dashboard.rota_history import fact_object, year_object
from dashboard.rota_reads import (
    day_object,
    desk_object,
    duty_object,
    leave_object,
    person,
    problem_object,
    shift_object,
    swap_object,
)
from ledger.unit_of_work import compact
from rules.local_time import at_minute_ms, day_of
from tests.adapters.fake_cases import Refused
from tests.adapters.fake_county import ACCOUNTS, Document

HOURS = (
    Hours(name="白班", start_min=8 * 60, length_min=12 * 60),
    Hours(name="夜班", start_min=20 * 60, length_min=12 * 60),
)
DESK = Desk(id="county", name="县值班室", region="", seats=1)

NOTE = "钥匙在桌上"
# What the hub itself says in Chinese: names that somebody gave.
WORDS = (DESK.name, *(one.name for one in HOURS), NOTE)


class FakeRota:
    """Two teams at one desk; a hole two days ahead."""

    def __init__(self, now_ms: Callable[[], int], publish: Callable[..., None]) -> None:
        self._now_ms, self._publish = now_ms, publish
        self.names = {
            username: {"name": name, "role": role, "phone": phone, "region": "", "disabled": False}
            for username, (name, role, phone) in ACCOUNTS.items()
        }
        staff = [u for u, (_n, role, _p) in ACCOUNTS.items() if role in ("duty", "manager")]
        teams = [[staff[0]], [staff[-1]], [staff[0], staff[-1]]]
        self.staff = staff
        today = day_of(now_ms())
        pattern = rotating(id="p", desk="county", from_day=today - 30, hours=HOURS, teams=teams)
        self.hole = ShiftKey(desk="county", day=today + 2, name="白班")
        self.plan = Plan(desks={"county": DESK}, patterns={"p": [pattern]})
        self.facts: list[Document] = []
        self.change(Change(key=self.hole, people=()), staff[-1], "王芳培训")
        self.problems: list[Problem] = []
        self.swaps: dict[str, Swap] = {}
        self.sheet = self._new_sheet()

    def change(self, change: Change, actor: str, reason: str) -> None:
        self.say(change_fact(change), actor, reason)

    def say(self, fact: Fact, actor: str, reason: str, at_ms: int | None = None) -> None:
        """In the plan and in its history. `at_ms`: what is entered at once has one time."""
        row = {"kind": fact.kind, "key": fact.key, "body": compact(fact.body), "desk": fact.desk}
        builder = PlanBuilder(self.plan)
        builder.put(row)
        self.plan = builder.plan()
        earlier = [one["seq"] for one in self.facts if one["key"] == fact.key]
        said = {
            "seq": len(self.facts) + 1,
            "at_ms": self._now_ms() if at_ms is None else at_ms,
            "former": max(earlier, default=None),
        }
        self.facts.append({**row, **said, "actor": actor, "reason": reason})

    def _history(self, kinds: tuple[str, ...]) -> Document:
        rows = {row["seq"]: row for row in self.facts}
        found = [row for row in reversed(self.facts) if row["kind"] in kinds]
        return {"items": [fact_object(row, rows.get(row["former"]), self.names) for row in found]}

    def _year(self, year: int) -> Document:
        entered = {row["key"]: row for row in self.facts if row["kind"] == "day"}
        return {
            **year_object(year, self.plan.calendar, entered, self.names),
            "may_change": True,
        }

    def warn(self) -> None:
        """The hole is hours ahead now."""
        start = at_minute_ms(self.hole.day, 8 * 60)
        self.problems = [
            Problem(
                reason=Reason.NOBODY,
                region="",
                desk="county",
                level=Level.SOON,
                from_ms=start,
                until_ms=start + 12 * 3_600_000,
                shift=str(self.hole),
            )
        ]
        self._publish("rota", str(self.hole), "shift_changed", {})

    def read(self, path: list[str], asked: Document) -> Document:
        problems = [problem_object(p, self.names) for p in self.problems]
        match path:
            case []:
                first, last = day_number(asked["from"]), day_number(asked["to"])
                span = at_minute_ms(first, 0), at_minute_ms(last, 0)
                plan = self.plan
                return {
                    "from": asked["from"],
                    "to": asked["to"],
                    "today": iso_day(day_of(self._now_ms())),
                    "announced_until": iso_day(plan.calendar.announced_until()),
                    "desks": [desk_object(DESK)],
                    "days": [day_object(d, plan.calendar.kind(d)) for d in range(first, last)],
                    "shifts": [
                        shift_object(s, plan, self.names) for s in plan.shifts("county", *span)
                    ],
                    "leaves": [leave_object(one, self.names) for one in plan.leaves.values()],
                    "problems": problems,
                }
            case ["duty"]:
                duty = duty_object(DESK, self.plan, self.names, self._now_ms())
                brief = {name: self.sheet[name] for name in ("id", "at", "lines", "unsigned")}
                desks = [{**duty, "handover": brief}]
                now = to_iso(self._now_ms())
                return {"now": now, "desks": desks, "problems": problems, "mine": None}
            case ["days"]:
                return self._year(int(asked["year"]))
            case ["days", "history"]:
                return self._history(("day",))
            case [_desk, "history"]:
                return self._history(("shift", "swap"))
            case ["people"]:
                return {"items": [person(u, self.names) for u in self.staff]}
            case ["swaps"]:
                waiting = [s for s in self.swaps.values() if s.state in ("asked", "agreed")]
                return {"items": [swap_object(s, self.plan, self.names) for s in waiting]}
        raise Refused(404, "not_found")

    def write(self, username: str, path: list[str], asked: Document) -> Document:
        match path:
            case ["shifts"]:
                key = parse_key(asked["shift"])
                change = Change(key=key, people=tuple(asked["people"]))
                self.change(change, username, asked["reason"])
                self.problems = [p for p in self.problems if p.shift != str(key)]
                self._publish("rota", str(key), "shift_changed", {})
                return {"id": str(key), "shift": None}
            case ["days"]:
                now_ms = self._now_ms()
                for one in asked["days"]:
                    self._set_day(one, username, asked["reason"], now_ms)
                self._publish("rota", asked["days"][0]["date"], "days_set", {})
                return {"days": len(asked["days"])}
            case ["leaves"]:
                leave = Leave(id="1", person=username, from_ms=0, until_ms=self._now_ms() + 1)
                return leave_object(leave, self.names)
            case ["swaps"]:
                swap = Swap(
                    id=f"00000000-0000-4000-8000-{len(self.swaps):012}",
                    asker=username,
                    other=asked["other"],
                    given=parse_key(asked["given"]),
                    taken=None,
                )
                asked_for = self._put_swap(swap, username)
                self._publish("rota", swap.id, "swap_asked", {})
                return asked_for
            case ["swaps", swap_id, move]:
                return self._move(swap_id, SwapMove(move), username)
        raise Refused(404, "not_found")

    def _set_day(self, asked: Document, username: str, reason: str, now_ms: int) -> None:
        kind = None
        if asked["working"] is not None:
            kind = DayKind(
                working=asked["working"], name=asked["name"], known="announced", source=OWN_SOURCE
            )
        self.say(day_fact(day_number(asked["date"]), kind), username, reason, now_ms)

    def _put_swap(self, swap: Swap, username: str) -> Document:
        self.swaps[swap.id] = swap
        self.say(swap_fact(swap, self._now_ms()), username, "")
        return swap_object(swap, self.plan, self.names)

    def _move(self, swap_id: str, move: SwapMove, username: str) -> Document:
        swap = self.swaps[swap_id]
        state = move_swap(swap, move, username, may_approve=True)
        if state is SwapState.APPROVED:
            for change in changes_of(self.plan, swap, self._now_ms()):
                self.change(change, username, f"swap {swap_id}")
        moved = self._put_swap(replace(swap, state=state), username)
        self._publish("rota", swap_id, f"swap_{state}", {})
        return moved

    # Hand-over.

    def _new_sheet(self) -> Document:
        at = to_iso(self._now_ms())
        line = {
            "carried": False,
            "written_at": at,
            "since": at,
            "until": None,
            "holder": None,
            "goes": None,
            "offered_to": None,
            "home": None,
            "region_path": [],
            "persons": [],
            "note": None,
            "over": False,
            "alone": False,
            "signed": None,
            "remarks": [],
            "written_by": person(self.staff[-1], self.names),
        }
        alarm = {
            "alarm_kind": "sos",
            "reason": "pressed",
            "severity": "urgent",
            "state": "acknowledged",
        }
        items: list[dict[str, Any]] = [
            {**line, "number": 1, "kind": "alarm", "subject": "a", "facts": alarm, "alone": True},
            {
                **line,
                "number": 2,
                "kind": "note",
                "subject": "n",
                "facts": {},
                "note": NOTE,
                "carried": True,
            },
        ]
        return {
            "id": "sheet-1",
            "desk": "county",
            "desk_name": DESK.name,
            "at": at,
            "from_shift": "",
            "to_shift": "",
            "outgoing": [person(self.staff[-1], self.names)],
            "incoming": [person(self.staff[0], self.names)],
            "opened_at": at,
            "opened_by": person(self.staff[-1], self.names),
            "lines": 2,
            "unsigned": 2,
            "items": items,
        }

    def read_sheet(self, path: list[str], username: str) -> Document:
        leaving = [p["username"] for p in self.sheet["outgoing"]]
        if not path:
            return {"items": [self.sheet]}
        return {**self.sheet, "may_sign": username not in leaving}

    def write_sheet(self, username: str, path: list[str], asked: Document) -> Document:
        mark = {
            "by": person(username, self.names),
            "at": to_iso(self._now_ms()),
            "remark": asked.get("remark", ""),
        }
        match path:
            case [_sheet, "lines", number, what]:
                line = self.sheet["items"][int(number) - 1]
                if what == "sign":
                    line["signed"] = mark
                    self.sheet["unsigned"] -= 1
                else:
                    line["remarks"].append(mark)
            case [_sheet, "sign"]:
                for number in asked["lines"]:
                    line = self.sheet["items"][number - 1]
                    if line["alone"]:
                        raise Refused(409, "signed_alone")
                    line["signed"] = mark
                    self.sheet["unsigned"] -= 1
            case [_sheet, "notes"]:
                note = {**self.sheet["items"][1], "number": len(self.sheet["items"]) + 1}
                note.update(note=asked["text"], carried=False, signed=None, remarks=[])
                self.sheet["items"].append(note)
                self.sheet.update(
                    lines=self.sheet["lines"] + 1, unsigned=self.sheet["unsigned"] + 1
                )
        self._publish("handover", "sheet-1", "signed", {})
        return self.read_sheet(["sheet-1"], username)

"""Alarms and tasks of the fake hub: their life cycles as docs/http.md tells them."""

import itertools
import uuid
from collections.abc import Callable, Sequence
from typing import Any, Final

from contract.moment import to_iso
from tests.adapters.fake_county import (
    ACCOUNTS,
    HIGH_HOME,
    HOUR_MS,
    MINUTE_MS,
    SILENT_HOME,
    SOS_HOME,
    County,
    Document,
    account,
)
from tests.adapters.fake_handing import MOVES, NOBODY, hand, taken
from tests.adapters.fake_shapes import NOT_YET, shape_of
from tests.adapters.fake_supervision import DUE_MS, troubles

LIVE: Final = ("open", "acknowledged", "in_response")
_TASK_STEPS: Final = {
    "accept": ("open", "accepted"),
    "depart": ("accepted", "departed"),
    "arrive": ("departed", "arrived"),
    "complete": ("arrived", "completed"),
}


class Refused(Exception):  # noqa: N818 - an answer, as the hub's Problem
    """A request that the hub would refuse."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str = "",
        field: str | None = None,
        errors: Sequence[Document] = (),
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.detail = detail or code
        self.field = field
        self.errors = errors


class Cases:
    """Alarms and tasks, and what happened to them."""

    def __init__(
        self,
        county: County,
        now_ms: Callable[[], int],
        publish: Callable[[str, str, str, Document], None],
    ) -> None:
        self._county = county
        self._now_ms = now_ms
        self._publish = publish
        self.alarms: dict[str, Document] = {}
        self.tasks: dict[str, Document] = {}
        self.notices: dict[str, list[Document]] = {}
        self._timelines: dict[str, list[Document]] = {}
        self._numbers = itertools.count(1)
        self._seqs = itertools.count(1)

    def begin(self) -> None:
        """A night as the page must be able to show it."""
        closed = self.raise_alarm("sos", "home-0009", ago_ms=5 * HOUR_MS)
        self.move_alarm(closed["id"], "acknowledge", "duty-2", {})
        self.move_alarm(
            closed["id"],
            "close",
            "duty-2",
            {"outcome": "accidental", "note": "老人说是擦桌子碰到的"},
        )
        self.raise_alarm("gateway_silent", None, ago_ms=26 * HOUR_MS)
        low = self.raise_alarm("blood_pressure_low", "home-0007", ago_ms=7 * HOUR_MS)
        self.move_alarm(low["id"], "acknowledge", "duty-1", {})
        fall = self.raise_alarm("fall", "home-0016", ago_ms=23 * MINUTE_MS)
        self.move_alarm(fall["id"], "assign", "duty-1", {"assignee": "visitor-2"})
        self.move_task(fall["task"], "accept", "visitor-2", "")
        self.move_task(fall["task"], "depart", "visitor-2", "")
        self.raise_alarm("no_sign_of_life", SILENT_HOME, ago_ms=64 * MINUTE_MS)
        self.raise_alarm("blood_pressure", HIGH_HOME, ago_ms=11 * MINUTE_MS)
        self.raise_alarm("sos", SOS_HOME, ago_ms=47_000, presses=2)

    def raise_alarm(
        self,
        kind: str,
        home: str | None,
        *,
        ago_ms: int = 0,
        presses: int = 1,
        asks_ms: int = 0,
        held: Document | None = None,
    ) -> Document:
        """`asks_ms`: so long the elder is asked before anybody is sent. `held`: `held_for`,
        `held_by` and `held_ms`."""
        at_ms = self._now_ms() - ago_ms
        shape = shape_of(kind, home, at_ms)
        alarm_id = str(uuid.uuid4())
        tasked = shape["severity"] == "urgent" or kind in DUE_MS or kind == "village_dark"
        number = next(self._numbers)
        device = shape.pop("device")
        found = self._county.devices.get(f"{shape['gateway']}/{device}")
        alarm: Document = {
            "id": alarm_id,
            "number": number,
            "state": "open",
            "rule": shape["kind"],
            "raised_at": to_iso(at_ms),
            "ingested_at": to_iso(at_ms + 240),
            "last_event_at": to_iso(at_ms + (presses - 1) * 9_000),
            "event_count": presses,
            **dict.fromkeys(NOT_YET),
            "task": str(uuid.uuid4()) if tasked and not asks_ms and not held else None,
            "version": 1,
            **NOBODY,
            "home": self._county.homes.get(home or ""),
            "device": device,
            "device_label": found["label"] if found else device,
            "persons": self._county.persons.get(home or "", []),
            **shape,
        }
        self.alarms[alarm_id] = alarm
        if alarm["task"] is not None:
            self._task(alarm, at_ms)
        self._told(alarm_id, "raised", "system", at_ms=at_ms, reason=alarm["reason"])
        if asks_ms:
            alarm.update(asked_at=to_iso(at_ms), ask_until=to_iso(at_ms + asks_ms))
            at = {"device": f"{alarm['gateway']}/well-1"}
            self._told(alarm_id, "asked", "system", at_ms=at_ms, data=at)
        if held:
            until = to_iso(at_ms + held["held_ms"])
            alarm.update(held_at=to_iso(at_ms), held_until=until)
            alarm.update(held_for=held["held_for"], held_by=held["held_by"])
            data = {"for": held["held_for"], "by": held["held_by"], "until": until}
            self._told(alarm_id, "held", "system", at_ms=at_ms, data=data)
        for press in range(1, presses):
            self._told(
                alarm_id, "repeated", "system", at_ms=at_ms + press * 9_000, reason=alarm["reason"]
            )
        self._publish("alarm", alarm_id, "raised", alarm)
        return alarm

    def _task(self, alarm: Document, at_ms: int) -> None:
        self.tasks[alarm["task"]] = {
            "id": alarm["task"],
            "number": len(self.tasks) + 1,
            "kind": "repair" if alarm["kind"] in DUE_MS else "emergency",
            "state": "open",
            "alarm": alarm["id"],
            "alarm_kind": alarm["kind"],
            "home": alarm["home"],
            "region_path": alarm.get("region_path", []),
            "persons": alarm["persons"],
            "assignee": None,
            "created_at": to_iso(at_ms),
            "due_at": to_iso(at_ms + DUE_MS.get(alarm["kind"], 45 * MINUTE_MS)),
            **dict.fromkeys(
                ("accepted_at", "departed_at", "arrived_at", "completed_at", "finding")
            ),
            "version": 1,
        }

    # Reading.

    def list_alarms(self, asked: Document) -> list[Document]:
        states = asked["state"].split(",") if "state" in asked else None
        severities = asked["severity"].split(",") if "severity" in asked else None
        found = [
            a
            for a in self.alarms.values()
            if (states is None or a["state"] in states)
            and (severities is None or a["severity"] in severities)
            and a["number"] < int(asked.get("before", len(self.alarms) + 1))
        ]
        return sorted(found, key=lambda a: -a["number"])

    def list_tasks(self, asked: Document, username: str) -> list[Document]:
        states = asked["state"].split(",") if "state" in asked else None
        mine = asked.get("assignee") == "me"
        return [
            self.shown(task)
            for task in self.tasks.values()
            if (states is None or task["state"] in states)
            and (not mine or (task["assignee"] or {}).get("username") == username)
        ]

    def alarm_detail(self, alarm_id: str) -> Document:
        alarm = self._alarm(alarm_id)
        events = []
        if alarm["kind"] in ("sos", "fall"):
            events = [
                {
                    "id": str(number),
                    "kind": alarm["kind"],
                    "device": alarm["device"],
                    "measured_at": alarm["raised_at"],
                    "received_at": alarm["raised_at"],
                    "ingested_at": alarm["ingested_at"],
                    "values": {},
                    "attrs": {"action": "press"},
                }
                for number in range(alarm["event_count"])
            ]
        return {
            **alarm,
            "timeline": self._timelines[alarm_id],
            "people": {name: told[0] for name, told in ACCOUNTS.items()},
            "notices": self.notices.get(alarm_id, []),
            "events": events,
            "task_detail": self.shown(self.tasks[alarm["task"]]) if alarm["task"] else None,
        }

    def note(self, alarm_id: str, fact: str, reason: str, data: Document) -> None:
        """The hub itself did something about it."""
        self._told(alarm_id, fact, "system", at_ms=self._now_ms(), reason=reason, data=data)

    def checks(self, home: str | None) -> list[Document]:
        """The troubles of a home, those of all devices for None."""
        found = troubles(self, self._county, self._now_ms())
        mine = {d["device"] for d in self._county.devices.values() if d["home"] == home}
        return [t for t in found if home is None or t["device"] in mine]

    def shown(self, task: Document) -> Document:
        return {**task, "checks": self.checks(task["home"]["id"]) if task["home"] else []}

    def open_of(self, home: str) -> list[str]:
        """The severity of each."""
        return [
            a["severity"]
            for a in self.alarms.values()
            if a["state"] in LIVE and (a["home"] or {}).get("id") == home
        ]

    def count_alarms(self) -> Document:
        states = [a["state"] for a in self.alarms.values()]
        return {
            **{state: states.count(state) for state in LIVE},
            "closed_today": states.count("closed"),
        }

    # Moves.

    def move_alarm(self, alarm_id: str, move: str, actor: str, asked: Document) -> Document:
        alarm, now_ms = self._alarm(alarm_id), self._now_ms()
        if alarm["state"] == "closed" and move != "reopen":
            raise Refused(409, "already_closed")
        if move in MOVES:
            return hand(alarm, move, actor, asked, now_ms, self._bump)
        data: Document = {}
        fact = {"acknowledge": "acknowledged", "assign": "assigned", "close": "closed"}[move]
        if move == "acknowledge" and alarm["state"] != "open":
            raise Refused(409, "already_taken")
        if move == "assign":
            if asked["assignee"] not in ACCOUNTS:
                raise Refused(422, "invalid")
            data = {"assignee": asked["assignee"]}
            alarm["assignee"] = account(asked["assignee"])
            if alarm["task"]:
                self.tasks[alarm["task"]]["assignee"] = alarm["assignee"]
        if move == "close":
            data = {"outcome": asked["outcome"], "note": asked["note"]}
            if "found_out" in asked:
                data["found_out"] = asked["found_out"]
            alarm.update(data, state="closed", closed_at=to_iso(now_ms), closed_by=account(actor))
            self._cancel(alarm["task"])
        elif alarm["acknowledged_at"] is None:
            alarm.update(
                state="acknowledged",
                acknowledged_at=to_iso(now_ms),
                acknowledged_by=account(actor),
            )
        if move != "close":
            taken(alarm, actor, now_ms)
        self._bump(alarm, fact, actor, data)
        return alarm

    def press_again(self, alarm_id: str) -> None:
        """The same button once more: the alarm stays one and is heard again."""
        alarm = self._alarm(alarm_id)
        alarm["event_count"] += 1
        alarm["last_event_at"] = to_iso(self._now_ms())
        self._bump(alarm, "repeated", "system", {})

    def worsen(self, alarm_id: str) -> None:
        """A life hangs on it, and its deadline has passed."""
        alarm = self._alarm(alarm_id)
        alarm["severity"] = "watch"
        self._bump(alarm, "worsened", "system", {})

    def recover(self, alarm_id: str) -> None:
        """The device came back by itself: nobody closes this alarm, its task is cancelled."""
        alarm = self._alarm(alarm_id)
        alarm.update(state="closed", closed_at=to_iso(self._now_ms()), outcome="recovered")
        self._cancel(alarm["task"])
        self._bump(alarm, "closed", "system", {})

    def answer(self, alarm_id: str, answer: str) -> None:
        """How the question to the elder ended: well, none or help."""
        alarm = self._alarm(alarm_id)
        at = to_iso(self._now_ms())
        alarm.update(answer=answer, answered_at=None if answer == "none" else at)
        if answer == "well":
            alarm.update(state="closed", closed_at=at, outcome="answered_well", cleared_at=at)
            self._bump(alarm, "answered_well", "system", {})
            self._bump(alarm, "closed", "system", {"outcome": "answered_well", "note": ""})
            return
        alarm["task"] = str(uuid.uuid4())
        self._task(alarm, self._now_ms())
        fact = "not_answered" if answer == "none" else "answered_help"
        self._bump(alarm, fact, "system", {})

    def release(self, alarm_id: str) -> None:
        """Its hold is over; what was cleared meanwhile wakes nobody."""
        alarm = self._alarm(alarm_id)
        alarm["released_at"] = to_iso(self._now_ms())
        if alarm["cleared_at"] is None and alarm["severity"] == "urgent":
            alarm["task"] = str(uuid.uuid4())
            self._task(alarm, self._now_ms())
        self._bump(alarm, "released", "system", {})

    def clear(self, alarm_id: str) -> None:
        """Its cause went away; who closes it is a human."""
        alarm = self._alarm(alarm_id)
        alarm["cleared_at"] = to_iso(self._now_ms())
        self._bump(alarm, "cleared", "system", {})

    def _cancel(self, task_id: str | None) -> None:
        task = self.tasks.get(task_id or "")
        if task is not None and task["state"] != "completed":
            task["state"] = "cancelled"
            task["version"] += 1
            self._publish("task", task["id"], "cancelled", self.shown(task))

    def move_task(self, task_id: str, move: str, actor: str, finding: str) -> Document:
        task = self.tasks.get(task_id)
        if task is None:
            raise Refused(404, "not_found")
        before, after = _TASK_STEPS[move]
        skips = move == "arrive" and task["state"] == "accepted"
        if task["state"] != before and not skips:
            raise Refused(409, "wrong_state")
        task.update({"state": after, f"{after}_at": to_iso(self._now_ms())})
        task["assignee"] = task["assignee"] or account(actor)
        task["finding"] = finding or task["finding"]
        task["version"] += 1
        self._publish("task", task_id, after, self.shown(task))
        alarm = self.alarms[task["alarm"]]
        if move == "accept":
            alarm.update(state="in_response", assignee=task["assignee"])
            if alarm["acknowledged_at"] is None:
                at = to_iso(self._now_ms())
                alarm.update(acknowledged_at=at, acknowledged_by=task["assignee"])
            self._bump(alarm, "in_response", actor, {})
        return self.shown(task)

    def _bump(self, alarm: Document, fact: str, actor: str, data: Document) -> None:
        alarm["version"] += 1
        self._told(alarm["id"], fact, actor, at_ms=self._now_ms(), data=data)
        self._publish("alarm", alarm["id"], fact, alarm)

    def _told(
        self,
        alarm_id: str,
        fact: str,
        actor: str,
        *,
        at_ms: int,
        reason: str = "",
        data: dict[str, Any] | None = None,
    ) -> None:
        entry = {
            "seq": next(self._seqs),
            "at": to_iso(at_ms),
            "fact": fact,
            "actor": actor,
            "actor_name": ACCOUNTS[actor][0] if actor in ACCOUNTS else actor,
            "reason": reason,
            "data": data or {},
        }
        self._timelines.setdefault(alarm_id, []).append(entry)

    def _alarm(self, alarm_id: str) -> Document:
        if alarm_id not in self.alarms:
            raise Refused(404, "not_found")
        return self.alarms[alarm_id]

"""Generated histories of a small county: what is drawn depends on the seed and on the book alone,
so that one process and several in turn do the same."""

import asyncio
import contextlib
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from alarms.desk import Desk as Moves
from alarms.lifecycle import IllegalMove, Outcome, TaskMove
from alarms.reasons import DeclineReason, ReopenReason
from alarms.rota.model import Change, Desk, Hours, RotaError, ShiftKey
from alarms.rota.plan import weekly
from alarms.stays import NewStay
from contract.config import ConfigError
from contract.moment import to_iso
from hearthwatch.hub import Hub
from hearthwatch.hub_config import HubConfig
from hearthwatch.roles import ROLES
from ingest.urgent_lane import decode_message
from ledger.database import upsert_sql
from ledger.place import PostgresBook
from ledger.register import store
from ledger.register_changes import Changed
from ledger.roster import parse
from ledger.rule_settings import NewSetting
from ledger.schema import ACCOUNT, DEVICE, HOME, METADATA, SERVICE_USER
from ledger.unit_of_work import UnitOfWork
from ledger.visits import SAID_WELL, NewVisit
from rules.config import default_rules
from rules.finding import Finding, episode_id
from rules.local_time import day_of
from tests.adapters.hub_bench import Clock

ROSTER = """
[[region]]
code = "1"
name = "county"
level = "county"
[[region]]
code = "11"
name = "village"
level = "village"
parent = "1"
[[gateway]]
id = "gw-0"
region = "11"
[[home]]
id = "home-0"
region = "11"
address = "1"
[[home.device]]
gateway = "gw-0"
device = "button-0"
kind = "sos"
[[home]]
id = "home-1"
region = "11"
address = "2"
[[home.device]]
gateway = "gw-0"
device = "button-1"
kind = "sos"
"""
PEOPLE = ("li", "wang", "zhao")
# What is written in any order, or by chance: numbers of rows that nobody looks at.
UNORDERED = ("audit", "alembic_version", "book_change", "hub_lease")


class County:
    """`hubs`: processes of one book, which the moves are made by in turn."""

    def __init__(self, folder: Path, book: PostgresBook, hubs: int, seed: int) -> None:
        self.clock = Clock()
        self.book, self.draw = book, random.Random(seed)
        self.turns = random.Random(seed + 1)
        self.number = 0
        self.hubs = [
            Hub(
                HubConfig(data_dir=folder / f"hub-{number}", book=book),
                self.clock,
                default_rules(),
                book.open_shared(),
                ROLES["web"],
            )
            for number in range(hubs)
        ]
        self.on(self.hubs[0], self._furnish)

    def close(self) -> None:
        for hub in self.hubs:
            hub.close()

    @staticmethod
    def on(hub: Hub, apply: Callable[[UnitOfWork], Any]) -> Any:
        return hub.writer.submit(apply).result(60)

    def _furnish(self, unit: UnitOfWork) -> None:
        store(unit, parse(ROSTER))
        for name in PEOPLE:
            row = {
                "username": name, "name": name, "role": "visitor" if name == "zhao" else "duty",
                "region": "", "phone": "", "password": "", "disabled": False, "created_at_ms": 0,
            }  # fmt: skip
            unit.execute(upsert_sql(ACCOUNT, list(row)), tuple(row.values()))
        self.hubs[0].side.roster_changed(unit)

    # Moves.

    def step(self) -> None:
        """One move by whoever's turn it is; now and then time passes."""
        moves: Sequence[Callable[[Hub], None]] = (
            self.press, self.press, self.press, self.finding, self.finding, self.well, self.take,
            self.take, self.assign, self.hand, self.end, self.merge, self.reopen, self.task,
            self.task, self.stay, self.visit, self.setting, self.roster, self.rota, self.due,
            self.due, self.flush,
        )  # fmt: skip
        hub = self.turns.choice(self.hubs)
        with contextlib.suppress(IllegalMove, KeyError, ConfigError, RotaError):
            self.draw.choice(moves)(hub)
        if self.draw.random() < 0.3:
            self.clock.at_ms += self.draw.choice((1_000, 30_000, 130_000, 400_000))

    def press(self, hub: Hub) -> None:
        self.number += self.draw.choice((0, 1, 1))
        number, device = self.number, self.draw.choice(("button-0", "button-1", "new-1"))
        item = {
            "id": f"press-{number}-{device}", "seq": number + 1, "device": device, "kind": "sos",
            "measured_at": to_iso(self.clock.at_ms), "received_at": to_iso(self.clock.at_ms),
            "values": {}, "attrs": {"action": self.draw.choice(("press", "press", "test"))},
        }  # fmt: skip
        document = {
            "v": 1, "gateway": "gw-0", "spool": f"spool-{device}", "clock": "synced",
            "sent_at": to_iso(self.clock.at_ms), "items": [item],
        }  # fmt: skip
        decoded = decode_message(b"hw/v1/gw-0/activation", json.dumps(document).encode())
        self.on(hub, lambda unit: hub.urgent._take_all(unit, [decoded]))

    def finding(self, hub: Hub) -> None:
        kind = self.draw.choice(("no_sign_of_life", "device_silent", "village_dark", "overload"))
        subject = "region:11" if kind == "village_dark" else f"home-{self.draw.randrange(2)}"
        key, at_ms = str(self.draw.randrange(6)), self.clock.at_ms
        found = Finding(
            episode=episode_id(subject, kind, key),
            home=subject,
            rule=kind,
            kind=kind,
            severity=self.draw.choice(("urgent", "watch", "technical")),
            phase=self.draw.choice(("raised", "raised", "cleared")),
            reason="drawn",
            raised_at_ms=at_ms,
            at_ms=at_ms,
            part="gw-0/button-0" if kind == "device_silent" else "",
        )
        self.on(hub, lambda unit: hub.book.take(unit, found, gateway="gw-0"))

    def well(self, hub: Hub) -> None:
        home = f"home-{self.draw.randrange(2)}"
        self.on(hub, lambda u: hub.book.said_well(u, home, "gw-0/well-1", self.clock.at_ms))

    def take(self, hub: Hub) -> None:
        alarm, who = self.alarm(hub), self.draw.choice(PEOPLE)
        self.on(hub, lambda unit: hub.book.acknowledge(unit, alarm, who))

    def assign(self, hub: Hub) -> None:
        alarm, who, to = self.alarm(hub), self.draw.choice(PEOPLE), self.draw.choice(PEOPLE)
        self.on(hub, lambda unit: hub.book.assign(unit, alarm, who, to))

    def hand(self, hub: Hub) -> None:
        alarm, who, to = self.alarm(hub), self.draw.choice(PEOPLE), self.draw.choice(PEOPLE)
        handing, why = hub.book.handing, DeclineReason.BUSY
        what = self.draw.choice(
            (
                lambda unit: handing.extend(unit, alarm, who),
                lambda unit: handing.hand_over(unit, alarm, who, to),
                lambda unit: handing.decline(unit, alarm, who, why),
                lambda unit: handing.release(unit, alarm, who, why),
            )
        )
        self.on(hub, what)

    def end(self, hub: Hub) -> None:
        alarm, who = self.alarm(hub), self.draw.choice(PEOPLE)
        outcome = self.draw.choice((Outcome.ACCIDENTAL, Outcome.REAL_EMERGENCY, Outcome.SOCIAL))
        self.on(hub, lambda unit: hub.book.close(unit, alarm, who, outcome, ""))

    def merge(self, hub: Hub) -> None:
        alarm, into, who = self.alarm(hub), self.alarm(hub), self.draw.choice(PEOPLE)
        self.on(hub, lambda unit: hub.book.handing.merge(unit, alarm, who, into))

    def reopen(self, hub: Hub) -> None:
        alarm, why = self.alarm(hub, "closed"), ReopenReason.CLOSED_BY_MISTAKE
        self.on(hub, lambda unit: hub.book.handing.reopen(unit, alarm, "li", why))

    def task(self, hub: Hub) -> None:
        tasks = self.rows(hub, "SELECT id FROM task WHERE completed_at_ms IS NULL ORDER BY number")
        task, who = self.draw.choice(tasks or [("none",)])[0], self.draw.choice(PEOPLE)
        moves = (TaskMove.ACCEPT, TaskMove.DEPART, TaskMove.ARRIVE, TaskMove.COMPLETE)
        move = self.draw.choice(moves)
        if self.draw.random() < 0.2:
            self.on(hub, lambda unit: hub.book.visiting.ask_press(unit, task, who))
        else:
            self.on(hub, lambda unit: hub.book.move_task(unit, task, who, move, "well"))

    def stay(self, hub: Hub) -> None:
        home, name = f"home-{self.draw.randrange(2)}", f"stay-{self.draw.randrange(4)}"
        if self.draw.random() < 0.4:
            self.on(hub, lambda unit: hub.book.stays.end(unit, home, name, "li"))
            return
        new = NewStay(
            id=name,
            home=home,
            person=None,
            kind=self.draw.choice(("away", "visitors", "hospital")),
            from_ms=self.clock.at_ms,
            until_ms=self.clock.at_ms + self.draw.choice((60_000, 3_600_000)),
            note="",
        )
        self.on(hub, lambda unit: hub.book.stays.begin(unit, new, "li"))

    def visit(self, hub: Hub) -> None:
        alarm = self.alarm(hub, "closed")
        self.number += 1
        new = NewVisit(
            id=f"visit-{self.number}",
            home=f"home-{self.draw.randrange(2)}",
            service_user=None,
            way=self.draw.choice(("phone", "home_visit")),
            visitor="zhao",
            visited_at_ms=self.clock.at_ms,
            record={SAID_WELL: True},
            alarm=alarm,
        )
        desk = Moves(hub.writer, hub.book, hub.register)
        asyncio.run(desk.record_visit(new, "zhao"))

    def setting(self, hub: Hub) -> None:
        rule = self.draw.choice(("fall", "overload", "no_sign_of_life"))
        mode = self.draw.choice(("live", "shadow"))
        new = NewSetting(rule=rule, scope="county", actor="li", reason="drawn", mode=mode)
        self.on(hub, lambda unit: hub.side.change_rule(unit, new))

    def roster(self, hub: Hub) -> None:
        draw, number = self.draw, self.draw.randrange(4)
        home = {"id": f"home-{number}", "region": draw.choice(("1", "11")), "address": "x"}
        person = {"id": f"p-{number}", "home": "home-1", "name": draw.choice("ab")}
        device = {"gateway": "gw-0", "device": draw.choice(("new-1", "button-0")), "kind": "sos"}
        device |= {"home": draw.choice(("home-0", "home-1", None)), "model": "", "label": ""}
        table, row, changed = draw.choice(
            (
                (HOME, {**home, "access_note": ""}, Changed(homes=frozenset({home["id"]}))),
                (SERVICE_USER, {**dict.fromkeys(("sex", "born", "phone", "grade"), ""), **person,
                  "categories": "[]", "conditions": "[]", "contacts": "[]"},
                 Changed(persons=frozenset({person["id"]}))),
                (DEVICE, device, Changed(devices=frozenset({("gw-0", str(device["device"]))}))),
            )
        )  # fmt: skip

        def change(unit: UnitOfWork) -> None:
            unit.execute(upsert_sql(table, list(row)), tuple(row.values()))
            hub.roster_changed(unit, changed)

        self.on(hub, change)

    def rota(self, hub: Hub) -> None:
        book, day = hub.side.rota.book, day_of(self.clock.at_ms)
        hours = (Hours(name="day", start_min=0, length_min=24 * 60),)
        who = self.draw.choice(PEOPLE)
        pattern = weekly(id="p", desk="d", from_day=day, hours=hours, teams={"day": [[who]]})
        change = Change(key=ShiftKey(desk="d", day=day + 1, name="day"), people=(who,))
        what = self.draw.choice(
            (
                lambda u: book.set_desk(u, Desk(id="d", name="d", region="1"), "li", "x"),
                lambda u: book.set_pattern(u, pattern, "li", "x"),
                lambda u: book.change_shifts(u, [change], "li", "x"),
            )
        )
        self.on(hub, what)

    def due(self, _hub: Hub) -> None:
        """One of them does what its time has come for."""
        duty = self.hubs[0]
        while self.on(duty, duty.book.fire_due):
            continue
        self.on(duty, duty.side.rota.fire_due)

    def flush(self, _hub: Hub) -> None:
        """Each writes down what it has heard itself."""
        for hub in self.hubs:
            self.on(hub, hub.presence.flush)

    # Single ones of them, not drawn.

    def goes_away(self, hub: Hub) -> None:
        now_ms = self.clock.at_ms
        new = NewStay(
            id="gone",
            home="home-0",
            person=None,
            kind="away",
            from_ms=now_ms,
            until_ms=now_ms + 3_600_000,
            note="",
        )
        self.on(hub, lambda unit: hub.book.stays.begin(unit, new, "li"))

    def makes_desk(self, hub: Hub) -> None:
        desk = Desk(id="d", name="d", region="1")
        self.on(hub, lambda unit: hub.side.rota.book.set_desk(unit, desk, "li", "x"))

    def puts_in_shadow(self, hub: Hub, rule: str) -> None:
        new = NewSetting(rule=rule, scope="county", actor="li", reason="x", mode="shadow")
        self.on(hub, lambda unit: hub.side.change_rule(unit, new))

    def binds(self, hub: Hub, device: str) -> None:
        sql = (
            'INSERT INTO "device" (gateway, device, home, kind, model, label)'
            " VALUES ('gw-0', ?, 'home-1', 'sos', '', '')"
        )
        changed = Changed(devices=frozenset({("gw-0", device)}))

        def change(unit: UnitOfWork) -> None:
            unit.execute(sql, (device,))
            hub.roster_changed(unit, changed)

        self.on(hub, change)

    def calls(self, hub: Hub) -> None:
        new = NewVisit(
            id="called",
            home="home-0",
            service_user=None,
            way="phone",
            visitor="zhao",
            visited_at_ms=self.clock.at_ms,
            record={SAID_WELL: True},
        )
        asyncio.run(Moves(hub.writer, hub.book, hub.register).record_visit(new, "zhao"))

    # What there is.

    def alarm(self, hub: Hub, state: str = "") -> str:
        sql = "SELECT id FROM alarm WHERE state = ? OR ? = '' ORDER BY number"
        found = self.rows(hub, sql, state, state)
        return str(self.draw.choice(found or [("none",)])[0])

    def rows(self, hub: Hub, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self.on(hub, lambda unit: unit.execute(sql, parameters).fetchall())

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """The whole book, table by table, each in the order of its key."""
        found = {}
        for table in METADATA.sorted_tables:
            if table.name not in UNORDERED:
                keys = ", ".join(f'"{column.name}"' for column in table.primary_key)
                sql = f'SELECT * FROM "{table.name}" ORDER BY {keys}'  # noqa: S608 - of the schema
                found[table.name] = self.rows(self.hubs[0], sql)
        return found

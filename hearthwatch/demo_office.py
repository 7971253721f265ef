"""The demonstration's office: files that another department gets, a platform that brought people,
a group that was closed, and who looked at whose file.

Written once, as pages and programs would have written it in the weeks before. The files themselves
the hub makes at its first night.
"""

import datetime
from collections.abc import Sequence
from typing import Any, Final

from alarms.rota.days import iso_day
from device_sims.roster import Household
from hearthwatch import demo_borders
from hearthwatch.demo_care import MANAGER, VISITOR, person_of
from ledger import regions
from ledger.database import insert_sql
from ledger.persons import files
from ledger.schema import EXCHANGE_PERSON, EXPORT_ORDER
from ledger.unit_of_work import UnitOfWork, compact
from rules.local_time import DAY_MS, HOUR_MS, MINUTE_MS, day_of

ADMIN: Final = "admin"
DUTY: Final = "duty1"
DEPARTMENT: Final = "canlian"
HEALTH_OFFICE: Final = "weijian"
PLATFORM: Final = "shengpingtai"
COUNTY: Final = "610926"
# Username, name, role, region; beside those of the desk and of the villages.
LOGINS: Final = (
    ("auditor1", "审计员 何静", "auditor", ""),
    (DEPARTMENT, "县残联 王科长", "department", COUNTY),
    (HEALTH_OFFICE, "县卫健局 刘科长", "department", COUNTY),
    (PLATFORM, "省级平台（演示）", "exchange", COUNTY),
)
_ORDERS: Final[tuple[dict[str, Any], ...]] = (
    {
        "id": "export-demo-1",
        "name": "县残联（演示）",
        "tables": {
            "persons": ["id", "name", "sex", "born", "town", "village", "categories", "grade"],
            "visits": ["person", "visited_at", "way", "satisfaction"],
        },
        "plain": ["persons.name"],
        "every": "week",
        "reason": "联席会议纪要 第 3 号（演示）",
        "active": True,
    },
    {
        "id": "export-demo-2",
        "account": HEALTH_OFFICE,
        "name": "县卫健局（演示）",
        "tables": {"care": ["person", "service", "served_at", "minutes"]},
        "plain": [],
        "every": "month",
        "reason": "医养结合试点（演示）",
        "active": True,
    },
    {
        "id": "export-demo-3",
        "name": "县住建局（演示）",
        "tables": {"persons": ["id", "town", "village"]},
        "plain": [],
        "every": "month",
        "reason": "危房改造摸底（演示）",
        "active": False,
    },
)
_ORDER: Final = insert_sql(EXPORT_ORDER)
_BROUGHT: Final = insert_sql(EXCHANGE_PERSON)
# Days before, who, what, which home, what was noted beside it.
_LOOKS: Final[tuple[tuple[int, str, str, int, str], ...]] = (
    (3, VISITOR, "viewed", 2, "file"),
    (3, DUTY, "viewed", 5, ""),
    (2, MANAGER, "viewed", 2, "history"),
    (2, DUTY, "revealed", 5, "120 要求核对身份"),
    (1, MANAGER, "printed", 2, "annex3.pdf"),
)


def seed(unit: UnitOfWork, homes: Sequence[Household], began_ms: int) -> None:
    """Twice writes it once."""
    sql = "SELECT 1 FROM export_order WHERE id = ?"
    if unit.execute(sql, (_ORDERS[0]["id"],)).fetchall():
        return
    # In the order of time, as a trail is written.
    _orders(UnitOfWork(unit.cursor, began_ms - 15 * DAY_MS))
    _group(unit, homes, began_ms)
    demo_borders.seed(UnitOfWork(unit.cursor, began_ms - 14 * DAY_MS), homes, ADMIN)
    _platform(unit, homes, began_ms)
    _trail(unit, homes, began_ms)


def _group(unit: UnitOfWork, homes: Sequence[Household], began_ms: int) -> None:
    """Made by mistake, and closed a day later."""
    village = homes[0].region
    row = {"code": f"{village}009", "name": "九组", "level": "group", "parent": village}
    made = UnitOfWork(unit.cursor, began_ms - 12 * DAY_MS)
    regions.add(made, row, MANAGER, "村委会上报")
    closed = UnitOfWork(unit.cursor, began_ms - 11 * DAY_MS)
    regions.close(closed, row["code"], MANAGER, "上报有误，并入四组")


def _orders(unit: UnitOfWork) -> None:
    for given in _ORDERS:
        row = {
            "account": DEPARTMENT,
            **given,
            "region": COUNTY,
            "tables": compact(given["tables"]),
            "plain": compact(given["plain"]),
            "created_at_ms": unit.now_ms,
            "created_by": ADMIN,
        }
        unit.execute(_ORDER, tuple(row[column.name] for column in EXPORT_ORDER.columns))
        unit.audit(ADMIN, "ordered", f"export_order:{given['id']}", given["reason"])
        if not given["active"]:
            unit.audit(ADMIN, "stopped", f"export_order:{given['id']}", "摸底已经结束（演示）")


def _platform(unit: UnitOfWork, homes: Sequence[Household], began_ms: int) -> None:
    """Three people under its own ids; one it sent wrongly first, one is still to be mended."""
    _refuse(unit, began_ms - 7 * DAY_MS, "SX-0002", "refused born:no_date")
    for number, home in enumerate(homes[:3], start=1):
        brought = UnitOfWork(unit.cursor, began_ms - 6 * DAY_MS + number * MINUTE_MS)
        person = person_of(home)
        row = (PLATFORM, f"SX-{number:04}", person, 1, "0" * 64, brought.now_ms)
        brought.execute(_BROUGHT, row)
        brought.audit(PLATFORM, "brought", f"person:{person}", "version 1")
    fault = "refused village:unknown_place id_number:no_such_number"
    _refuse(unit, began_ms - 5 * DAY_MS, "SX-0117", fault)
    asked = UnitOfWork(unit.cursor, began_ms - 4 * DAY_MS)
    asked.audit(PLATFORM, "exchanged", "changes", "12 shown")


def _refuse(unit: UnitOfWork, at_ms: int, external: str, fault: str) -> None:
    refused = UnitOfWork(unit.cursor, at_ms)
    refused.audit(PLATFORM, "exchange_refused", f"external:{external}", fault)


def _trail(unit: UnitOfWork, homes: Sequence[Household], began_ms: int) -> None:
    for hours, (days, actor, action, place, detail) in enumerate(_LOOKS):
        looked = UnitOfWork(unit.cursor, began_ms - days * DAY_MS + hours * HOUR_MS)
        person = person_of(homes[place % len(homes)])
        looked.audit(actor, "logged_in", f"account:{actor}", "192.168.1.21")
        looked.audit(actor, action, f"person:{person}", detail)
    changed = UnitOfWork(unit.cursor, began_ms - DAY_MS + 6 * HOUR_MS)
    person = person_of(homes[2 % len(homes)])
    today = datetime.date.fromisoformat(iso_day(day_of(changed.now_ms)))
    edit = files.Edit(
        person=person,
        actor=MANAGER,
        today=today,
        # Of the file alone: the register is the roster's, which is read again at each start.
        register={},
        file={"support": "每周帮忙买一次药和菜"},
        reason="村委会新安排的帮扶",
    )
    files.change(changed, edit)
    changed.audit(MANAGER, "changed", f"person:{person}", "support")

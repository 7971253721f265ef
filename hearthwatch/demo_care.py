"""The demonstration's care: files of its people, providers, referrals at every step, what was done
for whom, a year's money with one village short and one person above it, and two who are hard to
reach.

Written once, as the calls of the pages would have written it over the weeks before. Everything
follows from the homes.
"""

import datetime
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from alarms.rota.days import iso_day
from device_sims.roster import Household
from hearthwatch import demo_visits
from ledger.care.book import CareBook, Step, as_json
from ledger.care.referral import AgreedBy, ReferralMove, ReferralOutcome
from ledger.persons import files
from ledger.unit_of_work import UnitOfWork, compact
from rules.local_time import DAY_MS, HOUR_MS, MINUTE_MS, day_of

MANAGER: Final = "manager1"
VISITOR: Final = "visitor1"
TOWN: Final = "610926101"
_FEN: Final = 100
# Of the weeks before; the log of a month has something in it on any day.
PAST_DAYS: Final = 40
_LINES_EACH: Final = 3
# Who had a ramp and handrails built: more than a person's 800 yuan.
_DEAREST: Final = 4

# Of the two whom nobody went to (`demo_visits`) one; numbers above those of her other visits.
_LOST: Final = 18
_NUMBER: Final = 55
_NO_TELEPHONE: Final = 21

_PROVIDERS: Final[tuple[dict[str, Any], ...]] = (
    {
        "id": "demo-provider-1",
        "name": "康宁养老服务中心（演示）",
        "kind": "institution",
        "services": ["meals", "bathing", "long_term_care", "respite_care"],
        "phone": "0915-8000001",
        "contact": "王主任",
        "licence": "演示-001",
        "licence_until": "2028-06-30",
    },
    {
        "id": "demo-provider-2",
        "name": "城关镇卫生院（演示）",
        "kind": "institution",
        "services": ["medical", "rehabilitation"],
        "phone": "0915-8000002",
        "contact": "门诊",
        "licence": "演示-002",
        "licence_until": "2025-12-31",
    },
    {
        "id": "demo-provider-3",
        "name": "邻里互助队（演示）",
        "kind": "organisation",
        "services": ["mobility", "urgent_help", "home_adaptation", "other"],
        "phone": "0915-8000003",
        "contact": "刘队长",
        "licence": "",
        "licence_until": "",
    },
)
# What is needed, who does it, how many days ago it was seen, how far it came.
_NEEDS: Final[tuple[tuple[str, str, str, int, int], ...]] = (
    ("meals", "一个人做饭困难，想每天送一顿午饭", "demo-provider-1", 30, 4),
    ("rehabilitation", "髋部术后，走路要人扶", "demo-provider-2", 24, 3),
    ("home_adaptation", "厕所没有扶手，摔过一次", "demo-provider-3", 20, 4),
    ("mobility", "每月要去县医院拿药，没人陪", "demo-provider-3", 16, 2),
    ("medical", "血压老是高，想请医生上门看看", "demo-provider-2", 9, 1),
    ("bathing", "自己洗不了澡", "demo-provider-1", 3, 0),
)
_WAY: Final = (
    ReferralMove.SEND,
    ReferralMove.ACCEPT,
    ReferralMove.BEGIN,
    ReferralMove.END,
)
# Service, items of annex 2, minutes, yuan, provider, who.
_DONE: Final[tuple[tuple[str, tuple[int, ...], int, int, str, str], ...]] = (
    ("meals", (5,), 20, 15, "demo-provider-1", "送餐员 小周"),
    ("bathing", (1, 2), 60, 60, "demo-provider-1", "护理员 陈姐"),
    ("medical", (7,), 30, 40, "demo-provider-2", "村医 何医生"),
    ("mobility", (13,), 180, 80, "demo-provider-3", "刘队长"),
    ("other", (3,), 45, 0, "", "邻居 李婶"),
)


def as_written_down(homes: Sequence[Household]) -> list[Household]:
    """The homes as the roster has them, which is read anew at each start: of one person there is no
    telephone, nor of anybody of hers."""
    silent = homes[_NO_TELEPHONE % len(homes)].home
    return [
        replace(home, phone="", contact_phone="") if home.home == silent else home for home in homes
    ]


def seed(unit: UnitOfWork, homes: Sequence[Household], began_ms: int) -> None:
    """Twice writes it once."""
    found = unit.execute("SELECT 1 FROM provider WHERE id = ?", (_PROVIDERS[0]["id"],)).fetchall()
    if found:
        return
    start = UnitOfWork(unit.cursor, began_ms - PAST_DAYS * DAY_MS)
    for home in homes:
        _file(start, home)
    for given in _PROVIDERS:
        CareBook().write_provider(start, _provider(given), MANAGER)
    _referrals(unit, homes, began_ms)
    _lines(unit, homes, began_ms)
    # One of its own: `start` knows the chain of entries as it was before the lines above.
    _money(UnitOfWork(unit.cursor, start.now_ms), homes, began_ms)
    _in_vain(unit, homes, began_ms)


def _file(unit: UnitOfWork, home: Household) -> None:
    """What annex 3 asks for, of most people all but a few answers."""
    draw = random.Random(f"file/{home.home}")  # noqa: S311 - from a seed
    alone = home.category == "独居"
    day = _date(unit.now_ms)
    fields: dict[str, object] = {
        "ethnicity": "汉族",
        "registered_address": home.address,
        "rural_registration": "yes",
        "lives_alone": "yes" if alone else "no",
        "spouse_alive": "no" if alone else draw.choice(("yes", "no")),
        "children": draw.randint(1, 4),
        "children_in_town": draw.choice(("yes", "no")),
        "seriously_ill": "no",
        "water_safe": "yes",
        "electricity_safe": draw.choice(("yes", "yes", "yes", "no")),
        "housing_safe": "yes",
        "income_yuan": float(draw.randint(6, 24) * 100),
        "pension": "yes",
        "pension_yuan": float(draw.randint(12, 24) * 10),
        "supporters": ["village_committee"],
        "supporter_name": home.contact_name,
        "recorded_by": "探访员 陈芳",
        "recorded_on": day.isoformat(),
    }
    for name in draw.sample(sorted(fields), draw.randint(0, 3)):
        del fields[name]
    edit = files.Edit(person=person_of(home), actor=MANAGER, today=day, register={}, file=fields)
    files.change(unit, edit)


def _provider(given: dict[str, Any]) -> dict[str, Any]:
    row = {"note": "", "active": True, **given, "regions": compact([TOWN])}
    return {**row, "services": compact(given["services"])}


def _referrals(unit: UnitOfWork, homes: Sequence[Household], began_ms: int) -> None:
    book = CareBook()
    for number, (service, need, provider, days, steps) in enumerate(_NEEDS, start=1):
        home = homes[(number * 3) % len(homes)]
        at_ms = began_ms - days * DAY_MS
        name = f"demo-referral-{number}"
        given = {
            "id": name,
            "person": person_of(home),
            "region": home.region,
            "service": service,
            "need": need,
            "visit": None,
        }
        book.propose(UnitOfWork(unit.cursor, at_ms), given, VISITOR)
        for place, move in enumerate(_WAY[:steps], start=1):
            step = Step(
                move=move,
                provider=provider if move is ReferralMove.SEND else None,
                agreed_by=AgreedBy.FAMILY if move is ReferralMove.SEND else None,
                agreed_name=home.contact_name if move is ReferralMove.SEND else "",
                agreed_at_ms=at_ms if move is ReferralMove.SEND else None,
                outcome=ReferralOutcome.HELPED if move is ReferralMove.END else None,
                reason="老人满意" if move is ReferralMove.END else "",
            )
            book.move(UnitOfWork(unit.cursor, at_ms + place * 2 * DAY_MS), name, step, MANAGER)


def _lines(unit: UnitOfWork, homes: Sequence[Household], began_ms: int) -> None:
    for place, home in enumerate(homes):
        draw = random.Random(f"care/{home.home}")  # noqa: S311 - from a seed
        for number in range(_LINES_EACH if place % 3 else 0):
            service, items, minutes, yuan, provider, who = draw.choice(_DONE)
            days, hour = draw.randint(1, PAST_DAYS - 1), draw.randint(1, 8)
            at_ms = began_ms - days * DAY_MS + hour * HOUR_MS
            line = _line(home, f"{place}-{number}", at_ms, service, yuan * _FEN)
            line |= {
                "items": as_json(items),
                "minutes": minutes,
                "provider": provider or None,
                "who": who,
            }
            _write(unit, line)
    dearest = homes[_DEAREST % len(homes)]
    at_ms = began_ms - 6 * DAY_MS
    line = _line(dearest, "ramp", at_ms, "home_adaptation", 1_260 * _FEN)
    _write(unit, {**line, "provider": "demo-provider-3", "who": "刘队长", "note": "扶手和坡道"})


def _line(home: Household, name: str, at_ms: int, service: str, fen: int) -> dict[str, Any]:
    return {
        "id": f"demo-line-{name}",
        "person": person_of(home),
        "region": home.region,
        "service": service,
        "items": "[]",
        "served_at_ms": at_ms,
        "minutes": None,
        "cost_fen": fen,
        "note": "",
        "why": "",
        "void": False,
    }


def _write(unit: UnitOfWork, line: dict[str, Any]) -> None:
    recorded = UnitOfWork(unit.cursor, line["served_at_ms"] + 30 * MINUTE_MS)
    CareBook().write_line(recorded, line, VISITOR)


def _money(unit: UnitOfWork, homes: Sequence[Household], began_ms: int) -> None:
    """Each village but the last is given what its people need; that one, a third."""
    year = _date(began_ms).year
    villages = sorted({home.region for home in homes})
    for region in villages:
        people = sum(home.region == region for home in homes)
        part = 3 if region == villages[-1] and len(villages) > 1 else 1
        CareBook().write_money(
            unit,
            {
                "id": f"demo-money-{region}",
                "year": year,
                "region": region,
                "kind": "granted",
                "amount_fen": people * 800 * _FEN // part,
                "what": "县财政年度拨款（演示）",
                "why": "",
            },
            MANAGER,
        )


def _in_vain(unit: UnitOfWork, homes: Sequence[Household], began_ms: int) -> None:
    """One of those whom nobody went to for weeks: a knock and a call in vain."""
    home = homes[_LOST % len(homes)]
    knocks = [
        demo_visits.DemoVisit(
            id=f"demo-in-vain-{days}",
            person=person_of(home),
            home=home.home,
            way=way,
            at_ms=began_ms - days * DAY_MS + 4 * HOUR_MS,
            met=False,
            number=_NUMBER + place,
            record=compact({"nobody_met": True}),
        )
        for place, (days, way) in enumerate(((9, "home_visit"), (3, "phone")))
    ]
    demo_visits.write(unit, knocks)


def _date(at_ms: int) -> datetime.date:
    return datetime.date.fromisoformat(iso_day(day_of(at_ms)))


def person_of(home: Household) -> str:
    return f"person-{home.home[5:]}"

"""A county with its people and three years of visits, written into a book as fast as it takes them.

11 towns, 137 villages, four visitors a village. Of the people a part is visited twice a week and
the others once a month, with some visits missing, some calls between, and some doors that stayed
closed. Everything follows from the seed.
"""

import json
import random
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from ledger.cursor import Connection
from ledger.database import insert_sql
from ledger.schema import ACCOUNT, HOME, REGION, SERVICE_USER, VISIT
from ledger.visiting.days import day_number, weekday

DAY_MS: Final = 86_400_000
ZONE_MS: Final = 8 * 3_600_000
TODAY: Final = day_number("2026-11-25")
# 09:30 in the county.
NOW_MS: Final = TODAY * DAY_MS - ZONE_MS + 9 * 3_600_000 + 1_800_000
PEOPLE: Final = 20_000
MONTHS: Final = 36
TOWNS: Final = 11
VILLAGES: Final = 137
VISITORS_A_VILLAGE: Final = 4
# So that 20,000 people have about 1.5 million visits in 36 months.
TWICE_WEEKLY: Final = 0.14
_BATCH: Final = 20_000
_SURNAMES: Final = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
_GIVEN: Final = "秀英桂兰芳玉珍淑凤明华国建德永福生春秋菊梅"
_RECORD: Final = json.dumps(
    {
        "household": "unchanged",
        "speech": "unchanged",
        "movement": "worse",
        "illness": "unchanged",
        "mood": "better",
        "gas_safety": "safe",
        "electrical_safety": "safe",
        "fire_safety": "fairly_safe",
        "services": [1, 5, 7],
        "remarks": "血压略高，已提醒按时服药",
    },
    ensure_ascii=False,
    separators=(",", ":"),
)
_NOBODY: Final = '{"nobody_met":true}'

Rows = Iterator[tuple[Any, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class County:
    people: int = PEOPLE
    months: int = MONTHS
    seed: int = 1

    def regions(self) -> Rows:
        yield "610926", "平利县", "county", None
        for town in range(TOWNS):
            yield _town(town), f"{town + 1} 号镇", "town", "610926"
        for village in range(VILLAGES):
            above = _town(village % TOWNS)
            yield _village(village), f"{village + 1} 号村", "village", above

    def accounts(self) -> Rows:
        for village in range(VILLAGES):
            for number in range(VISITORS_A_VILLAGE):
                name = _visitor(village, number)
                yield name, name, "visitor", _village(village), "", "-", False, 0

    def homes(self) -> Rows:
        draw = random.Random(self.seed)
        for number in range(self.people):
            village = number % VILLAGES
            lat = 32.1 + (village // TOWNS) / 40 + draw.random() / 50
            lon = 109.1 + (village % TOWNS) / 25 + draw.random() / 50
            yield f"h{number:05}", _village(village), f"{number} 号", lat, lon, "", "", "", "", 0

    def persons(self) -> Rows:
        draw = random.Random(self.seed + 1)
        for number in range(self.people):
            often = draw.random() < TWICE_WEEKLY
            name = draw.choice(_SURNAMES) + draw.choice(_GIVEN) + draw.choice(_GIVEN)
            born = f"{draw.randrange(1930, 1961)}-{draw.randrange(1, 13):02}-15"
            grade = draw.choice(("中度", "重度")) if often else "完好"
            visitor = _visitor(number % VILLAGES, number // VILLAGES % VISITORS_A_VILLAGE)
            phone = f"138{number:08}"
            yield (
                *(f"p{number:05}", f"h{number:05}", name, "F", born, phone, '["空巢"]', grade),
                *("[]", "[]", "[]", "", "[]", visitor),
            )

    def visits(self) -> Rows:
        """Oldest first of each person."""
        draw = random.Random(self.seed + 2)
        first = TODAY - round(self.months * 30.44)
        seq = 0
        for person in self.persons():
            name, home, visitor, often = person[0], person[1], person[-1], person[7] != "完好"
            shift = draw.randrange(2)
            monthly = draw.randrange(1, 26)
            for day in range(first, TODAY):
                meant = weekday(day) - shift in (0, 3) if often else (day - first) % 30 == monthly
                if not meant or draw.random() < 0.04:
                    continue
                at_ms = day * DAY_MS - ZONE_MS + draw.randrange(8, 17) * 3_600_000
                way = "phone" if draw.random() < 0.03 else "home_visit"
                met = draw.random() >= 0.02
                yield (
                    *(f"v{seq:07}", name, home, None, None, "routine", way, visitor),
                    *(at_ms, at_ms + 600_000, _RECORD if met else _NOBODY, None, met),
                )
                seq += 1


_COLUMNS: Final = {
    REGION: ("code", "name", "level", "parent"),
    ACCOUNT: (
        *("username", "name", "role", "region", "phone", "password", "disabled"),
        "created_at_ms",
    ),
    HOME: (
        *("id", "region", "address", "lat", "lon", "access_note", "key_place", "lane", "dog"),
        "label_print",
    ),
    SERVICE_USER: (
        *("id", "home", "name", "sex", "born", "phone", "categories", "grade", "conditions"),
        *("medication", "allergies", "hearing", "contacts", "visitor"),
    ),
    VISIT: (
        *("id", "service_user", "home", "task", "alarm", "kind", "way", "visitor"),
        *("visited_at_ms", "recorded_at_ms", "record", "proof", "met"),
    ),
}


def fill(connection: Connection, county: County) -> int:
    """Write the whole county; returns how many visits it has. For a book that nothing is lost
    with: SQLite doesn't wait for the disk meanwhile."""
    cursor = connection.cursor()
    is_sqlite = isinstance(connection, sqlite3.Connection)
    if is_sqlite:
        cursor.execute("PRAGMA synchronous=OFF")
    tables = (
        (REGION, county.regions()),
        (ACCOUNT, county.accounts()),
        (HOME, county.homes()),
        (SERVICE_USER, county.persons()),
        (VISIT, county.visits()),
    )
    written = 0
    for table, rows in tables:
        sql = insert_sql(table, _COLUMNS[table])
        while batch := list(islice(rows, _BATCH)):
            cursor.execute("BEGIN IMMEDIATE")
            cursor.executemany(sql, batch)
            cursor.execute("COMMIT")
            written = written + len(batch) if table is VISIT else 0
    if is_sqlite:
        cursor.execute("PRAGMA synchronous=FULL")
    else:
        # As the server does by itself after a while; nobody does it for SQLite.
        cursor.execute("ANALYZE")
    return written


def _town(number: int) -> str:
    return f"610926{101 + number}"


def _village(number: int) -> str:
    return f"{_town(number % TOWNS)}{1 + number // TOWNS:03}"


def _visitor(village: int, number: int) -> str:
    return f"visitor-{village:03}-{number}"

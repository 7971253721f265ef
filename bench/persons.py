"""`./dev bench --persons`: a county's list of persons imported from a workbook, then searched.

The workbook is read, judged and written as the hub does it, without HTTP; a transaction of the
writer is what a press may wait behind. Then names, readings, telephones and addresses are asked for
as the list of persons asks, total and first page.
"""

import datetime
import io
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import openpyxl
from sqlalchemy import Engine

from bench.latency import quantiles
from dashboard.callers import Caller
from dashboard.person_imports import TAKEN_AT_ONCE
from dashboard.person_search import Wanted, search
from dashboard.person_sheets import read_list
from ledger.database import insert_sql
from ledger.forms import id_number
from ledger.persons import sheet
from ledger.persons.columns import COLUMNS
from ledger.persons.places import Places
from ledger.persons.taking import Take, Taking
from ledger.place import Place, SqliteBook
from ledger.schema import REGION
from ledger.sealing import key_file
from ledger.sealing.ring import Ring
from ledger.unit_of_work import UnitOfWork

TODAY: Final = datetime.date(2026, 5, 1)
NOW_MS: Final = 1_795_363_200_000
VILLAGES: Final = 130
PAGE: Final = 50
TURNS: Final = 5
SURNAMES: Final = "王李张刘陈杨黄赵周吴徐孙马胡朱郭何罗高林单仇解曾"
GIVEN: Final = "桂秀玉兰英芳明华建国珍凤春梅志强文德福生荣成清平安"
CALLER: Final = Caller(username="b", name="b", role="admin", region="", digest="", via="bearer")


def report(count: int, *, postgres: bool = False) -> dict[str, Any]:
    rng = random.Random(7)
    results: dict[str, Any] = {"persons": count}
    with (
        tempfile.TemporaryDirectory(prefix="hearthwatch-persons-") as folder,
        _book(Path(folder), postgres=postgres) as book,
    ):
        book.migrate()
        people = [_person(rng, number) for number in range(count)]
        payload = _workbook(people)
        print(f"a workbook of {count} persons, {len(payload) / 1e6:.1f} MB", flush=True)
        results["import"] = _import(book, payload)
        engine = book.open_reader()
        results["search"] = _search(engine, people, rng)
        engine.dispose()
    return results


@contextmanager
def _book(folder: Path, *, postgres: bool) -> Iterator[Place]:
    """Sealed, as every hub's is."""
    keys = folder / "keys" / "persons.json"
    key_file.write(keys, key_file.made(NOW_MS))
    if not postgres:
        yield SqliteBook(path=folder / "hub.db", ring=Ring(keys))
        return
    from tests.adapters.postgres import postgres_server

    with postgres_server() as server:
        yield replace(server.empty(), ring=Ring(keys))


def _person(rng: random.Random, number: int) -> dict[str, str]:
    born = datetime.date(1935, 1, 1) + datetime.timedelta(days=rng.randrange(10_000))
    body = f"610926{born:%Y%m%d}{number % 1000:03d}"
    village = number % VILLAGES
    return {
        "name": rng.choice(SURNAMES) + "".join(rng.sample(GIVEN, 2)),
        "id_number": body + id_number.check_digit(body),
        "phone": f"13{rng.randrange(10**9):09d}",
        "village": f"第{village}村",
        "group": f"{number % 6 + 1}组",
        "address": f"第{village}村{number % 6 + 1}组 {number} 号",
        "categories": rng.choice(("独居", "空巢", "独居、失能", "留守")),
        "grade": rng.choice(("完好", "轻度", "中度")),
        "lives_alone": "是",
        "children": "2",
        "contact1.name": "王伟",
        "contact1.relation": "儿子",
        "contact1.phone": f"15{rng.randrange(10**9):09d}",
        "water_safe": "是",
        "electricity_safe": "是",
        "housing_safe": "是",
        "income_yuan": "812",
        "pension": "是",
        "pension_yuan": "168",
    }


def _workbook(people: Sequence[dict[str, str]]) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet()
    page.append([column.zh for column in COLUMNS])
    for person in people:
        page.append([person.get(column.key, "") for column in COLUMNS])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _import(book: Place, payload: bytes) -> dict[str, float]:
    regions = [{"code": "6", "name": "平利县", "level": "county", "parent": None}]
    regions += [
        {"code": f"6{number:03d}", "name": f"第{number}村", "level": "village", "parent": "6"}
        for number in range(VILLAGES)
    ]
    began, computing = time.perf_counter(), time.process_time()
    table = read_list(payload)
    read = time.perf_counter()
    heads = sheet.heads_of(table)
    known = sheet.Known(places=Places(regions, ""), visitors={}, today=TODAY)
    rows = [sheet.judge(n, cells, heads, known) for n, cells in sheet.rows_of(table, heads)]
    sheet.find_doubles(rows, {}, {})
    judged = time.perf_counter()
    wanted = [Take(row=row) for row in rows if row.verdict != "rejected"]
    connection = book.open_writer()
    cursor = connection.cursor()
    cursor.execute("BEGIN IMMEDIATE")
    names = ("code", "name", "level", "parent")
    cursor.executemany(insert_sql(REGION, names), [tuple(r[n] for n in names) for r in regions])
    cursor.execute("COMMIT")
    held = []
    for start in range(0, len(wanted), TAKEN_AT_ONCE):
        before = time.perf_counter()
        cursor.execute("BEGIN IMMEDIATE")
        unit = UnitOfWork(cursor, NOW_MS)
        Taking(unit, "bench", TODAY).take(wanted[start : start + TAKEN_AT_ONCE])
        cursor.execute("COMMIT")
        held.append((time.perf_counter() - before) * 1000)
    written = time.perf_counter()
    connection.close()
    held.sort()
    figures = {
        "read_s": read - began,
        "judged_s": judged - read,
        "written_s": written - judged,
        "transaction_p50_ms": held[len(held) // 2],
        "transaction_max_ms": held[-1],
        "rejected": float(len(rows) - len(wanted)),
        "computing_s": time.process_time() - computing,
    }
    print(
        f"import: read {figures['read_s']:.1f} s, judged {figures['judged_s']:.1f} s,"
        f" written {figures['written_s']:.1f} s"
        f" ({TAKEN_AT_ONCE} rows hold the writer {figures['transaction_p50_ms']:.0f} ms,"
        f" at most {held[-1]:.0f} ms); {figures['computing_s']:.1f} s of computing",
        flush=True,
    )
    return figures


def _search(
    engine: Engine, people: Sequence[dict[str, str]], rng: random.Random
) -> dict[str, dict[str, float]]:
    some = rng.sample(people, min(20, len(people)))
    asked: dict[str, list[dict[str, Any]]] = {
        "whole name": [{"q": person["name"]} for person in some],
        "part of a name": [{"q": person["name"][1:]} for person in some],
        "one character": [{"q": person["name"][0]} for person in some],
        "pinyin": [{"q": word} for word in ("wangguiying", "shan", "qiuming", "liyu", "zhang")],
        "initials": [{"q": word} for word in ("wgy", "zm", "l", "s")],
        "telephone": [{"q": person["phone"]} for person in some],
        "last four digits": [{"q": person["phone"][-4:]} for person in some],
        "address": [{"q": person["address"]} for person in some],
        "identity number": [{"q": person["id_number"]} for person in some],
        "name in a village": [{"q": person["name"][:1], "region": "6001"} for person in some],
        "incomplete, lives alone": [{"incomplete": True, "category": "独居"}],
        "no consent to devices": [{"consent": "devices"}],
        "everybody": [{}],
    }
    results = {}
    for name, questions in asked.items():
        took, computed = [], []
        for _turn in range(TURNS):
            for question in questions:
                wanted = Wanted(today=TODAY.isoformat(), **question)
                before, computing = time.perf_counter(), time.thread_time()
                with engine.connect() as connection:
                    found = search(connection, CALLER, wanted, PAGE, None)
                took.append(time.perf_counter() - before)
                computed.append(time.thread_time() - computing)
        figures = results[name] = quantiles(took)
        # What else the machine does is in the first two figures and not in this one; PostgreSQL's
        # own computing is not in it either.
        figures["computing_p50_ms"] = quantiles(computed)["p50_ms"]
        print(
            f"{name:28} p50 {figures['p50_ms']:7.2f} ms  p99 {figures['p99_ms']:7.2f} ms"
            f"  computing {figures['computing_p50_ms']:6.2f} ms  (the last found {found.total})",
            flush=True,
        )
    return results

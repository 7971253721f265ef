"""A county is listed and counted without opening everybody's papers."""

import datetime

from ledger.persons import files
from ledger.unit_of_work import UnitOfWork
from tests.dashboard.conftest import NOW_MS, World

PEOPLE = 120
VISITS = 3
INSERT_HOME = (
    "INSERT INTO home (id, region, address, access_note) VALUES (?, '610926101001', '', '')"
)
INSERT = (
    "INSERT INTO visit (id, service_user, home, kind, way, visitor, visited_at_ms, recorded_at_ms,"
    " record, counted, number, met) VALUES"
    " (?, ?, ?, 'routine', 'home_visit', 'visitor-1', ?, 0, ?, ?, ?, 1)"
)


def settle(unit: UnitOfWork) -> None:
    for number in range(PEOPLE):
        home = f"h-{number}"
        unit.execute(INSERT_HOME, (home,))
        register = {
            "home": home,
            "name": f"李{number}",
            "phone": f"138{number:08d}",
            "conditions": ["高血压"],
            "medication": ["药"],
            "allergies": ["青霉素"],
            "hearing": "左耳",
            "contacts": [{"name": "张伟", "relation": "子", "phone": "13900000001"}],
            "visitor": "visitor-1",
        }
        edit = files.Edit(
            person=f"p-{number:03d}",
            actor="m",
            today=datetime.date(2026, 11, 23),
            register=register,
            file={"support": "x", "lives_alone": "yes"},
        )
        files.create(unit, edit)
        for visit in range(VISITS):
            record = unit.seal.json_object(f"p-{number:03d}", '{"satisfaction":"satisfied"}')
            counted = unit.seal.codes(["satisfaction=satisfied"])
            at_ms = NOW_MS - 3_600_000 * visit
            row = (f"v-{number}-{visit}", f"p-{number:03d}", home, at_ms, record, counted, visit)
            unit.execute(INSERT, row)


async def opened(world: World, path: str) -> tuple[int, dict]:
    ring = world.deps.eraser._ring
    async with world.client("admin-1") as client:
        before = ring.opened
        answer = await client.get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.text
    return ring.opened - before, answer.json()


async def test_a_report_opens_nothing(world: World) -> None:
    await world.writer.change(settle)
    count, report = await opened(world, "reports/period?period=2026-11")
    assert report["figures"]["satisfaction"] == {"satisfied": PEOPLE * VISITS}
    assert report["figures"]["people"]["all"] == PEOPLE + 2
    assert count == 0


async def test_a_list_opens_its_page_alone(world: World) -> None:
    await world.writer.change(settle)
    for query in ("limit=20", "limit=20&q=李", "limit=20&q=13800000007"):
        count, found = await opened(world, f"service-users?{query}")
        assert found["items"]
        # Seven fields of each person shown and of who is named with her home; one more to know
        # whether there are more.
        assert 0 < count <= 2 * 7 * 21, query


async def test_the_plan_of_a_county_opens_no_files(world: World) -> None:
    await world.writer.change(settle)
    count, _plan = await opened(world, "plan/summary?period=2026-11")
    assert count <= PEOPLE + 2

"""The demonstration's rota: three shifts at the county's desk, visitors on call, a hole ahead, and
a swap that waits."""

from typing import Final

from alarms.rota.book import RotaBook
from alarms.rota.model import Change, Desk, Hours, ShiftKey
from alarms.rota.plan import rotating
from alarms.rota.swaps import Swap
from ledger.unit_of_work import UnitOfWork
from rules.local_time import DAY_MS, day_of

ACTOR: Final = "admin"
COUNTY: Final = Desk(id="county", name="县值班台", region="610926")
VISITORS: Final = Desk(id="chengguan", name="城关镇上门组", region="610926101", kind="visit")
DAY, EVENING, NIGHT = "白班", "中班", "夜班"
THREE: Final = (
    Hours(name=DAY, start_min=8 * 60, length_min=8 * 60),
    Hours(name=EVENING, start_min=16 * 60, length_min=8 * 60),
    Hours(name=NIGHT, start_min=0, length_min=8 * 60),
)
TWO: Final = (
    Hours(name=DAY, start_min=8 * 60, length_min=12 * 60),
    Hours(name=NIGHT, start_min=20 * 60, length_min=12 * 60),
)
TEAMS: Final = (("duty1",), ("duty2",), ("duty3",), ("duty4",))
ON_CALL: Final = (("visitor1", "visitor2"), ("visitor2",))
# The fourth night of the story has nobody until somebody is named.
HOLE_AFTER_DAYS: Final = 4
SWAP_AFTER_DAYS: Final = 6


def seed(unit: UnitOfWork, began_ms: int) -> None:
    """Said by the administrator when the demonstration's clock begins; twice changes nothing."""
    # Said a day before: the shifts that have begun by then are in it.
    before_ms = began_ms - DAY_MS
    begun = UnitOfWork(unit.cursor, before_ms)
    book = RotaBook(lambda: before_ms)
    book.reload(unit.cursor)
    if book.plan.desks:
        return
    people = {who for team in (*TEAMS, *ON_CALL) for who in team}
    for number, username in enumerate(sorted(people), start=1):
        phone = f"1390000{number:04d}"
        unit.execute("UPDATE account SET phone = ? WHERE username = ?", (phone, username))
    first = day_of(began_ms)
    for desk in (COUNTY, VISITORS):
        book.set_desk(begun, desk, ACTOR, "演示")
    county = rotating(id="county-1", desk=COUNTY.id, from_day=first - 1, hours=THREE, teams=TEAMS)
    calls = rotating(id="calls-1", desk=VISITORS.id, from_day=first - 1, hours=TWO, teams=ON_CALL)
    for pattern in (county, calls):
        book.set_pattern(begun, pattern, ACTOR, "四班三运转")
    hole = ShiftKey(desk=COUNTY.id, day=first + HOLE_AFTER_DAYS, name=NIGHT)
    book.change_shifts(begun, [Change(key=hole, people=())], ACTOR, "家中有事，待换班")
    given = ShiftKey(desk=COUNTY.id, day=first + SWAP_AFTER_DAYS, name=DAY)
    shift = book.plan.find(given)
    if shift is not None:
        asker = shift.people[0]
        other = next(team[0] for team in TEAMS if team[0] not in shift.people)
        swap = Swap(
            id="demo-swap", asker=asker, other=other, given=given, taken=None, note="孩子家长会"
        )
        book.ask_swap(begun, swap)

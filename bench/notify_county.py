"""A county for `./dev bench --notify`: homes with their visitors, a duty desk with a rota, and ways
to reach everybody that have been proved.

Two officers are on duty for all of it; each home has its visitor. The visitors have a bot of their
own, the officers are told by short message, as a provider's limit on bots would soon hold up who
is told of every call.
"""

from typing import Final

from alarms import contact_points
from alarms.rota.book import RotaBook
from alarms.rota.model import Desk, Hours
from alarms.rota.plan import weekly
from dashboard.accounts import create_user
from ledger.unit_of_work import UnitOfWork
from rules.local_time import DAY_MS, day_of

COUNTY: Final = "1"
VILLAGE: Final = "11101"
VISITORS: Final = tuple(f"visitor-{n}" for n in range(100))
OFFICERS: Final = ("duty-1", "duty-2")
# Of each call: its home's visitor and who is on duty.
PEOPLE: Final = 1 + len(OFFICERS)
_REGIONS: Final = (
    (COUNTY, "county", ""),
    ("111", "town", COUNTY),
    (VILLAGE, "village", "111"),
)
_ROUND_THE_CLOCK: Final = (
    Hours(name="day", start_min=8 * 60, length_min=12 * 60),
    Hours(name="night", start_min=20 * 60, length_min=12 * 60),
)


def roster(homes: int) -> str:
    """homes.toml: a button in each home, and a visitor for its person."""
    parts = [f'[[gateway]]\nid = "gw-1"\nregion = "{COUNTY}"\n']
    for code, level, parent in _REGIONS:
        above = f'parent = "{parent}"\n' if parent else ""
        parts.append(f'[[region]]\ncode = "{code}"\nname = "{level}"\nlevel = "{level}"\n{above}')
    parts += [
        f'[[home]]\nid = "home-{n}"\nregion = "{VILLAGE}"\naddress = "a"\n'
        f'[[home.person]]\nid = "person-{n}"\nname = "王桂英"\n'
        f'visitor = "{VISITORS[n % len(VISITORS)]}"\n'
        f'[[home.device]]\ngateway = "gw-1"\ndevice = "button-{n}"\nkind = "sos"\n'
        for n in range(homes)
    ]
    return "".join(parts)


def staff(unit: UnitOfWork) -> None:
    """Accounts, their ways, and a rota that has been there since yesterday."""
    for name in VISITORS:
        _account(unit, name, "visitor", VILLAGE)
        _way(unit, name, "wecom_bot", name)
        _way(unit, name, "aliyun_sms", phone(name))
    for name in OFFICERS:
        _account(unit, name, "duty", COUNTY)
        _way(unit, name, "aliyun_sms", phone(name))
        _way(unit, name, "aliyun_voice", phone(name))
    for name, region in (("town-1", "111"), ("county-1", COUNTY)):
        _account(unit, name, "manager", region)
        _way(unit, name, "aliyun_voice", phone(name))
    before = UnitOfWork(unit.cursor, unit.now_ms - DAY_MS)
    book = RotaBook(lambda: before.now_ms)
    book.reload(unit.cursor)
    book.set_desk(before, Desk(id="county", name="county", region=COUNTY), "admin", "")
    teams = {hours.name: [list(OFFICERS)] for hours in _ROUND_THE_CLOCK}
    pattern = weekly(
        id="round",
        desk="county",
        from_day=day_of(before.now_ms),
        hours=_ROUND_THE_CLOCK,
        teams=teams,
    )
    book.set_pattern(before, pattern, "admin", "")


def phone(name: str) -> str:
    everybody = (*VISITORS, *OFFICERS, "town-1", "county-1")
    return f"+86138{everybody.index(name):08}"


def _account(unit: UnitOfWork, name: str, role: str, region: str) -> None:
    create_user(
        unit,
        username=name,
        name=name,
        role=role,
        region=region,
        phone="",
        password_hash="-",
        actor="admin",
    )


def _way(unit: UnitOfWork, owner: str, channel: str, address: str) -> None:
    point = contact_points.NewPoint(
        id=f"{owner}-{channel}",
        owner=owner,
        channel=channel,
        address=address,
        label="",
        language="zh-CN",
    )
    contact_points.add(unit, point, actor="admin")
    sql = "UPDATE contact_point SET verified_at_ms = ? WHERE id = ?"
    unit.execute(sql, (unit.now_ms, point.id))

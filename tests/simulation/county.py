"""The book that a simulated county begins with: villages, homes, devices, and who is told."""

import atexit
import functools
import os
import shutil
import tempfile
from pathlib import Path

from ledger.database import insert_sql, migrate, open_writer, sqlite_url
from ledger.register import store
from ledger.roster import parse
from ledger.schema import ACCOUNT, CONTACT_POINT
from ledger.writer import Writer
from tests.simulation.machines import EPOCH_MS
from tests.simulation.providers import points

COUNTY, TOWN, VILLAGE = "610926", "610926100", "610926100201"
# Somebody for each step of the policy, with a second way where it asks for one.
STAFF = (
    ("desk-1", "duty", COUNTY, ("push", "voice")),
    ("desk-2", "duty", COUNTY, ("sms", "push")),
    ("desk-3", "visitor", VILLAGE, ("sms", "voice")),
    ("town-1", "manager", TOWN, ("voice",)),
    ("county-1", "manager", COUNTY, ("voice", "sms")),
)
# What a crash leaves is computed, not left to a real disk; so its syncs need not be waited for.
MEMORY = next((place for place in ("/dev/shm",) if os.access(place, os.W_OK)), None)


@functools.cache
def book(gateways: int) -> Path:
    """A migrated book with its roster; made once for each number of gateways."""
    folder = Path(tempfile.mkdtemp(prefix="hearthwatch-book-", dir=MEMORY))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "hub.db"
    migrate(sqlite_url(path))
    roster = parse(_homes(gateways))
    writer = Writer(open_writer(path), lambda: EPOCH_MS)
    done = [writer.submit(lambda unit: store(unit, roster)), writer.submit(_employ)]
    writer.step()
    writer.close()
    for change in done:
        change.result(0)
    return path


def _employ(unit) -> None:
    account = insert_sql(ACCOUNT)
    point = insert_sql(CONTACT_POINT)
    for username, role, region, channels in STAFF:
        unit.execute(account, (username, username, role, region, "", "", False, 0, None))
        for row in points(username, *channels):
            unit.execute(point, row)


def _homes(gateways: int) -> str:
    parts = [
        f'[[region]]\ncode = "{code}"\nname = "{name}"\nlevel = "{level}"\n'
        + (f'parent = "{parent}"\n' if parent else "")
        for code, name, level, parent in (
            (COUNTY, "县", "county", ""),
            (TOWN, "镇", "town", COUNTY),
            (VILLAGE, "村", "village", TOWN),
        )
    ]
    for number in range(1, gateways + 1):
        parts.append(f'[[gateway]]\nid = "gw-{number}"\nregion = "{VILLAGE}"\n')
    for number in range(1, gateways + 1):
        for home in (1, 2):
            parts.append(
                f'[[home]]\nid = "home-{number}-{home}"\nregion = "{VILLAGE}"\naddress = "村"\n'
                f'[[home.person]]\nid = "person-{number}-{home}"\nname = "张三"\n'
                f'[[home.device]]\ngateway = "gw-{number}"\ndevice = "button-{home}"\n'
                f'kind = "sos"\n'
                f'[[home.device]]\ngateway = "gw-{number}"\ndevice = "meter-{home}"\n'
                f'kind = "power"\n'
            )
    return "\n".join(parts)

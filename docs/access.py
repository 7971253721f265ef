"""docs/access.md: who reaches what, printed from the table that the test of the matrix asks the hub
about (`dashboard/access_table.py`, `dashboard/route_table.py`)."""

from collections.abc import Iterator
from typing import Final

from dashboard.access_table import (
    BY_KEY,
    BY_SCREEN,
    BY_SECRET,
    PUBLIC,
    RESOURCES,
    Place,
    Rule,
    verdict,
)
from dashboard.permissions import AREA_PERMISSIONS, ROLES, Area
from dashboard.route_table import ROUTES

# A column each: how far roles reach follows from the region of an account.
COLUMNS: Final[tuple[tuple[str, str, Area], ...]] = (
    ("admin", "admin", "whole"),
    ("manager, county", "manager", "county"),
    ("manager, town", "manager", "town"),
    ("manager, village", "manager", "village"),
    *((role, role, "town") for role in ROLES if role not in {"admin", "manager"}),
)
_HEAD: Final = """# Who reaches what

Written by `./dev docs` from `dashboard/permissions.py` and `dashboard/route_table.py`. Routes,
the menus of the page and `tests/dashboard/test_access_matrix.py` go by the same tables; the test
asks the running hub about every cell: one's own, somebody else's of the region, another region's.

A manager of a county, a town or a village is the role `manager` with a region
([ADR 0017](adr/0017-roles-and-areas.md)). Family, gateways and other systems have no account: they
come with a secret of their own, which opens one thing. So does a screen on a wall
([signing in](signing-in.md#a-screen-on-a-wall)): its secret is looked for by the routes that say
`wall screen`, and by none else, so that all others answer it as they answer nobody (401).

A visitor knows whole records of the people she is responsible for, of whom she stands in for on
the rota of visitors (and of whom nobody is responsible for, while she is on duty), where she has
a task or had one within the last week, and where an open alarm called her. Of others of her
region she hears that there is an alarm or a task, with the name masked; taking the task opens the
record.

**Telephones and the way in** (key, gate, dog) stand open at once to who rings people up: duty
officers, managers of a town or a village, visitors for the people they know, installers for the
way in; and to everybody who may see the record **while an alarm or a task is open in that home**:
nobody who answers waits for a reason. Masked (`138****0001`, `***`) they are in lists and
searches of many people, and to administrators and managers of more than one town and to
clinicians in single records, closed cases, histories, tables that leave (unless a second person
agreed to the export) and the live feed of what is over. Those open them one person at a time with
a reason (`POST service-users/{id}/contact/open`), which is on record before they are told and
stands on the sheet *who saw my file*. Sent again masked, they stay as they were. **Addresses**
tell one house from the next: who sends people there or hangs up devices always sees them, for a
wrong house is worse; clinicians see them without their numbers. In a hub that has one town there
is no office above it, and nothing is masked for it but in lists. Positions on the map are not
masked. Programs ring nobody up unless their token has `contact.read`.

While an alarm is open, staff of the neighbourhood (what the own region lies in) may open the
record of the home with a reason, for an hour, to be read alone: it stands on the alarm's
timeline, the managers of the region are told, every look is in the trail, and a manager or
auditor decides afterwards whether it was right (`POST emergency-openings`).

| sign | means |
|---|---|
| ● | everything of the account's region; of another region it isn't there (404) |
| ◐ | of the people one is responsible for or sent to; of others it isn't there (404) |
| ○ | one's own alone |
| · | no (403) |

"""


def page() -> str:
    return _HEAD + "\n".join(_parts()) + "\n"


def _parts() -> Iterator[str]:
    heads = [head for head, _role, _area in COLUMNS]
    for about, thing in RESOURCES.items():
        rules = {key: rule for key, rule in ROUTES.items() if rule.about == about}
        by_account = {k: r for k, r in rules.items() if _by_account(r)}
        if not by_account:
            continue
        yield f"## {thing.title[:1].upper()}{thing.title[1:]} ({thing.title_zh})\n"
        yield f"| route | needs | {' | '.join(heads)} |"
        yield "|---" * (len(heads) + 2) + "|"
        for key, rule in by_account.items():
            cells = " | ".join(_cell(role, area, rule) for _head, role, area in COLUMNS)
            yield f"| `{key}` | {rule.needs} | {cells} |"
        yield ""
    yield "## Without an account\n"
    yield "| route | opened by |\n|---|---|"
    for key, rule in ROUTES.items():
        if not _by_account(rule):
            yield f"| `{key}` | {'everybody' if rule.needs == PUBLIC else rule.needs} |"
    yield "\n## From which region on\n"
    yield "Whatever the role, these hold only for accounts whose region is at least so wide:\n"
    yield "| permission | area |\n|---|---|"
    yield from (f"| {name} | {area} |" for name, area in AREA_PERMISSIONS.items())


def _by_account(rule: Rule) -> bool:
    return rule.needs not in BY_SECRET | {PUBLIC, BY_KEY, BY_SCREEN}


def _cell(role: str, area: Area, rule: Rule) -> str:
    def reaches(place: Place) -> bool:
        return verdict(role, area, rule, place) == "reached"

    if not reaches("own"):
        return "·"
    if reaches("other_person"):
        return "●"
    return "○" if RESOURCES[rule.about].personal or rule.others else "◐"

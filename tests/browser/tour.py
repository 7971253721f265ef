"""Every place of the page, once: where it is, what is there when it is complete, which hub has it.

`test_every_page` fails when the router knows a place that is not here.
"""

import re
from dataclasses import dataclass
from typing import Final

from tests.adapters.fake_api import FakeHub
from tests.adapters.fake_notices import TOKEN
from tests.browser.conftest import ROOT

ROUTER: Final = ROOT / "dashboard" / "web" / "src" / "lib" / "router.svelte.ts"
DAY_MS: Final = 24 * 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    page: str
    path: str
    complete: str


def stop(page: str, path: str, complete: str = "main h1") -> Stop:
    return Stop(page=page, path=path, complete=complete)


def router_pages() -> set[str]:
    """What the router can show, as its own type tells it."""
    union = re.search(r"page:\n((?:\s+\| \"[\w-]+\"\n?)+)", ROUTER.read_text(encoding="utf-8"))
    assert union is not None
    return set(re.findall(r'"([\w-]+)"', union[1]))


def alarm_of(hub: FakeHub, kind: str) -> str:
    found = [a for a in hub.cases.alarms.values() if a["kind"] == kind and a["state"] != "closed"]
    return str(found[-1]["id"])


def cases_stops(hub: FakeHub) -> list[Stop]:
    """Alarms, tasks, shifts, rules and visits: the fake hub's county at night."""
    alarm = alarm_of(hub, "sos")
    others = ("blood_pressure", "no_sign_of_life", "gateway_silent", "fall")
    task = hub.cases.alarms[alarm]["task"]
    # Views of the plan stand apart: the page reads its address when it begins.
    return [
        stop("board", "/", ".queue li"),
        stop("alarm", f"/alarms/{alarm}", "main ol li"),
        *(stop("alarm", f"/alarms/{alarm_of(hub, kind)}", "main ol li") for kind in others),
        stop("sheet", f"/alarms/{alarm}/sheet"),
        stop("alarm", "/alarms/none"),
        stop("tasks", "/tasks", "main li.panel h2"),
        stop("card", f"/tasks/{task}"),
        stop("plan", "/plan?view=overview", "main table"),
        stop("homes", "/homes", "main li.panel h2"),
        stop("home", "/homes/home-0005", ".columns:has(.chart canvas):has(form [name=tier])"),
        stop("plan", "/plan?view=week", "ol > li"),
        stop("equipment", "/equipment", ".gateways li h3"),
        stop("plan", "/plan?view=month", "main .grid"),
        stop("rota", "/rota", ".columns section li"),
        stop("handovers", "/handovers", "main li a"),
        stop("handover", "/handovers/sheet-1", "ol.lines li"),
        stop("response", "/response", "main table"),
        stop("rules", "/rules", "main li"),
        stop("rule", "/rules/blood_pressure", ".limits"),
        stop("tries", "/tries", "main form"),
        stop("try", "/tries/try-1", "main .said"),
        stop("undelivered", "/undelivered"),
        stop("visits", "/visits"),
        stop("me", "/me", "main section"),
        stop("wall", "/wall", "main li"),
        stop("screen", "/screen", "main"),
        stop("missing", "/nowhere"),
        stop("home", "/homes/none"),
        stop("reply", f"/r/{TOKEN}"),
        stop("reply", "/r/none"),
    ]


def register_stops() -> list[Stop]:
    """Persons, regions, care, reports: a real hub's."""
    return [
        stop("persons", "/persons", "main li"),
        stop("person", "/persons/person-0001", ".life-month ol li"),
        stop("visit", "/visits/v-1", "main dl"),
        stop("person-import", "/person-import"),
        stop("erasures", "/erasures", "main li button"),
        stop("unseen", "/unseen", "[data-person]"),
        stop("unreachable", "/unreachable", "[data-person]"),
        stop("care", "/care?view=referrals"),
        stop("regions", "/regions", "main li button"),
        stop("care", "/care?view=lines"),
        stop("departments", "/departments", "main section"),
        stop("care", "/care?view=providers"),
        stop("users", "/users", "[data-account]"),
        stop("security", "/security", "main section li"),
        stop("care", "/care?view=money"),
        stop("audit", "/audit", "main section"),
        stop("openings", "/openings"),
        stop("reports", "/reports", "[data-figure]"),
        stop("assessment", "/assessment", "main table"),
        stop("map", "/map", "main svg"),
        stop("map-wall", "/map/wall", "main svg"),
        stop("family", "/f/none", "main h1"),
        stop("enrol", "/enrol"),
    ]

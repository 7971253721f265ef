"""Every page of the router, in both languages: nothing that axe-core finds, in any theme; nothing
asked of another host, nothing against the policy (each window's own end sees to both); nothing
untranslated, nothing too wide, too small, cut or hidden.

One window walks through all pages: what costs is loading them.
"""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from contract.moment import to_iso
from ledger.unit_of_work import UnitOfWork
from tests.adapters.fake_api import PASSWORD, FakeHub
from tests.adapters.hub_bench import Bench
from tests.adapters.real_hub import serving_hub
from tests.browser.axe import read_axe
from tests.browser.conftest import DEADLINE_MS, PHONE, Desk, OpenDesk
from tests.browser.page_checks import (
    SCRIPT,
    axe_faults,
    catalogue,
    head_faults,
    page_names,
    size_faults,
    word_faults,
)
from tests.browser.test_reports import tell
from tests.browser.tour import DAY_MS, Stop, cases_stops, register_stops, router_pages, stop
from tests.dashboard.county import ROSTER

pytestmark = pytest.mark.browser
expect.set_options(timeout=DEADLINE_MS)

LANGUAGES = ["zh-CN", "en"]
ACCOUNTS = {
    "admin-1": ("admin", ""),
    "auditor-1": ("auditor", ""),
    "department-1": ("department", "610926101"),
    "duty-1": ("duty", ""),
    "installer-1": ("installer", "610926101"),
    "manager-1": ("manager", "610926101"),
    "visitor-1": ("visitor", "610926101"),
}


@pytest.fixture(scope="module")
def axe(built_page: None) -> str:
    return read_axe()


class Walk:
    """One window on its way, and what was found there."""

    def __init__(self, desk: Desk, axe: str, language: str, username: str) -> None:
        self.desk, self.axe, self.language, self.username = desk, axe, language, username
        self.found: list[str] = []
        self._words, self._names = catalogue(language), page_names()
        desk.page.context.add_init_script(path=SCRIPT)

    def go(self, stops: list[Stop]) -> None:
        for one in stops:
            self.desk.go(one.path)
            self.look(one)

    def look(self, one: Stop) -> None:
        name = self._words[self._names.get(one.page, f"page.{one.page}")]
        expect(self.desk.page.locator(one.complete).first).to_be_visible()
        found = [
            *head_faults(self.desk, name, self.language),
            *word_faults(self.desk, self.username, self.language),
            *axe_faults(self.desk, self.axe, themes=self.language == "zh-CN"),
            *size_faults(self.desk),
        ]
        self.found += [f"{one.path} {fault}" for fault in found]


def test_no_place_of_the_router_is_left_out() -> None:
    stops = [*cases_stops(FakeHub()), *register_stops()]
    # A draft is on a telephone alone: `test_a_visit_on_a_telephone`.
    visited = {one.page for one in stops} | {"record"}
    names = page_names()
    assert visited == router_pages() == set(names)
    words = catalogue("zh-CN")
    assert len({words[key] for key in names.values()}) == len(names)


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_about_cases(open_desk: OpenDesk, hub: FakeHub, axe: str, language: str) -> None:
    change = {"rule": "overload", "scope": "county", "params": {"limit_w": 4000.0}}
    span = {"from": to_iso(hub.now_ms() - 30 * DAY_MS), "to": to_iso(hub.now_ms())}
    hub.rules.answer("admin", "POST", ["tries"], {"changes": [change], **span})
    hub.rules.looks = 0
    desk = open_desk()
    walk = Walk(desk, axe, language, "admin")
    desk.page.goto(desk.url)
    if language == "en":
        # Chosen by hand, and kept when the page is loaded again.
        desk.page.get_by_role("button", name="English").click()
    walk.look(stop("login", "/", "form"))
    desk.sign_in("admin")
    walk.go(cases_stops(hub))
    assert not walk.found, "\n".join(walk.found)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_visit_on_a_telephone(open_desk: OpenDesk, hub: FakeHub, axe: str, language: str) -> None:
    desk = open_desk(viewport=PHONE, language=language)
    page, walk = desk.page, Walk(desk, axe, language, "visitor-1")
    desk.sign_in("visitor-1")
    begin = "main li .button"
    walk.go([stop("board", "/"), stop("tasks", "/tasks"), stop("visits", "/visits", begin)])
    page.locator(begin).first.click()
    walk.look(stop("record", "/record", "form [data-pad=visitor]"))
    assert not walk.found, "\n".join(walk.found)


def untidy(unit: UnitOfWork) -> None:
    """Somebody knocked twice in vain; somebody else died long ago."""
    for days in (1, 2):
        unit.execute(
            "INSERT INTO visit (id, service_user, home, kind, way, visitor, visited_at_ms,"
            " recorded_at_ms, record, met) VALUES (?, 'person-0001', 'home-0001', 'routine',"
            " 'home_visit', 'visitor-1', ?, ?, '{}', 0)",
            (f"v-{days}", unit.now_ms - days * DAY_MS, unit.now_ms),
        )
    unit.execute(
        "UPDATE service_user SET left_on = '2020-05-01', left_why = 'died' WHERE id = 'person-0002'"
    )


def link_for_the_family(desk: Desk) -> str:
    """Its path, made as the page of a person does."""
    given = {"purpose": "family_view", "given_by": "张桂英", "relation": "self", "how": "signed"}
    tell(desk, "service-users/person-0001/consents", given)
    made = tell(desk, "service-users/person-0001/family-links", {"relation": "女儿", "days": 30})
    return urlsplit(made["made"]["address"]).path


@pytest.fixture
def register(tmp_path: Path) -> Iterator[tuple[str, Bench]]:
    with serving_hub(tmp_path, ROSTER, ACCOUNTS, PASSWORD) as served:
        served[1].change(untidy)
        yield served


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_about_the_register(
    open_desk: OpenDesk, register: tuple[str, Bench], axe: str, language: str
) -> None:
    desk = open_desk(language=language)
    desk.url = register[0]
    walk = Walk(desk, axe, language, "admin-1")
    desk.sign_in_by_hand("admin-1")
    walk.go([*register_stops(), stop("family", link_for_the_family(desk), "main .today h1")])
    assert not walk.found, "\n".join(walk.found)


def test_the_first_page_of_every_role(
    open_desk: OpenDesk, register: tuple[str, Bench], axe: str
) -> None:
    """Each in one of the languages in turn; the walks above are an administrator's."""
    found: list[str] = []
    for place, username in enumerate(sorted(set(ACCOUNTS) - {"admin-1"})):
        desk = open_desk(language=LANGUAGES[place % 2])
        desk.url = register[0]
        desk.sign_in_by_hand(username)
        walk = Walk(desk, axe, LANGUAGES[place % 2], username)
        # What the page heard before the walk began to listen is data too.
        desk.page.reload()
        first = stop("departments", "/") if username == "department-1" else stop("board", "/")
        walk.look(first)
        found += [f"{username}: {fault}" for fault in walk.found]
    assert not found, "\n".join(found)

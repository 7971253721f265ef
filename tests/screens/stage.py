"""One window of Chromium in front of a hub: signs in, opens places, waits until a page stands
still, and keeps what went wrong there.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, Response

LOCALES: Final = Path(__file__).resolve().parents[2] / "dashboard" / "web" / "src" / "locales"
LANGUAGES: Final = ("zh-CN", "en")
# A desk, a small notebook or tablet, a telephone.
SIZES: Final[Mapping[str, tuple[int, int]]] = {
    "desk": (1440, 900),
    "tablet": (1024, 768),
    "phone": (390, 844),
}
THEMES: Final[Mapping[str, tuple[str, str]]] = {
    "light": ("light", "no-preference"),
    "dark": ("dark", "no-preference"),
    "contrast": ("light", "more"),
}
# Looked at without a picture: a desk's page at 200 % (WCAG 1.4.4). A browser set to letters twice
# as large comes to the same, for all widths and their limits are in rem.
ENLARGED: Final[Mapping[str, tuple[int, int]]] = {"at 200 %": (720, 450)}
# Long enough for two busy cores.
DEADLINE_MS: Final = 20_000
POLL_MS: Final = 25
# So often in a row nothing may be on its way before a page counts as drawn.
QUIET_POLLS: Final = 3
# Never ends while a page is open.
_ENDLESS: Final = "/api/v1/stream"
_DRAWN: Final = """() => document.fonts.ready.then(() =>
  new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(null)))))"""
_LARGE_LETTERS: Final = """const read = Storage.prototype.getItem;
Storage.prototype.getItem = function (key) {
  return key === 'hearthwatch.text' ? 'large' : read.call(this, key);
};"""
# A name in both languages is no data of anybody; the page chooses one of them.
_WORDS_OF_THE_HUB: Final = ("zh", "zh_about")


def catalogue(language: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for file in sorted(LOCALES.glob(f"*{language}.json")):
        found |= json.loads(file.read_text(encoding="utf-8"))
    return found


def open_context(browser: Browser, language: str, size: str = "desk") -> BrowserContext:
    """As somebody of the county sees it who chose this language."""
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        locale=language,
        timezone_id="Asia/Shanghai",
        color_scheme="light",
        reduced_motion="reduce",
    )
    context.set_default_timeout(DEADLINE_MS)
    context.add_init_script(f"localStorage.setItem('hearthwatch.language', '{language}')")
    return context


@dataclass
class Stage:
    page: Page
    base: str
    language: str
    words: Mapping[str, str]
    ids: Mapping[str, str]
    # Statuses that a shot asks for by itself.
    expected: tuple[int, ...] = ()
    problems: list[str] = field(default_factory=list)
    # All text that the hub gave as data, for what may be Chinese on an English page.
    data: set[str] = field(default_factory=set)
    _waiting: set[Request] = field(default_factory=set)
    _answers: list[Response] = field(default_factory=list)

    def listen(self) -> None:
        page = self.page
        page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        page.on("console", self._said)
        page.on("request", self._asked)
        page.on("requestfinished", self._ended)
        page.on("requestfailed", self._ended)
        page.on("response", self._answered)

    def _said(self, message: Any) -> None:
        # Refusals are told with their address below.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.problems.append(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.base, "data:", f"blob:{self.base}")):
            self.problems.append(f"request to {request.url}")
        if _ENDLESS not in request.url:
            self._waiting.add(request)

    def _ended(self, request: Request) -> None:
        self._waiting.discard(request)

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.expected:
            path = response.url.removeprefix(self.base)
            self.problems.append(f"{response.status} for {response.request.method} {path}")
        if "application/json" in response.headers.get("content-type", ""):
            self._answers.append(response)

    def enlarge_letters(self) -> None:
        """As on a device where somebody chose them; other pages of the account keep theirs."""
        self.page.add_init_script(_LARGE_LETTERS)

    def sign_in(self, username: str, password: str) -> None:
        asked = {"username": username, "password": password}
        answer = self.page.request.post(f"{self.base}/api/v1/login", data=asked)
        assert answer.ok, f"{username} can't sign in: {answer.status}"

    def open(self, path: str) -> None:
        self._waiting.clear()
        self.page.goto(f"{self.base}{path.format_map(self.ids)}", wait_until="domcontentloaded")
        self.settle()

    def settle(self) -> None:
        """Until nothing is on its way, nothing says that it is loading, and all is drawn."""
        loading = self.words["loading"]
        quiet = 0
        for _ in range(DEADLINE_MS // POLL_MS):
            self.page.wait_for_timeout(POLL_MS)
            quiet = 0 if self._waiting else quiet + 1
            if quiet >= QUIET_POLLS and loading not in self.page.inner_text("body"):
                break
        else:
            self.problems.append("still loading")
        self.page.evaluate(_DRAWN)
        self._read_answers()

    def _read_answers(self) -> None:
        answers, self._answers = self._answers, []
        if self.language == "zh-CN":
            return
        for response in answers:
            if response.status == 200 and "/api/" in response.url:
                gather(response.json(), self.data)

    # For the steps of a shot.

    def say(self, key: str, **params: object) -> str:
        """A text of the page, in its language."""
        text = self.words[key]
        for name, value in params.items():
            text = text.replace(f"{{{name}}}", str(value))
        return text

    def button(self, key: str) -> Locator:
        return self.page.get_by_role("button", name=self.say(key), exact=True).first

    def press(self, key: str) -> None:
        self.button(key).click()
        self.settle()

    def click(self, selector: str) -> None:
        self.page.locator(selector).first.click()
        self.settle()


def gather(document: Any, found: set[str]) -> None:
    """Every text of an answer but the hub's own words in Chinese."""
    if isinstance(document, dict):
        for name, value in document.items():
            if name not in _WORDS_OF_THE_HUB:
                gather(value, found)
    elif isinstance(document, list):
        for value in document:
            gather(value, found)
    elif isinstance(document, str):
        found.add(document)

"""A window of Chromium on a hub's page, for the benches that look at what is painted."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from dashboard.callers import COOKIE_PLAIN

# As the tests': what root in a container needs, and nothing that calls home.
FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
DEADLINE_MS: Final = 60_000
POLL_MS: Final = 5


class Window:
    """A page, asked in JavaScript."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def evaluate(self, script: str) -> Any:
        return self.page.evaluate(script)

    def wait_number(self, script: str) -> float:
        """What this gives, as soon as it is a number."""
        for _look in range(DEADLINE_MS // POLL_MS):
            found = self.page.evaluate(script)
            if found is not None:
                return float(found)
            self.page.wait_for_timeout(POLL_MS)
        raise SystemExit(f"Chromium never said: {script}")


@contextmanager
def window(address: str, token: str, path: str = "/") -> Iterator[Window]:
    """Signed in, at a page that is there."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        raise SystemExit("this benchmark needs Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        context = browser.new_context(
            viewport={"width": 1440, "height": 900}, locale="zh-CN", timezone_id="Asia/Shanghai"
        )
        context.set_default_timeout(DEADLINE_MS)
        context.add_cookies([{"name": COOKIE_PLAIN, "value": token, "url": address}])
        page = context.new_page()
        page.goto(address + path)
        page.wait_for_selector("main#main")
        yield Window(page)
        browser.close()

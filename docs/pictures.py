"""Takes the pictures of the documents anew: the web page over the fake hub of its tests.

./dev shots        needs Debian's chromium and fonts-wqy-microhei
"""

import argparse
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.adapters.fake_api import PASSWORD, FakeHub, serving

HERE = Path(__file__).resolve().parent
CHROMIUM = "/usr/bin/chromium"
# Fonts and charts are drawn after the page says that it is there.
SETTLE_MS = 1000


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev shots", description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE / "pictures")
    args = parser.parse_args()
    if not Path(CHROMIUM).exists():
        print("chromium is needed: apt-get install chromium fonts-wqy-microhei", file=sys.stderr)
        return 1
    args.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for language in ("zh-CN", "en"):
            with serving(FakeHub()) as address:
                take(browser, address, language, args.out)
        browser.close()
    return 0


def take(browser: Browser, address: str, language: str, out: Path) -> None:
    """The board at a desk, in the middle of a night with four alarms that wait."""
    page = opened(browser, address, language)
    path = out / f"board-{language}.png"
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=path)
    print(path)
    page.context.close()


def opened(browser: Browser, address: str, language: str) -> Page:
    """Signed in, with the board drawn."""
    context = browser.new_context(
        viewport={"width": 1440, "height": 900},
        locale=language,
        timezone_id="Asia/Shanghai",
        color_scheme="light",
    )
    context.add_init_script(f"localStorage.setItem('hearthwatch.language', '{language}')")
    page = context.new_page()
    page.goto(address)
    page.fill("[name=username]", "duty-1")
    page.fill("[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_selector("main#main")
    return page


if __name__ == "__main__":
    sys.exit(main())

"""Takes the pictures of the documents anew: the web page over the fake hub of its tests, and the
notice's forms of a made-up person.

./dev shots        needs Debian's chromium and fonts-wqy-microhei
"""

import argparse
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from ledger.documents.annex3 import annex3
from ledger.documents.annex4 import annex4
from ledger.documents.paper import Paper
from ledger.documents.pdf import Printer
from tests.adapters import sample_papers
from tests.adapters.chromium import FLAGS, MISSING, program
from tests.adapters.fake_api import PASSWORD, FakeHub, serving
from tests.screens.stage import LANGUAGES, open_context

HERE = Path(__file__).resolve().parent
# Fonts and charts are drawn after the page says that it is there.
SETTLE_MS = 1000
# A sheet of A4 that is read beside text.
FORM_PPI = 76


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev shots", description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE / "pictures")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    print_forms(args.out)
    chromium = program()
    if chromium is None:
        print(MISSING, file=sys.stderr)
        return 1
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=list(FLAGS))
        for language in LANGUAGES:
            with serving(FakeHub()) as address:
                take(browser, address, language, args.out)
        browser.close()
    return 0


def print_forms(out: Path) -> None:
    forms = {
        "annex3": annex3(sample_papers.PERSON),
        "annex4": annex4(sample_papers.VISIT),
    }
    for name, form in forms.items():
        paper = Paper(
            title=form.title,
            printed="打印：2026-11-23 16:00　陈静",
            at_ms=sample_papers.AT_MS,
            forms=(form,),
        )
        path = out / f"{name}.png"
        [page] = Printer().pictures(paper, FORM_PPI)
        path.write_bytes(page)
        print(path)


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
    page = open_context(browser, language).new_page()
    page.goto(address)
    page.fill("[name=username]", "duty-1")
    page.fill("[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_selector("main#main")
    return page


if __name__ == "__main__":
    sys.exit(main())

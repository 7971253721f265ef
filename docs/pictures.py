"""Takes the pictures of the documents anew: the board over the fake hub of its tests, the way to a
closed call over a real hub, pages of the demonstration, and the notice's forms of a made-up person.

./dev shots        needs Debian's chromium and fonts-wqy-microhei
./dev shots --only 'board,map'    some of them: forms, board, path, alarm, person, map, card, record
"""

import argparse
import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from ledger.documents.annex3 import annex3
from ledger.documents.annex4 import annex4
from ledger.documents.paper import Paper
from ledger.documents.pdf import Printer
from tests.adapters import sample_papers
from tests.adapters.chromium import FLAGS, MISSING, program
from tests.adapters.fake_api import PASSWORD, FakeHub, serving
from tests.adapters.hub_bench import press
from tests.adapters.real_hub import serving_hub
from tests.screens import path
from tests.screens.demo_hub import STORY_S, DemoHub, demo_hub
from tests.screens.shots import SHOTS
from tests.screens.stage import DEADLINE_MS, LANGUAGES, Stage, catalogue, open_context
from tests.screens.stock import prepare

HERE = Path(__file__).resolve().parent
# Fonts and charts are drawn after the page says that it is there.
SETTLE_MS = 1000
# A sheet of A4 that is read beside text.
FORM_PPI = 76
# Flat colours: a page is as good in so many, and a third of the size.
COLOURS = 128
# Stops of the way to a closed call that are shown; its first is the board.
STOPS = ("alarm", "record", "close")
STOP_SIZE = (1280, 860)


class Shown(NamedTuple):
    """A page of the demonstration in the READMEs: which shot, in which window."""

    shot: str
    size: str


PAGES = {
    "alarm": Shown("alarm.pressure", "desk"),
    "person": Shown("person", "desk"),
    "map": Shown("map", "desk"),
    "card": Shown("card", "phone"),
    "record": Shown("record.calm", "phone"),
}
# What `--only` takes.
KINDS = ("forms", "board", "path", *PAGES)


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev shots", description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE / "pictures")
    parser.add_argument("--only", default=",".join(KINDS), help="names, with commas between")
    parser.add_argument("--keep", type=Path, help="keep the demonstration there, for the next run")
    args = parser.parse_args()
    wanted = set(args.only.split(","))
    if unknown := sorted(wanted - set(KINDS)):
        parser.error(f"no picture is called {', '.join(unknown)}")
    args.out.mkdir(parents=True, exist_ok=True)
    if "forms" in wanted:
        print_forms(args.out)
    chromium = program()
    if chromium is None:
        print(MISSING, file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=list(FLAGS))
        for language in LANGUAGES:
            if "board" in wanted:
                with serving(FakeHub()) as address:
                    take_board(browser, address, language, args.out)
            if "path" in wanted:
                take_path(browser, Path(folder) / language, language, args.out)
        pages = {name: shown for name, shown in PAGES.items() if name in wanted}
        if pages:
            take_pages(browser, pages, (args.keep or Path(folder) / "demo").resolve(), args.out)
        browser.close()
    return 0


def take_pages(browser: Browser, pages: dict[str, Shown], folder: Path, out: Path) -> None:
    with demo_hub(folder) as hub:
        ids = prepare(hub.base, hub.passwords, STORY_S)
        for language in LANGUAGES:
            for name, shown in pages.items():
                take_page(browser, hub, ids, shown, out / f"{name}-{language}")


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
        place = out / f"{name}.png"
        [page] = Printer().pictures(paper, FORM_PPI)
        place.write_bytes(page)
        print(place)


def take_board(browser: Browser, address: str, language: str, out: Path) -> None:
    """The board at a desk, in the middle of a night with four alarms that wait."""
    page = open_context(browser, language).new_page()
    page.emulate_media(color_scheme="dark")
    page.goto(address)
    page.fill("[name=username]", "duty-1")
    page.fill("[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_selector("main#main")
    page.wait_for_timeout(SETTLE_MS)
    save(page, out / f"board-{language}")
    page.context.close()


def take_path(browser: Browser, folder: Path, language: str, out: Path) -> None:
    folder.mkdir()
    served = serving_hub(folder, path.ROSTER, path.ACCOUNTS, PASSWORD, path.NAMES)
    with served as (address, bench):
        bench.deliver(press(1))
        page = open_context(browser, language).new_page()
        width, height = STOP_SIZE
        page.set_viewport_size({"width": width, "height": height})
        path.walk(page, address, catalogue(language).__getitem__, stop(page, language, out))
        page.context.close()


def stop(page: Page, language: str, out: Path) -> Callable[[str], None]:
    def seen(name: str) -> None:
        if name in STOPS:
            # What was said of the press before covers what comes next.
            expect(page.locator(".toasts > *")).to_have_count(0, timeout=DEADLINE_MS)
            page.evaluate("scrollTo(0, 0)")
            page.wait_for_timeout(SETTLE_MS)
            save(page, out / f"path-{name}-{language}")

    return seen


def take_page(
    browser: Browser, hub: DemoHub, ids: dict[str, str], shown: Shown, place: Path
) -> None:
    language = place.name.split("-", 1)[1]
    shot = next(one for one in SHOTS if one.name == shown.shot)
    context = open_context(browser, language, shown.size)
    page = context.new_page()
    stage = Stage(page=page, base=hub.base, language=language, words=catalogue(language), ids=ids)
    stage.listen()
    stage.sign_in(shot.who, hub.passwords[shot.who])
    stage.open(shot.path)
    # Whoever signed in by hand has touched the page, which may then be heard.
    page.keyboard.press("Shift")
    if shot.after is not None:
        shot.after(stage)
    page.wait_for_timeout(SETTLE_MS)
    save(page, place)
    context.close()


def save(page: Page, place: Path) -> None:
    """Few colours, small files."""
    file = place.with_name(f"{place.name}.png")
    with Image.open(io.BytesIO(page.screenshot())) as picture:
        few = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        few.save(file, optimize=True)
    print(f"{file} {file.stat().st_size // 1024} kB")


if __name__ == "__main__":
    sys.exit(main())

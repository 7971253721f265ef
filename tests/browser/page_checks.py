"""What is looked for on whatever page a window shows. Each check gives what it found, in words."""

import json
import re
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import expect

from tests.browser.axe import LEVELS
from tests.browser.conftest import DESKTOP, PHONE, ROOT, Desk

SRC: Final = ROOT / "dashboard" / "web" / "src"
HAN: Final = re.compile(r"[\u3400-\u9fff]+")
LATIN: Final = re.compile(r"[A-Za-z]{2,}")
# A word of the hub's that the page should have said in its own: `in_response`, `home_visit`.
CODE_WORD: Final = re.compile(r"[a-z_]+")
UNFILLED: Final = re.compile(r"\{\w+\}|\bundefined\b|\bNaN\b|\[object \w+\]")
# Units, formats and keys are called the same in both languages; so are the books that limits are
# taken from, and the other language calls itself as it is written there.
SAME_EVERYWHERE: Final = frozenset(
    re.findall(
        r"\w+",
        "English mmHg bpm kWh km GB CSV JSON PDF Word Excel FHIR SOS Enter Esc"
        " JMIR Med Inform ESC NEWS WHO HTTPS Chrome Linux GCJ WGS",
    )
)
# What a notebook, a telephone of today and a page at 400 % of 1280 are wide.
WIDTHS_PX: Final = (1440, 1024, 390, 320)
THUMB_PX: Final = 44

# What the checks ask the page itself.
SCRIPT: Final = Path(__file__).with_suffix(".js")


def catalogue(language: str) -> dict[str, str]:
    """All files of a language, as the page has them."""
    words: dict[str, str] = {}
    for file in sorted((SRC / "locales").glob(f"*{language}.json")):
        words |= json.loads(file.read_text(encoding="utf-8"))
    return words


def page_names() -> dict[str, str]:
    """The key of what each page is called, by page."""
    text = (SRC / "lib" / "page_names.ts").read_text(encoding="utf-8")
    return dict(re.findall(r'"?([\w-]+)"?: "([\w.]+)",', text))


def axe_faults(desk: Desk, axe: str, *, themes: bool) -> list[str]:
    """What axe-core finds; with `themes`, also of the colours when it is dark and when more
    contrast is asked for, which is then 7:1."""
    page = desk.page
    if not page.evaluate("'axe' in window"):
        page.evaluate(f"() => {{ {axe} }}")
    size = {"target-size": {"enabled": True}}
    found = _run(desk, {"runOnly": [*LEVELS, "best-practice"], "rules": size})
    if not themes:
        return found
    found += _run(desk, {"runOnly": {"type": "rule", "values": ["color-contrast"]}}, scheme="dark")
    strict = {"runOnly": {"type": "rule", "values": ["color-contrast-enhanced"]}}
    found += _run(desk, strict, contrast="more")
    return [*found, *_run(desk, strict, contrast="more", scheme="dark")]


def _run(
    desk: Desk, options: dict[str, Any], *, scheme: Any = None, contrast: Any = None
) -> list[str]:
    if scheme or contrast:
        desk.page.emulate_media(color_scheme=scheme, contrast=contrast)
    asked = json.dumps({**options, "resultTypes": ["violations"]})
    found = [
        f"{scheme or ''} {contrast or ''} {one['id']}: {node['target']} {node['failureSummary']}"
        for one in desk.page.evaluate(f"async () => (await axe.run({asked})).violations")
        for node in one["nodes"]
    ]
    if scheme or contrast:
        desk.page.emulate_media(color_scheme="light", contrast="no-preference")
    return found


def head_faults(desk: Desk, name: str, language: str) -> list[str]:
    """Title, language, one heading of the first level."""
    page = desk.page
    found = []
    # Both follow what the page shows, a moment later.
    try:
        expect(page).to_have_title(re.compile(re.escape(name)))
    except AssertionError:
        found.append(f"title is {page.title()!r} without {name!r}")
    try:
        expect(page.locator("html")).to_have_attribute("lang", language)
    except AssertionError:
        found.append("the document says another language")
    if (count := page.locator("h1").count()) != 1:
        found.append(f"{count} headings of the first level")
    return found


def word_faults(desk: Desk, username: str, language: str) -> list[str]:
    """Words of the other language that are not data, keys and values that were not replaced."""
    text, heard = desk.page.evaluate("looks.said()")
    text = text.replace(username, " ")
    for known in sorted(heard, key=len, reverse=True):
        if len(known) > 1 and not CODE_WORD.fullmatch(known):
            text = text.replace(known, " ")
    if language == "en":
        foreign = set(HAN.findall(text)) - {"中文"}
    else:
        foreign = set(LATIN.findall(text)) - SAME_EVERYWHERE
    unspoken = [f"not marked as Chinese: {one}" for one in desk.page.evaluate("looks.unspoken()")]
    words = catalogue(language)
    raw = {token for token in re.findall(r"[a-z_]+(?:\.[\w-]+)+", text) if token in words}
    found = [*unspoken, f"not {language}: {sorted(foreign)}"] if foreign else unspoken
    return found + [f"not replaced: {one}" for one in {*raw, *UNFILLED.findall(text)}]


def width_faults(desk: Desk) -> list[str]:
    """Too wide anywhere between a desk and a page at 400 %."""
    page, found = desk.page, []
    for width in WIDTHS_PX:
        page.set_viewport_size({"width": width, "height": DESKTOP["height"]})
        found += [f"too wide at {width}: {one}" for one in page.evaluate("looks.tooWide()")]
    page.set_viewport_size(DESKTOP)
    return found


def open_faults(desk: Desk, axe: str, what: str) -> list[str]:
    """Of a page with something open on it: a form and its errors, a dialog, a fold."""
    if not desk.page.evaluate("'looks' in window"):
        desk.page.evaluate(SCRIPT.read_text(encoding="utf-8"))
    found = [*axe_faults(desk, axe, themes=True), *width_faults(desk)]
    return [f"{what} {one}" for one in found]


TWO_FRAMES = "() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))"


def size_faults(desk: Desk) -> list[str]:
    """Too wide at any size; for thumbs, keys and wide text."""
    page, found = desk.page, width_faults(desk)
    page.set_viewport_size(PHONE)
    # A chart hears of its new size a frame later, and is as wide as it another frame later.
    page.evaluate(TWO_FRAMES)
    for said, asked in (
        ("too small for a thumb", f"looks.tooSmall({THUMB_PX})"),
        ("under a bar", "looks.underABar()"),
        ("cut when spaced", "looks.spaced(true)"),
        ("too wide when spaced", "looks.tooWide()"),
    ):
        found += [f"{said}: {one}" for one in page.evaluate(asked)]
    page.evaluate("looks.spaced(false)")
    page.set_viewport_size(DESKTOP)
    return found

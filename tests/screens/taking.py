"""Takes the shots in one language: each page is opened once, then looked at in every size and
theme.
"""

import fnmatch
import os
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Error, sync_playwright

from tests.adapters.chromium import FLAGS, MISSING, program
from tests.screens.looks import look
from tests.screens.shots import SHOTS, Shot
from tests.screens.stage import ENLARGED, SIZES, THEMES, Stage, catalogue, open_context

# Of a long page so much is taken; what lies below looks like what is there.
HEIGHT_MAX: Final = 5000
QUALITY: Final = 70


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    language: str
    base: str
    passwords: dict[str, str]
    ids: dict[str, str]
    out: Path
    only: str
    full: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    shot: str
    language: str
    where: str
    what: str


def chosen(only: str) -> list[Shot]:
    """Those whose name, or page, matches a pattern of the shell; several with commas."""
    patterns = [one.strip() for one in only.split(",")] if only else ["*"]
    return [
        shot
        for shot in SHOTS
        if any(fnmatch.fnmatch(shot.name, p) or shot.page == p for p in patterns)
    ]


def file_name(shot: str, language: str, theme: str, size: str) -> str:
    return f"{shot}.{language}.{theme}.{size}.jpg"


def take_all(job: Job) -> list[Finding]:
    """One language; runs in a process of its own."""
    found: list[Finding] = []
    with sync_playwright() as playwright:
        chromium = program()
        if chromium is None:
            raise RuntimeError(MISSING)
        # Dates and files are chosen in the browser's own language, not in the page's.
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=[*FLAGS, f"--lang={job.language}"],
            env={**os.environ, "LANGUAGE": job.language.replace("-", "_")},
        )
        shots = sorted(chosen(job.only), key=lambda shot: shot.who)
        for who, group in groupby(shots, key=lambda shot: shot.who):
            found += _take_as(browser, job, who, list(group))
        browser.close()
    return found


def _take_as(browser: Browser, job: Job, who: str, shots: Sequence[Shot]) -> list[Finding]:
    """Signed in once for all pages of an account."""
    context = open_context(browser, job.language)
    found: list[Finding] = []
    words, data = catalogue(job.language), set[str]()
    if who:
        first = Stage(
            page=context.new_page(),
            base=job.base,
            language=job.language,
            words=words,
            ids=job.ids,
        )
        first.sign_in(who, job.passwords[who])
        first.page.close()
    for shot in shots:
        stage = Stage(
            page=context.new_page(),
            base=job.base,
            language=job.language,
            words=words,
            ids=job.ids,
            expected=shot.expected,
            data=data,
        )
        found += _take(stage, shot, job)
        stage.page.close()
    context.close()
    return found


def _take(stage: Stage, shot: Shot, job: Job) -> list[Finding]:
    found: list[Finding] = []

    def say(where: str, what: str) -> None:
        found.append(Finding(shot=shot.name, language=job.language, where=where, what=what))

    stage.listen()
    try:
        if shot.large:
            stage.enlarge_letters()
        if shot.before is not None:
            shot.before(stage)
        stage.open(shot.path)
        if shot.after is not None:
            shot.after(stage)
        for size, (width, height) in SIZES.items():
            if not any(shot.seen(theme, size) for theme in THEMES):
                continue
            stage.page.set_viewport_size({"width": width, "height": height})
            stage.settle()
            for one in look(stage.page, job.language, stage.words, stage.data):
                say(size, one)
            _unroll(stage, job, width, height)
            for theme in THEMES:
                if shot.seen(theme, size):
                    _picture(stage, job, shot.name, theme, size)
        # Larger letters on a telephone are enlarged already.
        for name, (width, height) in () if shot.large else ENLARGED.items():
            stage.page.set_viewport_size({"width": width, "height": height})
            stage.settle()
            for one in look(stage.page, job.language, stage.words, stage.data):
                say(name, one)
    except (Error, AssertionError, KeyError):
        say("", f"could not be taken: {traceback.format_exc(limit=-2)}")
    for problem in dict.fromkeys(stage.problems):
        say("", problem)
    return found


def _unroll(stage: Stage, job: Job, width: int, height: int) -> None:
    """A window as high as its page, so that bars at its bottom cover nothing."""
    if not job.full:
        return
    whole = stage.page.evaluate("document.documentElement.scrollHeight")
    if whole > height:
        stage.page.set_viewport_size({"width": width, "height": min(whole, HEIGHT_MAX)})


def _picture(stage: Stage, job: Job, shot: str, theme: str, size: str) -> None:
    scheme, contrast = THEMES[theme]
    media: Any = {"color_scheme": scheme, "contrast": contrast}
    stage.page.emulate_media(**media)
    stage.page.screenshot(
        path=job.out / file_name(shot, job.language, theme, size),
        type="jpeg",
        quality=QUALITY,
        animations="disabled",
    )

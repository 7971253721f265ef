"""From the page of signing in to a closed call with its record filed: the way that the READMEs
tell.

The page itself counts what is pressed, by mouse or key. Typing a name, a password or a note is no
press: a stranger copies them.
"""

from collections.abc import Callable
from typing import Final

from playwright.sync_api import BrowserContext, Page, expect

from tests.adapters.fake_api import PASSWORD
from tests.adapters.hub_bench import ROSTER as HOME
from tests.screens.stage import DEADLINE_MS

PRESSES_MAX: Final = 10
DUTY: Final = "duty-1"
ACCOUNTS: Final = {DUTY: ("duty", "1"), "visitor-1": ("visitor", "1")}
NAMES: Final = {DUTY: "李敏", "visitor-1": "陈芳"}
_HOME: Final = HOME.replace('"county"\nlevel', '"平利县"\nlevel').replace(
    'kind = "sos"', 'kind = "sos"\nlabel = "床头呼叫按钮"'
)
ROSTER: Final = f"""{_HOME}
[[home.person]]
id = "person-1"
name = "何桂英"
sex = "F"
born = "1948-06-22"
phone = "13800000003"
categories = ["独居"]
grade = "完好"
conditions = ["高血压"]
visitor = "visitor-1"
contacts = [{{ name = "何长贵", relation = "女儿", phone = "13900000003" }}]
"""
_COUNT: Final = """
for (const kind of ["pointerdown", "keydown"])
  addEventListener(kind, () =>
    sessionStorage.setItem("presses", String(Number(sessionStorage.getItem("presses")) + 1)), true);
"""


def count_presses(context: BrowserContext) -> None:
    context.add_init_script(_COUNT)


def presses(page: Page) -> int:
    return int(page.evaluate("Number(sessionStorage.getItem('presses'))"))


def walk(page: Page, base: str, say: Callable[[str], str], seen: Callable[[str], None]) -> None:
    """`say`: a text of the page; `seen`: what there is to look at at each stop."""

    def press(key: str, **params: str) -> None:
        name = say(key)
        for word, value in params.items():
            name = name.replace(f"{{{word}}}", value)
        page.get_by_role("button", name=name, exact=True).first.click()

    page.goto(base)
    page.fill("[name=username]", DUTY)
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    call = page.locator(".queue li", has_text="何桂英")
    expect(call).to_be_visible(timeout=DEADLINE_MS)
    seen("board")
    call.get_by_role("button", name=say("action.acknowledge")).click()
    page.get_by_role("link", name=say("headline.sos.pressed")).click()
    press("task.move.accept_myself")
    expect(page.get_by_role("button", name=say("task.move.depart"))).to_be_visible()
    seen("alarm")
    press("visit.begin_for", name="何桂英")
    press("visit.all_calm")
    seen("record")
    press("visit.submit")
    page.get_by_text(say("outcome.social"), exact=True).click()
    expect(page.get_by_text(say("close.filed"))).to_be_visible()
    seen("close")
    press("close.submit")
    expect(page.locator(".ended")).to_be_visible(timeout=DEADLINE_MS)
    seen("closed")

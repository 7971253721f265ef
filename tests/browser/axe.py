"""axe-core, run on the page that a window shows."""

import json
import subprocess
import sys
from typing import Any, Final

import hatch_build
from tests.browser.conftest import ROOT, Desk

AXE: Final = hatch_build.WEB / "node_modules" / "axe-core" / "axe.min.js"
LEVELS: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")


def read_axe() -> str:
    """A page that was up to date needed no packages; its own check installs them."""
    if not AXE.is_file():
        subprocess.run([sys.executable, ROOT / "hatch_build.py", "check"], check=True)
    return AXE.read_text(encoding="utf-8")


def too_wide(desk: Desk) -> bool:
    """Whether the page can be moved sideways."""
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    return bool(desk.page.evaluate(wide))


# Links that cover their whole card, and its coloured edge: with them axe can't tell what a word
# stands on, and says nothing of it.
UNCOVER = """() => {
  if (!window.uncovered) {
    window.uncovered = new CSSStyleSheet();
    window.uncovered.replaceSync("h3 a::after, .card::before { content: none !important }");
  }
  const others = document.adoptedStyleSheets.filter((sheet) => sheet !== window.uncovered);
  document.adoptedStyleSheets = [...others, window.uncovered];
}"""


def violations(desk: Desk, axe: str, options: dict[str, Any]) -> list[str]:
    desk.page.evaluate(UNCOVER)
    desk.page.evaluate(f"() => {{ if (!window.axe) {{ {axe} }} }}")
    asked = f"async () => (await axe.run(document, {json.dumps(options)})).violations"
    return [
        f"{found['id']}: {node['target']} {node['failureSummary']}"
        for found in desk.page.evaluate(asked)
        for node in found["nodes"]
    ]

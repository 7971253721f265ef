"""What is wrong with a page that can be seen without eyes: it is wider than its window, text is cut
off, a word has no translation, a picture did not load, something moves though nothing should.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from playwright.sync_api import Page

# A pixel is what rounding costs.
_LOOK: Final = r"""() => {
  const found = { wide: [], cut: [], broken: [], moving: [], texts: [] };
  const root = document.documentElement;
  const name = (e) => {
    const text = (e.textContent ?? "").trim().replace(/\s+/g, " ").slice(0, 40);
    const kind = [e.tagName.toLowerCase(), ...e.classList].slice(0, 2).join(".");
    return `<${kind}> ${text}`;
  };
  const scrolls = (e) => {
    for (let up = e.parentElement; up !== null && up !== document.body; up = up.parentElement) {
      if (getComputedStyle(up).overflowX !== "visible") return true;
    }
    return false;
  };
  const wide = root.scrollWidth > root.clientWidth + 1;
  if (wide) found.wide.push(`${root.scrollWidth} > ${root.clientWidth}`);
  for (const e of document.body.querySelectorAll("*")) {
    if (!e.checkVisibility({ visibilityProperty: true }) || e.closest("svg") !== null) continue;
    const box = e.getBoundingClientRect();
    if (box.width <= 1 || box.height <= 1) continue;
    if (wide && box.right > root.clientWidth + 1 && !scrolls(e)) found.wide.push(name(e));
    if (e.tagName === "IMG" && e.complete && e.naturalWidth === 0) found.broken.push(e.src);
    const style = getComputedStyle(e);
    const hides = style.overflowX === "hidden" || style.overflowX === "clip";
    const tight = hides || e.matches("button, .button, .badge, h1, h2, h3, legend");
    const text = (e.textContent ?? "").trim() !== "" && !e.matches("select, textarea, canvas");
    if (!text || !tight || e.clientWidth <= 1 || style.display === "inline") continue;
    if (e.scrollWidth > e.clientWidth + 1)
      found.cut.push(`${name(e)} (${e.scrollWidth} in ${e.clientWidth})`);
  }
  // Every window asks for less motion (`open_context`).
  for (const one of document.getAnimations())
    if (one.playState === "running") found.moving.push(name(one.effect.target));
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node !== null; node = walk.nextNode()) {
    const text = node.data.trim();
    if (text === "" || node.parentElement.closest("script, style") !== null) continue;
    if (node.parentElement.closest(".mono, code, .hidden-text") === null) {
      for (const word of node.data.matchAll(/[A-Za-z]{4,}|[\d,.]{3,}/g)) {
        const range = document.createRange();
        range.setStart(node, word.index);
        range.setEnd(node, word.index + word[0].length);
        const lines = new Set(Array.from(range.getClientRects(), (one) => Math.round(one.top)));
        if (lines.size > 1) found.cut.push(`the word ${word[0]} in two lines`);
      }
    }
    // What is Chinese on purpose says so: the heads of a file that is Chinese itself.
    const said = node.parentElement.closest("[lang]");
    if (said === root || said === null) found.texts.push(text);
  }
  for (const e of document.body.querySelectorAll("[placeholder], [title], [aria-label], [alt]"))
    for (const of of ["placeholder", "title", "aria-label", "alt"])
      if (e.getAttribute(of)) found.texts.push(e.getAttribute(of));
  return found;
}"""

_HAN: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+")
_SNAKE: Final = re.compile(r"(?<![\w/.@-])[a-z]{2,}(?:_[a-z0-9]+)+(?![\w/@-])")
_DOTTED: Final = re.compile(r"(?<![\w/.@-])([a-z][a-z_]+)(?:\.[a-z][a-z_0-9-]*)+(?![\w/@-])")
_BROKEN: Final = re.compile(r"\{\w+\}|\bundefined\b|\bNaN\b|\[object |\bInvalid Date\b")
# The other language says its own name.
_HAN_ALLOWED: Final = frozenset({"中文"})
# Words of code that a page shows on purpose: files that one is told to look at.
_CODE_ALLOWED: Final = frozenset({"rules.toml", "hub.toml"})
_FILES: Final = (".csv", ".docx", ".pdf", ".xlsx")


def look(page: Page, language: str, words: Mapping[str, str], data: Iterable[str]) -> list[str]:
    """What a human would complain of, each with where it stands."""
    found: dict[str, Any] = page.evaluate(_LOOK)
    said = [f"wider than its window: {'; '.join(found['wide'][:4])}"] if found["wide"] else []
    said += [f"cut off: {one}" for one in found["cut"]]
    said += [f"picture missing: {one}" for one in found["broken"]]
    said += [f"moves: {one}" for one in found["moving"]]
    known = "\0".join(data)
    prefixes = {key.split(".")[0] for key in words if "." in key}
    for text in found["texts"]:
        said += [f"{why} in {text[:60]!r}" for why in wrong(text, language, known, prefixes)]
    return sorted(set(said))


def wrong(text: str, language: str, known: str, prefixes: set[str]) -> Iterator[str]:
    """What no text of a page may have; `known`: what the hub gave as data."""
    for match in _SNAKE.finditer(text):
        if match.group() not in _CODE_ALLOWED:
            yield f"untranslated {match.group()}"
    for match in _DOTTED.finditer(text):
        known_file = match.group() in _CODE_ALLOWED or match.group().endswith(_FILES)
        if match.group(1) in prefixes and not known_file:
            yield f"untranslated {match.group()}"
    for match in _BROKEN.finditer(text):
        yield f"{match.group()!r}"
    if language == "en":
        for match in _HAN.finditer(text):
            if match.group() not in known and match.group() not in _HAN_ALLOWED:
                yield f"Chinese {match.group()}"

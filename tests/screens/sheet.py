"""The contact sheet: every picture on one local page, with what was found, by language, theme and
size. No script, nothing from elsewhere.
"""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Final

from tests.screens.shots import Shot
from tests.screens.stage import LANGUAGES, SIZES, THEMES
from tests.screens.taking import Finding, file_name

_STYLE: Final = """
body { font: 15px/1.4 system-ui, sans-serif; margin: 1rem; background: #f4f4f2; color: #222 }
.filters { position: sticky; top: 0; background: #f4f4f2; padding: .5rem 0; display: flex;
           gap: 2rem }
section { margin: 1.5rem 0; border-top: 1px solid #bbb }
.row { display: flex; gap: .75rem; overflow-x: auto; align-items: start }
figure { margin: 0 } figcaption { font-size: 12px; color: #666 }
img { height: 26rem; width: auto; max-width: 40rem; object-fit: cover; object-position: top;
      border: 1px solid #ccc; background: #fff }
.found { color: #a11; font-size: 13px }
"""


def write(out: Path, shots: Sequence[Shot], found: Sequence[Finding]) -> Path:
    names = {"language": LANGUAGES, "theme": tuple(THEMES), "size": tuple(SIZES)}
    filters = "".join(_filter(group, options) for group, options in names.items())
    hides = "".join(
        f"body:has(#{option}:not(:checked)) figure.{option} {{ display: none }}"
        for options in names.values()
        for option in options
    )
    parts = [
        "<!doctype html><meta charset=utf-8><title>Screenshots</title>",
        f"<style>{_STYLE}{hides}</style>",
        f"<h1>{len(shots)} pages, {len(found)} findings</h1>",
        f"<div class=filters>{filters}</div>",
        *(_section(shot, [one for one in found if one.shot == shot.name]) for shot in shots),
    ]
    index = out / "index.html"
    index.write_text("\n".join(parts), encoding="utf-8")
    return index


def _filter(group: str, options: Sequence[str]) -> str:
    boxes = "".join(
        f"<label><input type=checkbox id={option} checked> {option}</label> " for option in options
    )
    return f"<span>{group}: {boxes}</span>"


def _section(shot: Shot, found: Sequence[Finding]) -> str:
    figures = [
        f'<figure class="{language} {theme} {size}"><a href="{name}">'
        f'<img loading=lazy src="{name}" alt="{name}"></a>'
        f"<figcaption>{language} {theme} {size}</figcaption></figure>"
        for language in LANGUAGES
        for size in SIZES
        for theme in THEMES
        if shot.seen(theme, size)
        if (name := file_name(shot.name, language, theme, size))
    ]
    told = "".join(f"<li>{escape(line)}</li>" for line in lines(found))
    return (
        f'<section id="{shot.name}"><h2>{shot.name}</h2><p>{escape(shot.path)} '
        f"({shot.who or 'nobody signed in'})</p><ul class=found>{told}</ul>"
        f"<div class=row>{''.join(figures)}</div></section>"
    )


def lines(found: Sequence[Finding]) -> list[str]:
    """The same in several sizes or languages is one line."""
    where: dict[str, list[str]] = {}
    for one in found:
        where.setdefault(one.what, []).append(f"{one.language} {one.where}".strip())
    return [f"{what} [{', '.join(places)}]" for what, places in where.items()]

"""A whole document: forms, then sections with tables, as every renderer takes it. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ledger.documents.form import Blank, Box, Cell, Drawing, Form, Line, Part, Text
from ledger.documents.table import Table, is_number, shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading with plain lines under it, then a table."""

    title: str
    lines: tuple[str, ...] = ()
    table: Table | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """`printed` stands small at the foot of every page: when, and by whom. `at_ms` is written
    into the file as its time.

    numbered: every form once for each of its copies, marked (第 1 联，县民政局存).
    picture: a JPEG beside the heading of the sections.
    """

    title: str
    printed: str
    at_ms: int
    forms: tuple[Form, ...] = ()
    sections: tuple[Section, ...] = ()
    numbered: bool = False
    picture: bytes | None = None


Clean = Callable[[str], str]


def paper_data(paper: Paper, clean: Clean) -> dict[str, Any]:
    """The document as JSON for the template; every text that goes to paper passes `clean`."""
    return {
        "title": clean(paper.title),
        "printed": clean(paper.printed),
        "forms": [
            {**_form(form, clean), "copy": copy}
            for form in paper.forms
            for copy in (copies_of(form) if paper.numbered else ("",))
        ],
        "sections": [_section(section, clean) for section in paper.sections],
        # As numbers: the template has no decoder.
        "picture": None if paper.picture is None else list(paper.picture),
    }


def copies_of(form: Form) -> tuple[str, ...]:
    """What each copy of a form says of itself."""
    whole = len(form.copies)
    return tuple(
        f"第 {place} 联（共 {whole} 联）　{keeper}存"
        for place, keeper in enumerate(form.copies, start=1)
    )


def _form(form: Form, clean: Clean) -> dict[str, Any]:
    return {
        "mark": form.mark,
        "title": form.title,
        "above": [_line(line, clean) for line in form.above],
        "widths": list(form.widths),
        "rows": [[_cell(cell, clean) for cell in row] for row in form.rows],
        "below": [_line(line, clean) for line in form.below],
        "foot": form.foot,
        "size": form.size_pt,
        "row_height": form.row_mm,
        "continued": [
            {"label": name, "lines": [clean(line) for line in words.splitlines()]}
            for name, words in form.continued
        ],
    }


def _cell(cell: Cell, clean: Clean) -> dict[str, Any]:
    return {
        "lines": [_line(line, clean) for line in cell.lines],
        "columns": cell.columns,
        "rows": cell.rows,
        "center": cell.align == "center",
        "head": cell.head,
        "height": cell.height_mm,
        "upright": cell.upright,
        "top": cell.top,
    }


def _line(line: Line, clean: Clean) -> list[dict[str, Any]]:
    return [part_data(part, clean) for part in line]


def part_data(part: Part, clean: Clean) -> dict[str, Any]:
    """One part of a line as the templates take it."""
    match part:
        case Text():
            return {"is": "text", "text": clean(part.text)}
        case Box():
            return {"is": "box", "ticked": part.ticked, "text": clean(part.label)}
        case Blank():
            return {"is": "blank", "text": clean(part.text), "ems": part.ems}
        case Drawing():
            return {
                "is": "drawing",
                "width": part.width,
                "height": part.height,
                "strokes": [[list(point) for point in stroke] for stroke in part.strokes],
            }


def _section(section: Section, clean: Clean) -> dict[str, Any]:
    table = section.table
    return {
        "title": clean(section.title),
        "lines": [clean(line) for line in section.lines],
        "table": None
        if table is None
        else {
            "columns": [
                {"text": clean(c.zh), "width": c.width, "number": is_number(c.kind)}
                for c in table.columns
            ],
            "rows": [
                [
                    clean(shown(value, column.kind))
                    for value, column in zip(row, table.columns, strict=True)
                ]
                for row in table.rows
            ],
            "left_out": table.left_out,
        },
    }

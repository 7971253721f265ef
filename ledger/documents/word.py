"""Forms as DOCX, by python-docx: for those who fill them in or go on writing. The only module that
knows it.

The layout is that of the PDF (`paper.typ`); Word has no way to be asked what fits, so a form's own
size of type is taken and long texts are on the sheet behind anyway.
"""

import io
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any, Final

from ledger.documents.form import Blank, Box, Cell, Drawing, Form, Line, Part, Text
from ledger.documents.paper import Paper, copies_of
from ledger.documents.pdf import NotInstalled

Draw = Callable[[Drawing], bytes]

# What every Windows and WPS has; Word takes the East Asian one for Chinese only when told so.
SONG: Final = "宋体"
HEI: Final = "黑体"
# Has both boxes; 宋体 has only the empty one.
SYMBOLS: Final = "Segoe UI Symbol"
PAGE_MM: Final = (210, 297)
MARGINS_MM: Final = (18, 16, 20, 20)  # top, bottom, left, right
_INSIDE_MM: Final = PAGE_MM[0] - MARGINS_MM[2] - MARGINS_MM[3]
_SIGNATURE_MM: Final = 10
_SMALLER_PT: Final = 9.0


def write_docx(paper: Paper, draw: Draw) -> bytes:
    """The paper's forms; `draw` makes a picture of a signature. NotInstalled without the extra."""
    try:
        import docx
    except ImportError as error:
        raise NotInstalled(str(error.name)) from None
    document: Any = docx.Document()
    writer = _Writer(document, draw)
    writer.set_page(paper)
    first = True
    for form in paper.forms:
        for copy in copies_of(form) if paper.numbered else ("",):
            if not first:
                document.add_page_break()
            writer.form(form, copy)
            first = False
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def storable(words: str) -> str:
    """The text without what XML can't hold; a tab or line break is a space."""
    kept = (" " if c in "\t\n\r" else c for c in words if c in "\t\n\r" or _allowed(c))
    return "".join(kept)


def _allowed(character: str) -> bool:
    if unicodedata.category(character) in ("Cc", "Cs"):
        return False
    return ord(character) & 0xFFFE != 0xFFFE


class _Writer:
    def __init__(self, document: Any, draw: Draw) -> None:
        self._document = document
        self._draw = draw

    def set_page(self, paper: Paper) -> None:
        from docx.shared import Mm

        section = self._document.sections[0]
        section.page_width, section.page_height = Mm(PAGE_MM[0]), Mm(PAGE_MM[1])
        section.top_margin, section.bottom_margin = Mm(MARGINS_MM[0]), Mm(MARGINS_MM[1])
        section.left_margin, section.right_margin = Mm(MARGINS_MM[2]), Mm(MARGINS_MM[3])
        section.footer_distance = Mm(8)
        _fonts(self._document.styles["Normal"].font, SONG)
        self._document.core_properties.title = storable(paper.title)[:255]
        self._document.core_properties.author = "hearthwatch"
        foot = section.footer.paragraphs[0]
        self._run(foot, paper.printed, size_pt=7.5)

    def form(self, form: Form, copy: str) -> None:
        from docx.enum.text import WD_ALIGN_PARAGRAPH as ALIGN

        mark = self._paragraph()
        self._run(mark, form.mark, size_pt=12, font=HEI)
        if copy:
            self._run(mark, f"　　{copy}", size_pt=_SMALLER_PT)
        title = self._paragraph()
        title.alignment = ALIGN.CENTER
        self._run(title, form.title, size_pt=20, bold=True)
        for place, line in enumerate(form.above):
            above = self._paragraph()
            above.alignment = ALIGN.RIGHT if place == len(form.above) - 1 else ALIGN.LEFT
            self._line(above, line, min(form.size_pt, 10.5))
        self._table(form)
        for line in form.below:
            self._line(self._paragraph(), line, _SMALLER_PT)
        self._run(self._paragraph(), form.foot, size_pt=9.5)
        if form.continued:
            self._continued(form)

    def _continued(self, form: Form) -> None:
        self._document.add_page_break()
        self._run(self._paragraph(), f"{form.mark}附页", size_pt=12, font=HEI)
        for name, words in form.continued:
            self._run(self._paragraph(), name, size_pt=12, font=HEI)
            for line in words.splitlines():
                self._run(self._paragraph(), line, size_pt=10.5)

    def _table(self, form: Form) -> None:
        from docx.enum.table import WD_ROW_HEIGHT_RULE, WD_TABLE_ALIGNMENT
        from docx.shared import Mm

        table = self._document.add_table(rows=len(form.rows), cols=len(form.widths))
        table.style = "Table Grid"
        table.alignment = WD_TABLE_ALIGNMENT.CENTER
        table.autofit = False
        share = _INSIDE_MM / sum(form.widths)
        for column, width in zip(table.columns, form.widths, strict=True):
            column.width = Mm(width * share)
        for row, cells in zip(table.rows, form.rows, strict=True):
            row.height = Mm(max(form.row_mm, *(cell.height_mm for cell in cells)))
            row.height_rule = WD_ROW_HEIGHT_RULE.AT_LEAST
        # Asked once: each question walks the whole table.
        grid = [list(row.cells) for row in table.rows]
        for cell, at_row, at_column in placed(form):
            first = grid[at_row][at_column]
            last = grid[at_row + cell.rows - 1][at_column + cell.columns - 1]
            width = sum(form.widths[at_column : at_column + cell.columns]) * share
            joined = first if first is last else first.merge(last)
            joined.width = Mm(width)
            self._cell(joined, cell, form.size_pt)

    def _cell(self, into: Any, cell: Cell, size_pt: float) -> None:
        from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT as VERTICAL
        from docx.enum.text import WD_ALIGN_PARAGRAPH as ALIGN

        into.vertical_alignment = VERTICAL.TOP if cell.top else VERTICAL.CENTER
        lines = tuple(_upright(cell.lines)) if cell.upright else cell.lines
        for place, line in enumerate(lines or ((),)):
            paragraph = into.paragraphs[0] if place == 0 else into.add_paragraph()
            _close(paragraph)
            if cell.align == "center":
                paragraph.alignment = ALIGN.CENTER
            self._line(paragraph, line, size_pt)

    def _line(self, paragraph: Any, line: Line, size_pt: float) -> None:
        for part in line:
            self._part(paragraph, part, size_pt)

    def _part(self, paragraph: Any, part: Part, size_pt: float) -> None:
        from docx.shared import Mm

        match part:
            case Text():
                self._run(paragraph, part.text, size_pt=size_pt)
            case Box():
                mark = "☑" if part.ticked else "☐"
                self._run(paragraph, mark, size_pt=size_pt, font=SYMBOLS)
                self._run(paragraph, f"{part.label}  ", size_pt=size_pt)
            case Blank():
                # Spaces of no line break, so that Word draws the line under them.
                room = max(0, part.ems - len(part.text))
                side = "\u00a0" * room
                run = self._run(paragraph, f"{side}{part.text}{side}", size_pt=size_pt)
                run.underline = True
            case Drawing():
                picture = io.BytesIO(self._draw(part))
                paragraph.add_run().add_picture(picture, height=Mm(_SIGNATURE_MM))

    def _paragraph(self) -> Any:
        paragraph = self._document.add_paragraph()
        _close(paragraph)
        return paragraph

    def _run(
        self,
        paragraph: Any,
        words: str,
        *,
        size_pt: float,
        font: str = SONG,
        bold: bool = False,
    ) -> Any:
        from docx.shared import Pt

        run = paragraph.add_run(storable(words))
        _fonts(run.font, font)
        run.font.size = Pt(size_pt)
        run.font.bold = bold
        return run


def placed(form: Form) -> Iterator[tuple[Cell, int, int]]:
    """Each cell with its row and column, past those that reach down from rows above."""
    taken: set[tuple[int, int]] = set()
    for row, cells in enumerate(form.rows):
        column = 0
        for cell in cells:
            while (row, column) in taken:
                column += 1
            for down in range(cell.rows):
                taken.update((row + down, column + over) for over in range(cell.columns))
            yield cell, row, column
            column += cell.columns


def _upright(lines: tuple[Line, ...]) -> Iterator[Line]:
    for line in lines:
        for part in line:
            if isinstance(part, Text):
                yield from ((Text(text=character),) for character in part.text)
            else:
                yield (part,)


def _close(paragraph: Any) -> None:
    """No space around: the height of a row is the form's."""
    from docx.shared import Pt

    paragraph.paragraph_format.space_before = Pt(0)
    paragraph.paragraph_format.space_after = Pt(0)


def _fonts(font: Any, name: str) -> None:
    from docx.oxml.ns import qn

    font.name = name
    font.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), name)

"""Papers as PDF (PDF/A-2b) or pictures, by typst. The only module that knows it.

Texts reach the template as JSON and are never read as markup. typst and the fonts are the extra
`documents`: without them `Printer` says `NotInstalled` when it is asked for something.
"""

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Literal

from ledger.documents import font_cover
from ledger.documents.form import Drawing
from ledger.documents.paper import Paper, paper_data, part_data
from ledger.documents.printable import Printable

PAPER: Final = Path(__file__).with_name("paper.typ")
DRAWING: Final = Path(__file__).with_name("drawing.typ")
STANDARD: Final = "a-2b"
# A whole file of ten years of visits; more is a mistake, or a table that belongs in a spreadsheet.
PAGES_MAX: Final = 60
# What fills that many pages several times over.
DATA_BYTES_MAX: Final = 2 * 1024 * 1024
# A rendering takes a processor for 0.1 to 1 s; the urgent lane wants one of two.
AT_ONCE: Final = 1
# Longer than this queue of renderings nobody waits in front of a page.
WAIT_S: Final = 15.0
# The same form printed again, or in copies, within the day.
CACHE_BYTES_MAX: Final = 16 * 1024 * 1024
# A4 at this many dots is read on a screen and is small.
PICTURE_PPI: Final = 110
# Of a signature in Word, which prints it.
DRAWING_PPI: Final = 300.0
_TOO_MANY: Final = "too-many-pages"
# typst keeps what it laid out in the last ten compilations: 30 MB of a whole file each. After so
# many empty ones, 50 ms together, it has forgotten.
FORGET_AFTER: Final = 12
# A form has 17,000 characters of data; it may stay, and the next is made in half the time.
FORGET_FROM: Final = 24 * 1024
_EMPTY: Final = b" "


class NotInstalled(Exception):  # noqa: N818 - an answer to a user
    """The extra `documents` is not on this machine."""


class TooLong(Exception):  # noqa: N818 - an answer to a user
    """More pages, or more data, than a document may have."""


class Busy(Exception):  # noqa: N818 - an answer to a user
    """Other documents are being made; ask again in a moment."""


class Printer:
    """Renders from worker threads, so many at once, and keeps the last documents."""

    def __init__(self, wait_s: float = WAIT_S, pages_max: int = PAGES_MAX) -> None:
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._wait_s = wait_s
        self._pages_max = pages_max
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._kept_bytes = 0
        self._fonts: Any = None
        self._cover: font_cover.Cover | None = None

    def pdf(self, paper: Paper) -> bytes:
        """One document; NotInstalled, TooLong or Busy when there is none."""
        data = self._data(paper)
        key = hashlib.sha256(f"{paper.at_ms} {data}".encode()).hexdigest()
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
        options = {"pdf_standards": [STANDARD], "timestamp": paper.at_ms // 1000}
        [made] = self._compiled(PAPER, {"paper": data}, "pdf", options)
        self._keep(key, made)
        return made

    def pictures(self, paper: Paper, ppi: int = PICTURE_PPI) -> list[bytes]:
        """The pages as PNG."""
        return self._compiled(PAPER, {"paper": self._data(paper)}, "png", {"ppi": float(ppi)})

    def drawing(self, drawing: Drawing) -> bytes:
        """A signature alone as PNG, for a document that is not ours to draw in."""
        self._ready()
        data = json.dumps(part_data(drawing, str))
        options = {"ppi": DRAWING_PPI}
        [made] = self._compiled(DRAWING, {"drawing": data}, "png", options)
        return made

    @contextmanager
    def turn(self) -> Iterator[None]:
        """While it is held nothing else is rendered; Busy when it isn't given in time."""
        if not self._turns.acquire(timeout=self._wait_s):
            raise Busy("other documents are being made")
        try:
            yield
        finally:
            self._turns.release()

    def _data(self, paper: Paper) -> str:
        clean = Printable(self._ready())
        document = paper_data(paper, clean)
        data = json.dumps({**document, "missing": clean.note}, ensure_ascii=False)
        if len(data) > DATA_BYTES_MAX:
            raise TooLong(f"the document has more than {DATA_BYTES_MAX} characters of data")
        return data

    def _ready(self) -> font_cover.Cover:
        """Fonts are looked at once, at the first document."""
        with self._lock:
            if self._cover is None:
                typst, serif = _installed()
                self._fonts = typst.Fonts(
                    include_system_fonts=False,
                    include_embedded_fonts=True,
                    font_paths=[str(serif.parent)],
                )
                self._cover = font_cover.read(serif.read_bytes())
            return self._cover

    def _compiled(
        self,
        template: Path,
        inputs: Mapping[str, str],
        form: Literal["pdf", "png"],
        options: Mapping[str, Any],
    ) -> list[bytes]:
        typst, _serif = _installed()
        with self.turn():
            try:
                made = typst.compile(
                    str(template),
                    root=str(template.parent),
                    font_paths=self._fonts,
                    sys_inputs={**inputs, "pages-max": str(self._pages_max)},
                    format=form,
                    **options,
                )
            except typst.TypstError as error:
                if _TOO_MANY in str(error):
                    detail = f"more than {self._pages_max} pages; take a shorter span"
                    raise TooLong(detail) from None
                raise
            finally:
                if sum(map(len, inputs.values())) > FORGET_FROM:
                    for _time in range(FORGET_AFTER):
                        typst.compile(_EMPTY, font_paths=self._fonts, format="pdf")
        return made if isinstance(made, list) else [made]

    def _keep(self, key: str, made: bytes) -> None:
        with self._lock:
            self._kept_bytes += len(made) - len(self._kept.pop(key, b""))
            self._kept[key] = made
            while self._kept_bytes > CACHE_BYTES_MAX:
                _old, dropped = self._kept.popitem(last=False)
                self._kept_bytes -= len(dropped)


def _installed() -> tuple[ModuleType, Path]:
    """typst, and the file of the 宋体-like font."""
    try:
        import pylopdf_fonts_zh_cn
        import typst
    except ImportError as error:
        raise NotInstalled(str(error.name)) from None
    return typst, pylopdf_fonts_zh_cn.serif_path()

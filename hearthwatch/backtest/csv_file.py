"""A readings file into `PastReadings`: by blocks where it has the common shape, else by rows."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

from hearthwatch.backtest.csv_block import Block, read_block
from hearthwatch.backtest.past_readings import PastReadings
from hearthwatch.backtest.rows import ATTRIBUTES, BadRow, Layout, layout_of, parts_of

# Read at a time: columns of a block this large stay in the processor's cache for the most part.
BLOCK_BYTES: Final = 4 * 1024 * 1024
# A longer line is no row of readings, and must not be kept whole to find out.
LINE_BYTES_MAX: Final = 128 * 1024
# Bad rows told one by one; the rest are counted.
BAD_ROWS_SHOWN: Final = 20
# Rows that are read one by one between two reports of how far we are.
_ROWS_PER_REPORT: Final = 100_000
_BOM: Final = b"\xef\xbb\xbf"

Say = Callable[[str], object]
# How much of the file has been read, 0 to 1.
Report = Callable[[float], None]


def load_csv(
    path: Path,
    say: Say,
    report: Report = lambda _part: None,
    *,
    block_bytes: int = BLOCK_BYTES,
) -> PastReadings:
    """Every usable row; what is wrong with the others is said. BadRow when the header is."""
    past = PastReadings()
    with path.open("rb") as file:
        loader = _Loader(past, path, say, report, block_bytes)
        loader.load(file)
    if past.bad > BAD_ROWS_SHOWN:
        say(f"… and {past.bad - BAD_ROWS_SHOWN} more bad rows\n")
    return past


class _Loader:
    def __init__(
        self, past: PastReadings, path: Path, say: Say, report: Report, block_bytes: int
    ) -> None:
        self._block_bytes = block_bytes
        self._past = past
        self._name = path.name
        self._size = max(1, path.stat().st_size)
        self._say = say
        self._report = report
        self._line = 1
        self._layout = Layout((), 0)
        self._known_homes: dict[tuple[bytes, ...], int] = {}
        self._known_series: dict[tuple[bytes, ...], int] = {}

    def load(self, file: BinaryIO) -> None:
        begin = len(_BOM) if file.read(len(_BOM)) == _BOM else 0
        file.seek(begin)
        head = file.readline(LINE_BYTES_MAX)
        if _needs_care(head) or not head.endswith(b"\n"):
            self._by_rows(file, begin, headed=False)
            return
        self._layout = layout_of(head.decode("utf-8", "surrogateescape").rstrip("\r\n").split(","))
        at, rest = file.tell(), b""
        while chunk := file.read(self._block_bytes):
            text = rest + chunk
            end = text.rfind(b"\n") + 1
            if _needs_care(text[:end]) or len(text) - end > LINE_BYTES_MAX:
                self._by_rows(file, at, headed=True)
                return
            if end:
                self._block(text[:end])
            rest = text[end:]
            at += end
            self._report(at / self._size)
        if rest and not _needs_care(rest + b"\n"):
            self._block(rest + b"\n")
        elif rest:
            self._by_rows(file, at, headed=True)

    def _block(self, text: bytes) -> None:
        past = self._past
        block = read_block(text, self._layout, self._home, self._series)
        odd = np.flatnonzero(~block.usual).tolist()
        texts: list[tuple[int, str]] = []
        for row in odd:
            self._odd(block, row, text, texts)
        keep = np.flatnonzero(block.usual)
        base = past.rows
        for row, attribute in texts:
            past.set_text(base + int(np.searchsorted(keep, row)), attribute)
        past.add_columns(
            block.homes[keep], block.series[keep], block.times_ms[keep], block.values[keep]
        )
        self._line += block.usual.size

    def _odd(self, block: Block, row: int, text: bytes, texts: list[tuple[int, str]]) -> None:
        """Read a row with care and put it into its place in the block."""
        line = text[int(block.begins[row]) : int(block.ends[row])]
        if not line:
            return
        past = self._past
        try:
            cells = line.decode("utf-8", "surrogateescape").split(",")
            parts = parts_of(cells, self._layout)
            block.series[row] = past.series_number(*parts.series)
        except BadRow as error:
            self._bad(self._line + row + 1, error)
            return
        block.homes[row] = past.home_number(parts.home)
        block.times_ms[row], block.values[row] = parts.at_ms, parts.value
        block.usual[row] = True
        if parts.text is not None:
            texts.append((row, parts.text))

    def _by_rows(self, file: BinaryIO, at: int, *, headed: bool) -> None:
        """The rest of the file with the csv module: quotes, line ends of other systems."""
        file.seek(at)
        text = io.TextIOWrapper(file, "utf-8", "surrogateescape", newline="")
        lines_before = self._line if headed else 0
        try:
            reader = csv.reader(text)
            if not headed:
                self._layout = layout_of(next(reader, []))
            while True:
                try:
                    cells = next(reader, None)
                    if cells is None:
                        break
                    if cells:
                        self._past.add(parts_of(cells, self._layout))
                except (BadRow, csv.Error) as error:
                    self._bad(lines_before + reader.line_num, error)
                if reader.line_num % _ROWS_PER_REPORT == 0:
                    self._report(file.tell() / self._size)
        finally:
            text.detach()

    def _bad(self, line: int, error: Exception) -> None:
        self._past.bad += 1
        if self._past.bad <= BAD_ROWS_SHOWN:
            self._say(f"{self._name}:{line}: {error}\n")

    # Names of a block, each asked for once.

    def _home(self, names: tuple[bytes, ...]) -> int:
        number = self._known_homes.get(names)
        if number is None:
            home = _name(names[0])
            number = self._past.home_number(home) if home else -1
            self._known_homes[names] = number
        return number

    def _series(self, names: tuple[bytes, ...]) -> int:
        number = self._known_series.get(names)
        if number is None:
            device, kind, name = (_name(each) for each in names)
            number = -1
            if device and name not in ATTRIBUTES:
                try:
                    number = self._past.series_number(device, kind, name)
                except BadRow:
                    number = -1
            self._known_series[names] = number
        return number


def _needs_care(text: bytes) -> bool:
    if b'"' in text or b"\0" in text:
        return True
    return b"\r" in text and text.count(b"\r") != text.count(b"\r\n")


def _name(cell: bytes) -> str:
    """Empty when it is no UTF-8: the row is then read with care, and told."""
    try:
        return cell.decode().strip()
    except UnicodeDecodeError:
        return ""

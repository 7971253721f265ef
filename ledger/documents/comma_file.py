"""Tables as CSV for spreadsheet programs of Chinese offices. Pure.

UTF-8 with its mark (Excel takes it for the local code page otherwise) or GB 18030, which has every
character too. What a program would run as a formula gets a quotation mark before it; a long row
of digits gets a tab behind it, which nobody sees, or Excel would round an identity number.
"""

import csv
import io
import re
from typing import Final, Literal

from ledger.documents.table import Table, is_number, shown

CSV_TYPE: Final = "text/csv"
Encoding = Literal["utf-8", "gb18030"]
ENCODINGS: Final[tuple[Encoding, ...]] = ("utf-8", "gb18030")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?")
# Excel keeps fifteen digits, and shows twelve as a power of ten.
_LONG: Final = re.compile(r"[0-9]{11,}[0-9Xx]?")
_HALVES: Final = re.compile("[\ud800-\udfff\x00]")


def write_csv(table: Table, encoding: Encoding = "utf-8") -> bytes:
    """A line for each row under the Chinese heads."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([harmless(column.zh) for column in table.columns])
    for row in table.rows:
        writer.writerow(
            [
                _field(shown(value, column.kind), number=is_number(column.kind))
                for value, column in zip(row, table.columns, strict=True)
            ]
        )
    text = _HALVES.sub("", out.getvalue())
    return text.encode("utf-8-sig" if encoding == "utf-8" else encoding)


def harmless(words: str) -> str:
    """A text that no spreadsheet program runs."""
    return f"'{words}" if words.startswith(_FORMULA) else words


def _field(words: str, *, number: bool) -> str:
    """A negative number is no formula; a word in a column of numbers may be one."""
    if number and _NUMBER.fullmatch(words):
        return words
    return f"{words}\t" if _LONG.fullmatch(words) else harmless(words)

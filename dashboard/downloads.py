"""Files as answers: their names in Chinese, never kept by a proxy or a browser."""

import re
from typing import Any, Final
from urllib.parse import quote

from starlette.responses import Response

from ledger.documents.comma_file import CSV_TYPE
from ledger.documents.workbook import XLSX_TYPE
from ledger.forms import strokes

TYPES: Final = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": XLSX_TYPE,
    "csv": CSV_TYPE,
    "zip": "application/zip",
    "json": "application/fhir+json",
}
# What is shown by a page, not taken along.
_SHOWN: Final = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "svg": "image/svg+xml",
    "strokes": strokes.MIME,
    "ics": "text/calendar",
}
# What no file system of an office takes, and what would end a header.
_REFUSED: Final = re.compile(
    r'[\x00-\x1f\x7f-\x9f\\/:*?"<>|\u200e\u200f\u202a-\u202e\u2066-\u2069]'
)
NAME_MAX: Final = 80


def as_file(*endings: str) -> dict[int | str, dict[str, Any]]:
    """For a route's `responses`: in which of these forms its answer comes."""
    types = {**TYPES, **_SHOWN}
    bytes_, document = {"type": "string", "format": "binary"}, {"type": "object"}
    content = {types[e]: {"schema": document if "json" in types[e] else bytes_} for e in endings}
    return {200: {"description": "The file", "content": content}}


def download(content: bytes, name: str, ending: str, *, inline: bool = False) -> Response:
    """`name` without its ending. RFC 6266 with RFC 5987: plain letters for old programs, the
    Chinese name for the others."""
    clean = _REFUSED.sub("", name).strip(" .")[:NAME_MAX] or "hearthwatch"
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", clean).strip("-") or "document"
    how = "inline" if inline else "attachment"
    written = quote(f"{clean}.{ending}", safe="", errors="replace")
    disposition = f"{how}; filename=\"{plain}.{ending}\"; filename*=UTF-8''{written}"
    return Response(
        content,
        media_type=TYPES[ending],
        headers={"Content-Disposition": disposition, "Cache-Control": "no-store"},
    )

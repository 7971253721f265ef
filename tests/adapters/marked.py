"""What tells of marked persons, and where in bytes it is found again in whatever form."""

import base64
import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from ledger.forms import id_number

_BODY = "61092619410302731"
# Words that occur nowhere else, each of one kind of what is known of a person.
MARKS = {
    "name": "冼翠嫘",
    "second name": "仉雯翟",
    "pinyin": "xiancuilei",
    "telephone": "13987651234",
    "identity number": _BODY + id_number.check_digit(_BODY),
    "address": "霁虹巷玖拾柒号",
    "registered address": "户籍在鹮鸣村",
    "way in": "钥匙在瓮底下",
    "dog": "黄犬名唤獬豸",
    "label": "冼家床头钮",
    "illness": "帕金森氏标",
    "medication": "美多芭标片",
    "contact": "冼攀攀",
    "contact's telephone": "13676543210",
    "note of an alarm": "她摔在灶台标",
    "finding": "膝盖擦伤标",
    "record of a visit": "儿子欠债标",
    "referral": "想请护工标",
    "care": "洗澡时哭了标",
    "stay": "去女儿家标",
    "consent": "只给村医看标",
    "reason": "核对低保标",
    "other reason": "她要看标",
    "gap": "去儿子那里住过标",
    "order": "为冼翠嫘评残",
}


def forms(mark: str) -> Iterator[tuple[str, bytes]]:
    """A mark as programs write it."""
    yield "utf-8", mark.encode()
    if mark.isascii():
        yield "utf-16", mark.encode("utf-16-le")
        yield from _base64(mark)
        return
    yield "json", json.dumps(mark)[1:-1].encode()
    yield "percent", quote(mark).encode()
    yield "utf-16", mark.encode("utf-16-le")
    yield "gb18030", mark.encode("gb18030")
    yield from _base64(mark)


def _base64(mark: str) -> Iterator[tuple[str, bytes]]:
    """At each of the three places within a group, the signs that are of the mark alone."""
    raw = mark.encode()
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + raw)
        needle = coded[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        if len(needle) >= 8:
            yield "base64", needle


FORMS = [(kind, form, needle) for kind, mark in MARKS.items() for form, needle in forms(mark)]


def found_in(where: str, content: bytes) -> list[str]:
    """Where, which kind and in which form."""
    found = [f"{where}: {kind} ({form})" for kind, form, needle in FORMS if needle in content]
    for name, inner in _inside(content):
        found += found_in(f"{where}!{name}", inner)
    return found


def _inside(content: bytes) -> Iterator[tuple[str, bytes]]:
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            for info in file.infolist():
                yield info.filename, file.read(info)
    elif content.startswith(b"\x1f\x8b"):
        yield "gzip", gzip.decompress(content)
    elif content.startswith(b"\x78\x9c"):
        yield "zlib", zlib.decompress(content)


def found_below(folders: Iterable[Path]) -> list[str]:
    """In every file, also in those that end with it."""
    found: list[str] = []
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            try:
                if path.is_file() and not path.is_symlink():
                    found += found_in(path.relative_to(folder.parent).as_posix(), path.read_bytes())
            except FileNotFoundError:
                continue  # it went while we looked
    return found


def seen(marks: Sequence[str], content: bytes) -> list[str]:
    """Which of these kinds are in it: a search that finds nothing must be able to find."""
    return [kind for kind in marks if MARKS[kind].encode() in content]

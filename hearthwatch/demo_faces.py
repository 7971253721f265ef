"""Faces of the demonstration's people: drawn here, of nobody, with the consent that a photo needs.

Two of three have one, one said no. Everything follows from the homes.
"""

import datetime
import hashlib
import random
import struct
import zlib
from collections.abc import Sequence
from typing import Final

from alarms.rota.days import iso_day
from dashboard.images import FACE, Pictures
from device_sims.roster import Household
from hearthwatch.demo_care import MANAGER, person_of
from ledger.forms.consents import NewConsent
from ledger.persons import consenting, photo
from ledger.unit_of_work import UnitOfWork
from rules.local_time import DAY_MS, day_of

_WITHOUT_EVERY: Final = 3
# Of those without, this one was asked and said no.
_SAID_NO: Final = 2
_DAYS_AGO: Final = 30
# Larger than it is kept, so that edges are smooth when it is made smaller.
_WIDTH: Final = 1000
_HEIGHT: Final = 1250

Colour = tuple[int, int, int]
_WALLS: Final[tuple[Colour, ...]] = ((214, 224, 226), (226, 219, 205), (208, 218, 206))
_SKINS: Final[tuple[Colour, ...]] = ((224, 180, 146), (214, 166, 130), (232, 194, 164))
_HAIRS: Final[tuple[Colour, ...]] = ((150, 148, 146), (206, 204, 200), (104, 102, 102))
_COATS: Final[tuple[Colour, ...]] = ((62, 82, 110), (112, 64, 66), (70, 92, 78), (96, 84, 108))
_DARK: Final[Colour] = (52, 44, 40)


def seed(unit: UnitOfWork, homes: Sequence[Household], began_ms: int) -> None:
    """Twice writes it once."""
    if unit.execute("SELECT 1 FROM person_photo LIMIT 1").fetchall():
        return
    pictures = Pictures()
    then = UnitOfWork(unit.cursor, began_ms - _DAYS_AGO * DAY_MS)
    day = datetime.date.fromisoformat(iso_day(day_of(then.now_ms)))
    for place, home in enumerate(homes):
        if place % _WITHOUT_EVERY == _WITHOUT_EVERY - 1:
            if place == _SAID_NO:
                _consent(then, home, "no", day)
            continue
        _consent(then, home, "yes", day)
        drawn = pictures.photo(face(home), FACE)
        new = photo.NewPhoto(
            person=person_of(home),
            mime=drawn.mime,
            content=drawn.content,
            sha256=hashlib.sha256(drawn.content).hexdigest(),
            width=drawn.width,
            height=drawn.height,
        )
        photo.keep(then, new, home.region, MANAGER, day.isoformat())


def _consent(unit: UnitOfWork, home: Household, said: str, day: datetime.date) -> None:
    new = NewConsent(
        purpose=photo.PURPOSE,
        given_by=home.name,
        relation="self",
        how="signed",
        given_on=day.isoformat(),
        answer=said,
    )
    consent = f"demo-photo-{home.home}"
    consenting.give(unit, consent, person_of(home), home.region, new, MANAGER, day)


def face(home: Household) -> bytes:
    """A drawing as PNG, the same for the same home."""
    draw = random.Random(f"face/{home.home}")  # noqa: S311 - from a seed
    sheet = _Sheet(draw.choice(_WALLS))
    skin, hair, coat = draw.choice(_SKINS), draw.choice(_HAIRS), draw.choice(_COATS)
    shade: Colour = (skin[0] - 26, skin[1] - 28, skin[2] - 28)
    wide = draw.randint(205, 235)
    sheet.oval(500, 1330, 430, 420, coat)
    if home.sex == "F":
        sheet.oval(500, 500, wide + 62, 330, hair)
        sheet.oval(500, 205, 105, 90, hair)
    sheet.oval(500, 905, 105, 130, shade)
    for ear in (-1, 1):
        sheet.oval(500 + ear * wide, 560, 34, 62, shade)
    sheet.oval(500, 560, wide, 300, skin)
    # A cap of hair that ends above the brow.
    top = 395 if home.sex == "F" else draw.choice((345, 380))
    sheet.oval(500, 560, wide + 6, 306, hair, below=None, above=top)
    for side in (-1, 1):
        x = 500 + side * 88
        sheet.oval(x, 492, 46, 9, hair)
        sheet.oval(x, 548, 19, 15, _DARK)
        sheet.oval(500 + side * 118, 655, 42, 30, (skin[0], skin[1] - 18, skin[2] - 18))
    sheet.oval(500, 630, 30, 36, shade)
    sheet.oval(500, 735, 78, 30, (158, 84, 78), below=732)
    if draw.random() < 0.4:
        for side in (-1, 1):
            sheet.ring(500 + side * 88, 550, 68, 58, 9, _DARK)
        sheet.oval(500, 540, 24, 6, _DARK)
    return sheet.png()


class _Sheet:
    """Rows of pixels; later shapes cover earlier ones."""

    def __init__(self, wall: Colour) -> None:
        self._rows = [bytearray(bytes(wall) * _WIDTH) for _ in range(_HEIGHT)]

    def oval(
        self,
        x: int,
        y: int,
        across: int,
        down: int,
        colour: Colour,
        *,
        below: int | None = None,
        above: int | None = None,
    ) -> None:
        """`below`, `above`: only that part of it."""
        first = max(0, y - down, below if below is not None else 0)
        last = min(_HEIGHT, y + down, above if above is not None else _HEIGHT)
        for line in range(first, last):
            half = int(across * (1 - ((line - y) / down) ** 2) ** 0.5)
            self._span(line, x - half, x + half, colour)

    def ring(  # noqa: PLR0917 - as above
        self, x: int, y: int, across: int, down: int, thick: int, colour: Colour
    ) -> None:
        for line in range(y - down, y + down):
            half = int(across * (1 - ((line - y) / down) ** 2) ** 0.5)
            inner = 1 - ((line - y) / (down - thick)) ** 2
            hole = int((across - thick) * inner**0.5) if inner > 0 else 0
            self._span(line, x - half, x - hole, colour)
            self._span(line, x + hole, x + half, colour)

    def _span(self, line: int, first: int, end: int, colour: Colour) -> None:
        first, end = max(0, first), min(_WIDTH, end)
        if end > first:
            self._rows[line][first * 3 : end * 3] = bytes(colour) * (end - first)

    def png(self) -> bytes:
        raw = b"".join(b"\0" + bytes(row) for row in self._rows)
        head = struct.pack(">IIBBBBB", _WIDTH, _HEIGHT, 8, 2, 0, 0, 0)
        parts = (("IHDR", head), ("IDAT", zlib.compress(raw, 1)), ("IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in parts)


def _chunk(name: str, data: bytes) -> bytes:
    body = name.encode() + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

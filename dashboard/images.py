"""Photographs as they are kept: decoded and drawn anew, small, upright, without what the camera
wrote about where and when. The one place that decodes pictures.

What is kept shares no byte with what was sent, so nothing that hides in a file survives; a file
that is more than a picture is refused all the same, for nobody sends one by mistake.
"""

import io
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageDraw, ImageOps

from ledger.forms.strokes import Strokes, pen

# A telephone's screen and a printed page show no more.
LONG_SIDE_MAX: Final = 1600
# Six photos of a county's visits of a year must fit the book's disk and a village's network.
PHOTO_BYTES_MAX: Final = 400 * 1024
# The largest file that a telephone's camera makes, with room.
UPLOAD_BYTES_MAX: Final = 12 * 1024 * 1024
# Telephones of 2026 take 50 million pixels; a bomb has far more.
PIXELS_MAX: Final = 60_000_000
# A photo being decoded takes up to 180 MB.
AT_ONCE_MAX: Final = 2

# Of a face at twice the size that any page shows it; a county has 20,000.
FACE_LONG_SIDE_MAX: Final = 800
FACE_BYTES_MAX: Final = 120 * 1024
# A face is printed 26 mm wide, at 300 dots an inch.
PRINTED_LONG_SIDE_MAX: Final = 400
PRINTED_BYTES_MAX: Final = 40 * 1024

_FORMATS: Final = ("JPEG", "PNG", "WEBP")
_QUALITIES: Final = (82, 72, 60, 45)
_SMALLER: Final = 0.8
# Drawn at twice the size, so that it is clear on paper.
_PRINT_SCALE: Final = 2
# How archives, programs, documents and pages begin. Telephones do append to photos: a preview, an
# HDR map, a moment of film; none of these. Short ones stand in any film by chance, so those count
# only where the picture ends.
_FOREIGN: Final = (b"PK\x03\x04", b"PK\x05\x06", b"%PDF-", b"Rar!\x1a", b"7z\xbc\xaf\x27\x1c")
_FOREIGN_TEXT: Final = (b"<?php", b"<html", b"<script", b"<!doctype")
_FOREIGN_START: Final = (b"\x1f\x8b\x08", b"\x7fELF", b"MZ", b"#!/", b"<svg")


class BadPicture(ValueError):  # noqa: N818 - it is an answer to who sent it
    """`code`: `not_a_picture`, `truncated`, `too_many_pixels`, `more_than_a_picture`."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    mime: str
    content: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """No larger than this is a picture kept."""

    long_side: int
    size_bytes: int


VISIT: Final = Limits(long_side=LONG_SIDE_MAX, size_bytes=PHOTO_BYTES_MAX)
FACE: Final = Limits(long_side=FACE_LONG_SIDE_MAX, size_bytes=FACE_BYTES_MAX)
PRINTED: Final = Limits(long_side=PRINTED_LONG_SIDE_MAX, size_bytes=PRINTED_BYTES_MAX)


class Pictures:
    """Decodes a few at a time; called from worker threads."""

    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(AT_ONCE_MAX)

    def photo(self, payload: bytes, limits: Limits = VISIT) -> Photo:
        """BadPicture says why not."""
        _check_end(payload)
        with self._places:
            try:
                return _drawn_anew(payload, limits)
            except BadPicture:
                raise
            except (Image.DecompressionBombError, Image.DecompressionBombWarning):
                raise _too_many() from None
            except Exception as error:  # noqa: BLE001 - decoders raise what they like on bad bytes
                code = "truncated" if "truncated" in str(error) else "not_a_picture"
                raise BadPicture(code, "this picture can't be read") from None


def signature_png(strokes: Strokes) -> bytes:
    size = (strokes.width * _PRINT_SCALE, strokes.height * _PRINT_SCALE)
    image = Image.new("L", size, 255)
    draw = ImageDraw.Draw(image)
    width = pen(strokes) * _PRINT_SCALE
    for line in strokes.strokes:
        points = [(x * _PRINT_SCALE, y * _PRINT_SCALE) for x, y in line]
        draw.line(points, fill=0, width=width, joint="curve")
        for x, y in (points[0], points[-1]):
            half = width / 2
            draw.ellipse((x - half, y - half, x + half, y + half), fill=0)
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _drawn_anew(payload: bytes, limits: Limits) -> Photo:
    with Image.open(io.BytesIO(payload), formats=_FORMATS) as image:
        if image.width * image.height > PIXELS_MAX:
            raise _too_many()
        if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
            raise BadPicture("more_than_a_picture", "a moving picture is no photo")
        # A JPEG is decoded no larger than it is needed.
        most = (limits.long_side, limits.long_side)
        image.draft("RGB", most)
        image.thumbnail(most, Image.Resampling.LANCZOS)
        upright = ImageOps.exif_transpose(image)
        clean = _on_white(upright)
    return _fitting(clean, limits.size_bytes)


def _on_white(image: Image.Image) -> Image.Image:
    """The pixels alone: notes, places and profiles stay behind."""
    clean = Image.new("RGB", image.size, (255, 255, 255))
    see_through = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    if see_through:
        layer = image.convert("RGBA")
        clean.paste(layer, mask=layer.getchannel("A"))
    else:
        clean.paste(image.convert("RGB"))
    return clean


def _fitting(image: Image.Image, bytes_max: int) -> Photo:
    """As good as fits into the bytes; in the worst case smaller."""
    while True:
        for quality in _QUALITIES:
            out = io.BytesIO()
            image.save(out, "JPEG", quality=quality, optimize=True, progressive=True)
            if out.tell() <= bytes_max:
                width, height = image.size
                return Photo(mime="image/jpeg", content=out.getvalue(), width=width, height=height)
        smaller = (max(1, int(image.width * _SMALLER)), max(1, int(image.height * _SMALLER)))
        image = image.resize(smaller, Image.Resampling.LANCZOS)


def _check_end(payload: bytes) -> None:
    """A file ends where its picture ends, or goes on with what telephones append."""
    for magic, end_of in _ENDS:
        if payload.startswith(magic):
            end = end_of(payload)
            break
    else:
        raise BadPicture("not_a_picture", "a JPEG, PNG or WebP picture")
    if end is None or end > len(payload):
        raise BadPicture("truncated", "the picture isn't whole: send it again")
    rest = payload[end:]
    lowered = rest.lower()
    hidden = any(sign in rest for sign in _FOREIGN) or rest.startswith(_FOREIGN_START)
    if hidden or any(sign in lowered for sign in _FOREIGN_TEXT):
        raise BadPicture("more_than_a_picture", "something else is hidden in this file")
    if rest.strip(b"\0") and not payload.startswith(_JPEG):
        raise BadPicture("more_than_a_picture", "the file goes on behind its picture")


_JPEG: Final = b"\xff\xd8\xff"
_PNG: Final = b"\x89PNG\r\n\x1a\n"


def _jpeg_end(payload: bytes) -> int | None:
    """Behind the end marker; None: there is none."""
    at = 2
    while at + 4 <= len(payload):
        if payload[at] != 0xFF:
            return None
        marker = payload[at + 1]
        if marker == 0xD9:
            return at + 2
        if marker == 0xFF or 0xD0 <= marker <= 0xD7 or marker == 0x01:
            at += 1 if marker == 0xFF else 2
            continue
        at += 2 + int.from_bytes(payload[at + 2 : at + 4])
        if marker == 0xDA:
            at = _scan_end(payload, at)
    return at + 2 if payload[at : at + 2] == b"\xff\xd9" else None


def _scan_end(payload: bytes, at: int) -> int:
    """The next marker behind compressed data, where 0xFF stands for itself before a 0."""
    while True:
        at = payload.find(b"\xff", at)
        if at < 0 or at + 1 >= len(payload):
            return len(payload)
        following = payload[at + 1]
        if following != 0 and not 0xD0 <= following <= 0xD7:
            return at
        at += 2


def _png_end(payload: bytes) -> int | None:
    at = len(_PNG)
    while at + 12 <= len(payload):
        length = int.from_bytes(payload[at : at + 4])
        name = payload[at + 4 : at + 8]
        at += 12 + length
        if name == b"IEND":
            return at
    return None


def _webp_end(payload: bytes) -> int | None:
    if payload[8:12] != b"WEBP":
        return None
    length = int.from_bytes(payload[4:8], "little")
    return 8 + length + length % 2


_ENDS: Final[tuple[tuple[bytes, Callable[[bytes], int | None]], ...]] = (
    (_JPEG, _jpeg_end),
    (_PNG, _png_end),
    (b"RIFF", _webp_end),
)


def _too_many() -> BadPicture:
    return BadPicture("too_many_pixels", f"at most {PIXELS_MAX // 1_000_000} million pixels")

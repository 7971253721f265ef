"""Labels: of a device, its name and a QR code that opens it in the hub's page; of a home, the code
that proves a visitor's arrival.

Printed by the installer and stuck on the device: who stands before it with a phone sees which one
it is, binds it to its home, or tells that it is broken. No person's name is on it.
"""

from collections.abc import Sequence
from io import BytesIO
from typing import Final
from urllib.parse import quote
from xml.sax.saxutils import escape

import segno

# A usual roll of labels, in millimetres.
WIDTH_MM: Final = 50
HEIGHT_MM: Final = 30
QR_MM: Final = 26
# Of a line beside the code; what is longer is cut.
LINE_MAX: Final = 16
LINES_MAX: Final = 3


def device_address(origin: str, gateway: str, device: str) -> str:
    """Where the code leads: the equipment page, at this device."""
    return f"{origin.rstrip('/')}/equipment?device={quote(f'{gateway}/{device}', safe='/')}"


def device_label(origin: str, gateway: str, device: str, label: str) -> bytes:
    """An SVG of the label's size. Error correction M: a scratched label is still read."""
    lines = [*_wrapped(label or device), gateway, device[:LINE_MAX]]
    return _label(device_address(origin, gateway, device), lines)


def address_code(address: str) -> str:
    """An address as an SVG for a screen, to be read by a telephone."""
    out = BytesIO()
    code = segno.make(address, error="m", micro=False)
    code.save(out, kind="svg", xmldecl=False, border=4, scale=4, light="#fff")
    return out.getvalue().decode().strip()


def _label(address: str, lines: Sequence[str]) -> bytes:
    code = segno.make(address, error="m", micro=False)
    out = BytesIO()
    code.save(out, kind="svg", xmldecl=False, svgns=False, border=2, omitsize=True)
    picture = out.getvalue().decode().strip()
    picture = picture.replace("<svg ", f'<svg x="1" y="2" width="{QR_MM}" height="{QR_MM}" ', 1)
    texts = "".join(
        f'<text x="28.5" y="{6 + 5 * place}" font-size="{3.2 if place < len(lines) - 2 else 2.4}">'
        f"{escape(line)}</text>"
        for place, line in enumerate(lines)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH_MM}mm" height="{HEIGHT_MM}mm"'
        f' viewBox="0 0 {WIDTH_MM} {HEIGHT_MM}" font-family="sans-serif">'
        f'<rect width="100%" height="100%" fill="#fff"/>{picture}{texts}</svg>'
    ).encode()


def home_address(origin: str, home: str, code: str) -> str:
    """Where the label at a home's door leads: the visitor's tasks, with the proof of the arrival.
    The same text goes on an NFC tag."""
    return f"{origin.rstrip('/')}/tasks?arrive={quote(f'{home}:{code}', safe=':')}"


def home_label(origin: str, home: str, code: str) -> bytes:
    """An SVG with the code in letters as well, for a telephone whose camera is broken."""
    groups = code.split("-")
    lines = [home[:LINE_MAX], "-".join(groups[:2]), "-".join(groups[2:])]
    return _label(home_address(origin, home, code), lines)


def _wrapped(text: str) -> list[str]:
    """Chinese has no spaces to break at, and its characters are twice as wide."""
    room = LINE_MAX // 2 if any(ord(char) > 0x2E80 for char in text) else LINE_MAX
    return [text[at : at + room] for at in range(0, len(text), room)][:LINES_MAX]

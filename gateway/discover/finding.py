"""What a search found: one device or meter, and one port or broker that was looked at. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from contract.item import Scalar
from gateway.driver import LineSettings

# Words of devices and brokers are shown on a terminal; longer ones push the table apart.
SHOWN_MAX: Final = 80

# ok: looked at to the end. busy, denied, missing, failed: could not be opened or reached.
# late: the time for it was up. stopped: the installer ended the search.
State = Literal["ok", "busy", "denied", "missing", "failed", "late", "stopped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One device.

    address: meter number, unit, radio identity or name. quality: how well it was heard, in words.
    table, row: where it belongs in the driver's table of gateway.toml (`table` empty: the keys
    themselves). needs: what only people know and gateway.toml must have. configured: it has it all.
    """

    driver: str
    address: str
    what: str
    quality: str = ""
    line: LineSettings | None = None
    table: str = ""
    row: Mapping[str, Scalar] = field(default_factory=dict)
    needs: str = ""
    configured: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceReport:
    """A serial port or a broker: what was found there and what the installer must know."""

    transport: Literal["serial", "mqtt"]
    place: str
    state: State
    findings: Sequence[Finding] = ()
    notes: Sequence[str] = ()


def shown(text: str) -> str:
    """Text of strangers without what would move the cursor or break a line of TOML."""
    return "".join(c if c.isprintable() else "?" for c in text[:SHOWN_MAX])


def line_text(line: LineSettings | None) -> str:
    return "" if line is None else f"{line.baud} {line.bytesize}{line.parity}{line.stopbits}"

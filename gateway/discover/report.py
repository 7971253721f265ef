"""What was found, as a table for people, as JSON, and as tables for gateway.toml. Pure.

A finding that gateway.toml already names is marked; one that needs something only people know
(impulses per kWh, a register map) is given as a comment, so that the file can be loaded as it is.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from contract.item import Scalar
from gateway.discover.finding import Finding, PlaceReport, line_text, shown
from gateway.driver import LineSettings
from gateway.registry import DRIVERS

_HEAD: Final = ("where", "what", "address", "line", "heard", "")
_CONFIGURED: Final = "in gateway.toml"
_STATES: Final = {
    "ok": "nothing found",
    "late": "time was up",
    "stopped": "stopped",
    "busy": "BUSY",
    "denied": "NOT ALLOWED",
    "missing": "MISSING",
    "failed": "FAILED",
}


def table(places: Sequence[PlaceReport]) -> list[str]:
    """Lines of a table, then what must be known about each place."""
    rows: list[Sequence[str]] = [_HEAD]
    for place in places:
        for found in place.findings:
            mark = _CONFIGURED if found.configured else "new"
            line = line_text(found.line)
            rows.append((place.place, found.what, found.address, line, found.quality, mark))
        if not place.findings:
            rows.append((place.place, _STATES[place.state], "", "", "", ""))
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    out = [
        "  ".join(
            shown_note(cell).ljust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]
    return out + [f"{place.place}: {shown_note(n)}" for place in places for n in place.notes]


def document(places: Sequence[PlaceReport]) -> dict[str, Any]:
    """The same for programs."""
    return {
        "places": [
            {
                "transport": place.transport,
                "place": place.place,
                "state": place.state,
                "notes": list(place.notes),
                "findings": [
                    {
                        "driver": found.driver,
                        "address": found.address,
                        "what": found.what,
                        "quality": found.quality,
                        "line": line_text(found.line),
                        "configured": found.configured,
                        "config": dict(found.row),
                        "needs": found.needs,
                    }
                    for found in place.findings
                ],
            }
            for place in places
        ]
    }


def toml(places: Sequence[PlaceReport]) -> list[str]:
    """[[serial]] and [[mqtt]] tables of what is new."""
    out: list[str] = []
    used: set[str] = set()
    for place in places:
        fresh = [found for found in place.findings if not found.configured]
        if place.transport == "serial":
            out += _serial(place.place, fresh, used)
        else:
            out += _mqtt(place.place, fresh, used)
    return out


def shown_note(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)


def _serial(port: str, fresh: Sequence[Finding], used: set[str]) -> list[str]:
    """One table a port: a port has one driver."""
    if not fresh:
        return []
    first = fresh[0]
    if first.table == "second_path.sms":
        return [
            f"# [{first.table}]",
            f"# {shown(first.what)}: {shown(first.quality)}",
            *[f"# {row}" for row in _rows(first)],
            f"# needs {first.needs}",
            "",
        ]
    lines = [
        "[[serial]]",
        f"name = {_value(_name(first.driver, used))}",
        f"port = {_value(port)}",
        f"driver = {_value(first.driver)}",
        *_line(first),
    ]
    ready = [found for found in fresh if not found.needs]
    if not ready:
        lines += ["[serial.config]", *_rows(first), f"needs {first.needs}"]
        return [f"# {line}" for line in lines] + [""]
    for found in fresh:
        head = f"[[serial.config.{found.table}]]" if found.table else "[serial.config]"
        comment = f"# {shown(found.what)}: {shown(found.quality)}"
        if found.needs:
            lines += [comment, f"# {head} needs {found.needs}", *[f"# {r}" for r in _rows(found)]]
        else:
            lines += [comment, head, *_rows(found)]
    return [*lines, ""]


def _mqtt(place: str, fresh: Sequence[Finding], used: set[str]) -> list[str]:
    host, _colon, port = place.rpartition(":")
    out: list[str] = []
    told: set[tuple[str, tuple[tuple[str, Scalar], ...]]] = set()
    for found in fresh:
        key = (found.driver, tuple(found.row.items()))
        if key in told:
            continue
        told.add(key)
        out += [
            "[[mqtt]]",
            f"name = {_value(_name(found.driver, used))}",
            f"host = {_value(host)}",
            f"port = {port}",
            f"driver = {_value(found.driver)}",
        ]
        out += ["[mqtt.config]", *_rows(found)] if found.row else []
        same = [one for one in fresh if (one.driver, tuple(one.row.items())) == key]
        out += [f"# {shown(one.address)}: {shown(one.what)}" for one in same] + [""]
    return out


def _line(found: Finding) -> list[str]:
    default: LineSettings | None = DRIVERS[found.driver].line
    line = found.line
    if line is None or line == default:
        return []
    return [
        f"line = {{ baud = {line.baud}, bytesize = {line.bytesize},"
        f' parity = "{line.parity}", stopbits = {line.stopbits} }}'
    ]


def _rows(found: Finding) -> list[str]:
    return [f"{key} = {_value(value)}" for key, value in found.row.items()]


def _value(value: Scalar) -> str:
    """A TOML value; JSON's strings are TOML's once nothing unprintable is in them."""
    if isinstance(value, str):
        return json.dumps(shown_note(value), ensure_ascii=False)
    return json.dumps(value)


def _name(driver: str, used: set[str]) -> str:
    name = next(n for n in _numbered(driver) if n not in used)
    used.add(name)
    return name


def _numbered(driver: str) -> Iterator[str]:
    yield driver
    number = 2
    while True:
        yield f"{driver}-{number}"
        number += 1

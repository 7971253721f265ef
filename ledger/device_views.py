"""Devices and gateways as the JSON objects of docs/http.md. Pure."""

import re
from typing import Final

from ledger.expectations import effective_interval_s, life_critical, test_interval_s
from ledger.views import Document, RosterIndex, Row, document_of, instant


def device_object(row: Row, now_ms: int) -> Document:
    """`Device` of docs/http.md without its `troubles`, which are alarms."""
    return {
        "gateway": row["gateway"],
        "device": row["device"],
        "home": row["home"],
        "kind": row["kind"],
        "model": row["model"],
        "label": row["label"],
        "first_seen_at": instant(row["first_seen_ms"]),
        "last_seen_at": instant(row["last_seen_ms"]),
        "battery_pct": row["battery_pct"],
        "signal_dbm": row["signal_dbm"],
        "link_quality": row["link_quality"],
        "mains": None if row["mains"] is None else bool(row["mains"]),
        "fault": row["fault"],
        "asks": bool(row["asks"]),
        "tampered_at": instant(row["tampered_at_ms"]),
        "tested_at": instant(row["tested_at_ms"]),
        "test_due_at": instant(_test_due_ms(row)),
        "expected_interval_s": effective_interval_s(row),
        "test_interval_s": test_interval_s(row),
        "life_critical": life_critical(row),
        "open_radio": is_open_radio(row["model"]),
        "state": device_state(row, now_ms),
    }


def is_open_radio(model: str) -> bool:
    """Whether its radio proves nothing: whoever is near can record a press and send it again. Such
    a press counts like any other; that it may be forged is for people to know."""
    return _OPEN_RADIO.search(model) is not None


# As buttons, their boxes and gateways' drivers call them.
_OPEN_RADIO: Final = re.compile(r"ev[ -]?1527|[ph][tx][ -]?2262|433 ?mhz|\brf433", re.IGNORECASE)


def _test_due_ms(row: Row) -> int | None:
    """A week after the last press, or after it was first heard; None: no test is expected."""
    interval_s = test_interval_s(row)
    last_ms = row["tested_at_ms"] or row["first_seen_ms"]
    return None if interval_s is None or last_ms is None else last_ms + interval_s * 1000


def device_state(row: Row, now_ms: int) -> str:
    """The most pressing thing first: what nobody owns, then what is broken, then silence."""
    if row["home"] is None:
        return "unbound"
    if row["fault"]:
        return "fault"
    if row["last_seen_ms"] is None:
        return "never_seen"
    expected_s = effective_interval_s(row)
    if expected_s is None:
        return "ok"
    return "silent" if now_ms - row["last_seen_ms"] > expected_s * 1000 else "ok"


# What a heartbeat says about the gateway itself; its device list is kept with the devices.
_STATUS_FIELDS: Final = (
    "clock",
    "oldest_unacked_s",
    "last_seq",
    "spool_free_bytes",
    "mains",
    "battery_pct",
    "version",
)


def gateway_object(row: Row, roster: RosterIndex, *, homes: int, devices: int) -> Document:
    """`Gateway` of docs/http.md; the counts come from `gateway_counts` or a query."""
    status = document_of(row["status"])
    return {
        "id": row["id"],
        "name": row["name"],
        "region": row["region"],
        "region_path": roster.region_path(row["region"]),
        "online": bool(row["online"]),
        "status_at": instant(row["status_at_ms"]),
        **{name: status.get(name) for name in _STATUS_FIELDS},
        "homes": homes,
        "devices": devices,
    }


def gateway_counts(gateway: str, roster: RosterIndex) -> tuple[int, int]:
    """(homes, devices) that a gateway serves, from a roster that holds all of its devices."""
    mine = [row for (owner, _), row in roster.devices.items() if owner == gateway]
    return len({row["home"] for row in mine if row["home"] is not None}), len(mine)

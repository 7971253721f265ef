"""Troubles: what is wrong with a device, as the page and the next visitor see it. Pure."""

import json

from contract.moment import to_iso
from ledger.views import Document, Row, instant


def trouble_object(alarm: Row, task: Row | None, label: str | None, now_ms: int) -> Document:
    """`Trouble` of docs/http.md: an open alarm about a device, with the time to mend it."""
    gateway, _, device = str(alarm["part"]).partition("/")
    due_ms = None if task is None else task["due_at_ms"]
    return {
        "gateway": gateway,
        # A gateway that speaks of itself is no device of a home.
        "device": "" if device == gateway else device,
        "label": label or device,
        "kind": alarm["kind"],
        "reason": alarm["reason"],
        "since": to_iso(alarm["raised_at_ms"]),
        "due_at": instant(due_ms),
        "life_critical": _life_critical(alarm["evidence"]),
        "overdue": due_ms is not None and due_ms < now_ms,
        "alarm": alarm["id"],
        "task": alarm["task"],
    }


def _life_critical(evidence: str) -> bool:
    try:
        return json.loads(evidence).get("life_critical") is True
    except (ValueError, AttributeError):
        return False

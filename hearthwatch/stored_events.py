"""Activations and faults of the book as the lanes know them."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from contract.kinds import ACTIVATION_KINDS
from contract.moment import EPOCH
from ingest.urgent_lane import UNBOUND, Stored
from ingest.wire import WireItem


def stored_event(row: Mapping[Any, Any]) -> Stored:
    kind, home = row["kind"], row["home"]
    item = WireItem(
        id=row["id"],
        seq=1,
        device=row["device"],
        kind=kind if kind in ACTIVATION_KINDS else "device_health",
        measured_at=_moment(row["measured_at_ms"]),
        received_at=_moment(row["received_at_ms"]),
        values=json.loads(row["values"]),
        attrs=json.loads(row["attrs"]),
    )
    subject = home if home is not None else f"{UNBOUND}{row['gateway']}/{row['device']}"
    return Stored(row["seq"], subject, item, row["gateway"])


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, tz=EPOCH.tzinfo)

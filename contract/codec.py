"""JSON of the wire messages, by the standard library: the gateway's codec and the reference.

The hub decodes envelopes with a faster codec of the same shape; `tests/contract` holds both to
the same golden files. Unknown fields are ignored, an unknown `v` is refused.
"""

import json
from collections.abc import Mapping
from typing import Any, cast, get_args

from contract.envelope import (
    ENVELOPE_BYTES_MAX,
    ENVELOPE_ITEMS_MAX,
    STATUS_DEVICES_MAX,
    VERSION,
    Ack,
    ClockState,
    Command,
    CommandName,
    DeviceStatus,
    Envelope,
    Status,
)
from contract.errors import ContractError
from contract.ids import check_name
from contract.item import SEQ_MAX, Item, Scalar, check_measurement
from contract.moment import from_iso, to_iso

# Made once: `json.dumps` with options of its own makes an encoder for each call.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def _dump(document: Mapping[str, Any]) -> bytes:
    return _encode(document).encode()


def _load(payload: bytes) -> dict[str, Any]:
    """The JSON object of a payload whose version is ours, else ContractError."""
    if len(payload) > ENVELOPE_BYTES_MAX:
        raise ContractError("too_large", f"{len(payload)} bytes, at most {ENVELOPE_BYTES_MAX}")
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise ContractError("not_json", str(error)[:200]) from error
    if not isinstance(document, dict):
        raise ContractError("not_object", f"JSON {type(document).__name__}, expected an object")
    if document.get("v") != VERSION:
        raise ContractError("unknown_version", f"v is {document.get('v')!r}, expected {VERSION}")
    return document


def _text(document: Mapping[str, Any], key: str) -> str:
    value = document.get(key)
    if not isinstance(value, str):
        raise ContractError("bad_field", f"{key} is {type(value).__name__}, expected a string")
    return value


def _moment(document: Mapping[str, Any], key: str) -> int:
    try:
        return from_iso(_text(document, key))
    except ValueError as error:
        raise ContractError("bad_time", f"{key}: {error}") from error


def item_document(item: Item) -> dict[str, Any]:
    return {
        "id": item.id,
        "seq": item.seq,
        "device": item.device,
        "kind": item.kind,
        "measured_at": to_iso(item.measured_at_ms),
        "received_at": to_iso(item.received_at_ms),
        "values": dict(item.values),
        "attrs": dict(item.attrs),
    }


def encode_envelope(envelope: Envelope) -> bytes:
    return _dump(
        {
            "v": VERSION,
            "gateway": envelope.gateway,
            "spool": envelope.spool,
            "sent_at": to_iso(envelope.sent_at_ms),
            "clock": envelope.clock,
            "items": [item_document(item) for item in envelope.items],
        }
    )


def decode_envelope(payload: bytes) -> Envelope:
    document = _load(payload)
    rows = document.get("items")
    if not isinstance(rows, list) or len(rows) > ENVELOPE_ITEMS_MAX:
        raise ContractError("bad_items", f"items must be a list of at most {ENVELOPE_ITEMS_MAX}")
    return Envelope(
        gateway=check_name(_text(document, "gateway"), "gateway"),
        spool=_text(document, "spool"),
        sent_at_ms=_moment(document, "sent_at"),
        clock=_clock(document),
        items=tuple(_item(row) for row in rows),
    )


def _clock(document: Mapping[str, Any]) -> ClockState:
    value = document.get("clock", "doubtful")
    if value not in get_args(ClockState):
        raise ContractError("bad_field", f"clock is {value!r}")
    return cast("ClockState", value)


def _item(row: object) -> Item:
    if not isinstance(row, dict):
        raise ContractError("bad_items", "an item is not an object")
    seq = row.get("seq")
    if not isinstance(seq, int) or isinstance(seq, bool) or not 1 <= seq <= SEQ_MAX:
        raise ContractError("bad_field", f"seq is {seq!r:.40}, expected an integer from 1")
    item = Item(
        id=_text(row, "id"),
        seq=seq,
        device=_text(row, "device"),
        kind=_text(row, "kind"),
        measured_at_ms=_moment(row, "measured_at"),
        received_at_ms=_moment(row, "received_at"),
        values=_values(row.get("values", {})),
        attrs=_attrs(row.get("attrs", {})),
    )
    check_measurement(item)
    return item


def _values(raw: object) -> dict[str, float]:
    if not isinstance(raw, dict):
        raise ContractError("bad_field", "values is not an object")
    for name, value in raw.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ContractError("bad_field", f"values.{name[:40]} is not a number")
    return raw


def _attrs(raw: object) -> dict[str, Scalar]:
    if not isinstance(raw, dict):
        raise ContractError("bad_field", "attrs is not an object")
    for name, value in raw.items():
        if not isinstance(value, str | int | float | bool):
            raise ContractError("bad_field", f"attrs.{name[:40]} is not a scalar")
    return raw


def encode_ack(ack: Ack) -> bytes:
    document: dict[str, Any] = {"v": VERSION, "spool": ack.spool, "ids": list(ack.ids)}
    if ack.backup_through is not None:
        document["backup_through"] = ack.backup_through
    return _dump(document)


def decode_ack(payload: bytes) -> Ack:
    document = _load(payload)
    ids = document.get("ids")
    if not isinstance(ids, list) or not all(isinstance(i, str) for i in ids):
        raise ContractError("bad_field", "ids is not a list of strings")
    through = document.get("backup_through")
    if through is not None and (not isinstance(through, int) or isinstance(through, bool)):
        raise ContractError("bad_field", "backup_through is not an integer")
    return Ack(spool=_text(document, "spool"), ids=tuple(ids), backup_through=through)


def encode_status(status: Status) -> bytes:
    devices = [
        {
            "device": d.device,
            "last_seen_at": None if d.last_seen_at_ms is None else to_iso(d.last_seen_at_ms),
            "battery_pct": d.battery_pct,
        }
        for d in status.devices
    ]
    return _dump(
        {
            "v": VERSION,
            "gateway": status.gateway,
            "online": status.online,
            "spool": status.spool,
            "last_seq": status.last_seq,
            "oldest_unacked_s": status.oldest_unacked_s,
            "spool_free_bytes": status.spool_free_bytes,
            "mains": status.mains,
            "battery_pct": status.battery_pct,
            "clock": status.clock,
            "version": status.version,
            "devices": devices,
        }
    )


def decode_status(payload: bytes) -> Status:
    document = _load(payload)
    online = document.get("online")
    if not isinstance(online, bool):
        raise ContractError("bad_field", "online is not a boolean")
    devices = document.get("devices") or []
    if not isinstance(devices, list) or len(devices) > STATUS_DEVICES_MAX:
        raise ContractError("bad_field", f"devices: a list of at most {STATUS_DEVICES_MAX}")
    return Status(
        gateway=check_name(_text(document, "gateway"), "gateway"),
        online=online,
        spool=_optional(document, "spool", str),
        last_seq=_optional(document, "last_seq", int),
        oldest_unacked_s=_optional(document, "oldest_unacked_s", float, int),
        spool_free_bytes=_optional(document, "spool_free_bytes", int),
        mains=_optional(document, "mains", bool),
        battery_pct=_optional(document, "battery_pct", float, int),
        clock=_clock(document),
        version=str(document.get("version") or "")[:64],
        devices=tuple(_device_status(row) for row in devices),
    )


def _optional(document: Mapping[str, Any], key: str, *types: type) -> Any:
    value = document.get(key)
    if value is None:
        return None
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        raise ContractError("bad_field", f"{key} is {type(value).__name__}")
    # Not a number that a database could not take, nor infinity, nor none at all.
    if isinstance(value, int | float) and not -SEQ_MAX <= value <= SEQ_MAX:
        raise ContractError("bad_field", f"{key} is out of range")
    return value


def _device_status(row: object) -> DeviceStatus:
    if not isinstance(row, dict):
        raise ContractError("bad_field", "a device's status is not an object")
    seen = row.get("last_seen_at")
    return DeviceStatus(
        device=check_name(_text(row, "device"), "device"),
        last_seen_at_ms=None if seen is None else _moment(row, "last_seen_at"),
        battery_pct=_optional(row, "battery_pct", float, int),
    )


def encode_command(command: Command) -> bytes:
    return _dump(
        {
            "v": VERSION,
            "id": command.id,
            "command": command.command,
            "device": command.device,
            "args": dict(command.args),
        }
    )


def decode_command(payload: bytes) -> Command:
    document = _load(payload)
    name = _text(document, "command")
    if name not in get_args(CommandName):
        raise ContractError("unknown_command", f"command {name[:40]!r}")
    return Command(
        id=_text(document, "id"),
        command=cast("CommandName", name),
        device=_optional(document, "device", str),
        args=_attrs(document.get("args") or {}),
    )

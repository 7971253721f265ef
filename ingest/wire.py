"""The hub's decoder of envelopes: msgspec Structs of the contract's shape, item by item.

One bad item never costs the others: if the envelope decodes as a whole it is taken as a whole
(the hot path); otherwise each item is tried by itself and the bad ones come out with a reason.
`tests/contract` and `tests/ingest` hold this codec and `contract.codec` to the same answers.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, TypeGuard

import msgspec

from contract.envelope import ENVELOPE_BYTES_MAX, ENVELOPE_ITEMS_MAX, VERSION
from contract.errors import ContractError
from contract.ids import NAME_LENGTH_MAX, is_name
from contract.item import ATTR_LENGTH_MAX, ATTRS_MAX, SEQ_MAX, VALUES_MAX
from contract.kinds import KINDS
from contract.moment import MAX_MS, MIN_MS

Aware = Annotated[datetime, msgspec.Meta(tz=True)]
Text = Annotated[str, msgspec.Meta(max_length=ATTR_LENGTH_MAX)]
Seq = Annotated[int, msgspec.Meta(ge=1, le=SEQ_MAX)]
# An item's id is a UUID's text; other writers of ids get twice the room, not a novel.
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=72)]
# As the columns for it (`ledger.schema`): PostgreSQL refuses a longer one.
SpoolName = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class WireItem(msgspec.Struct, gc=False, kw_only=True):
    """An item as decoded; also an Observation of `rules.rule` (no copy on the hot path)."""

    id: Id
    seq: Seq
    device: Annotated[str, msgspec.Meta(max_length=NAME_LENGTH_MAX)]
    kind: str
    measured_at: Aware
    received_at: Aware
    values: dict[str, float] = {}
    attrs: dict[Text, bool | int | float | Text] = {}
    measured_at_ms: int = 0
    received_at_ms: int = 0

    def __post_init__(self) -> None:
        self.measured_at_ms = round(self.measured_at.timestamp() * 1000)
        self.received_at_ms = round(self.received_at.timestamp() * 1000)


class WireEnvelope(msgspec.Struct, kw_only=True):
    v: int
    gateway: str
    spool: SpoolName
    sent_at: str = ""
    clock: str = "doubtful"
    items: Annotated[list[WireItem], msgspec.Meta(max_length=ENVELOPE_ITEMS_MAX)]


class _Head(msgspec.Struct, kw_only=True):
    v: int
    gateway: str
    spool: SpoolName
    sent_at: str = ""
    clock: str = "doubtful"
    items: Annotated[list[Any], msgspec.Meta(max_length=ENVELOPE_ITEMS_MAX)]


@dataclass(frozen=True, slots=True, kw_only=True)
class BadItem:
    """An item that broke the contract: quarantined, and acknowledged by its id if it has one."""

    id: str | None
    seq: int | None
    code: str
    detail: str
    raw: bytes


class Taken(msgspec.Struct, gc=False):
    """A decoded envelope: the good items and the refused ones. clock, sent_at: the gateway's word
    about its own clock, and what that clock said."""

    gateway: str
    spool: str
    items: list[WireItem]
    bad: Sequence[BadItem] = ()
    clock: str = "synced"
    sent_at: str = ""


_envelope = msgspec.json.Decoder(WireEnvelope)
_KIND_VALUES: Final = {name: spec.values for name, spec in KINDS.items()}
_good_names: Final[set[str]] = set()
# Names seen before need no second look; a hostile gateway can't grow this without end.
_GOOD_NAMES_MAX: Final = 200_000


def decode(payload: bytes, topic_gateway: str) -> Taken:
    """The items of an envelope that came on this gateway's topic.

    ContractError when nothing in it can be trusted: not JSON, an unknown version, or another
    gateway's name inside.
    """
    if len(payload) > ENVELOPE_BYTES_MAX:
        raise ContractError("too_large", f"{len(payload)} bytes, at most {ENVELOPE_BYTES_MAX}")
    try:
        envelope = _envelope.decode(payload)
    except (msgspec.ValidationError, OverflowError):
        return _decode_loosely(payload, topic_gateway)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ContractError("not_json", str(error)[:200]) from error
    _check_head(envelope.v, envelope.gateway, topic_gateway)
    for item in envelope.items:
        if _fault(item) is not None:
            return _decode_loosely(payload, topic_gateway)
    return Taken(
        envelope.gateway,
        envelope.spool,
        envelope.items,
        clock=envelope.clock,
        sent_at=envelope.sent_at,
    )


def _check_head(version: int, gateway: str, topic_gateway: str) -> None:
    if version != VERSION:
        raise ContractError("unknown_version", f"v is {version}, expected {VERSION}")
    if gateway != topic_gateway:  # the topic's own name was checked when the topic was read
        raise ContractError(
            "gateway_mismatch", f"says {gateway!r} on the topic of {topic_gateway!r}"
        )


def _fault(item: WireItem) -> tuple[str, str] | None:
    """What is wrong with a decoded item, or None; the reasons of `contract.item`."""
    if item.device not in _good_names:
        if not is_name(item.device):
            return "bad_name", f"device {item.device[:80]!r}"
        if len(_good_names) < _GOOD_NAMES_MAX:
            _good_names.add(item.device)
    allowed = _KIND_VALUES.get(item.kind)
    if allowed is None:
        return "unknown_kind", f"kind {item.kind[:40]!r}"
    if not allowed.issuperset(item.values):
        return "unknown_value", f"{sorted(set(item.values) - allowed)[:3]} in kind {item.kind!r}"
    for name, value in item.values.items():
        if not math.isfinite(value):
            return "not_finite", f"{name} is {value}"
    if len(item.attrs) > ATTRS_MAX or len(item.values) > VALUES_MAX:
        return "too_many_attrs", f"{len(item.attrs)} attrs, {len(item.values)} values"
    if not (MIN_MS <= item.measured_at_ms <= MAX_MS and MIN_MS <= item.received_at_ms <= MAX_MS):
        return "bad_time", "outside 1970-2199"
    return None


def _decode_loosely(payload: bytes, topic_gateway: str) -> Taken:
    """Item by item, so that one that broke the contract is the only one refused."""
    try:
        # The standard library reads numbers out of range as infinite, which names the culprit.
        head = msgspec.convert(json.loads(payload), _Head)
    except msgspec.ValidationError as error:
        raise ContractError("bad_envelope", str(error)[:200]) from error
    except (ValueError, RecursionError) as error:
        raise ContractError("not_json", str(error)[:200]) from error
    _check_head(head.v, head.gateway, topic_gateway)
    items: list[WireItem] = []
    bad: list[BadItem] = []
    for raw in head.items:
        try:
            item = msgspec.convert(raw, WireItem)
        except (msgspec.ValidationError, OverflowError) as error:
            bad.append(_bad(raw, _code(raw, str(error)), str(error)))
            continue
        fault = _fault(item)
        if fault is None:
            items.append(item)
        else:
            bad.append(_bad(raw, *fault))
    return Taken(head.gateway, head.spool, items, bad, head.clock, head.sent_at)


def _code(raw: object, detail: str) -> str:
    return (
        "bad_items"
        if not isinstance(raw, dict)
        else ("bad_time" if "_at`" in detail else "bad_field")
    )


def _bad(raw: object, code: str, detail: str) -> BadItem:
    known = raw if isinstance(raw, dict) else {}
    item_id, seq = known.get("id"), known.get("seq")
    return BadItem(
        id=item_id if isinstance(item_id, str) and 0 < len(item_id) <= 72 else None,
        seq=seq if _is_seq(seq) else None,
        code=code,
        detail=detail[:200],
        raw=json.dumps(raw, ensure_ascii=False).encode(errors="replace"),
    )


def _is_seq(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= SEQ_MAX

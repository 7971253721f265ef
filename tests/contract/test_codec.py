"""The wire messages keep their shape: golden texts, round trips, refusals."""

import json
from pathlib import Path

import pytest

from contract.codec import (
    decode_ack,
    decode_command,
    decode_envelope,
    decode_status,
    encode_ack,
    encode_command,
    encode_envelope,
    encode_status,
)
from contract.envelope import Ack, Command, DeviceStatus, Envelope, Status
from contract.errors import ContractError
from contract.item import Item
from contract.moment import from_iso, to_iso

GOLDEN = Path(__file__).parent / "golden"


def envelope() -> Envelope:
    item = Item(
        id="5f0c0b2e-7d52-5a8c-9a60-1c0f2f1f4a01",
        seq=41,
        device="button-1",
        kind="sos",
        measured_at_ms=from_iso("2026-11-23T07:59:59.900Z"),
        received_at_ms=from_iso("2026-11-23T07:59:59.950Z"),
        attrs={"action": "press"},
    )
    return Envelope(
        gateway="gw-0001",
        spool="0d5c3c52-4a80-4a05-bd65-9f6e6a9a2a10",
        sent_at_ms=from_iso("2026-11-23T08:00:00.120Z"),
        clock="synced",
        items=(item,),
    )


def test_golden_envelope() -> None:
    golden = json.loads((GOLDEN / "envelope.json").read_text())
    assert json.loads(encode_envelope(envelope())) == golden
    assert decode_envelope(json.dumps(golden).encode()) == envelope()


def test_unknown_fields_are_ignored_and_unknown_versions_refused() -> None:
    document = json.loads(encode_envelope(envelope()))
    document["new"] = {"a": 1}
    document["items"][0]["later"] = True
    assert decode_envelope(json.dumps(document).encode()) == envelope()
    document["v"] = 2
    with pytest.raises(ContractError) as refused:
        decode_envelope(json.dumps(document).encode())
    assert refused.value.code == "unknown_version"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda d: d["items"][0].update(kind="sos2"), "unknown_kind"),
        (lambda d: d["items"][0].update(values={"power_w": 1}), "unknown_value"),
        (lambda d: d["items"][0].update(device="a/b"), "bad_name"),
        (lambda d: d["items"][0].update(measured_at="2026-11-23T08:00:00"), "bad_time"),
        (lambda d: d["items"][0].update(measured_at="9999-11-23T08:00:00Z"), "bad_time"),
        (lambda d: d["items"][0].update(seq=True), "bad_field"),
        (lambda d: d["items"][0].update(attrs={"x": [1]}), "bad_field"),
        (lambda d: d.update(items=[{}] * 501), "bad_items"),
        (lambda d: d.update(gateway="家"), "bad_name"),
        (lambda d: d.pop("spool"), "bad_field"),
    ],
)
def test_refusals(change, code) -> None:
    document = json.loads(encode_envelope(envelope()))
    change(document)
    with pytest.raises(ContractError) as refused:
        decode_envelope(json.dumps(document).encode())
    assert refused.value.code == code


@pytest.mark.parametrize(
    "payload", [b"", b"\xff\xfe", b"[]", b"{", b"null", b"[" * 100_000, b" " * 300_000]
)
def test_any_bytes_are_refused_with_a_reason(payload) -> None:
    with pytest.raises(ContractError):
        decode_envelope(payload)


def test_round_trips() -> None:
    ack = Ack(spool="s", ids=("a", "b"), backup_through=7)
    assert decode_ack(encode_ack(ack)) == ack
    command = Command(id="c1", command="reassure", device="button-1", args={"lang": "zh"})
    assert decode_command(encode_command(command)) == command
    status = Status(
        gateway="gw-1",
        online=True,
        spool="s",
        last_seq=4,
        oldest_unacked_s=0.5,
        mains=True,
        clock="synced",
        version="0.1.0",
        devices=(DeviceStatus(device="m-1", last_seen_at_ms=1000, battery_pct=None),),
    )
    assert decode_status(encode_status(status)) == status


def test_moments_keep_milliseconds() -> None:
    for at_ms in (0, 1, 999, 1_700_000_000_123, 4_102_444_800_000):
        assert from_iso(to_iso(at_ms)) == at_ms
    assert from_iso("2026-11-23T16:00:00+08:00") == from_iso("2026-11-23T08:00:00Z")

"""The hub's fast codec says what the contract's codec says, and never raises anything else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.codec import decode_envelope
from contract.errors import ContractError
from ingest.wire import decode

ITEM = {
    "id": "a1",
    "seq": 1,
    "device": "meter-1",
    "kind": "power",
    "measured_at": "2026-11-23T07:59:59.900Z",
    "received_at": "2026-11-23T15:59:59.950+08:00",
    "values": {"power_w": 12.5},
    "attrs": {"interval_s": 900, "late": True},
}


def payload(*items, **head) -> bytes:
    document = {"v": 1, "gateway": "gw-1", "spool": "s", "sent_at": "2026-11-23T08:00:00Z"}
    return json.dumps({**document, "clock": "synced", "items": list(items), **head}).encode()


def test_both_codecs_read_the_same() -> None:
    taken = decode(payload(ITEM), "gw-1")
    reference = decode_envelope(payload(ITEM))
    for mine, theirs in zip(taken.items, reference.items, strict=True):
        for name in ("id", "seq", "device", "kind", "measured_at_ms", "received_at_ms"):
            assert getattr(mine, name) == getattr(theirs, name)
        assert mine.values == theirs.values
        assert mine.attrs == theirs.attrs


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"kind": "nonsense"}, "unknown_kind"),
        ({"values": {"spo2_pct": 90}}, "unknown_value"),
        ({"device": "a b"}, "bad_name"),
        ({"measured_at": "2026-11-23T07:59:59"}, "bad_time"),
        ({"seq": 0}, "bad_field"),
        ({"seq": 2**53}, "bad_field"),
        ({"seq": 10**30}, "bad_field"),
        ({"attrs": {"x": [1]}}, "bad_field"),
        ({"values": {"power_w": "1"}}, "bad_field"),
    ],
)
def test_one_bad_item_costs_only_itself(change, code) -> None:
    bad = {**ITEM, "id": "bad", "seq": 2, **change}
    taken = decode(payload(ITEM, bad, {**ITEM, "id": "a3", "seq": 3}), "gw-1")
    assert [item.id for item in taken.items] == ["a1", "a3"]
    assert [(b.id, b.code) for b in taken.bad] == [("bad", code)]


@pytest.mark.parametrize("seq", [2**53, 2**63, 10**30])
def test_a_number_that_no_database_takes_is_not_marked_as_received(seq) -> None:
    taken = decode(payload({**ITEM, "seq": seq}), "gw-1")
    assert [(b.id, b.seq) for b in taken.bad] == [("a1", None)]
    with pytest.raises(ContractError):
        decode_envelope(payload({**ITEM, "seq": seq}))


def test_a_spool_with_a_name_that_no_column_holds_is_refused() -> None:
    assert decode(payload(ITEM, spool="s" * 64), "gw-1").spool == "s" * 64
    with pytest.raises(ContractError) as refused:
        decode(payload(ITEM, spool="s" * 65), "gw-1")
    assert refused.value.code == "bad_envelope"


def test_a_number_out_of_range_names_its_item() -> None:
    text = payload(ITEM, {**ITEM, "id": "b", "seq": 2}).replace(b'"seq": 2', b'"seq": 2')
    text = text.replace(b"12.5", b"1e999", 1)
    taken = decode(text, "gw-1")
    assert [b.code for b in taken.bad] == ["not_finite"]
    assert [item.id for item in taken.items] == ["b"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", "not_json"),
        (b"\xff\xfe\x00", "not_json"),
        (b"[" * 50_000, "not_json"),
        (b"[]", "bad_envelope"),
        (payload(v=2), "unknown_version"),
        (payload(gateway="gw-2"), "gateway_mismatch"),
        (payload(items=[{}] * 501), "bad_envelope"),
        (b" " * 300_000, "too_large"),
    ],
)
def test_what_cannot_be_trusted_is_refused_whole(text, code) -> None:
    with pytest.raises(ContractError) as refused:
        decode(text, "gw-1")
    assert refused.value.code == code


@given(st.binary(max_size=300))
def test_any_bytes_are_taken_or_refused(raw) -> None:
    try:
        decode(raw, "gw-1")
    except ContractError:
        return


@given(
    st.recursive(
        # JSON has no infinity: the message as a whole would be refused.
        st.none()
        | st.booleans()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=9),
        lambda x: (
            st.lists(x, max_size=3)
            | st.dictionaries(st.sampled_from([*ITEM, "v", "x"]), x, max_size=6)
        ),
        max_leaves=12,
    )
)
def test_any_json_in_the_place_of_an_item_is_taken_or_refused(raw) -> None:
    taken = decode(payload(ITEM, raw), "gw-1")
    assert taken.items[0].id == "a1"

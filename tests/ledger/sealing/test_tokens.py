"""What is sealed opens for its owner with its key, and for nobody else."""

import os

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from ledger.sealing import tokens
from ledger.sealing.tokens import BrokenSeal

KEY = AESGCM(bytes(range(32)))
OTHER = AESGCM(bytes(32))
OWNERS = st.text(st.characters(codec="ascii", exclude_characters="\x00"), min_size=1, max_size=64)


def test_a_known_answer() -> None:
    """The form of what lies in books: a change of it would leave them unreadable."""
    token = tokens.sealed(KEY, "p-1", "t", "高血压", bytes(12))
    assert token == "sealed:1:t:p-1:AAAAAAAAAAAAAAAA5xctNhSsZjODVdoG5QQMTOdiIvbmLn6fhw=="
    form, owner, hidden = tokens.parts(token)
    assert tokens.opened(KEY, form, owner, hidden) == "高血压"


@given(owner=OWNERS, text=st.text(st.characters(exclude_categories=["Cs"])))
def test_it_opens_as_it_was(owner: str, text: str) -> None:
    token = tokens.sealed(KEY, owner, "j", text, os.urandom(12))
    form, whose, hidden = tokens.parts(token)
    assert (form, whose) == ("j", owner)
    assert tokens.opened(KEY, form, whose, hidden) == text


@given(content=st.binary(max_size=200), owner=OWNERS)
def test_bytes_open_as_they_were(content: bytes, owner: str) -> None:
    whose, hidden = tokens.parts_of_bytes(tokens.sealed_bytes(KEY, owner, content, os.urandom(12)))
    assert (whose, tokens.opened_bytes(KEY, whose, hidden)) == (owner, content)


@given(place=st.integers(0, 40), flip=st.integers(1, 255))
def test_a_changed_byte_is_seen(place: int, flip: int) -> None:
    sealed = bytearray(tokens.sealed_bytes(KEY, "p", b"fourteen bytes", bytes(12)))
    at = len(tokens.MARK_BYTES) + 2 + place
    sealed[at] ^= flip
    _owner, hidden = tokens.parts_of_bytes(bytes(sealed))
    with pytest.raises(BrokenSeal):
        tokens.opened_bytes(KEY, "p", hidden)


def test_another_key_owner_or_form_does_not_open_it() -> None:
    form, owner, hidden = tokens.parts(tokens.sealed(KEY, "p-1", "t", "x", bytes(12)))
    for cipher, said_form, said_owner in (
        (OTHER, form, owner),
        (KEY, "j", owner),
        (KEY, form, "p-2"),
    ):
        with pytest.raises(BrokenSeal):
            tokens.opened(cipher, said_form, said_owner, hidden)


@pytest.mark.parametrize("text", ["sealed:1:", "sealed:1:x:p:AA", "sealed:1:t:", "sealed:1:t::AA"])
def test_what_is_no_token_is_told(text: str) -> None:
    with pytest.raises(BrokenSeal):
        tokens.parts(text)


@pytest.mark.parametrize("hidden", ["", "AA", "not base64!", "AAAAAAAAAAAAAAAA"])
def test_what_hides_nothing_is_told(hidden: str) -> None:
    with pytest.raises(BrokenSeal):
        tokens.opened(KEY, "t", "p", hidden)


def test_a_wrapped_key_is_bound_to_owner_and_wrapper() -> None:
    hidden = tokens.wrapped(KEY, "k1", "p-1", bytes(32), bytes(12))
    assert tokens.unwrapped(KEY, "k1", "p-1", hidden) == bytes(32)
    for kek, owner in (("k2", "p-1"), ("k1", "p-2")):
        with pytest.raises(BrokenSeal):
            tokens.unwrapped(KEY, kek, owner, hidden)


def test_blind_codes_are_of_a_kind_and_a_key() -> None:
    codes = {
        tokens.blind(b"a" * 32, "phone", "13800000001"),
        tokens.blind(b"a" * 32, "id_number", "13800000001"),
        tokens.blind(b"b" * 32, "phone", "13800000001"),
        tokens.blind(b"a" * 32, "phone", "13800000002"),
    }
    assert len(codes) == 4

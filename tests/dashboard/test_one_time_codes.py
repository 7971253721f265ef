"""Codes of authenticator apps, against RFC 6238's own values and another implementation."""

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.signing_in import one_time_code, recovery_code
from dashboard.signing_in.one_time_code import STEP_MS, code_at, step_of

# RFC 6238, appendix B, the secret of SHA-1; the last six of its eight digits.
RFC_SECRET = one_time_code.written(b"12345678901234567890")
RFC = [
    (59, "287082"),
    (1111111109, "081804"),
    (1111111111, "050471"),
    (1234567890, "005924"),
    (2000000000, "279037"),
    (20000000000, "353130"),
]


@pytest.mark.parametrize(("at_s", "code"), RFC)
def test_the_values_of_the_rfc(at_s: int, code: str) -> None:
    assert code_at(RFC_SECRET, at_s // 30) == code
    assert step_of(RFC_SECRET, code, at_s * 1000, last_step=0) == at_s // 30


@given(secret=st.binary(min_size=16, max_size=32), at_s=st.integers(0, 2**40))
def test_another_program_makes_the_same(secret: bytes, at_s: int) -> None:
    text = one_time_code.written(secret)
    assert pyotp.TOTP(text).generate_otp(at_s // 30) == code_at(text, at_s // 30)


def test_a_step_before_and_after_and_no_further() -> None:
    now_ms = 1_000_000 * STEP_MS + 12_345
    heard = [
        step - 1_000_000
        for step in range(999_990, 1_000_010)
        if step_of(RFC_SECRET, code_at(RFC_SECRET, step), now_ms, 0) == step
    ]
    assert heard == [-1, 0, 1]


def test_a_code_counts_once_and_none_before_it_afterwards() -> None:
    now_ms = 1_000_000 * STEP_MS
    assert step_of(RFC_SECRET, code_at(RFC_SECRET, 1_000_000), now_ms, 1_000_000) is None
    assert step_of(RFC_SECRET, code_at(RFC_SECRET, 999_999), now_ms, 1_000_000) is None
    assert step_of(RFC_SECRET, code_at(RFC_SECRET, 1_000_001), now_ms, 1_000_000) == 1_000_001


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "１２３４５６", "12345 "])
def test_what_is_no_code(typed: str) -> None:
    assert step_of(RFC_SECRET, typed, 0, -1) is None


def test_a_secret_that_could_not_be_opened_opens_nothing() -> None:
    assert step_of("", code_at(RFC_SECRET, 1), STEP_MS, 0) is None


def test_apps_read_the_address() -> None:
    read = pyotp.parse_uri(one_time_code.address(RFC_SECRET, "duty-1"))
    assert isinstance(read, pyotp.TOTP)
    assert (read.secret, read.name, read.issuer) == (RFC_SECRET, "duty-1", "hearthwatch")
    assert read.at(59) == "287082"


@given(random=st.binary(min_size=recovery_code.CODE_BYTES, max_size=recovery_code.CODE_BYTES))
def test_paper_is_read_as_people_read_it(random: bytes) -> None:
    code = recovery_code.written(random)
    assert recovery_code.looks_like_one(code)
    digest = recovery_code.digest_of("duty-1", code)
    for typed in (code.upper(), code.replace("-", ""), code.replace("o", "0"), f" {code} "):
        assert recovery_code.digest_of("duty-1", typed) == digest
    assert recovery_code.digest_of("duty-2", code) != digest

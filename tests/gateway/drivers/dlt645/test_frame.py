"""Frames in a byte stream: found whatever surrounds them, refused for one reason each, bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.driver import Undecodable
from gateway.drivers.dlt645.frame import DATA_BYTES_MAX, FRAME_BYTES_MAX, Frame, Framer
from gateway.drivers.dlt645.read_requests import (
    ReadControl,
    address_request,
    next_request,
    read_request,
)
from tests.adapters.dlt645_slaves import frame, split, wire

ADDRESS = "123456789012"
GOOD = frame(ADDRESS, 0x91, wire("00010000", "00123456"))


def fed(*pieces: bytes) -> tuple[list[Frame], list[Undecodable], Framer]:
    framer = Framer()
    found = [item for piece in pieces for item in framer.feed(piece)]
    return (
        [f for f in found if isinstance(f, Frame)],
        [f for f in found if isinstance(f, Undecodable)],
        framer,
    )


@pytest.mark.parametrize("wake_up", range(6))
def test_any_number_of_wake_up_bytes_and_none_is_noise(wake_up) -> None:
    frames, damage, framer = fed(b"\xfe" * wake_up + GOOD)
    assert [(f.address, f.control, f.data) for f in frames] == [
        (ADDRESS, 0x91, wire("00010000", "00123456"))
    ]
    assert damage == []
    assert framer.junk_bytes == 0


@given(
    st.integers(0, 10**12 - 1),
    st.integers(0, 255),
    st.binary(max_size=DATA_BYTES_MAX),
    st.binary(max_size=30).filter(lambda noise: 0x68 not in noise),
    st.integers(1, 40),
)
def test_every_frame_is_found_in_noise_however_it_is_cut(
    number, control, data, noise, step
) -> None:
    address = f"{number:012d}"
    stream = noise + frame(address, control, data) + noise
    frames, damage, framer = fed(*(stream[n : n + step] for n in range(0, len(stream), step)))
    assert [(f.address, f.control, f.data) for f in frames] == [(address, control, data)]
    assert damage == []
    assert framer.junk_bytes == 2 * len(noise) - 2 * noise.count(0xFE)


@pytest.mark.parametrize(
    ("spoilt", "code"),
    [
        (GOOD[:-1] + b"\x17", "end_byte"),
        (GOOD[:-2] + bytes((GOOD[-2] ^ 1,)) + b"\x16", "checksum"),
        (GOOD[:12] + bytes((GOOD[12] ^ 1,)) + GOOD[13:], "checksum"),
    ],
)
def test_damage_is_told_once_with_its_reason_and_blocks_nothing(spoilt, code) -> None:
    for step in (1, 5, 100):
        stream = spoilt + GOOD
        frames, damage, framer = fed(*(stream[n : n + step] for n in range(0, len(stream), step)))
        assert len(frames) == 1
        assert [d.code for d in damage] == [code]
        assert damage[0].raw == spoilt
        assert framer.flush() == []


def test_a_length_that_no_answer_has_does_not_make_the_next_one_wait() -> None:
    """200 is the most of the standard; a 68 in noise with 201 behind it is nobody's frame."""
    lying = b"\x68" + bytes(6) + b"\x68\x91\xc9"
    frames, _damage, framer = fed(lying)
    assert frames == []
    assert framer.buffered_bytes < len(lying)
    honest = b"\x68" + bytes(6) + b"\x68\x91\xc8"
    assert fed(honest)[2].buffered_bytes == len(honest)


def test_a_good_frame_wins_over_an_unfinished_one_before_it() -> None:
    begun = b"\x68" + bytes(6) + b"\x68\x91\x50"
    frames, _damage, framer = fed(begun, GOOD)
    assert len(frames) == 1
    assert framer.junk_bytes == len(begun)


def test_half_a_frame_is_told_when_it_is_given_up_and_only_then() -> None:
    _frames, damage, framer = fed(GOOD[:9])
    assert damage == []
    (left,) = framer.flush()
    assert left.code == "incomplete"
    assert left.raw == GOOD[:9]
    assert framer.flush() == []
    assert [f for f in framer.feed(GOOD) if isinstance(f, Frame)]


def test_what_is_held_is_bounded() -> None:
    framer = Framer()
    for _ in range(200):
        framer.feed(b"\x68" * 100)
        assert framer.buffered_bytes <= FRAME_BYTES_MAX
    assert [f for f in framer.feed(bytes(FRAME_BYTES_MAX) + GOOD) if isinstance(f, Frame)]


def test_two_frames_in_one_piece() -> None:
    frames, _damage, _framer = fed(GOOD + frame("000000000001", 0xD1, b"\x02"))
    assert [f.address for f in frames] == [ADDRESS, "000000000001"]
    assert [f.is_error for f in frames] == [False, True]


def test_the_bits_of_the_control_byte() -> None:
    (found,) = fed(frame(ADDRESS, 0xB2, b""))[0]
    assert (found.is_reply, found.is_error, found.more_follows, found.function) == (
        True,
        False,
        True,
        0x12,
    )


def test_requests_are_what_the_standard_says() -> None:
    assert read_request(ADDRESS, "02010100").hex().upper() == (
        "FEFEFEFE68129078563412681104333434356B16"
    )
    assert address_request().hex().upper() == "FEFEFEFE68AAAAAAAAAAAA681300DF16"
    assert split(read_request("AAAAAAAAAAAA", "9010")) == ("AAAAAAAAAAAA", 0x01, wire("9010"))
    assert split(next_request(ADDRESS, "0001FF00", 3)) == (
        ADDRESS,
        0x12,
        wire("0001FF00") + b"\x03",
    )


def test_no_request_that_changes_a_meter_can_be_built() -> None:
    assert {control.value for control in ReadControl} == {0x01, 0x11, 0x12, 0x13}
    with pytest.raises(ValueError, match="20"):
        ReadControl(0x14)

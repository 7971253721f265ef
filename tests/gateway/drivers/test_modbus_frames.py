"""Frames of Modbus: whatever a line carries, in whatever pieces."""

import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.item import check_measurement
from gateway.drivers.modbus.frame import (
    BUFFER_BYTES_MAX,
    FRAME_BYTES_MAX,
    Framer,
    read_request,
)
from gateway.drivers.modbus.maps import float32
from tests.gateway.drivers.modbus_bench import (
    PZEM,
    PZEM_DATA,
    SDM,
    SDM_A,
    SDM_B,
    Bench,
    exception,
    response,
)


@given(st.lists(st.binary(max_size=80), max_size=30))
def test_noise_is_survived_and_forgotten(chunks) -> None:
    framer = Framer()
    for chunk in chunks:
        framer.feed(chunk)
        assert framer.buffered_bytes <= BUFFER_BYTES_MAX + 80
    good = response(1, 4, SDM_B)
    assert [f.data for f in framer.feed(good) if f.data == SDM_B] == [SDM_B]


@settings(max_examples=40)
@given(st.data())
def test_any_line_gives_only_readings_of_the_contract(data) -> None:
    bench = Bench(SDM, PZEM, retries=0)
    for _ in range(12):
        request = bench.ask()
        true = response(request[0], 4, data.draw(st.binary(min_size=20, max_size=64)))
        count = 2 * request[5]
        fit = response(request[0], 4, data.draw(st.binary(min_size=count, max_size=count)))
        bench.hear(data.draw(st.sampled_from([true, fit, b"", fit[:-1], request])))
    for measurement in bench.found:
        check_measurement(measurement)


def test_every_split_of_a_line_gives_the_same_frames() -> None:
    stream = (
        b"\x00"
        + read_request(1, 4, 0, 32)
        + response(1, 4, SDM_A)
        + b"\x04\x01"
        + exception(1, 3, 2)
        + response(2, 4, PZEM_DATA)
    )
    whole = Framer().feed(stream)
    assert [f.kind.value for f in whole] == ["request", "response", "exception", "response"]
    for at in range(len(stream)):
        framer = Framer()
        assert framer.feed(stream[:at]) + framer.feed(stream[at:]) == whole


def test_one_flipped_bit_anywhere_is_refused() -> None:
    good = response(2, 4, PZEM_DATA)
    for bit in range(8 * len(good)):
        broken = bytearray(good)
        broken[bit // 8] ^= 1 << bit % 8
        bench = Bench(PZEM, retries=0)
        bench.ask()
        bench.hear(bytes(broken))
        assert bench.found == []


@given(st.integers(0, 2**32 - 1))
def test_float32_is_the_number_and_nothing_less(bits) -> None:
    raw = bits.to_bytes(4, "big")
    exact = struct.unpack(">f", raw)[0]
    value = float32(raw)
    if math.isfinite(exact):
        assert abs(value - exact) <= abs(exact) * 1e-6
    else:
        assert not math.isfinite(value)


def test_only_reading_requests_can_be_built() -> None:
    for function in set(range(256)) - {3, 4}:
        with pytest.raises(ValueError, match="reading"):
            read_request(1, function, 0, 1)
    assert len(read_request(247, 3, 0xFFFF, 1)) == 8
    assert FRAME_BYTES_MAX == 255

"""DL/T 645 for the fuzzer: frames made and repaired here, by the standard and not by our code.

The promise of the framer: it reports exactly the frames that are there, byte for byte, however the
input is cut, and a good frame behind any damage is found.
"""

from collections.abc import Hashable, Sequence
from itertools import pairwise
from random import Random
from typing import Final

from gateway.drivers.dlt645.frame import DATA_BYTES_MAX, FRAME_BYTES_MAX, Frame, Framer
from gateway.drivers.dlt645.items import READABLE
from tests.fuzz.engine import Target

_CONTROLS: Final = (0x91, 0xB1, 0xD1, 0x92, 0xB2, 0xD2, 0x93, 0x81, 0xA1, 0xC1, 0x82, 0x11, 0x97)
_IDENTIFIERS: Final = sorted(READABLE)
GOOD: Final = bytes.fromhex("686101000000006891063334343534431016")


def encode(address: str, control: int, data: bytes) -> bytes:
    body = b"\x68" + bytes.fromhex(address)[::-1] + b"\x68" + bytes((control, len(data)))
    body += bytes((b + 0x33) % 256 for b in data)
    return body + bytes((sum(body) % 256, 0x16))


def fresh(random: Random) -> bytes:
    """A good frame of any kind about any identifier, its digits right or not."""
    control = random.choice(_CONTROLS)
    identifier = bytes.fromhex(random.choice(_IDENTIFIERS))[::-1]
    size = random.choice((0, 1, 2, 3, 4, 6, 8, 9, 12, 14, 16, 20, 40, DATA_BYTES_MAX - 4))
    payload = bytearray(random.randbytes(size))
    match random.randrange(4):
        case 0:
            payload = bytearray(b"\xff" * size)
        case 1 | 2:
            payload = bytearray(int(f"{random.randrange(100):02d}", 16) for _ in range(size))
    address = random.choice(("000000000161", "AAAAAAAAAAAA", "999999999999", "123456789012"))
    wake_up = b"\xfe" * random.randrange(5)
    return wake_up + encode(address, control, identifier + bytes(payload))


def repair(random: Random, data: bytes) -> bytes:
    """The first thing that looks like a frame gets its second 68, length, checksum and 16."""
    at = data.find(0x68)
    if at < 0 or len(data) - at < 12:
        return data
    body = bytearray(data[at : at + FRAME_BYTES_MAX])
    body[7] = 0x68
    length = body[9] if body[9] <= len(body) - 12 else len(body) - 12
    body[9] = length
    body[10 + length] = sum(body[: 10 + length]) % 256
    body[11 + length] = 0x16
    return data[:at] + bytes(body) + data[at + len(body) :]


def found(framer: Framer, data: bytes, step: int) -> list[Frame]:
    out: list[Frame] = []
    for at in range(0, len(data), step):
        out += [f for f in framer.feed(data[at : at + step]) if isinstance(f, Frame)]
        assert framer.buffered_bytes <= FRAME_BYTES_MAX, f"{framer.buffered_bytes} bytes held"
    return out


def standing(data: bytes) -> list[tuple[int, int]]:
    """Where every good frame begins and ends, found by trying each place."""
    out = []
    for at in range(len(data) - 11):
        if data[at] != 0x68 or data[at + 7] != 0x68 or data[at + 9] > DATA_BYTES_MAX:
            continue
        end = at + 12 + data[at + 9]
        whole = end <= len(data) and data[end - 1] == 0x16
        if whole and sum(data[at : end - 2]) % 256 == data[end - 2]:
            out.append((at, end))
    return out


def run(data: bytes) -> frozenset[Hashable]:
    frames = found(Framer(), data, max(1, len(data)))
    cut = Framer()
    in_pieces = found(cut, data, 1 + len(data) % 7)
    there = standing(data)
    if all(end <= begin for (_, end), (begin, _) in pairwise(there)):
        wires = [data[begin:end] for begin, end in there]
        for given in (frames, in_pieces):
            assert [encode(f.address, f.control, f.data) for f in given] == wires
    else:
        # A frame inside another: which of the two counts may depend on the cuts, but not whether.
        for given in (frames, in_pieces):
            wires = [encode(f.address, f.control, f.data) for f in given]
            assert wires, "good frames stand there, none was found"
            assert all(wire in data for wire in wires), "a frame that nobody sent"
    behind = found(cut, bytes(FRAME_BYTES_MAX) + GOOD, 64)
    assert behind, "a good frame behind the damage was not found"
    cut.flush()
    assert cut.buffered_bytes == 0
    return frozenset({(min(len(frames), 4), len(there) > len(frames), bool(cut.junk_bytes))})


def target(seeds: Sequence[bytes]) -> Target:
    return Target(
        name="dlt645-framer",
        run=run,
        seeds=seeds,
        tokens=(b"\x68", b"\x16", b"\xfe\xfe\xfe\xfe"),
        fresh=fresh,
        repair=repair,
    )

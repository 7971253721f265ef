"""DL/T 645 on the line of `meter_bus`: two meters, and every wrong answer we know of."""

from collections.abc import Hashable
from typing import Final

from gateway.drivers.dlt645.items import ITEMS, Quantity
from gateway.drivers.dlt645.master import REPLY_WAIT_MAX_MS, Master
from gateway.drivers.dlt645.spec import bus_plan
from tests.fuzz.dlt645_frames import encode
from tests.fuzz.meter_bus import POLL_S, Protocol

# No meters of the vectors: their recorded frames are in the seeds and would be right answers.
ADDRESSES: Final = ("907060504031", "907060504032")
_READING: Final = {0x11: 4, 0x12: 5, 0x13: 0, 0x01: 2}
# Every value is a number of its own, so that none can be mixed up.
_DIGITS: Final = {ADDRESSES[0]: 1111, ADDRESSES[1]: 2222}
_CONFIG: Final = {
    "poll_s": POLL_S,
    "items": ["energy", "power", "voltages"],
    "meters": [{"address": address} for address in ADDRESSES],
}


def payload(address: str, di: str) -> bytes:
    item = ITEMS[di]
    form = item if isinstance(item, Quantity) else item.form
    one = bytes.fromhex(f"{_DIGITS[address]:0{2 * form.size_bytes}d}"[-2 * form.size_bytes :])[::-1]
    return one if isinstance(item, Quantity) else one * len(item.names)


def answer(kind: int, asked: Hashable) -> bytes:
    """The right answer, and every wrong one we know of; nothing to the search for addresses."""
    assert isinstance(asked, tuple)
    address, di = asked
    return _made(kind, address, di) if di in ITEMS else b""


def _made(kind: int, address: str, di: str) -> bytes:
    identifier = bytes.fromhex(di)[::-1]
    other = ADDRESSES[1 - ADDRESSES.index(address)]
    another = "02800002" if di != "02800002" else "00010000"
    data = identifier + payload(address, di)
    match kind % 12:
        case 0:
            return encode(address, 0x91, data)
        case 1:
            return encode(other, 0x91, identifier + payload(other, di))
        case 2:
            return encode(address, 0x91, bytes.fromhex(another)[::-1] + payload(address, another))
        case 3:
            return encode(address, 0xD1, bytes((1 << kind % 8,)))
        case 4:
            return encode(address, 0x11, identifier)
        case 5:
            return encode(address, 0xB1, data)
        case 6:
            return encode(address, 0x92, data + b"\x01")
        case 7:
            return encode(address, 0x91, identifier + b"\xff" * (len(data) - 4))
        case 8:
            return encode(address, 0x91, identifier + b"\xbb" * (len(data) - 4))
        case 9:
            return encode(address, 0x91, data)[:-3]
        case 10:
            return b"\xfe" * 4 + encode(address, 0x91, data)
        case _:
            return b"\x68\xff\x00" * (kind // 12) + encode(address, 0x94, b"")


def question(raw: bytes) -> Hashable:
    """Address and identifier of a request; refuses everything that is not one for reading."""
    body = raw.lstrip(b"\xfe")
    assert body[0] == body[7] == 0x68, raw.hex()
    assert body[-1] == 0x16, raw.hex()
    assert body[-2] == sum(body[:-2]) % 256, raw.hex()
    assert _READING.get(body[8]) == body[9] == len(body) - 12, f"not a reading: {raw.hex()}"
    identifier = bytes((b - 0x33) % 256 for b in body[10:14])
    address = body[1:7][::-1].hex().upper()
    assert address in _DIGITS, address
    return address, identifier[::-1].hex().upper()


def allowed(device: str) -> frozenset[float]:
    digits = _DIGITS[device.removeprefix("dlt645-")]
    return frozenset({digits / 100, digits / 10, digits % 10000 / 10})


# Read once; every script has a new master.
_PLAN: Final = bus_plan(_CONFIG)
PROTOCOL: Final = Protocol(
    name="dlt645-bus",
    build=lambda: Master(_PLAN),
    question=question,
    answer=answer,
    allowed=allowed,
    wait_max_ms=REPLY_WAIT_MAX_MS,
)

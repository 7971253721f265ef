"""How one input becomes the next: bytes flipped, moved, spliced, and JSON with other values."""

import json
from collections.abc import Sequence
from random import Random
from typing import Any, Final

# Longer inputs only repeat themselves: the longest frame of any driver has 212 bytes, a
# Zigbee2MQTT state some hundred.
INPUT_BYTES_MAX: Final = 640
_EDGES: Final = (0x00, 0x01, 0x0F, 0x10, 0x16, 0x33, 0x55, 0x68, 0x7F, 0x80, 0x99, 0xAA, 0xFE, 0xFF)
_JSON_VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, 1, -1, 80, 255, 1e308, -1e308, 1e-320, 2**63, 10**400, 0.1, float("nan"),
    float("inf"), "", "ON", "OFF", "emergency", "single", "hold", "sos", "80.00", "nan", "1e999",
    "\x00", "\ud800", "长" * 300, [], [1, 2, 3], {}, {"a": None}, "2026-11-23T08:00:00Z",
    "2026-11-23T08:00:00+99:99", 1795392309000, -62135596800001,
)  # fmt: skip


def mutate(random: Random, corpus: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    """A member of the corpus after one to five changes; short ones are taken more often."""
    data = bytearray(min(random.choice(corpus), random.choice(corpus), key=len))
    for _ in range(1 + random.randrange(5)):
        _STEPS[random.randrange(len(_STEPS))](random, data, corpus, tokens)
    return bytes(data[:INPUT_BYTES_MAX])


def mutate_json(random: Random, payload: bytes) -> bytes:
    """The same document with one value another, one key gone or doubled; else the payload."""
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        return payload
    if not isinstance(document, dict) or not document:
        return json.dumps(random.choice(_JSON_VALUES)).encode()
    key = random.choice(list(document))
    match random.randrange(5):
        case 0:
            del document[key]
        case 1:
            document[random.choice(list(document))] = document[key]
        case 2:
            document = {key: document}
        case _:
            document[key] = random.choice(_JSON_VALUES)
    return json.dumps(document).encode()[:INPUT_BYTES_MAX]


def _flip(
    random: Random, data: bytearray, corpus: Sequence[bytes], tokens: Sequence[bytes]
) -> None:
    if data:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _set(random: Random, data: bytearray, corpus: Sequence[bytes], tokens: Sequence[bytes]) -> None:
    if data:
        data[random.randrange(len(data))] = random.choice(_EDGES)


def _add(random: Random, data: bytearray, corpus: Sequence[bytes], tokens: Sequence[bytes]) -> None:
    """Lengths and counts, a little wrong."""
    if data:
        at = random.randrange(len(data))
        data[at] = (data[at] + random.randrange(-16, 17)) & 0xFF


def _cut(random: Random, data: bytearray, corpus: Sequence[bytes], tokens: Sequence[bytes]) -> None:
    if data:
        at = random.randrange(len(data))
        del data[at : at + 1 + random.randrange(16)]


def _repeat(
    random: Random, data: bytearray, corpus: Sequence[bytes], tokens: Sequence[bytes]
) -> None:
    if data and len(data) < INPUT_BYTES_MAX:
        at = random.randrange(len(data))
        data[at:at] = data[at : at + 1 + random.randrange(64)]


def _insert(
    random: Random, data: bytearray, corpus: Sequence[bytes], tokens: Sequence[bytes]
) -> None:
    at = random.randrange(len(data) + 1)
    data[at:at] = random.choice(tokens) if tokens else random.randbytes(4)


def _noise(
    random: Random, data: bytearray, corpus: Sequence[bytes], tokens: Sequence[bytes]
) -> None:
    at = random.randrange(len(data) + 1)
    data[at:at] = random.randbytes(1 + random.randrange(24))


def _splice(
    random: Random, data: bytearray, corpus: Sequence[bytes], tokens: Sequence[bytes]
) -> None:
    other = random.choice(corpus)
    data[random.randrange(len(data) + 1) :] = other[random.randrange(len(other) + 1) :]


_STEPS: Final = (_flip, _set, _add, _cut, _repeat, _insert, _noise, _splice)

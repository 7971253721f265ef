"""States that nobody has asked for yet, as the bytes that were stored; and how they are read. Pure.

A restart gives back the states of every home, and of most of them nothing is heard for minutes. A
state sleeps as its bytes until something is heard that its rule wants, its timer comes, or somebody
looks; then it is read. What the bytes begin with is all that is looked at before:

    {"v":2,"kind":"not_up_yet","params":"1c291ca3","wake":1794783600000, …

Only bytes that begin as this program would write them today are left asleep: of this version, and
for these very parameters, for with others a timer may run out at another time. Rules about devices
write a mark of those as well: with others, what they wait for may be over. All other states, those
without a `wake` among them, are read at once.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from zlib import crc32

import msgspec

from rules.rule import DeviceFacts, Monitor, Rule, RuleKind, Subject, former_names

_BAD_STATE: Final = (
    ValueError,
    KeyError,
    TypeError,
    IndexError,
    AttributeError,
    OverflowError,
    msgspec.DecodeError,
)
_NEVER: Final = b"null"
_WAKE: Final = b'"wake":'
_DEVICES: Final = b'"devices":'
_encode: Final = msgspec.json.Encoder().encode
# Digits of a time in milliseconds until the year 33658.
_DIGITS_MAX: Final = 15


class Asleep:
    """The states of one home that sleep. rules: those in force when they were laid down;
    resumed_ms: until when the hub was down, which they have not been told."""

    __slots__ = ("resumed_ms", "rules", "states")

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.states: dict[str, bytes] = {}
        self.rules = rules
        self.resumed_ms: int | None = None


class Unusable(NamedTuple):
    """Why a state can't be used; its rule starts afresh."""

    detail: str


class Bed(NamedTuple):
    """Where a state may be laid down: its rule, and how its states begin; `of_devices`: up to a
    mark of the home's devices."""

    rule: Rule
    head: bytes
    of_devices: bool


def head_of(kind: RuleKind, params: Any) -> bytes:
    """What a state begins with, up to the time at which it wants to be woken."""
    mark = crc32(repr(params).encode())
    head = f'{{"v":{kind.state_version},"kind":"{kind.name}","params":"{mark:08x}","wake":'
    return head.encode()


def with_devices(head: bytes, devices: Sequence[DeviceFacts]) -> bytes:
    """What a state about these devices begins with."""
    return b'%s"%08x","wake":' % (head.removesuffix(_WAKE) + _DEVICES, crc32(_encode(devices)))


def may_sleep(head: bytes, state: bytes) -> bool:
    return state.startswith(head) and state.endswith(b"}")


def wake_ms(head: bytes, state: bytes) -> int | None:
    """When a state that may sleep wants to be woken; ValueError when it doesn't say."""
    end = state.find(b",", len(head), len(head) + _DIGITS_MAX + 1)
    told = state[len(head) : end if end >= 0 else -1]
    if told == _NEVER:
        return None
    if len(told) > _DIGITS_MAX or not told.isdigit():
        raise ValueError(f"no time to be woken at: {told[:20]!r}")
    return int(told)


def read_state(rule: Rule, subject: Subject, params: Any, state: bytes) -> Monitor | Unusable:
    """The monitor of which these bytes are the state."""
    try:
        document = msgspec.json.decode(state)
        kind = rule.kind
        if document["kind"] != kind.name and document["kind"] not in former_names(kind):
            raise ValueError(f"state of kind {document['kind']!r}")
        if document["v"] > kind.state_version:
            raise ValueError(f"state version {document['v']!r} is newer than this program")
    except _BAD_STATE as error:
        return Unusable(f"unreadable state, starts afresh: {error!r:.200}")
    return monitor_of(rule, subject, params, document)


def monitor_of(
    rule: Rule, subject: Subject, params: Any, document: Mapping[str, Any]
) -> Monitor | Unusable:
    try:
        return rule.kind.load(subject, params, document)
    except _BAD_STATE as error:
        return Unusable(f"state not usable: {error!r:.200}")

"""Names that appear in topics and files, and the ids of items.

Topic levels must be ASCII without `/`, `+`, `#` and spaces (one real broker dies of a Chinese
topic), so people's and places' names travel in payloads and never here.
"""

import re
import uuid
from hashlib import sha1

from contract.errors import ContractError

# 64 characters hold every Zigbee name, BLE address and meter number seen, and keep topics,
# file names and log lines short.
NAME_LENGTH_MAX = 64

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def check_name(name: str, what: str) -> str:
    """Return `name` if it may stand in a topic, else raise ContractError `bad_name`."""
    if not _NAME.match(name):
        raise ContractError(
            "bad_name",
            f"{what} {name[:80]!r}: 1-64 of A-Z a-z 0-9 . _ - are allowed, first a letter or digit",
        )
    return name


def is_name(name: str) -> bool:
    return _NAME.match(name) is not None


def safe_name(label: str) -> str:
    """A topic-safe name for any label; different labels keep different names.

    A label that already is a name stays as it is. Any other gets its ASCII part and eight
    hexadecimal digits of its UUIDv5, so that `卧室/sos` and `客厅/sos` never meet.
    """
    if is_name(label):
        return label
    ascii_part = _UNSAFE.sub("-", label).strip("-._")[:40]
    digest = uuid.uuid5(uuid.NAMESPACE_OID, label).hex[:8]
    return f"{ascii_part}-{digest}" if ascii_part else f"dev-{digest}"


def item_id(spool: uuid.UUID, seq: int, received_at_ms: int) -> str:
    """The id of the item with this number in this spool.

    A spool's UUID is drawn once when its file is made and `seq` never repeats in it, so the
    name-based UUID (RFC 9562, version 5) is unique, and writing the row needs no randomness.
    The time is in it for files that went back in time (an older image of the card, a damaged log):
    a number that is given out once more must not make a new press the duplicate of an old one.
    """
    return name_uuid(spool, f"{seq}|{received_at_ms}")


def name_uuid(namespace: uuid.UUID, name: str) -> str:
    """`str(uuid.uuid5(namespace, name))` (RFC 9562, section 5.5) at a third of its cost: a press
    makes several while somebody waits."""
    digest = sha1(namespace.bytes + name.encode(), usedforsecurity=False).digest()
    version_5 = (digest[6] & 0x0F) | 0x50
    variant = (digest[8] & 0x3F) | 0x80
    h = (digest[:6] + bytes((version_5, digest[7], variant)) + digest[9:16]).hex()
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"

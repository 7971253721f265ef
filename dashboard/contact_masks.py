"""Telephones and the way in, for who has no call to make now: masked, and put back as they were
where a form that showed them masked is sent again. Pure.

Who sees them at once, and why not everybody: docs/access.md. An address tells one house from the
next: whoever sends people there or hangs up devices always sees it, for a wrong house is worse.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

Document = dict[str, Any]

HIDDEN: Final = "***"
STAR: Final = "*"
# Who has one of these has to tell a house from the next one.
TELL_HOUSES: Final = frozenset({"contact.read", "device.write", "task.assign"})
WAYS_IN: Final = ("access_note", "key_place", "lane", "dog")
# In a house's number, of whichever digits.
_DIGITS: Final = re.compile(r"[0-9０-９]+|[一二三四五六七八九十百零〇]+(?=[号户室栋幢])")
# Also as people write it: 138-0000-0001, (0915) 123 4567.
_LONG_NUMBER: Final = re.compile(r"\d(?:[-－ ()（）]{0,2}\d){6,}")


def masked_phone(phone: str) -> str:
    """13800000001 as 138****0001."""
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) >= 11 else STAR * len(phone)


def masked_text(text: str) -> str:
    """Every number in it that could be dialled, masked."""
    return _LONG_NUMBER.sub(lambda found: masked_phone(found[0]), text)


def masked_address(address: str) -> str:
    """龙头村一组 12 号 as 龙头村一组 ** 号; what has no number is cut behind its half."""
    masked = _DIGITS.sub("**", address)
    return masked if masked != address else address[: len(address) // 2] + "**"


def without_contacts(document: Document, can: frozenset[str]) -> Document:
    """An alarm, task, visit, home or person without telephones and without the way in."""
    shown = dict(document)
    if "persons" in shown:
        shown["persons"] = [_person(person) for person in shown["persons"]]
    if "contacts" in shown:
        shown = _person(shown)
    if not TELL_HOUSES & can and shown.get("address"):
        shown["address"] = masked_address(shown["address"])
        shown |= dict.fromkeys({"lat", "lon"} & shown.keys())
    for name in WAYS_IN:
        if shown.get(name):
            shown[name] = HIDDEN
    if isinstance(shown.get("home"), dict):
        shown["home"] = without_contacts(shown["home"], can)
    if "others" in shown:
        shown["others"] = [without_contacts(other, can) for other in shown["others"]]
    return shown


def masked_change(change: Mapping[str, Any]) -> Document:
    """An old and a new value of a person's history."""
    if change.get("field") not in ("phone", "contacts"):
        return dict(change)
    sides = {side: change[side] for side in ("old", "new") if change.get(side)}
    return {**change, **{side: masked_text(str(said)) for side, said in sides.items()}}


def put_back(
    sent: Mapping[str, Any], phone: str, contacts: Sequence[Mapping[str, Any]]
) -> Document:
    """What a form sends that showed telephones masked, with those that it left as they were.
    ValueError, with the field, where a mask is none of theirs: nobody is called by a mask."""
    fields = dict(sent)
    if STAR in str(fields.get("phone") or ""):
        if fields["phone"] != masked_phone(phone):
            raise ValueError("phone")
        del fields["phone"]
    if "contacts" in fields:
        fields["contacts"] = _unmasked(fields["contacts"], contacts)
    return fields


def _unmasked(
    sent: Sequence[Mapping[str, Any]], known: Sequence[Mapping[str, Any]]
) -> list[Document]:
    """Two of a family may have numbers with one mask: the name says whose it is, or that nobody
    else's is left. Where neither does, nobody guesses."""
    numbers: dict[tuple[str, str], list[str]] = {}
    for contact in known:
        phone = str(contact.get("phone", ""))
        numbers.setdefault((str(contact.get("name")), masked_phone(phone)), []).append(phone)
    keys = [(str(one.get("name")), str(one.get("phone", ""))) for one in sent]
    found: list[Document] = []
    for place, (one, key) in enumerate(zip(sent, keys, strict=True)):
        if STAR not in key[1]:
            found.append(dict(one))
            continue
        own = numbers.get(key, [])
        if len(own) > 1 and len(own) == keys.count(key):
            own = [own[keys[:place].count(key)]]
        left = [n for k, some in numbers.items() if k[1] == key[1] and k not in keys for n in some]
        [number, *others] = {*(own or left)} or {""}
        if others or not number:
            raise ValueError("contacts")
        found.append({**one, "phone": number})
    return found


def _person(person: Mapping[str, Any]) -> Document:
    shown = dict(person)
    if shown.get("phone"):
        shown["phone"] = masked_phone(shown["phone"])
    if "contacts" in shown:
        shown["contacts"] = [
            {**one, "phone": masked_phone(str(one["phone"]))} if "phone" in one else dict(one)
            for one in shown["contacts"]
            if isinstance(one, Mapping)
        ]
    return shown

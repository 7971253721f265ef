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
_LONG_NUMBER: Final = re.compile(r"\d{7,}")


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
        known = {(str(c.get("name")), masked_phone(str(c.get("phone", "")))): c for c in contacts}
        by_mask = {mask: c for (_name, mask), c in known.items()}
        fields["contacts"] = [_unmasked(one, known, by_mask) for one in fields["contacts"]]
    return fields


def _unmasked(
    sent: Mapping[str, Any],
    known: Mapping[tuple[str, str], Mapping[str, Any]],
    by_mask: Mapping[str, Mapping[str, Any]],
) -> Document:
    mask = str(sent.get("phone", ""))
    if STAR not in mask:
        return dict(sent)
    # Her own number first: two of a family may have numbers with one mask.
    was = known.get((str(sent.get("name")), mask)) or by_mask.get(mask)
    if was is None:
        raise ValueError("contacts")
    return {**sent, "phone": was["phone"]}


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

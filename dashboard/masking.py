"""Objects for those who may not see people's details: masked here, never in the browser. Pure."""

from collections.abc import Mapping
from typing import Any

from dashboard.contact_masks import HIDDEN, masked_phone, without_contacts

Document = dict[str, Any]


def present(document: Document, can: frozenset[str]) -> Document:
    """An alarm, task, visit, home or person as somebody with these permissions may see it."""
    shown = dict(document)
    if "person.read" not in can:
        shown = _without_person(shown)
    if "address.read" not in can:
        shown = _without_address(shown)
    if "contact.read" not in can:
        shown = without_contacts(shown, can)
    return shown


def masked_name(name: str) -> str:
    """张桂英 as 张**: enough to talk about a case, too little to find a person."""
    return name[:1] + "*" * (len(name) - 1)


def _without_person(document: Document) -> Document:
    shown = dict(document)
    if "persons" in shown:
        shown["persons"] = [_masked_person(person) for person in shown["persons"]]
    if "contacts" in shown:
        shown = _masked_person(shown)
    for name in ("service_user_name", "person_name"):
        if shown.get(name):
            shown[name] = masked_name(shown[name])
    # What people wrote down about a person.
    for field in ("note", "finding", "void_reason"):
        if shown.get(field):
            shown[field] = HIDDEN
    if "record" in shown:
        shown["record"] = {}
        shown["services"] = []
    for field in ("history", "concerns", "faults", "attachments"):
        if field in shown:
            shown[field] = []
    if "others" in shown:
        shown["others"] = [_without_person(other) for other in shown["others"]]
    if "timeline" in shown:
        shown["timeline"] = [{**entry, "data": {}} for entry in shown["timeline"]]
    # Contacts of the person are among them.
    if "people" in shown:
        shown |= {"people": {}, "notices": []}
    return shown


def without_labels(document: Document) -> Document:
    """What devices are called: often by who lives there, and where her bed stands."""
    shown = dict(document)
    for field in ("device_label", "label"):
        if shown.get(field):
            shown[field] = HIDDEN
    for field in ("checks", "troubles", "devices"):
        if isinstance(shown.get(field), list):
            shown[field] = [without_labels(one) for one in shown[field] if isinstance(one, dict)]
    return shown


def _masked_person(person: Mapping[str, Any]) -> Document:
    shown = {**person, "name": masked_name(person["name"])}
    if "phone" in shown:
        shown["phone"] = masked_phone(shown["phone"])
    for field in ("conditions", "medication", "allergies", "contacts"):
        if field in shown:
            shown[field] = []
    if shown.get("hearing"):
        shown["hearing"] = HIDDEN
    if "born" in shown:
        shown["born"] = None
    if "photo" in shown:
        shown["photo"] = ""
    return shown


def _without_address(document: Document) -> Document:
    shown = dict(document)
    if "address" in shown:
        shown["address"] = HIDDEN
        shown["lat"] = shown["lon"] = None
    for field in ("access_note", "key_place", "lane", "dog"):
        if field in shown:
            shown[field] = HIDDEN
    shown = without_labels(shown)
    if isinstance(shown.get("home"), dict):
        shown["home"] = _without_address(shown["home"])
    if "others" in shown:
        shown["others"] = [_without_address(other) for other in shown["others"]]
    return shown

"""A person's file, history and consents as documents."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, select

from dashboard.masking import masked_name
from dashboard.reads import Row, one, roster_for, rows
from ledger.forms import categories, completeness, consents, joining
from ledger.forms.file_document import document_of, masked, masked_number, read
from ledger.forms.file_fields import FIELD, FIELDS, REGISTER, SECTIONS, named
from ledger.forms.person_file import PersonFile
from ledger.forms.visit_form import Option
from ledger.persons.files import register_of
from ledger.persons.telling import TOPIC
from ledger.schema import CONSENT, CONSENT_WITHDRAWAL, ENTRY, HOME, PERSON_FILE, SERVICE_USER
from ledger.views import Document, RosterIndex, account_reference, instant, timeline_object

# From able to unable; the register's own set has no order.
_GRADES: Final = ("完好", "轻度", "中度", "重度", "完全")
_NO_FILE: Final[Row] = {"document": "{}", "version": 0, "changed_at_ms": None, "changed_by": None}


def form_document() -> Document:
    """`PersonForm` of docs/http.md."""
    return {
        "sections": [{"section": s, "zh": zh, "en": en} for s, (zh, en) in SECTIONS.items()],
        "fields": [
            {
                "field": field.name,
                "section": field.section,
                "form": field.form,
                "zh": field.zh,
                "en": field.en,
                "secret": field.secret,
                "options": _options(field.options),
            }
            for field in FIELDS
        ],
        "register": [{"field": n, "zh": zh, "en": en} for n, (zh, en) in REGISTER.items()],
        "categories": list(categories.CATEGORY_ORDER),
        "grades": list(_GRADES),
        "purposes": _options(consents.PURPOSES),
        "why_left": _options(joining.WHY_LEFT),
        "answers": _options(consents.ANSWERS),
        "relations": _options(consents.RELATIONS),
        "ways": _options(consents.WAYS),
    }


def _options(options: Sequence[Option]) -> list[Document]:
    return [{"word": o.word, "zh": o.zh, "en": o.en} for o in options]


def find_with_file(connection: Connection, person: str) -> Row | None:
    """The person's row with `home_region` and the columns of the file, null without one."""
    joined = select(
        SERVICE_USER,
        HOME.c.region.label("home_region"),
        *(PERSON_FILE.c[name] for name in _NO_FILE),
    )
    joined = joined.join(HOME, HOME.c.id == SERVICE_USER.c.home)
    joined = joined.join(PERSON_FILE, PERSON_FILE.c.person == SERVICE_USER.c.id, isouter=True)
    return one(connection, joined.where(SERVICE_USER.c.id == person))


def file_of(row: Row) -> PersonFile:
    return read(msgspec.json.decode(row["document"] or "{}"))


def file_document(connection: Connection, row: Row, can: frozenset[str]) -> Document:
    """`PersonFile` of docs/http.md. Who may not read people learns how complete it is."""
    file, register = file_of(row), register_of(row)
    roster = roster_for(connection, usernames=[row["changed_by"]])
    missing = completeness.missing(file, register)
    judged = categories.judge(file, completeness.identity_of(register))
    may = "person.read" in can
    return {
        "person": row["id"],
        "name": row["name"] if may else masked_name(row["name"]),
        "version": row["version"] or 0,
        "changed_at": instant(row["changed_at_ms"]),
        "changed_by": account_reference(row["changed_by"], roster),
        "file": masked(document_of(file)) if may else None,
        "missing": [asdict(item) for item in missing],
        "sections": [
            {
                "section": section,
                "zh": zh,
                "en": en,
                "missing": sum(item.section == section for item in missing),
            }
            for section, (zh, en) in SECTIONS.items()
        ],
        "categories": [_judgement(judgement) for judgement in judged] if may else [],
    }


def _judgement(judgement: categories.Judgement) -> Document:
    facts = []
    for fact in judgement.facts:
        zh, en = named(fact)
        facts.append({"field": fact, "zh": zh, "en": en})
    return {"category": judgement.category, "opinion": judgement.opinion, "facts": facts}


def numbers_of(row: Row) -> Document:
    """Identity numbers and the certificate's, for whoever asked for them on record."""
    file = file_of(row)
    return {
        "id_number": file.id_number,
        "disability_number": file.disability_number,
        "members": [{"name": m.name, "id_number": m.id_number} for m in file.members],
    }


def history(
    connection: Connection, person: str, limit: int, before: int | None
) -> tuple[list[Document], list[int]]:
    """What was changed, newest first; one more than the limit where there is more."""
    wanted = select(ENTRY).where(ENTRY.c.topic == TOPIC, ENTRY.c.subject == person)
    if before is not None:
        wanted = wanted.where(ENTRY.c.seq < before)
    found = rows(connection, wanted.order_by(ENTRY.c.seq.desc()).limit(limit + 1))
    roster = roster_for(connection, usernames=[row["actor"] for row in found])
    documents = [_with_names(timeline_object(row, roster)) for row in found]
    return documents, [row["seq"] for row in found]


def _with_names(document: Document) -> Document:
    changes = document["data"].get("changes", [])
    for change in changes:
        name = str(change.get("field", ""))
        change["zh"], change["en"] = named(name)
        # Entries of an older program have it whole, and stay as they were written.
        if name in FIELD and FIELD[name].secret:
            for side in ("old", "new"):
                change[side] = masked_number(str(change.get(side) or ""))
    return document


def consent_rows(connection: Connection, person: str) -> list[Row]:
    """Newest first, with what ended them."""
    ended = (
        CONSENT_WITHDRAWAL.c[name].label(label)
        for name, label in (
            ("withdrawn_by", "withdrawn_by"),
            ("withdrawn_on", "withdrawn_on"),
            ("reason", "withdrawn_reason"),
            ("recorded_at_ms", "withdrawal_recorded_at_ms"),
            ("recorded_by", "withdrawal_recorded_by"),
        )
    )
    wanted = select(CONSENT, *ended).join(
        CONSENT_WITHDRAWAL, CONSENT_WITHDRAWAL.c.consent == CONSENT.c.id, isouter=True
    )
    return rows(connection, wanted.where(CONSENT.c.person == person).order_by(CONSENT.c.seq.desc()))


def consents_document(connection: Connection, person: str, today: str) -> Document:
    found = consent_rows(connection, person)
    people = [row[name] for row in found for name in ("recorded_by", "withdrawal_recorded_by")]
    roster = roster_for(connection, usernames=people)
    lacking = consents.lacking(found, today)
    return {
        "items": [_consent(row, roster, today) for row in found],
        "purposes": [
            {
                "purpose": option.word,
                "holds": option.word not in lacking,
                "state": consents.state_of(
                    [row for row in reversed(found) if row["purpose"] == option.word], today
                ),
            }
            for option in consents.PURPOSES
        ],
        "needed": [purpose for purpose in consents.NEEDED if purpose in lacking],
    }


def _consent(row: Mapping[str, Any], roster: RosterIndex, today: str) -> Document:
    plain: Sequence[str] = (
        *("id", "purpose", "answer", "given_by", "relation", "how", "given_on", "note"),
        *("withdrawn_by", "withdrawn_on", "withdrawn_reason"),
    )
    return {
        **{name: row[name] for name in plain},
        "until_on": row["until_on"] or None,
        "recorded_at": instant(row["recorded_at_ms"]),
        "recorded_by": account_reference(row["recorded_by"], roster),
        "withdrawal_recorded_at": instant(row["withdrawal_recorded_at_ms"]),
        "withdrawal_recorded_by": account_reference(row["withdrawal_recorded_by"], roster),
        "holds": consents.holds(row, today),
    }


def purpose_states(
    connection: Connection, persons: Sequence[str], purpose: str, today: str
) -> dict[str, consents.State]:
    """How a purpose stands for each of these people; who was never asked is not in it."""
    wanted = select(CONSENT, CONSENT_WITHDRAWAL.c.withdrawn_on).join(
        CONSENT_WITHDRAWAL, CONSENT_WITHDRAWAL.c.consent == CONSENT.c.id, isouter=True
    )
    wanted = wanted.where(CONSENT.c.purpose == purpose, CONSENT.c.person.in_(persons))
    by_person: dict[str, list[Row]] = {}
    for row in rows(connection, wanted.order_by(CONSENT.c.seq)):
        by_person.setdefault(row["person"], []).append(row)
    return {person: consents.state_of(found, today) for person, found in by_person.items()}

"""A person's file as a document: read with every mistake told at once, and masked. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Final, TypeGuard

from ledger.forms import id_number
from ledger.forms.file_fields import FIELD, Field, Form
from ledger.forms.person_file import (
    DISABILITY_GRADES,
    MEMBERS_MAX,
    NAME_MAX,
    TEXT_MAX,
    YES_NO,
    Member,
    PersonFile,
)
from ledger.forms.refusal import Refusal

Document = dict[str, Any]

LINE_MAX: Final = 200
# Subsidies that one household draws, organisations that help it.
TEXTS_MAX: Final = 20
# Beyond it a float has no whole numbers any more; nothing here is a millionth of it.
NUMBER_MAX: Final = 1e15
MEMBER_FIELDS: Final = tuple(field.name for field in fields(Member))
_FILE_FIELDS: Final = tuple(field.name for field in fields(PersonFile))
MASK: Final = "*" * 14


def document_of(file: PersonFile) -> Document:
    # Not `asdict`, which copies every value and is a tenth of the work of a county's list.
    document = {name: getattr(file, name) for name in _FILE_FIELDS}
    document["members"] = tuple(
        {name: getattr(member, name) for name in MEMBER_FIELDS} for member in file.members
    )
    return document


def merged(file: PersonFile, changes: Mapping[str, object]) -> tuple[PersonFile, list[Refusal]]:
    """The file with these fields instead of its own. What can't be one is refused and left."""
    refusals: list[Refusal] = []
    taken: dict[str, Any] = {}
    for name, value in changes.items():
        field = FIELD.get(name)
        if field is None:
            refusals.append(_refuse(name, "no_such_field", "没有这一项", "no such field"))
            continue
        if field.secret and isinstance(value, str) and MASK in value:
            refusals.append(_refuse(name, "masked", "请填写完整号码", "write the whole number"))
            continue
        found = _READ[field.form](field, value)
        if isinstance(found, list):
            refusals += found
        else:
            taken[name] = found[0]
    if "members" in taken:
        taken["members"] = tuple(_unmasked(member, file.members) for member in taken["members"])
    return replace(file, **taken), refusals


def _unmasked(member: Member, known: Sequence[Member]) -> Member:
    """A page that shows masked numbers sends them back: theirs stays. One that is nobody's is
    refused as no number."""
    if MASK not in member.id_number:
        return member
    like = [m for m in known if masked_number(m.id_number) == member.id_number]
    same = [m for m in like if m.name == member.name] or (like if len(like) == 1 else [])
    return replace(member, id_number=same[0].id_number) if same else member


def read(document: Mapping[str, object]) -> PersonFile:
    """A stored document; what an older or newer program wrote otherwise is left out."""
    known = {name: value for name, value in document.items() if name in FIELD}
    return merged(PersonFile(), known)[0]


def masked_number(text: str) -> str:
    """61092619410302002X as 6109**************: where somebody is from, and not who."""
    return f"{text[:4]}{MASK}" if text else ""


def masked(document: Mapping[str, Any]) -> Document:
    """The document for everybody: identity numbers are shown by asking for them, on record."""
    shown = dict(document)
    for name, field in FIELD.items():
        if field.secret and name in shown:
            shown[name] = masked_number(str(shown[name]))
    if "members" in shown:
        shown["members"] = [masked_member(member) for member in shown["members"]]
    return shown


def masked_member(member: Mapping[str, Any]) -> Document:
    return {**member, "id_number": masked_number(str(member.get("id_number", "")))}


_Found = tuple[Any] | list[Refusal]


def _refuse(field: str, code: str, zh: str, en: str) -> Refusal:
    known = FIELD.get(field.split("[", 1)[0])
    zh_name, en_name = (field, field) if known is None else (known.zh, known.en)
    return Refusal(field=field, code=code, zh=f"“{zh_name}”{zh}", en=f"{en_name}: {en}")


def _text(most: int) -> Callable[[Field, object], _Found]:
    def read_text(field: Field, value: object) -> _Found:
        text = _clean(value, most)
        if text is None:
            zh, en = f"应为不超过 {most} 字的文字", f"a text of at most {most} characters"
            return [_refuse(field.name, "too_long", zh, en)]
        if field.secret:
            number = id_number.read(text)
            return (number.text if isinstance(number, id_number.IdNumber) else text,)
        return (text,)

    return read_text


def _clean(value: object, most: int) -> str | None:
    if not isinstance(value, str):
        return None
    text = value.strip()
    if len(text) > most or any(ord(c) < 32 and c not in "\n\t" for c in text):
        return None
    return None if any("\ud800" <= c <= "\udfff" for c in text) else text


def _yes_no(field: Field, value: object) -> _Found:
    if value in YES_NO:
        return (value,)
    return [_refuse(field.name, "no_yes_or_no", "请填写是或否", "yes or no")]


def _number(whole: bool) -> Callable[[Field, object], _Found]:
    def read_number(field: Field, value: object) -> _Found:
        if value is None or value == "":
            return (None,)
        # What is smaller and absurd all the same is told by `person_file.check`.
        if _is_number(value) and (not whole or float(value).is_integer()):
            return (int(value) if whole else float(value),)
        word = "整数" if whole else "数字"
        en = "a whole number" if whole else "a number"
        return [_refuse(field.name, "no_number", f"请填写{word}", en)]

    return read_number


def _is_number(value: object) -> TypeGuard[int | float]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= NUMBER_MAX


def _choice(field: Field, value: object) -> _Found:
    if isinstance(value, str) and value in {"", *(option.word for option in field.options)}:
        return (value,)
    return [_no_choice(field)]


def _no_choice(field: Field) -> Refusal:
    zh = f"请从以下选项中选择：{'、'.join(o.zh for o in field.options)}"
    return _refuse(
        field.name, "no_such_choice", zh, f"of {', '.join(o.word for o in field.options)}"
    )


def _grade(field: Field, value: object) -> _Found:
    if type(value) is int and value in DISABILITY_GRADES:
        return (value,)
    return [_refuse(field.name, "no_such_choice", "应为 1 到 4 级，无证填 0", "1 to 4, 0 for none")]


def _choices(field: Field, value: object) -> _Found:
    words = [option.word for option in field.options]
    if isinstance(value, list | tuple) and all(word in words for word in value):
        return (tuple(word for word in words if word in value),)
    return [_no_choice(field)]


def _texts(field: Field, value: object) -> _Found:
    if isinstance(value, list | tuple) and len(value) <= TEXTS_MAX:
        texts = [_clean(text, LINE_MAX) for text in value]
        if all(text is not None for text in texts):
            return (tuple(text for text in texts if text),)
    zh, en = f"最多 {TEXTS_MAX} 项，每项不超过 {LINE_MAX} 字", f"at most {TEXTS_MAX} short texts"
    return [_refuse(field.name, "too_many", zh, en)]


def _members(field: Field, value: object) -> _Found:
    if not isinstance(value, list | tuple) or len(value) > MEMBERS_MAX:
        return [_refuse(field.name, "too_many", f"最多 {MEMBERS_MAX} 人", f"at most {MEMBERS_MAX}")]
    refusals: list[Refusal] = []
    found: list[Member] = []
    for place, row in enumerate(value):
        member = _member(row)
        if member is None:
            zh, en = f"第 {place + 1} 行无法读取，请核对", f"row {place + 1} can't be read"
            refusals.append(_refuse(f"members[{place}]", "bad_member", zh, en))
        else:
            found.append(member)
    return refusals or (tuple(found),)


def _member(row: object) -> Member | None:
    if not isinstance(row, Mapping) or not set(row) <= set(MEMBER_FIELDS):
        return None
    texts = {name: _clean(value, TEXT_MAX) for name, value in row.items()}
    if any(text is None for text in texts.values()) or len(str(texts.get("name", ""))) > NAME_MAX:
        return None
    if texts.get("visits_often", "") not in YES_NO or texts.get("sex", "") not in ("", "F", "M"):
        return None
    given: dict[str, Any] = {"name": "", **texts}
    number = id_number.read(given.get("id_number", ""))
    if isinstance(number, id_number.IdNumber):
        given["id_number"] = number.text
    return Member(**given)


_READ: Final[Mapping[Form, Callable[[Field, object], _Found]]] = {
    "text": _text(LINE_MAX),
    "long": _text(TEXT_MAX),
    "yes_no": _yes_no,
    "whole": _number(True),
    "money": _number(False),
    "day": _text(LINE_MAX),
    "choice": _choice,
    "grade": _grade,
    "choices": _choices,
    "texts": _texts,
    "members": _members,
}

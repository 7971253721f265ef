"""What is wrong with a field, for whoever filled it in, in both languages. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """`field` is the key (`members[2].id_number`), `code` a word for programs (`too_long`); `zh`
    and `en` name the field in the reader's words and say what to do."""

    field: str
    code: str
    zh: str
    en: str

"""Entries about a person: what was done, by whom and why, sealed with her key as far as it tells of
her. Screens get no object with them; who may see her file asks for it.
"""

from collections.abc import Mapping
from typing import Final

from ledger.unit_of_work import Entry

TOPIC: Final = "person"
_NO_OBJECT: Final = b"null"


def told(
    person: str,
    fact: str,
    *,
    region: str | None,
    actor: str,
    reason: str = "",
    data: Mapping[str, object] | None = None,
    written: bool = False,
) -> Entry:
    """`written`: somebody typed the reason, so it is sealed as well."""
    return Entry(
        topic=TOPIC,
        subject=person,
        fact=fact,
        payload=lambda: _NO_OBJECT,
        actor=actor,
        reason=reason,
        region=region,
        data=data,
        owner=person,
        written=written,
    )

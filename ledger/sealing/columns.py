"""What is sealed where, and whose key seals it: one list, for whoever writes, catches up, erases or
looks for what is not sealed.

To seal one more column is one line here, and `Sealer.row` where it is written.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ledger.sealing.tokens import Form


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """Columns of a table by form. `owner`: an expression of `source`, which has the table as `t`.
    `content`: a column of bytes that is sealed."""

    table: str
    key: str
    columns: Mapping[str, Form]
    owner: str
    source: str
    content: str = ""


_OF_VISIT: Final = "coalesce(v.service_user, 'home:' || v.home)"

SEALED: Final[tuple[Sealed, ...]] = (
    Sealed(
        table="service_user",
        key="id",
        columns={
            "phone": "t",
            "conditions": "l",
            "medication": "l",
            "allergies": "l",
            "hearing": "t",
            "contacts": "l",
            "left_note": "t",
        },
        owner="t.id",
        source="service_user t",
    ),
    Sealed(
        table="person_file",
        key="person",
        columns={"document": "j"},
        owner="t.person",
        source="person_file t",
    ),
    Sealed(
        table="consent",
        key="id",
        columns={"given_by": "t", "note": "t"},
        owner="t.person",
        source="consent t",
    ),
    Sealed(
        table="consent_withdrawal",
        key="consent",
        columns={"withdrawn_by": "t", "reason": "t"},
        owner="c.person",
        source="consent_withdrawal t JOIN consent c ON c.id = t.consent",
    ),
    Sealed(
        table="visit",
        key="id",
        columns={"record": "j", "void_reason": "t"},
        owner="coalesce(t.service_user, 'home:' || t.home)",
        source="visit t",
    ),
    Sealed(
        table="visit_correction",
        key="id",
        columns={"reason": "t", "changes": "j"},
        owner=_OF_VISIT,
        source="visit_correction t JOIN visit v ON v.id = t.visit",
    ),
    Sealed(
        table="attachment",
        key="id",
        columns={},
        owner=_OF_VISIT,
        source="attachment t JOIN visit v ON v.id = t.visit",
        content="bytes",
    ),
    Sealed(
        table="care_line",
        key="id",
        columns={"who": "t", "note": "t", "why": "t"},
        owner="t.person",
        source="care_line t",
    ),
    Sealed(
        table="referral",
        key="id",
        columns={"need": "t", "agreed_name": "t", "note": "t"},
        owner="t.person",
        source="referral t",
    ),
    Sealed(
        table="visit_plan",
        key="seq",
        columns={"reason": "t"},
        owner="t.service_user",
        source="visit_plan t",
    ),
    Sealed(
        table="stay",
        key="id",
        columns={"note": "t"},
        owner="coalesce(t.person, 'home:' || t.home)",
        source="stay t",
    ),
    Sealed(
        table="alarm",
        key="id",
        columns={"note": "t"},
        owner="'home:' || t.home",
        source="alarm t",
    ),
    Sealed(
        table="task",
        key="id",
        columns={"note": "t", "finding": "t"},
        owner="'home:' || t.home",
        source="task t",
    ),
    Sealed(
        table="person_photo",
        key="person",
        columns={},
        owner="t.person",
        source="person_photo t",
        content="bytes",
    ),
    # Not a person's: the account's own key.
    Sealed(
        table="totp",
        key="username",
        columns={"secret": "t"},
        owner="'account:' || t.username",
        source="totp t",
    ),
)
OF_TABLE: Final[Mapping[str, Sealed]] = {sealed.table: sealed for sealed in SEALED}

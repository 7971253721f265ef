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
    """Columns of a table by form. `key` and `owner`: expressions of `source`, which has the table
    as `t`. `parts`: the columns that `key` joins by strokes, where it is of several: rows are found
    by them, for no index knows what is joined. `content`: a column of bytes that is sealed."""

    table: str
    key: str
    columns: Mapping[str, Form]
    owner: str
    source: str
    content: str = ""
    parts: tuple[str, ...] = ()


_OF_VISIT: Final = "coalesce(v.service_user, 'home:' || v.home)"

SEALED: Final[tuple[Sealed, ...]] = (
    Sealed(
        table="service_user",
        key="t.id",
        columns={
            "name": "t",
            "phone": "t",
            "conditions": "l",
            "medication": "l",
            "allergies": "l",
            "hearing": "t",
            "contacts": "l",
            "left_note": "t",
            "service_gaps": "l",
        },
        owner="t.id",
        source="service_user t",
    ),
    Sealed(
        table="person_file",
        key="t.person",
        columns={"document": "j"},
        owner="t.person",
        source="person_file t",
    ),
    Sealed(
        table="home",
        key="t.id",
        columns={
            "address": "t",
            "access_note": "t",
            "key_place": "t",
            "lane": "t",
            "dog": "t",
        },
        owner="'home:' || t.id",
        source="home t",
    ),
    Sealed(
        table="device",
        # Neither has a stroke in it.
        key="t.gateway || '/' || t.device",
        parts=("t.gateway", "t.device"),
        columns={"label": "t"},
        owner="coalesce('home:' || t.home, 'gateway:' || t.gateway)",
        source="device t",
    ),
    Sealed(
        table="consent",
        key="t.id",
        columns={"given_by": "t", "note": "t"},
        owner="t.person",
        source="consent t",
    ),
    Sealed(
        table="consent_withdrawal",
        key="t.consent",
        columns={"withdrawn_by": "t", "reason": "t"},
        owner="c.person",
        source="consent_withdrawal t JOIN consent c ON c.id = t.consent",
    ),
    Sealed(
        table="visit",
        key="t.id",
        columns={"record": "j", "void_reason": "t"},
        owner="coalesce(t.service_user, 'home:' || t.home)",
        source="visit t",
    ),
    Sealed(
        table="visit_correction",
        key="t.id",
        columns={"reason": "t", "changes": "j"},
        owner=_OF_VISIT,
        source="visit_correction t JOIN visit v ON v.id = t.visit",
    ),
    Sealed(
        table="attachment",
        key="t.id",
        columns={},
        owner=_OF_VISIT,
        source="attachment t JOIN visit v ON v.id = t.visit",
        content="bytes",
    ),
    Sealed(
        table="care_line",
        key="t.id",
        columns={"who": "t", "note": "t", "why": "t"},
        owner="t.person",
        source="care_line t",
    ),
    Sealed(
        table="referral",
        key="t.id",
        columns={"need": "t", "agreed_name": "t", "note": "t"},
        owner="t.person",
        source="referral t",
    ),
    Sealed(
        table="visit_plan",
        key="t.seq",
        columns={"reason": "t"},
        owner="t.service_user",
        source="visit_plan t",
    ),
    Sealed(
        table="stay",
        key="t.id",
        columns={"note": "t"},
        owner="coalesce(t.person, 'home:' || t.home)",
        source="stay t",
    ),
    Sealed(
        table="alarm",
        key="t.id",
        columns={"note": "t"},
        owner="'home:' || t.home",
        source="alarm t",
    ),
    Sealed(
        table="task",
        key="t.id",
        columns={"note": "t", "finding": "t"},
        owner="'home:' || t.home",
        source="task t",
    ),
    Sealed(
        table="outbox",
        key="t.id",
        columns={"target": "t", "body": "j"},
        # Of systems nothing is said that is anybody's own.
        owner="CASE WHEN t.recipient IS NULL THEN NULL ELSE 'messages' END",
        source="outbox t",
    ),
    Sealed(
        table="contact_point",
        key="t.id",
        columns={"address": "t"},
        owner="'messages'",
        source="contact_point t",
    ),
    Sealed(
        table="export_order",
        key="t.id",
        columns={"reason": "t"},
        owner="'exports'",
        source="export_order t",
    ),
    Sealed(
        table="person_photo",
        key="t.person",
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
    Sealed(
        table="break_glass",
        key="t.id",
        columns={"reason": "t", "review_note": "t"},
        owner="'home:' || t.home",
        source="break_glass t",
    ),
)
OF_TABLE: Final[Mapping[str, Sealed]] = {sealed.table: sealed for sealed in SEALED}

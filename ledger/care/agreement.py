"""Who agreed to a referral is a consent like any other: one list of what somebody said, one way to
say it. A word from before somebody said no is no word any more. In the writer's thread."""

import datetime
import uuid
from collections.abc import Mapping
from typing import Any, Final

from ledger.care.referral import AgreedBy
from ledger.forms.consents import NewConsent
from ledger.persons import asking, consenting
from ledger.persons.files import Refused
from ledger.unit_of_work import UnitOfWork

PURPOSE: Final = "referral"
# The register's words for who spoke (ledger/forms/consents.py).
RELATION: Final[Mapping[str, str]] = {
    AgreedBy.PERSON: "self",
    AgreedBy.FAMILY: "family",
    AgreedBy.GUARDIAN: "guardian",
    AgreedBy.COMMITTEE: "committee",
}


def agreed(
    unit: UnitOfWork,
    referral: Mapping[str, Any],
    *,
    how: str,
    actor: str,
    agreed_on: str,
    today: datetime.date,
) -> None:
    """Write down the consent of a referral that is sent. Refused: a no is newer than the yes."""
    person, day = referral["person"], today.isoformat()
    said_no_ms = asking.said_no_at_ms(unit, person, PURPOSE, day)
    if said_no_ms is not None and referral["agreed_at_ms"] <= said_no_ms:
        raise Refused([asking.refusal(PURPOSE, "refused", "agreed_at")])
    new = NewConsent(
        purpose=PURPOSE,
        given_by=referral["agreed_name"],
        relation=RELATION[referral["agreed_by"]],
        how=how,
        given_on=agreed_on,
        note=f"转介第 {referral['number']} 号 / referral {referral['number']}",
    )
    name = uuid.uuid4().hex
    consenting.give(unit, name, person, referral["region"], new, actor, today)

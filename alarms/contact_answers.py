"""What a contact of the register answers by the link of a message: "I'm going", "I'm with them",
"I can't".

It is written down as said by that contact and told to whoever has the alarm, else to who is on
duty, at once. Nothing else follows from it: no alarm is taken, ended or called less for it, as
nobody knows who holds the telephone. That a contact can't come is the next step, as with everybody.
"""

from typing import Final, Literal, get_args

from alarms.handing import Handing
from alarms.lifecycle import AlarmState, IllegalMove
from alarms.moves import Parts
from alarms.reasons import DeclineReason
from alarms.rows import Row
from ledger.unit_of_work import UnitOfWork

Said = Literal["going", "with_person", "decline"]
SAID: Final = get_args(Said)

_SAID: Final = (
    "SELECT fact, reason FROM entry WHERE topic = 'alarm' AND subject = ? AND actor = ?"
    " AND fact IN ('contact_said', 'declined') ORDER BY seq"
)


class ContactAnswers:
    def __init__(self, parts: Parts, handing: Handing) -> None:
        self._parts = parts
        self._handing = handing

    def says(self, unit: UnitOfWork, alarm_id: str, contact: str, said: Said) -> bool:
        """False: this contact has said it already; so nobody is called again and again by a link.
        IllegalMove: the alarm is over."""
        row = self._parts.cases.open(unit, alarm_id)
        if row["state"] == AlarmState.CLOSED:
            raise IllegalMove("already_closed", "this alarm is over")
        before = _said(unit, alarm_id, contact)
        if said in before:
            return False
        if said == "decline":
            self._handing.decline(unit, alarm_id, contact, DeclineReason.OTHER)
            if "going" in before:
                self._tell(unit, row, "not_going")
            return True
        told = self._tell(unit, row, said)
        self._parts.rows.alarm_entry(
            unit, row, "contact_said", contact, reason=said, data={"told": told}
        )
        return True

    def _tell(self, unit: UnitOfWork, row: Row, news: str) -> list[str]:
        # Each message outside of the steps belongs to a version of the row.
        self._parts.rows.write_alarm(unit, row)
        return self._parts.steps.tell_in_charge(unit, row, news)


def _said(unit: UnitOfWork, alarm_id: str, contact: str) -> set[str]:
    found = unit.execute(_SAID, (alarm_id, contact)).fetchall()
    return {"decline" if fact == "declined" else reason for fact, reason in found}

"""The ways to reach somebody now, for the steps of an escalation: in the writer's thread.

What is verified and lives, in the person's own order. Whoever has proved nothing that may carry a
call for help is reached at the telephone number of the register, if a channel for telephones is
configured: a number that nobody has proved is better than silence.
"""

from collections.abc import Sequence, Set
from typing import Final

from alarms import contact_points
from alarms.channel import phone_number
from alarms.responders import ContactPoint
from contract.errors import ContractError
from ledger.cursor import Cursor

# A message first; a call as the second way, which wakes.
PHONE_CHANNELS: Final = (
    "aliyun_sms",
    "tencent_sms",
    "gsm_modem",
    "aliyun_voice",
    "tencent_voice",
)


class ContactBook:
    """A projection of the writer: it asks the book itself, inside whatever transaction is under
    way, so that what was proved or died a moment ago counts."""

    def __init__(self, configured: Sequence[str], urgent: Set[str] | None = None) -> None:
        """`urgent`: channels that may carry calls for help; None: any."""
        self._urgent = urgent
        self._phone_channels = [name for name in PHONE_CHANNELS if name in configured]
        self._cursor: Cursor | None = None

    def reload(self, cursor: Cursor) -> None:
        self._cursor = cursor

    def points_of(self, responder: str, phone: str) -> tuple[ContactPoint, ...]:
        """`phone`: what the register has."""
        if self._cursor is None:
            return ()
        rows = contact_points.points_of(self._cursor, responder)
        proved = tuple(
            ContactPoint(
                channel=row["channel"],
                address=row["address"],
                verified=True,
                urgent=self._urgent is None or row["channel"] in self._urgent,
            )
            for row in rows
            if contact_points.usable(row)
        )
        if any(point.urgent for point in proved):
            return proved
        try:
            number = phone_number(phone)
        except ContractError:
            return proved
        # What its provider has called dead is not tried by the back door.
        dead = {
            (row["channel"], row["address"]) for row in rows if row["dead_since_ms"] is not None
        }
        return proved + tuple(
            ContactPoint(channel=name, address=number, verified=False)
            for name in self._phone_channels
            if (name, number) not in dead
        )

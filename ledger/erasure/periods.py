"""How long records are kept before a person may be erased, and other periods of retention. Pure."""

from dataclasses import dataclass
from typing import Final

DAY_MS: Final = 86_400_000
# Claims out of a service lapse after three years (Civil Code, art. 188): until then both sides must
# be able to show what was done. The notice itself names no period.
RECORDS_DAYS: Final = 1096
# What gateways sent and could not be read: as long as logs must be kept at least (six months,
# Cybersecurity Law, art. 21 of the 2016 text), for it is how an intrusion is looked into.
UNREAD_DAYS: Final = 183
# Above it nobody meant days.
DAYS_MAX: Final = 36_500


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """Days. `records`: visits, care and referrals, counted from the last one; `unread`: what could
    not be read of what came in."""

    records: int = RECORDS_DAYS
    unread: int = UNREAD_DAYS

    @property
    def records_ms(self) -> int:
        return self.records * DAY_MS

    @property
    def unread_ms(self) -> int:
        return self.unread * DAY_MS

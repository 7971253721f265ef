"""What can be exported, by the name in the address. A test finds files that are not listed."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from dashboard.export import Subject
from dashboard.exports import (
    alarms,
    care,
    devices,
    homes,
    money,
    persons,
    referrals,
    stays,
    tasks,
    visits,
)

SUBJECTS: Final[Mapping[str, Subject]] = MappingProxyType(
    {
        "persons": persons.SUBJECT,
        "homes": homes.SUBJECT,
        "visits": visits.SUBJECT,
        "alarms": alarms.SUBJECT,
        "tasks": tasks.SUBJECT,
        "devices": devices.SUBJECT,
        "stays": stays.SUBJECT,
        "care": care.SUBJECT,
        "referrals": referrals.SUBJECT,
        "money": money.SUBJECT,
    }
)

"""Who asks in the matrix: an account of each role and area, with what no answer to it may hold."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from dashboard.permissions import ASSIGNED_ROLES, ROLES, Area, permissions_of
from tests.adapters.access_county import (
    HOUSEHOLDS,
    NEXT_COUNTY,
    NEXT_TOWN,
    OTHER_PERSON,
    OWN,
    Household,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """`foreign` lies in another region, as this account sees it."""

    username: str
    role: str | None
    area: Area = "town"
    foreign: Household = NEXT_TOWN

    @property
    def can(self) -> frozenset[str]:
        return frozenset() if self.role is None else permissions_of(self.role, self.area)

    def secrets(self) -> Iterator[str]:
        """What no answer to this account may hold."""
        for house in HOUSEHOLDS:
            strange = house is OTHER_PERSON and self.role in ASSIGNED_ROLES
            seen = self.area == "whole" or (self.area == "county" and house is not NEXT_COUNTY)
            seen = seen or (house.region == OWN.region)
            # Files for another office and another platform have rules of their own.
            masked = not {"person.read", "exchange.read", "export.fetch"} & self.can
            if strange or not seen or masked:
                yield from house.marks[:2] if masked and seen else house.marks


ASKERS: Final = (
    Asker(username="", role=None),
    Asker(username="admin-1", role="admin", area="whole", foreign=NEXT_COUNTY),
    Asker(username="manager-county", role="manager", area="county", foreign=NEXT_COUNTY),
    Asker(username="manager-1", role="manager"),
    Asker(username="manager-village", role="manager", area="village"),
    *(Asker(username=f"{role}-1", role=role) for role in ROLES if role not in {"admin", "manager"}),
)

"""Made-up borders of the demonstration's villages, around their homes, as bent as surveyed ones."""

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from device_sims.roster import Household
from ledger import regions
from ledger.outlines import Ring, Shape
from ledger.unit_of_work import UnitOfWork

# Beyond the home that lies furthest from the middle.
_AIR: Final = 1.25
_CORNERS: Final = 36
_LEAST_DEG: Final = 0.004
_DIGITS: Final = 5
# How much a border bends, and how often around the village.
_BENDS: Final = ((0.10, 2), (0.06, 5), (0.03, 11))


def seed(unit: UnitOfWork, homes: Sequence[Household], actor: str) -> None:
    """Twice writes it once."""
    if unit.execute("SELECT 1 FROM region_outline").fetchall():
        return
    villages: dict[str, list[Household]] = defaultdict(list)
    for home in homes:
        villages[home.region].append(home)
    for order, (region, there) in enumerate(sorted(villages.items())):
        regions.outline(unit, region, _around(there, order), actor, "wgs84")


def _around(homes: Sequence[Household], order: int) -> Shape:
    latitude = sum(home.lat for home in homes) / len(homes)
    longitude = sum(home.lon for home in homes) / len(homes)
    squeeze = math.cos(math.radians(latitude))
    furthest = max(
        math.hypot(home.lat - latitude, (home.lon - longitude) * squeeze) for home in homes
    )
    radius = max(furthest * _AIR, _LEAST_DEG)
    ring: list[tuple[float, float]] = []
    for corner in range(_CORNERS):
        angle = corner / _CORNERS * 2 * math.pi
        bend = 1 + sum(part * (1 + math.sin(angle * often + order)) for part, often in _BENDS)
        east = math.cos(angle) * radius * bend / squeeze
        north = math.sin(angle) * radius * bend
        ring.append((round(longitude + east, _DIGITS), round(latitude + north, _DIGITS)))
    closed: Ring = (*ring, ring[0])
    return ((closed,),)

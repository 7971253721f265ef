"""What the register says of devices, as the rules take it."""

from collections.abc import Iterable

from ledger.expectations import interval_s, life_critical, once_shown, test_interval_s
from ledger.views import Row
from rules.rule import GATEWAY_PREFIX, DeviceFacts


def device_facts(rows: Iterable[Row]) -> dict[str, tuple[DeviceFacts, ...]]:
    """The devices of each home; those that no home has claimed are their gateway's."""
    found: dict[str, list[DeviceFacts]] = {}
    for row in rows:
        gateway = row["gateway"]
        facts = DeviceFacts(
            gateway,
            row["device"],
            row["kind"],
            interval_s(row),
            once_shown(row),
            test_interval_s(row),
            # A gateway that speaks of itself: everything behind it goes through it.
            life_critical(row) or row["device"] == gateway,
        )
        subject = row["home"] or f"{GATEWAY_PREFIX}{gateway}"
        found.setdefault(subject, []).append(facts)
    return {subject: tuple(sorted(devices)) for subject, devices in found.items()}

"""The alarms that are held: put, released, ended with their reason. In the writer's thread."""

from collections.abc import Callable, Iterable

from alarms.holding import (
    HOLDABLE_KINDS,
    LIGHT_GRACE_MS,
    POWER_TROUBLE_KINDS,
    Ended,
    Hold,
    due,
    grace_ms,
    held_by_dark,
    holding,
)
from alarms.lifecycle import AlarmState
from alarms.rows import AlarmRows, Row, device_kind, latest_heartbeat_ms, regions_above
from alarms.stays import Stays
from contract.moment import to_iso
from ledger.unit_of_work import SYSTEM, UnitOfWork

DARK_KIND = "village_dark"


class Holds:
    """`go_on`: a held alarm goes on as one that is raised now."""

    def __init__(
        self, rows: AlarmRows, stays: Stays, go_on: Callable[[UnitOfWork, Row], None]
    ) -> None:
        self._rows = rows
        self._stays = stays
        self._go_on = go_on
        self._held: dict[str, Row] = {}
        # Region → the open alarm that says that it is dark.
        self._dark: dict[str, str] = {}
        self._clock_checked = False
        stays.on_end = self._stay_ended

    def reload(self, rows: Iterable[Row]) -> None:
        known = list(rows)
        self._held = {row["id"]: row for row in known if holding(row)}
        self._dark = {row["region"]: row["id"] for row in known if row["kind"] == DARK_KIND}
        self._clock_checked = False

    def follow(self, rows: Iterable[Row]) -> None:
        """Alarms that others have written."""
        for row in rows:
            alarm, region = row["id"], row["region"]
            if holding(row):
                self._held[alarm] = row
            else:
                self._held.pop(alarm, None)
            if row["state"] != AlarmState.CLOSED:
                self.raised(row)
            elif self._dark.get(region) == alarm:
                del self._dark[region]

    def wanted(self, unit: UnitOfWork, row: Row) -> Hold | None:
        """What explains a new alarm of a home; None: act at once."""
        if row["home"] is None or row["kind"] not in HOLDABLE_KINDS:
            return None
        return self._by_dark(unit, row) or self._stays.hold(unit, row["home"], row["kind"])

    def _by_dark(self, unit: UnitOfWork, row: Row) -> Hold | None:
        if not self._dark:
            return None
        for region in regions_above(unit.cursor, row["region"]):
            dark = self._dark.get(region)
            if dark is not None:
                kind = None
                if row["kind"] in POWER_TROUBLE_KINDS:
                    kind = device_kind(unit.cursor, row["part"])
                return held_by_dark(row["kind"], kind, dark, unit.now_ms)
        return None

    def put(self, unit: UnitOfWork, row: Row) -> None:
        """The row holds its hold already and is written."""
        self._held[row["id"]] = row
        self._entry(unit, row, "held")

    def raised(self, row: Row) -> None:
        """An alarm was opened; of a dark village it is a reason from now on."""
        if row["kind"] == DARK_KIND and row["region"] is not None:
            self._dark[row["region"]] = row["id"]

    def taken(self, row: Row) -> None:
        """A human has it, or it is closed."""
        self._held.pop(row["id"], None)

    def closed(self, unit: UnitOfWork, row: Row) -> None:
        """Of a dark village: it is light again, or somebody has settled it."""
        if row["kind"] == DARK_KIND and self._dark.pop(row["region"], None) is not None:
            for held in self._by(row["id"]):
                self._shorten(unit, held, unit.now_ms + LIGHT_GRACE_MS)

    def _stay_ended(self, unit: UnitOfWork, stay: Row, how: Ended) -> None:
        for held in self._by(stay["id"]):
            self._shorten(unit, held, stay["ended_at_ms"] + grace_ms(held["kind"], how))

    def fire_due(self, unit: UnitOfWork) -> bool:
        """Release what its time has come for; True when more wait for their transaction."""
        if not self._held:
            return False
        if not self._clock_checked:
            self._check_clock(unit)
        for alarm in due(self._held.values(), unit.now_ms):
            self._over(unit, self._held[alarm])
        return bool(due(self._held.values(), unit.now_ms))

    def _over(self, unit: UnitOfWork, row: Row) -> None:
        """Its hold is over; where a stay explains it as well, that one goes on."""
        stay = self._stays.hold(unit, row["home"], row["kind"])
        if stay is not None and stay.by != row["held_by"] and stay.until_ms > unit.now_ms:
            row.update(held_for=stay.held_for, held_by=stay.by, held_until_ms=stay.until_ms)
            self._rows.write_alarm(unit, row)
            self._entry(unit, row, "held")
        else:
            self.release(unit, row)

    def release(self, unit: UnitOfWork, row: Row) -> None:
        """What was cleared meanwhile stays on the board and wakes nobody."""
        self._held.pop(row["id"], None)
        row["released_at_ms"] = unit.now_ms
        self._rows.write_alarm(unit, row)
        self._rows.alarm_entry(unit, row, "released", SYSTEM, data={"for": row["held_for"]})
        if row["cleared_at_ms"] is None:
            self._go_on(unit, row)

    def _by(self, reason: str) -> list[Row]:
        return [row for row in self._held.values() if row["held_by"] == reason]

    def _shorten(self, unit: UnitOfWork, row: Row, until_ms: int) -> None:
        if until_ms < row["held_until_ms"]:
            row["held_until_ms"] = until_ms
            self._rows.write_alarm(unit, row)
            self._entry(unit, row, "hold_ends")

    def _entry(self, unit: UnitOfWork, row: Row, fact: str) -> None:
        data = {
            "for": row["held_for"],
            "by": row["held_by"],
            "until": to_iso(row["held_until_ms"]),
        }
        self._rows.alarm_entry(unit, row, fact, SYSTEM, data=data)

    def _check_clock(self, unit: UnitOfWork) -> None:
        """Once after a start: where heartbeats are stored that came later than it is now, the clock
        was set back and says nothing of how long anybody was held. It is over."""
        self._clock_checked = True
        latest_ms = latest_heartbeat_ms(unit.cursor)
        if latest_ms is not None and latest_ms > unit.now_ms:
            for row in self._held.values():
                row["held_until_ms"] = min(row["held_until_ms"], unit.now_ms)

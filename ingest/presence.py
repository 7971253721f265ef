"""Who was heard when: devices and gateways, kept in memory and written every few seconds.

Last-seen times change with every reading; writing each would double the cost of a reading. What
changes a person's mind (a device heard for the first time, a gateway gone or back, a fault) is
written at once with an entry.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from contract.envelope import Status
from ledger.cursor import Cursor
from ledger.database import insert_sql
from ledger.register_changes import Changed
from ledger.schema import DEVICE, GATEWAY
from ledger.unit_of_work import Entry, UnitOfWork, compact

_INSERT_DEVICE: Final = insert_sql(
    DEVICE,
    ("gateway", "device", "kind", "model", "label", "first_seen_ms", "last_seen_ms"),
    "ON CONFLICT (gateway, device) DO NOTHING",
)
_INSERT_GATEWAY: Final = insert_sql(
    GATEWAY, ("id", "name", "online", "status"), "ON CONFLICT (id) DO NOTHING"
)

DeviceKey = tuple[str, str]

# A hostile or broken gateway can't fill the register: beyond this its new names are not listed
# (their items are still stored, and the refusal is quarantined).
DEVICES_PER_GATEWAY_MAX: Final = 5000


class Listed(Protocol):
    """What the register has read of them."""

    @property
    def devices(self) -> Mapping[DeviceKey, Mapping[str, Any]]: ...
    @property
    def gateways(self) -> Mapping[str, Mapping[str, Any]]: ...


class PresenceObjects(Protocol):
    @property
    def index(self) -> Listed: ...
    def device(self, row: Mapping[str, Any]) -> bytes: ...
    def gateway(self, row: Mapping[str, Any]) -> bytes: ...
    def region_of(self, home: str | None, gateway: str | None) -> str | None: ...


@dataclass(slots=True)
class Heard:
    """What was last heard of a device, waiting to be written. tampered_ms: 0 when it is over."""

    last_seen_ms: int
    battery_pct: float | None = None
    signal_dbm: float | None = None
    link_quality: float | None = None
    mains: bool | None = None
    tampered_ms: int | None = None
    tested_ms: int | None = None


class Presence:
    """Bindings and last-seen times. `home_of` may be read by any thread; all writing of tables
    happens in the writer's thread."""

    def __init__(self, objects: PresenceObjects) -> None:
        self._objects = objects
        self.home_of: dict[DeviceKey, str | None] = {}
        self._heard: dict[DeviceKey, Heard] = {}
        self._gateways: dict[str, bool] = {}
        self._statuses: dict[str, tuple[int, Status]] = {}
        # Devices of a gateway, by their homes; and those that report by themselves.
        self.devices_of: dict[str, dict[str, str | None]] = {}
        self.reports_itself: set[DeviceKey] = set()
        self._newly_reporting: set[DeviceKey] = set()
        # Listed since the register was read.
        self._new_devices: set[DeviceKey] = set()
        self._new_gateways: set[str] = set()

    def reload(self, _cursor: Cursor) -> None:
        """Behind the register, which has read the tables: names and keys are one for both."""
        listed = self._objects.index
        home_of: dict[DeviceKey, str | None] = {}
        devices_of: dict[str, dict[str, str | None]] = {}
        told: set[DeviceKey] = set()
        for key, row in listed.devices.items():
            home = home_of[key] = row["home"]
            gateway, device = key
            devices_of.setdefault(gateway, {})[device] = home
            if row["reports_itself"]:
                told.add(key)
        self.home_of, self.devices_of = home_of, devices_of
        self.reports_itself = told | self._newly_reporting
        self._gateways = {gateway: bool(row["online"]) for gateway, row in listed.gateways.items()}
        self._new_devices, self._new_gateways = set(), set()

    def take_discovered(self) -> Changed:
        """What was listed and that the register has not read yet."""
        devices, self._new_devices = self._new_devices, set()
        gateways, self._new_gateways = self._new_gateways, set()
        return Changed(devices=frozenset(devices), gateways=frozenset(gateways))

    def follow(self, cursor: Cursor, changed: Changed) -> None:
        """Read what was written of these devices and gateways; as `reload` would leave it."""
        sql = 'SELECT home, reports_itself FROM "device" WHERE gateway = ? AND device = ?'
        for key in changed.devices:
            gateway, device = key
            found = cursor.execute(sql, key).fetchone()
            if found is None:
                continue
            self.home_of[key] = found[0]
            self.devices_of.setdefault(gateway, {})[device] = found[0]
            if found[1]:
                self.reports_itself.add(key)
            elif key not in self._newly_reporting:
                self.reports_itself.discard(key)
        for name in changed.gateways:
            for gateway, online in cursor.execute(
                "SELECT id, online FROM gateway WHERE id = ?", (name,)
            ).fetchall():
                self._gateways[gateway] = bool(online)

    # Heard from any thread.

    def heard(self, gateway: str, device: str, at_ms: int) -> None:
        known = self._heard.get((gateway, device))
        if known is None:
            self._heard[(gateway, device)] = Heard(at_ms)
        elif at_ms > known.last_seen_ms:
            known.last_seen_ms = at_ms

    def health(self, gateway: str, device: str, values: Mapping[str, float]) -> None:
        known = self._heard.get((gateway, device))
        if known is not None:
            known.battery_pct = values.get("battery_pct", known.battery_pct)
            known.signal_dbm = values.get("signal_dbm", known.signal_dbm)
            known.link_quality = values.get("link_quality", known.link_quality)
            if "mains" in values:
                known.mains = bool(values["mains"])

    def activated(self, gateway: str, device: str, kind: str, action: object, at_ms: int) -> None:
        """A press or test shows that a button works; a tampering stays until the device says
        that it is over."""
        known = self._heard.get((gateway, device))
        if known is None:
            return
        if kind == "tamper":
            known.tampered_ms = 0 if action == "clear" else at_ms
        elif action != "clear":
            known.tested_ms = max(at_ms, known.tested_ms or 0)

    def reporting(self, key: DeviceKey) -> None:
        """This device has shown that it reports by itself."""
        self.reports_itself.add(key)
        self._newly_reporting.add(key)

    def status(self, status: Status, now_ms: int) -> None:
        self._statuses[status.gateway] = (now_ms, status)
        for device in status.devices:
            if device.last_seen_at_ms is not None and (
                (status.gateway, device.device) in self.home_of
            ):
                self.heard(status.gateway, device.device, device.last_seen_at_ms)
                if device.battery_pct is not None:
                    self.health(status.gateway, device.device, {"battery_pct": device.battery_pct})

    # In the writer's thread.

    def know_gateway(self, unit: UnitOfWork, gateway: str) -> None:
        if gateway not in self._gateways:
            unit.execute(_INSERT_GATEWAY, (gateway, "", False, "{}"))
            self._gateways[gateway] = False
            self._new_gateways.add(gateway)
            self._gateway_entry(unit, gateway, "discovered")

    def know_device(self, unit: UnitOfWork, gateway: str, device: str, kind: str) -> bool:
        """List a device that is heard for the first time; False when the gateway has too many."""
        key = (gateway, device)
        if key in self.home_of:
            return True
        if len(self.devices_of.get(gateway, ())) >= DEVICES_PER_GATEWAY_MAX:
            return False
        self.know_gateway(unit, gateway)
        unit.execute(_INSERT_DEVICE, (gateway, device, kind, "", "", unit.now_ms, unit.now_ms))
        self.home_of[key] = None
        self._new_devices.add(key)
        self.devices_of.setdefault(gateway, {})[device] = None
        self._device_entry(unit, key, "discovered")
        return True

    def fault(self, unit: UnitOfWork, key: DeviceKey, fault: str) -> None:
        """A device's fault began."""
        unit.execute(
            'UPDATE "device" SET fault = ?'
            " WHERE gateway = ? AND device = ? AND fault IS DISTINCT FROM ?",
            (fault, *key, fault),
        )
        if unit.cursor.rowcount:
            self._device_entry(unit, key, "fault_began", {"fault": fault})

    def recovered(self, unit: UnitOfWork, key: DeviceKey, fault: str) -> None:
        """A device's fault ended; another one that it has told since stays."""
        unit.execute(
            'UPDATE "device" SET fault = NULL WHERE gateway = ? AND device = ? AND fault = ?',
            (*key, fault),
        )
        if unit.cursor.rowcount:
            self._device_entry(unit, key, "fault_ended", {"fault": fault})

    def asks(self, unit: UnitOfWork, key: DeviceKey, asks: bool) -> None:
        """An "I'm well" came from it; `asks`: its gateway says that it can ask there."""
        unit.execute(
            'UPDATE "device" SET asks = ? WHERE gateway = ? AND device = ? AND asks <> ?',
            (asks, *key, asks),
        )
        if unit.cursor.rowcount:
            self._device_entry(unit, key, "asks_began" if asks else "asks_ended")

    def gateway_online(self, unit: UnitOfWork, gateway: str, online: bool) -> None:
        self.know_gateway(unit, gateway)
        if self._gateways[gateway] is not online:
            self._gateways[gateway] = online
            unit.execute("UPDATE gateway SET online = ? WHERE id = ?", (online, gateway))
            self._gateway_entry(unit, gateway, "online" if online else "offline")

    def flush(self, unit: UnitOfWork) -> list[Status]:
        """Write what was heard since the last flush; returns the heartbeats among it."""
        heard, self._heard = self._heard, {}
        unit.cursor.executemany(
            'UPDATE "device" SET last_seen_ms ='
            " CASE WHEN coalesce(last_seen_ms, 0) < ? THEN ? ELSE last_seen_ms END,"
            " first_seen_ms = coalesce(first_seen_ms, ?),"
            " battery_pct = coalesce(?, battery_pct), signal_dbm = coalesce(?, signal_dbm),"
            " link_quality = coalesce(?, link_quality), mains = coalesce(?, mains),"
            # A press of a backlog is no newer test.
            " tested_at_ms = CASE WHEN coalesce(tested_at_ms, 0) < ? THEN ? ELSE tested_at_ms END"
            " WHERE gateway = ? AND device = ?",
            [_heard_row(key, one) for key, one in heard.items()],
        )
        unit.cursor.executemany(
            'UPDATE "device" SET tampered_at_ms = ? WHERE gateway = ? AND device = ?',
            [(h.tampered_ms or None, *k) for k, h in heard.items() if h.tampered_ms is not None],
        )
        newly, self._newly_reporting = self._newly_reporting, set()
        unit.cursor.executemany(
            'UPDATE "device" SET reports_itself = ? WHERE gateway = ? AND device = ?',
            [(True, *key) for key in sorted(newly)],
        )
        statuses, self._statuses = self._statuses, {}
        for gateway in statuses:
            self.know_gateway(unit, gateway)
        # Together: a province says thousands of heartbeats between two flushes, and each by itself
        # would be a way to the server and back.
        unit.cursor.executemany(
            "UPDATE gateway SET status_at_ms = ?, status = ? WHERE id = ?",
            [
                (at_ms, _status_text(status), gateway)
                for gateway, (at_ms, status) in statuses.items()
            ],
        )
        for gateway, (_at_ms, status) in statuses.items():
            self.gateway_online(unit, gateway, status.online)
        return [status for _at_ms, status in statuses.values()]

    def _device_entry(
        self,
        unit: UnitOfWork,
        key: DeviceKey,
        fact: str,
        data: Mapping[str, object] | None = None,
    ) -> None:
        gateway, device = key
        cursor = unit.execute(
            'SELECT * FROM "device" WHERE gateway = ? AND device = ?', (gateway, device)
        )
        row = _row(cursor)
        unit.entry(
            Entry(
                topic="device",
                subject=f"{gateway}/{device}",
                fact=fact,
                region=self._objects.region_of(row.get("home"), gateway),
                data=data,
                payload=lambda: self._objects.device(row),
            )
        )

    def _gateway_entry(self, unit: UnitOfWork, gateway: str, fact: str) -> None:
        row = _row(unit.execute("SELECT * FROM gateway WHERE id = ?", (gateway,)))
        unit.entry(
            Entry(
                topic="gateway",
                subject=gateway,
                fact=fact,
                region=row.get("region"),
                payload=lambda: self._objects.gateway(row),
            )
        )


def _heard_row(key: DeviceKey, heard: Heard) -> tuple[Any, ...]:
    at_ms = heard.last_seen_ms
    told = (heard.battery_pct, heard.signal_dbm, heard.link_quality, heard.mains)
    tested_ms = heard.tested_ms or 0
    return (at_ms, at_ms, at_ms, *told, tested_ms, tested_ms, *key)


def _row(cursor: Cursor) -> dict[str, Any]:
    names = [d[0] for d in cursor.description]
    found = cursor.fetchone()
    return dict(zip(names, found, strict=True)) if found is not None else {}


def _status_text(status: Status) -> str:
    """The heartbeat without its device list, which the device table already has."""
    return compact(
        {
            "online": status.online,
            "spool": status.spool,
            "last_seq": status.last_seq,
            "oldest_unacked_s": status.oldest_unacked_s,
            "spool_free_bytes": status.spool_free_bytes,
            "mains": status.mains,
            "battery_pct": status.battery_pct,
            "clock": status.clock,
            "version": status.version,
        }
    )

"""What the rules about devices are told: little, so that a reading costs what it cost before.

A heartbeat comes every 30 seconds with every device of a gateway, and a battery sensor says its
battery with each reading. The rules about devices hear of a heartbeat every few minutes, and of a
device's own figures when they changed. What they hear has kinds of its own (`rules.rule`), with
the device written as `<gateway>/<device>`. Pure: nothing here outlives a restart, after which all
is told once more.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Final

from contract.envelope import Status
from contract.item import Scalar
from contract.kinds import ACTIVATION_KINDS
from ingest.newest import Newest
from ingest.wire import WireItem
from rules.found_out import FOUND_OUT, Word
from rules.rule import DEVICE_PRESS, DEVICE_STATUS, DEVICE_WORD
from rules.signs import SAID_WELL
from rules.staying import STAY

# A twelfth of the shortest interval that is expected of any kind of device (1 h).
STATUS_EVERY_MS: Final = 5 * 60_000
# A word this close to a press or movement belongs to it: devices add their battery to what they
# say anyway.
BESIDE_MS: Final = 10 * 60_000
# Two words so far apart were not one waking of the device; words further apart than a day and
# some are none that anybody could wait for, but a bridge that was restarted now and then.
APART_MS: Final = 60 * 60_000
DAILY_MS: Final = 26 * 60 * 60_000

# As many as the register lists of one gateway (ingest/presence.py).
DEVICES_MAX: Final = 5000
# A county has hundreds; the broker lets in whom it knows, and each has tables of some kilobytes.
GATEWAYS_MAX: Final = 20_000

# Said when something happened there, not by the clock.
_TRIGGERED: Final = frozenset({"motion", "contact", "bed", "presence"})

DeviceKey = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """What is told of a gateway or device, as an observation of the rules."""

    id: str
    device: str
    kind: str
    measured_at_ms: int
    received_at_ms: int
    values: Mapping[str, float] = field(default_factory=dict)
    attrs: Mapping[str, Scalar] = field(default_factory=dict)


class _Gateway:
    """What was told of a gateway and its devices. Each gateway has room of its own: one that makes
    up names forgets its own devices and nobody else's; what was forgotten is told once more."""

    __slots__ = ("mains", "spoke_ms", "status_ms", "told", "word_ms")

    def __init__(self) -> None:
        self.status_ms: int | None = None
        self.mains: float | None = None
        self.told: Newest[str, tuple[float | None, float | None]]
        self.told = Newest(DEVICES_MAX)
        self.spoke_ms: Newest[str, int] = Newest(DEVICES_MAX)
        self.word_ms: Newest[str, int] = Newest(DEVICES_MAX)


class DeviceNews:
    """Belongs to the readings lane's thread."""

    def __init__(self) -> None:
        self._gateways: Newest[str, _Gateway] = Newest(GATEWAYS_MAX)

    def _of(self, gateway: str) -> _Gateway:
        return self._gateways.get(gateway) or self._gateways.put(gateway, _Gateway())

    def statuses(
        self,
        status: Status,
        homes: Mapping[str, str | None],
        reporting: Set[DeviceKey],
        now_ms: int,
    ) -> list[tuple[str, Heartbeat]]:
        """(home, observation) for each home behind this gateway, every STATUS_EVERY_MS."""
        gateway = status.gateway
        known = self._of(gateway)
        last_ms = known.status_ms
        if last_ms is not None and now_ms - last_ms < STATUS_EVERY_MS:
            return []
        known.status_ms = now_ms
        seen = {d.device: d.last_seen_at_ms for d in status.devices}
        by_home: dict[str, tuple[dict[str, float], dict[str, Scalar]]] = {}
        for device, home in list(homes.items()):
            if home is None:
                continue
            values, attrs = by_home.setdefault(home, ({}, {}))
            at_ms = seen.get(device)
            if at_ms is not None:
                values[device] = float(at_ms)
            if (gateway, device) in reporting:
                attrs[device] = True
        return [
            (
                home,
                Heartbeat(
                    id="",
                    device=gateway,
                    kind=DEVICE_STATUS,
                    measured_at_ms=now_ms,
                    received_at_ms=now_ms,
                    values=values,
                    attrs=attrs,
                ),
            )
            for home, (values, attrs) in by_home.items()
        ]

    def mains_of(self, status: Status, now_ms: int) -> Heartbeat | None:
        """A gateway that lost or got back its mains, and the first word about it."""
        if status.mains is None:
            return None
        mains, known = float(status.mains), self._of(status.gateway)
        if known.mains == mains:
            return None
        known.mains = mains
        return Heartbeat(
            id="",
            device=f"{status.gateway}/{status.gateway}",
            kind=DEVICE_WORD,
            measured_at_ms=now_ms,
            received_at_ms=now_ms,
            values={"mains": mains},
        )

    def item(self, gateway: str, item: WireItem, now_ms: int) -> Heartbeat | None:
        """A device's word or press, if there is anything new in it."""
        key = (gateway, item.device)
        if item.kind == "device_health":
            return _told(key, item, DEVICE_WORD) if self._is_new(key, item) else None
        if item.kind in ACTIVATION_KINDS:
            self._of(gateway).spoke_ms.put(item.device, now_ms)
            return _told(key, item, DEVICE_PRESS)
        return None

    def reading(self, gateway: str, item: WireItem, now_ms: int) -> None:
        """A reading of a sensor; those that come when something happened are remembered."""
        if item.kind in _TRIGGERED:
            self._of(gateway).spoke_ms.put(item.device, now_ms)

    def shows_itself(self, gateway: str, item: WireItem, now_ms: int) -> bool:
        """Whether this word is the second within a day, and well apart from the first, that came
        without a press or movement."""
        if item.kind != "device_health" or "fault" in item.attrs or not item.values:
            return False
        known = self._of(gateway)
        spoke_ms = known.spoke_ms.get(item.device)
        if spoke_ms is not None and now_ms - spoke_ms < BESIDE_MS:
            return False
        word_ms = known.word_ms.get(item.device)
        apart_ms = 0 if word_ms is None else now_ms - word_ms
        if word_ms is None or apart_ms > DAILY_MS:
            known.word_ms.put(item.device, now_ms)
        return APART_MS <= apart_ms <= DAILY_MS

    def _is_new(self, key: DeviceKey, item: WireItem) -> bool:
        values, attrs = item.values, item.attrs
        if "fault" in attrs or "recovered" in attrs:
            return True
        battery, mains = values.get("battery_pct"), values.get("mains")
        if battery is None and mains is None:
            return False
        table, device = self._of(key[0]).told, key[1]
        before = table.get(device) or (None, None)
        now = (
            before[0] if battery is None else float(round(battery)),
            before[1] if mains is None else mains,
        )
        table.put(device, now)
        return now != before


def stay_news(kind: str, is_active: bool, now_ms: int, cut_short_ms: int = 0) -> Heartbeat:
    """That a stay of a home holds from now on, or holds no more. cut_short_ms: activity in the home
    ended it, so long before it was to be over."""
    cut = 0 if is_active else cut_short_ms
    return Heartbeat(
        id="",
        device="",
        kind=STAY,
        measured_at_ms=now_ms,
        received_at_ms=now_ms,
        values={"active": float(is_active), **({"cut_short_ms": float(cut)} if cut else {})},
        attrs={"stay": kind},
    )


def heard_news(heard_ms: int, now_ms: int) -> Heartbeat:
    """That a human has heard from somebody of a home that all is well."""
    return Heartbeat(
        id="", device="", kind=SAID_WELL, measured_at_ms=heard_ms, received_at_ms=now_ms
    )


def found_out_news(word: Word, seen_ms: int, now_ms: int) -> Heartbeat:
    """What a human found out about a silence of a home; seen_ms: no later than it was seen."""
    return Heartbeat(
        id="",
        device="",
        kind=FOUND_OUT,
        measured_at_ms=seen_ms,
        received_at_ms=now_ms,
        values={"raised_ms": float(word.raised_ms), "until_ms": float(word.until_ms)},
        attrs={"found_out": word.found_out.value},
    )


def _told(key: DeviceKey, item: WireItem, kind: str) -> Heartbeat:
    return Heartbeat(
        id=item.id,
        device=f"{key[0]}/{key[1]}",
        kind=kind,
        measured_at_ms=item.measured_at_ms,
        received_at_ms=item.received_at_ms,
        values=item.values,
        attrs=item.attrs,
    )

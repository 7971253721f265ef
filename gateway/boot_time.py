"""When something was received, by a gateway whose clock may not have known the time. Pure.

A Raspberry Pi without a battery wakes up somewhere in the past and learns the time later, or never.
What it always knows is how long it has been running (CLOCK_BOOTTIME), and under which boot. So what
is received while the wall clock is doubtful gets a stamp: boot and running time. Once the offset
between the two clocks is known for a boot, every stamp of that boot is a time:

    wall clock = offset of the boot + running time

Nothing is rewritten: the times are computed each time an item is sent, from the stamp in its row
and from what is known of the boots by then. Asked again, after any power cut, the answer is the
same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from contract.item import ATTRS_MAX, Item, Measurement, Scalar
from contract.moment import EARLIEST_MS, MAX_MS, MIN_MS

# A smaller difference between the clocks is the reading of two clocks one after the other.
STEP_MIN_MS: Final = 100
# Offsets of this boot that are remembered, to know by which of them a time was given.
EPOCHS_MAX: Final = 8
# A time may have been given while another thread saw the clock step.
_SLACK_MS: Final = 1_000
# What a driver says of a device's clock by comparing it with ours.
_COMPARED: Final = frozenset({"clock", "clock_off_s"})
_BY_OURS: Final = frozenset({"ahead", "behind"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """Receipt under a doubtful clock. own: the device said itself when it measured."""

    boot: str
    at_ms: int
    own: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StampedItem(Item):
    """An item whose times are not to be believed as they stand."""

    stamp: Stamp


def stamped(item: Item, stamp: Stamp) -> StampedItem:
    return StampedItem(
        id=item.id,
        seq=item.seq,
        device=item.device,
        kind=item.kind,
        measured_at_ms=item.measured_at_ms,
        received_at_ms=item.received_at_ms,
        values=item.values,
        attrs=item.attrs,
        stamp=stamp,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Boot:
    """A boot that gave this spool items, in the order of their beginning.

    offset_ms: the time at its beginning; trusted: by a clock that knew it, else by the machine's
    guess. seen_ms: how long it had been running at the last item.
    """

    name: str
    offset_ms: int
    trusted: bool
    seen_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """This boot, now."""

    boot: str
    now_ms: int
    offset_ms: int
    trusted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """An offset of the wall clock and since when, by running time, it is used."""

    since_ms: int
    offset_ms: int
    trusted: bool


class BootClock:
    """The wall clock of one boot: what it was when it was last trusted, and the time since.

    Until it is trusted it follows the machine's, wherever that jumps; afterwards only another word
    by whoever keeps the time (NTP) moves it.
    """

    def __init__(self, boot: str) -> None:
        self.boot = boot
        self._epochs: tuple[Epoch, ...] = ()

    def look(self, wall_ms: int, boot_ms: int, *, kept: bool) -> None:
        """kept: the machine's clock is kept by NTP at this moment."""
        offset_ms = wall_ms - boot_ms
        trusted = kept and wall_ms >= EARLIEST_MS
        last = self._epochs[-1] if self._epochs else None
        if last is not None:
            if last.trusted and not trusted:
                return
            if last.trusted == trusted and abs(offset_ms - last.offset_ms) < STEP_MIN_MS:
                return
        epoch = Epoch(since_ms=boot_ms, offset_ms=offset_ms, trusted=trusted)
        self._epochs = (*self._epochs, epoch)[-EPOCHS_MAX:]

    def recall(self, boots: Sequence[Boot], boot_ms: int) -> None:
        """An earlier process of this boot may have known the time; a kernel that has not heard of
        NTP for nine hours says no more than that."""
        for boot in boots:
            if boot.name == self.boot and boot.trusted and not self.trusted:
                epoch = Epoch(since_ms=boot_ms, offset_ms=boot.offset_ms, trusted=True)
                self._epochs = (*self._epochs, epoch)[-EPOCHS_MAX:]

    @property
    def trusted(self) -> bool:
        return bool(self._epochs) and self._epochs[-1].trusted

    def wall_ms(self, boot_ms: int) -> int:
        return boot_ms + self._epochs[-1].offset_ms

    def present(self, boot_ms: int) -> Present:
        last = self._epochs[-1]
        return Present(
            boot=self.boot, now_ms=boot_ms, offset_ms=last.offset_ms, trusted=last.trusted
        )

    def stamp(self, measurement: Measurement, boot_ms: int) -> Stamp | None:
        """For what was received under a doubtful offset, which may no longer be the present one."""
        until_ms = boot_ms
        for epoch in reversed(self._epochs):
            at_ms = measurement.received_at_ms - epoch.offset_ms
            if epoch.since_ms - _SLACK_MS <= at_ms <= until_ms + _SLACK_MS:
                if epoch.trusted:
                    return None
                return Stamp(boot=self.boot, at_ms=max(0, at_ms), own=measurement.own_time)
            until_ms = epoch.since_ms
        return None


def told(items: Sequence[Item], boots: Sequence[Boot], present: Present | None) -> Sequence[Item]:
    """Items as they are to be sent: times corrected where the offset is known, else bounded."""
    if not any(isinstance(item, StampedItem) for item in items):
        return items
    places = _places(boots, present)
    return [
        _told(item, places.get(item.stamp.boot)) if isinstance(item, StampedItem) else item
        for item in items
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a boot lies in time. offset_ms: its beginning. age_ms: how long ago that is at least,
    by running time alone; None when nothing runs now."""

    offset_ms: int
    trusted: bool
    age_ms: int | None


def _places(boots: Sequence[Boot], present: Present | None) -> Mapping[str, _Place]:
    """Of all boots. One whose time was never known keeps its guess, moved no further than needed:
    not before the last item of the boots before it, all of it before the next known beginning."""
    known = list(boots)
    if present is not None:
        known = [boot for boot in boots if boot.name != present.boot]
        known.append(
            Boot(
                name=present.boot,
                offset_ms=present.offset_ms,
                trusted=present.trusted,
                seen_ms=present.now_ms,
            )
        )
    # From the present back: the latest possible beginnings, and how long ago each was at least.
    limits: list[tuple[Boot, int, int]] = []
    upper_ms, age_ms = MAX_MS, 0
    for boot in reversed(known):
        upper_ms = boot.offset_ms if boot.trusted else upper_ms - boot.seen_ms
        age_ms += boot.seen_ms
        limits.append((boot, upper_ms, age_ms))
    places: dict[str, _Place] = {}
    lower_ms = MIN_MS
    for boot, upper_ms, age_ms in reversed(limits):
        offset_ms = upper_ms if boot.trusted else min(max(boot.offset_ms, lower_ms), upper_ms)
        places[boot.name] = _Place(
            offset_ms=offset_ms, trusted=boot.trusted, age_ms=None if present is None else age_ms
        )
        lower_ms = max(lower_ms, offset_ms + boot.seen_ms)
    return places


def _told(item: StampedItem, place: _Place | None) -> Item:
    """place: None when the boot's row is gone; then the time stands as it was given."""
    stamp = item.stamp
    received_ms = item.received_at_ms
    mark: dict[str, Scalar] = {"time": "doubtful"}
    if place is not None:
        received_ms = _possible(place.offset_ms + stamp.at_ms)
        if place.trusted:
            mark = {"time": "corrected"}
        elif place.age_ms is not None:
            mark["age_s"] = max(0, place.age_ms - stamp.at_ms) / 1000
    measured_ms, attrs = item.measured_at_ms, dict(item.attrs)
    if stamp.own:
        if attrs.get("clock") in _BY_OURS:
            attrs = {name: value for name, value in attrs.items() if name not in _COMPARED}
    else:
        measured_ms = _possible(measured_ms + received_ms - item.received_at_ms)
        if len(attrs) + len(mark) <= ATTRS_MAX:
            attrs.update(mark)
    return Item(
        id=item.id,
        seq=item.seq,
        device=item.device,
        kind=item.kind,
        measured_at_ms=measured_ms,
        received_at_ms=received_ms,
        values=item.values,
        attrs=attrs,
    )


def _possible(at_ms: int) -> int:
    return min(max(at_ms, MIN_MS), MAX_MS)


def noted(boots: Sequence[Boot], present: Present, seen_ms: int | None) -> tuple[Boot, ...]:
    """What is known of the boots now. seen_ms: running time of a new item, None without one; a boot
    that gave no items is not noted."""
    old = next((boot for boot in boots if boot.name == present.boot), None)
    if old is None:
        if seen_ms is None:
            return tuple(boots)
        return (*boots, _boot(present, seen_ms))
    new = replace(old, seen_ms=max(old.seen_ms, seen_ms or 0))
    if present.trusted or not old.trusted:
        new = _boot(present, new.seen_ms)
    return tuple(new if boot is old else boot for boot in boots)


def _boot(present: Present, seen_ms: int) -> Boot:
    return Boot(
        name=present.boot,
        offset_ms=present.offset_ms,
        trusted=present.trusted,
        seen_ms=seen_ms,
    )

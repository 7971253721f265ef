"""`./dev bench --week`: a week of simulated homes, every byte of it read by the product.

Each village has its devices (DL/T 645 meters, EV1527 and Zigbee buttons, motion, doors, plugs,
cuffs: device_sims, encoders of its own) and its gateway's drivers, built from the gateway.toml that
the roster writes. What they decode goes in envelopes through the wire codec to the rule engine, as
it does in a hub. There is no disk, no broker and no waiting: simulated time passes as fast as the
machine goes. Every energy reading is compared with the register of its home.
"""

import asyncio
import random
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from contract.codec import encode_envelope
from contract.envelope import ENVELOPE_ITEMS_MAX, Envelope
from contract.item import Item, Measurement
from device_sims.county import County
from device_sims.habits import DAY_MS
from device_sims.past import lived_home
from device_sims.roster import (
    GatewayPlaces,
    Household,
    ble_base,
    gateway_toml,
    households,
    zigbee_base,
)
from device_sims.story import Event
from gateway.config import load
from gateway.driver import BusDriver, Decoded, MessageDriver, Outcome, StreamDriver
from hearthwatch.person_facts import copd_of
from ingest import wire
from rules.config import default_rules
from rules.engine import Engine
from rules.rule import HomeFacts

# 2026-11-16 00:00 in China, a Monday.
BEGIN_MS: Final = 1_794_758_400_000
# Simulated time between two looks of a gateway at its devices.
STEP_MS: Final = 5_000
# A gateway sends its readings, and the rules' timers are looked at, this often.
SEND_MS: Final = 60_000
SPOOL: Final = "00000000-0000-4000-8000-000000000000"


@dataclass(slots=True)
class SteppedClock:
    at_ms: int

    def now_ms(self) -> int:
        return self.at_ms


@dataclass(slots=True)
class Figures:
    """What one process did; times in seconds of its own processor time."""

    homes: int = 0
    meter_requests: int = 0
    refused_requests: int = 0
    messages: int = 0
    presses: int = 0
    items: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    undecodable: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    wrong_values: int = 0
    compared_values: int = 0
    simulator_s: float = 0.0
    product_s: float = 0.0
    peak_mb: float = 0.0

    def add(self, other: "Figures") -> None:
        for name in self.__slots__:
            mine, theirs = getattr(self, name), getattr(other, name)
            setattr(self, name, mine + theirs)


class DirectLine:
    """A serial line within the process: what the device writes, the gateway's driver is given."""

    def __init__(self, link: Path, answer: Any) -> None:
        self.name = link.name
        self.answer = answer
        self.written = b""

    def start(self) -> None: ...
    def close(self) -> None: ...

    def write(self, data: bytes) -> None:
        self.written += data


class Village:
    """One gateway's drivers and what they have read; `send` gives it to the rules."""

    def __init__(self, gateway: str, config_file: Path, lines: dict[str, DirectLine]) -> None:
        self.gateway = gateway
        self.pending: list[Measurement] = []
        self.seq = 0
        config = load(config_file)
        drivers = {s.name: s.spec.build(s.config) for s in config.sources}
        meters, rf = drivers["meters"], drivers["rf"]
        zigbee, cuffs = drivers["zigbee"], drivers["cuffs"]
        assert isinstance(meters, BusDriver)
        assert isinstance(rf, StreamDriver)
        assert isinstance(zigbee, MessageDriver)
        assert isinstance(cuffs, MessageDriver)
        self.meters, self.rf = meters, rf
        self.by_base = {zigbee_base(gateway): zigbee, ble_base(gateway): cuffs}
        self.meter_line = lines[f"{gateway}-meters"]
        self.rf_line = lines[f"{gateway}-rf"]
        self.line_ms = 1_000
        self.next_poll_ms = 0


class Share:
    """Some villages of the county, alone in a process."""

    def __init__(self, homes: Sequence[Household], folder: Path) -> None:
        self.figures = Figures(homes=len(homes))
        self.clock = SteppedClock(BEGIN_MS)
        self.lines: dict[str, DirectLine] = {}
        self.homes = {h.home: lived_home(h, BEGIN_MS) for h in homes}
        self.home_of = {(h.gateway, d.device): h.home for h in homes for d in h.devices}
        self.county = County(
            list(homes), self.clock, folder, self, lambda _what, _more: None, make_line=self._line
        )
        self.villages = {
            name: self._village(name, list(homes), folder)
            for name in sorted({h.gateway for h in homes})
        }
        self.households = list(homes)
        self.engine = Engine(default_rules())
        for h in homes:
            facts = HomeFacts(
                home=h.home,
                region=h.region,
                persons=(f"person-{h.home[5:]}",),
                copd=copd_of([h.conditions]),
            )
            self.engine.add_home(facts, BEGIN_MS)

    def _line(self, link: Path, answer: Any) -> DirectLine:
        line = self.lines[link.name] = DirectLine(link, answer)
        return line

    def _village(self, name: str, homes: list[Household], folder: Path) -> Village:
        password = folder / "password"
        password.write_text("none")
        places = GatewayPlaces(
            host="127.0.0.1", port=1883, username="week", password_file=password, protocol="5",
            data_dir=folder / name, line_dir=folder, clock_plan=None,
        )  # fmt: skip
        file = folder / f"{name}.toml"
        file.write_text(gateway_toml(name, homes, places))
        return Village(name, file, self.lines)

    async def publish(self, topic: str, payload: str | bytes, *, retain: bool = False) -> None:  # noqa: ARG002 - the simulator's publisher knows it; drivers here are told at once
        """The county's wireless devices speak here."""
        began_s = time.process_time()
        self.figures.messages += 1
        base, _, _ = topic.partition("/")
        village = self.villages[base.removeprefix("local-")]
        raw = payload.encode() if isinstance(payload, str) else payload
        driver = next(d for b, d in village.by_base.items() if topic.startswith(f"{b}/"))
        self._take(village, driver.decode(topic, raw, self.clock.at_ms))
        self.figures.product_s += time.process_time() - began_s

    async def run(self, days: int, seed: int) -> Figures:
        presses = self._presses(days, seed)
        end_ms = BEGIN_MS + days * DAY_MS
        began_s = time.process_time()
        await self.county.announce()
        while self.clock.at_ms < end_ms:
            self.clock.at_ms += STEP_MS
            now_ms = self.clock.at_ms
            await self.county.catch_up(now_ms)
            while presses and presses[-1][0] <= now_ms:
                home = presses.pop()[1]
                self.figures.presses += 1
                await self.county.happen(Event(at_s=0, kind="press", fields={"home": home}))
            product_s = time.process_time()
            for village in self.villages.values():
                self._poll(village, now_ms)
                if village.rf_line.written:
                    self._hear(village, now_ms)
                if village.pending and now_ms % SEND_MS == 0:
                    self._send(village, now_ms)
            if now_ms % SEND_MS == 0:
                self._found(self.engine.advance(now_ms))
            self.figures.product_s += time.process_time() - product_s
        self.figures.simulator_s += time.process_time() - began_s - self.figures.product_s
        progress = self.county.progress()
        self.figures.meter_requests = int(progress["meter_requests"])
        self.figures.refused_requests = int(progress["refused_requests"])
        self.figures.peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return self.figures

    def _presses(self, days: int, seed: int) -> list[tuple[int, str]]:
        """Everybody presses once, somewhere in the week; the last first."""
        r = random.Random(seed)
        moments = [
            (BEGIN_MS + r.randrange(SEND_MS, days * DAY_MS - SEND_MS), h.home)
            for h in self.households
        ]
        return sorted(moments, reverse=True)

    # The gateway's side.

    def _poll(self, village: Village, now_ms: int) -> None:
        """One turn of the meters' line after the other, until the driver waits for later."""
        if now_ms < village.next_poll_ms:
            return
        driver = village.meters
        while True:
            self._take(village, driver.tick(now_ms, village.line_ms))
            request = driver.next_request(now_ms, village.line_ms)
            if request is not None:
                asked_s = time.process_time()
                answer = village.meter_line.answer(request)
                self._simulated(time.process_time() - asked_s)
                village.line_ms += 100
                self._take(village, driver.feed(answer, now_ms, village.line_ms))
                continue
            wake = driver.wake(now_ms, village.line_ms)
            if wake.line_ms is None:
                village.next_poll_ms = wake.now_ms or now_ms
                return
            village.line_ms = max(wake.line_ms, village.line_ms + 1)

    def _simulated(self, seconds: float) -> None:
        """A meter's answer is the simulator's work in the middle of the product's."""
        self.figures.simulator_s += seconds
        self.figures.product_s -= seconds

    def _hear(self, village: Village, now_ms: int) -> None:
        heard, village.rf_line.written = village.rf_line.written, b""
        village.line_ms += 5_000  # presses lie far apart on the line's clock too
        self._take(village, village.rf.feed(heard, now_ms, village.line_ms))

    def _take(self, village: Village, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            if isinstance(outcome, Decoded):
                village.pending += outcome.measurements
            else:
                self.figures.undecodable[outcome.code] += 1

    def _send(self, village: Village, now_ms: int) -> None:
        """As the uplink sends and the hub receives: encoded, decoded, and to the rules."""
        for at in range(0, len(village.pending), ENVELOPE_ITEMS_MAX):
            items = [self._item(village, m) for m in village.pending[at : at + ENVELOPE_ITEMS_MAX]]
            envelope = Envelope(
                gateway=village.gateway, spool=SPOOL, sent_at_ms=now_ms, clock="synced", items=items
            )
            for item in wire.decode(encode_envelope(envelope), village.gateway).items:
                self._observe(village, item, now_ms)
        village.pending.clear()

    @staticmethod
    def _item(village: Village, m: Measurement) -> Item:
        village.seq += 1
        return Item(
            id=f"{village.gateway}-{village.seq}", seq=village.seq, device=m.device, kind=m.kind,
            measured_at_ms=m.measured_at_ms, received_at_ms=m.received_at_ms,
            values=m.values, attrs=m.attrs,
        )  # fmt: skip

    def _observe(self, village: Village, item: wire.WireItem, now_ms: int) -> None:
        self.figures.items[item.kind] += 1
        if item.kind == "device_health" and "fault" in item.attrs:
            self.figures.faults[str(item.attrs["fault"])] += 1
        home = self.home_of.get((village.gateway, item.device))
        if home is None:
            return
        if item.kind == "power" and item.device.startswith("meter"):
            compared_s = time.process_time()
            self.figures.compared_values += 1
            right = self.homes[home].register_kwh(item.measured_at_ms)
            self.figures.wrong_values += item.values.get("energy_kwh") != right
            self._simulated(time.process_time() - compared_s)
        self._found(self.engine.observe(home, item, now_ms))

    def _found(self, findings: Sequence[Any]) -> None:
        for finding in findings:
            if finding.phase == "raised":
                self.figures.findings[f"{finding.rule} ({finding.severity})"] += 1


def _one_share(homes: int, seed: int, days: int, share: int, shares: int) -> Figures:
    """In a process of its own: every `shares`-th village."""
    mine = [
        h for h in households(homes, seed) if int(h.gateway.removeprefix("gw-")) % shares == share
    ]
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(Share(mine, Path(folder)).run(days, seed + share))


def week(homes: int, days: int, seed: int = 1, processes: int = 1) -> Figures:
    """All homes in so many processes; the figures together."""
    if processes == 1:
        return _one_share(homes, seed, days, 0, 1)
    total = Figures()
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        shares = [
            pool.submit(_one_share, homes, seed, days, n, processes) for n in range(processes)
        ]
        for share in shares:
            total.add(share.result())
    return total


def report(homes: int, days: int, seed: int, processes: int) -> None:
    """Print the figures; SystemExit when a value was wrong or a byte not understood."""
    began_s = time.monotonic()
    found = week(homes, days, seed, processes)
    took_s = time.monotonic() - began_s
    items = sum(found.items.values())
    busy_s = found.simulator_s + found.product_s
    print(f"{homes} homes, {days} days, {processes} processes: {took_s:.0f} s")
    print(f"  meters asked {found.meter_requests:,} times, {found.refused_requests} not to read")
    print(f"  wireless messages {found.messages:,}; presses {found.presses:,}")
    print(f"  items {items:,} ({items / took_s:,.0f}/s): {_counts(found.items)}")
    print(f"  faults {_counts(found.faults)}; undecodable {_counts(found.undecodable)}")
    print(f"  energies compared {found.compared_values:,}, wrong {found.wrong_values}")
    print(f"  findings {_counts(found.findings)}")
    print(
        f"  processor: simulator {found.simulator_s:.0f} s, product {found.product_s:.0f} s"
        f" ({100 * found.product_s / busy_s:.0f} %); peak memory {found.peak_mb:.0f} MB in all"
    )
    if found.wrong_values or found.undecodable or found.refused_requests:
        raise SystemExit("not every byte was read as it was meant")


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items())) or "none"

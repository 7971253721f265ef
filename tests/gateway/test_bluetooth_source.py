"""The gateway's own Bluetooth adapter, over a radio in memory: no real radio was used."""

import asyncio
import inspect
from collections.abc import Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import bleak
import pytest

from contract.item import Measurement
from gateway.registry import DRIVERS
from gateway.sources import bluetooth
from gateway.sources.bluetooth import (
    REPORT_ALL_RECORDS,
    REST_MAX_MS,
    RETRY_MAX_S,
    BluetoothSettings,
    BluetoothSource,
    GattDriver,
    NoBluetooth,
)
from gateway.sources.intake import Intake
from tests.adapters.fake_bleak import FakeCharacteristic, FakeDevice, FakeRadio, RadioError
from tests.adapters.gateway_items import NOW_MS

DEADLINE_S = 30
CUFF, METER = "A4:C1:38:00:00:01", "A4:C1:38:00:00:02"
# 120/80, mean 93, pulse 70, no time.
PRESSURE = bytes.fromhex("04 7800 5000 5D00 4600")
GLUCOSE = bytes.fromhex("06 0100 EA0701020304 05 37C0 11")


def cuff(address: str = CUFF, **script: Any) -> FakeDevice:
    return FakeDevice(address, [FakeCharacteristic("2A35", ["indicate"])], **script)


class Rig:
    """A source with everything it touches; `turn` waits until something is true."""

    def __init__(self, radio: FakeRadio) -> None:
        self.radio = radio
        self.items: list[Measurement] = []
        self.logged: list[tuple[str, str]] = []
        self.pauses: list[float] = []
        self.line_ms = 0
        self.load: Callable[[], Any] = lambda: radio
        driver = DRIVERS["ble-health"].build({})
        assert isinstance(driver, GattDriver)
        self.driver: Any = driver
        self.source = BluetoothSource(
            BluetoothSettings(
                name="radio", adapter="hci1", devices={CUFF: "cuff-1", METER: "meter-1"}
            ),
            driver,
            Intake(self.offer, lambda: NOW_MS, self.log),
            now_ms=lambda: NOW_MS,
            log=self.log,
            load=self._load,
            pause=self.pause,
            line_ms=lambda: self.line_ms,
        )

    def _load(self) -> Any:
        return self.load()

    def offer(self, items: Sequence[Measurement]) -> bool:
        self.items += items
        return True

    def log(self, event: str, detail: str) -> None:
        self.logged.append((event, detail))

    async def pause(self, delay_s: float) -> None:
        self.pauses.append(delay_s)
        await asyncio.sleep(0)

    async def turn(self, true: Callable[[], Any]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not true():  # noqa: ASYNC110 - it waits on any condition, with a deadline
                await asyncio.sleep(0)

    def kinds(self) -> list[str]:
        return [item.kind for item in self.items]

    def said(self, event: str) -> list[str]:
        return [detail for found, detail in self.logged if found == event]


@asynccontextmanager
async def running(radio: FakeRadio | None = None):
    rig = Rig(radio or FakeRadio())
    task = asyncio.create_task(rig.source.run())
    try:
        yield rig
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_cuff_is_heard_connected_and_listened_to() -> None:
    async with running() as rig:
        device = cuff()
        rig.radio.appear(device)
        await rig.turn(lambda: "2A35" in device.subscribed)
        device.send("2A35", PRESSURE)
        (item,) = rig.items
        assert (item.device, item.kind) == ("cuff-1", "blood_pressure")
        assert item.values["systolic_mmhg"] == 120
        assert item.measured_at_ms == NOW_MS
        assert device.client is not None
        assert device.client.bluez == {"adapter": "hci1"}
        assert not device.written


async def test_strangers_are_left_alone() -> None:
    async with running() as rig:
        rig.radio.appear(cuff("FF:FF:FF:FF:FF:FF"))
        device = cuff()
        rig.radio.appear(device)
        await rig.turn(lambda: device.subscribed)
        assert rig.radio.connects == 1


async def test_only_health_services_are_scanned_for() -> None:
    async with running() as rig:
        await rig.turn(lambda: rig.radio.scanning)
        scanner = rig.radio.scanning
        assert scanner is not None
        assert "00001810-0000-1000-8000-00805f9b34fb" in scanner.service_uuids
        assert len(scanner.service_uuids) == 6
        assert scanner.bluez == {"adapter": "hci1"}


async def test_after_a_loss_the_device_rests_and_is_connected_again() -> None:
    async with running() as rig:
        device = cuff()
        rig.radio.appear(device)
        await rig.turn(lambda: device.subscribed)
        device.send("2A35", PRESSURE)
        device.drop()
        await rig.turn(lambda: rig.radio.disconnects == 1)
        await rig.turn(lambda: CUFF not in rig.source._sessions and rig.radio.scanning)
        rig.radio.tell(device)
        for _ in range(50):  # turns of the loop, far more than a connection takes
            await asyncio.sleep(0)
        assert rig.radio.connects == 1  # it rests
        rig.line_ms += bluetooth.REST_FIRST_MS
        rig.radio.tell(device)
        await rig.turn(lambda: device.subscribed)
        device.send("2A35", PRESSURE)
        assert rig.kinds() == ["blood_pressure"] * 2


async def test_the_rest_of_a_device_that_gives_nothing_doubles_to_a_limit() -> None:
    async with running() as rig:
        device = cuff(connects_to_fail=12)
        rig.radio.appear(device)
        rests = []
        for number in range(1, 13):
            await rig.turn(lambda n=number: rig.radio.connects == n and rig.radio.scanning)
            until_ms, _next = rig.source._rests[CUFF]
            rests.append(until_ms - rig.line_ms)
            rig.line_ms = until_ms
            rig.radio.tell(device)
        assert rests[:3] == [1000, 2000, 4000]
        assert rests[-1] == REST_MAX_MS
        await rig.turn(lambda: device.subscribed)
        assert len(rig.said("bluetooth_refused")) == 12
        assert not rig.items  # one device's trouble is not the radio's


async def test_two_devices_are_connected_at_once() -> None:
    async with running() as rig:
        first, second = cuff(), cuff(METER)
        rig.radio.appear(first)
        rig.radio.appear(second)
        await rig.turn(lambda: first.subscribed and second.subscribed)
        second.send("2A35", PRESSURE)
        first.send("2A35", PRESSURE)
        assert [item.device for item in rig.items] == ["meter-1", "cuff-1"]


async def test_the_memory_of_a_meter_is_asked_for_when_all_listens() -> None:
    def answer(device: FakeDevice, request: bytes) -> None:
        device.send("2A18", GLUCOSE)
        device.send("2A52", bytes.fromhex("06000101"))

    meter = FakeDevice(
        METER,
        [
            FakeCharacteristic("2A52", ["write", "indicate"]),
            FakeCharacteristic("2A18", ["notify"]),
            FakeCharacteristic("2A34", ["notify"]),
            FakeCharacteristic("2A51", ["read"]),
        ],
        services=["1808"],
        on_written=answer,
    )
    async with running() as rig:
        rig.radio.appear(meter)
        await rig.turn(lambda: rig.items)
        assert meter.written == [("2A52", REPORT_ALL_RECORDS)]
        assert set(meter.subscribed) == {"2A18", "2A34", "2A52"}
        (item,) = rig.items
        assert item.kind == "glucose"
        assert item.attrs["replayed"] is True
        assert item.measured_at_ms < NOW_MS
        meter.send("2A52", bytes.fromhex("06000108"))
        assert rig.said("bluetooth_memory_refused") == ["radio: meter-1 answered 06000108"]


async def test_the_battery_is_read() -> None:
    async with running() as rig:
        device = cuff(reads={"2A19": b"\x50"})
        device.characteristics.append(FakeCharacteristic("2A19", ["read"]))
        rig.radio.appear(device)
        await rig.turn(lambda: rig.items)
        assert rig.items[0].values == {"battery_pct": 80}


@pytest.mark.parametrize(
    "words",
    [
        "[org.bluez.Error.NotPermitted] Not paired",
        "[org.bluez.Error.Failed] Insufficient Authentication",
        "GATT Protocol Error: Insufficient Encryption",
    ],
)
async def test_a_device_that_is_not_paired_is_told_how(words: str) -> None:
    async with running() as rig:
        refusal = RadioError(words)
        device = cuff(refused={"2A35": refusal})
        rig.radio.appear(device)
        await rig.turn(lambda: rig.said("bluetooth_lost"))
        assert f"bluetoothctl pair {CUFF}" in rig.said("bluetooth_refused")[0]
        await rig.turn(lambda: rig.radio.disconnects == 1)


async def test_one_refused_characteristic_does_not_cost_the_others() -> None:
    async with running() as rig:
        device = cuff(refused={"2A37": RadioError("no")})
        device.characteristics.insert(0, FakeCharacteristic("2A37", ["notify"]))
        rig.radio.appear(device)
        await rig.turn(lambda: "2A35" in device.subscribed)
        device.send("2A35", PRESSURE)
        assert rig.kinds() == ["blood_pressure"]


async def test_a_vendors_own_characteristic_is_left_alone() -> None:
    async with running() as rig:
        device = cuff()
        vendors = "b3052a37-0000-1000-8000-00805f9b34fb"
        device.characteristics.insert(0, FakeCharacteristic(vendors, ["notify"]))
        rig.radio.appear(device)
        await rig.turn(lambda: "2A35" in device.subscribed)
        assert set(device.subscribed) == {"2A35"}


async def test_a_silent_connection_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bluetooth, "SILENT_S", 0)
    async with running() as rig:
        rig.radio.appear(cuff())
        await rig.turn(lambda: rig.said("bluetooth_silent"))
        await rig.turn(lambda: rig.radio.disconnects == 1)


async def test_an_adapter_that_vanishes_without_a_word_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bluetooth, "SCAN_ROUND_S", 0)
    async with running() as rig:
        await rig.turn(lambda: rig.radio.scans >= 3)
        rig.radio.broken = FileNotFoundError(2, "No such file or directory")
        await rig.turn(lambda: rig.items)
        assert rig.items[0].attrs["fault"] == "bluetooth_unavailable"


async def test_without_bleak_it_says_what_to_install_and_goes_on_trying() -> None:
    radio = FakeRadio()
    async with running(radio) as rig:

        def missing() -> Any:
            raise NoBluetooth(bluetooth.WHAT_TO_INSTALL)

        rig.load = missing
        await rig.turn(lambda: len(rig.pauses) >= 9)
        assert rig.pauses[:3] == [1, 2, 4]
        assert max(rig.pauses) == RETRY_MAX_S
        assert "pip install 'hearthwatch[ble]'" in rig.said("bluetooth_unavailable")[0]
        (told,) = rig.items  # the hub hears of it once
        assert (told.device, told.kind) == ("radio", "device_health")
        assert told.attrs["fault"] == "bluetooth_unavailable"
        rig.load = lambda: radio
        await rig.turn(lambda: len(rig.items) == 2)
        assert rig.items[1].attrs == {"recovered": "bluetooth_unavailable"}


def test_a_missing_bleak_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "bleak", None)
    with pytest.raises(NoBluetooth, match=r"hearthwatch\[ble\]"):
        bluetooth.load_bleak()


async def test_a_missing_adapter_is_told_with_the_remedy() -> None:
    radio = FakeRadio()
    radio.broken = RadioError("No Bluetooth adapters found.")
    async with running(radio) as rig:
        await rig.turn(lambda: rig.items)
        detail = rig.said("bluetooth_unavailable")[0]
        assert "No Bluetooth adapters found" in detail
        assert "bluetoothctl power on" in detail


async def test_a_mistake_of_the_driver_does_not_end_the_source() -> None:
    async with running() as rig:
        device = cuff()
        rig.radio.appear(device)
        await rig.turn(lambda: device.subscribed)

        def planted(*_: Any) -> Any:
            raise RuntimeError("planted")

        kept, rig.driver.value = rig.driver.value, planted
        device.send("2A35", PRESSURE)
        rig.driver.value = kept
        device.send("2A35", PRESSURE)
        assert rig.kinds() == ["device_health", "blood_pressure"]
        assert rig.items[0].attrs["raw_hex"] == PRESSURE.hex()


async def test_bytes_that_mean_nothing_are_reported_with_their_bytes() -> None:
    async with running() as rig:
        device = cuff()
        rig.radio.appear(device)
        await rig.turn(lambda: device.subscribed)
        device.send("2A35", PRESSURE[:-1])
        assert rig.items[0].attrs["code"] == "too_short"


async def test_a_stop_lets_go_of_every_device() -> None:
    async with running() as rig:
        first, second = cuff(), cuff(METER)
        rig.radio.appear(first)
        rig.radio.appear(second)
        await rig.turn(lambda: first.subscribed and second.subscribed and rig.radio.scanning)
    assert rig.radio.disconnects == 2
    assert rig.radio.scanning is None


def test_bleak_itself_takes_what_the_source_gives_it() -> None:
    """The fake is only as good as its likeness: the calls are bound to the real signatures."""
    inspect.signature(bleak.BleakScanner).bind(detection_callback=print, service_uuids=[], bluez={})
    inspect.signature(bleak.BleakClient).bind(
        object(), disconnected_callback=print, timeout=1.0, bluez={}
    )
    client = bleak.BleakClient
    inspect.signature(client.start_notify).bind(None, "c", print)
    inspect.signature(client.read_gatt_char).bind(None, "c")
    inspect.signature(client.write_gatt_char).bind(None, "c", b"", response=True)
    for name in ("connect", "disconnect"):
        assert inspect.iscoroutinefunction(getattr(client, name))
    for name in ("start", "stop"):
        assert inspect.iscoroutinefunction(getattr(bleak.BleakScanner, name))
    assert isinstance(inspect.getattr_static(client, "services"), property)
    collection = bleak.backends.service.BleakGATTServiceCollection
    assert isinstance(inspect.getattr_static(collection, "characteristics"), property)
    characteristic = bleak.backends.characteristic.BleakGATTCharacteristic
    for name in ("uuid", "properties"):
        assert isinstance(inspect.getattr_static(characteristic, name), property)

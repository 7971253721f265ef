"""A Bluetooth radio in memory that speaks bleak's interface, with devices that follow a script."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


class RadioError(Exception):
    """As bleak's errors: of no class the source may know."""


def uuid_of(number: str) -> str:
    return f"0000{number.lower()}-0000-1000-8000-00805f9b34fb"


@dataclass
class FakeCharacteristic:
    number: str
    properties: list[str]

    @property
    def uuid(self) -> str:
        return uuid_of(self.number) if len(self.number) == 4 else self.number


class Services:
    def __init__(self, characteristics: list[FakeCharacteristic]) -> None:
        self.characteristics = dict(enumerate(characteristics))


@dataclass
class FakeDevice:
    """on_subscribed, on_written: what it does by itself; refused: what it won't be asked for."""

    address: str
    characteristics: list[FakeCharacteristic]
    services: list[str] = field(default_factory=lambda: ["1810"])
    connects_to_fail: int = 0
    refused: dict[str, Exception] = field(default_factory=dict)
    reads: dict[str, bytes] = field(default_factory=dict)
    on_written: Callable[["FakeDevice", bytes], None] | None = None
    subscribed: dict[str, Callable[[Any, bytearray], None]] = field(default_factory=dict)
    written: list[tuple[str, bytes]] = field(default_factory=list)
    client: "FakeClient | None" = None

    def send(self, number: str, data: bytes) -> None:
        self.subscribed[number](None, bytearray(data))

    def drop(self) -> None:
        """Out of range, or asleep."""
        client, self.client = self.client, None
        self.subscribed.clear()
        if client is not None:
            client.disconnected_callback(client)


class FakeScanner:
    def __init__(
        self,
        radio: "FakeRadio",
        detection_callback: Callable[[Any, Any], None],
        service_uuids: list[str],
        bluez: dict[str, str],
    ) -> None:
        self.radio = radio
        self.callback = detection_callback
        self.service_uuids = service_uuids
        self.bluez = bluez

    async def start(self) -> None:
        await asyncio.sleep(0)
        if self.radio.broken is not None:
            raise self.radio.broken
        if self.radio.scanning is not None:
            raise RadioError("[org.bluez.Error.InProgress] Operation already in progress")
        self.radio.scanning = self
        self.radio.scans += 1
        for device in list(self.radio.on_air.values()):
            self.radio.tell(device)

    async def stop(self) -> None:
        await asyncio.sleep(0)
        self.radio.scanning = None


class FakeClient:
    def __init__(
        self,
        radio: "FakeRadio",
        address_or_ble_device: FakeDevice,
        disconnected_callback: Callable[[Any], None],
        timeout: float,
        bluez: dict[str, str],
    ) -> None:
        self.radio = radio
        self.device = address_or_ble_device
        self.disconnected_callback = disconnected_callback
        self.bluez = bluez

    @property
    def services(self) -> Services:
        return Services(self.device.characteristics)

    async def connect(self) -> None:
        await asyncio.sleep(0)
        if self.radio.scanning is not None:
            raise RadioError("[org.bluez.Error.InProgress] scanning")
        self.radio.connects += 1
        if self.device.connects_to_fail:
            self.device.connects_to_fail -= 1
            raise RadioError("[org.bluez.Error.Failed] le-connection-abort-by-local")
        self.device.client = self

    async def disconnect(self) -> None:
        await asyncio.sleep(0)
        self.radio.disconnects += 1
        self.device.drop()

    async def start_notify(self, char_specifier: FakeCharacteristic, callback: Any) -> None:
        await asyncio.sleep(0)
        if char_specifier.number in self.device.refused:
            raise self.device.refused[char_specifier.number]
        self.device.subscribed[char_specifier.number] = callback
        self.radio.changed.set()

    async def read_gatt_char(self, char_specifier: FakeCharacteristic) -> bytearray:
        await asyncio.sleep(0)
        return bytearray(self.device.reads[char_specifier.number])

    async def write_gatt_char(
        self, char_specifier: FakeCharacteristic, data: bytes, response: bool | None = None
    ) -> None:
        await asyncio.sleep(0)
        self.device.written.append((char_specifier.number, data))
        if self.device.on_written is not None:
            self.device.on_written(self.device, data)


class FakeRadio:
    """Stands for the module `bleak`."""

    def __init__(self) -> None:
        self.on_air: dict[str, FakeDevice] = {}
        self.scanning: FakeScanner | None = None
        self.broken: Exception | None = None
        self.scans = self.connects = self.disconnects = 0
        self.changed = asyncio.Event()

    def BleakScanner(self, **arguments: Any) -> FakeScanner:  # noqa: N802 - bleak's name
        return FakeScanner(self, **arguments)

    def BleakClient(self, device: FakeDevice, **arguments: Any) -> FakeClient:  # noqa: N802
        return FakeClient(self, device, **arguments)

    def appear(self, device: FakeDevice) -> None:
        """It advertises from now on, whenever somebody scans."""
        self.on_air[device.address] = device
        self.tell(device)

    def vanish(self, device: FakeDevice) -> None:
        self.on_air.pop(device.address, None)

    def tell(self, device: FakeDevice) -> None:
        scanner = self.scanning
        if scanner is not None and set(map(uuid_of, device.services)) & set(scanner.service_uuids):
            scanner.callback(device, object())

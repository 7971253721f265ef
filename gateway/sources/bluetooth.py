"""A Bluetooth adapter of the gateway's own: health devices heard, connected and listened to.

A cuff or meter advertises for some seconds after a measurement. It is found by its address among
those that offer a health service, connected, and every health characteristic it has is subscribed
to; what a glucose meter or oximeter stored is asked for (Record Access Control Point, report all).
Nothing else is ever written to a device. Bonding is BlueZ's: `bluetoothctl pair ADDRESS`, once.

bleak is an extra of its own (`hearthwatch[ble]`): without it, or without an adapter, this source
says what is missing, tries again for ever, and everything else runs.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Protocol, cast, runtime_checkable

from contract.ids import safe_name
from gateway.clock import line_ms as real_line_ms
from gateway.device_health import health
from gateway.driver import Decoded, Outcome
from gateway.sources.intake import Intake

# Without a radio: tried again after this, doubling.
RETRY_FIRST_S: Final = 1.0
RETRY_MAX_S: Final = 60.0
# A scan is begun anew after this: an adapter that was pulled out is noticed by that alone.
SCAN_ROUND_S: Final = 60.0
# A device that advertises answers within a second or two, or has gone to sleep again.
CONNECT_S: Final = 20.0
# BlueZ answers at once; a stop of the gateway must not wait for one that doesn't.
DISCONNECT_S: Final = 5.0
# After a connection a device rests this long, doubling while nothing comes from it.
REST_FIRST_MS: Final = 1_000
REST_MAX_MS: Final = 60_000
# A connection that brings nothing for so long is given up; adapters hold only a few.
SILENT_S: Final = 600.0
# The adapter that BlueZ takes when none is named.
DEFAULT_ADAPTER: Final = ""

RECORD_ACCESS: Final = "2A52"
REPORT_ALL_RECORDS: Final = b"\x01\x01"
_RESPONSE: Final = 0x06
# Response codes: success, no records found.
_GOOD_RESPONSES: Final = (1, 6)
_ASSIGNED: Final = "0000{}-0000-1000-8000-00805f9b34fb"

WHAT_TO_INSTALL: Final = "bleak is not installed: pip install 'hearthwatch[ble]'"
WHAT_TO_START: Final = (
    "is an adapter plugged in and BlueZ running? apt install bluez; systemctl start bluetooth; "
    "bluetoothctl power on"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BluetoothSettings:
    """devices: names by address, in capitals. adapter: hci0, …, or BlueZ's own choice."""

    name: str
    devices: Mapping[str, str]
    adapter: str = DEFAULT_ADAPTER


@runtime_checkable
class GattDriver(Protocol):
    """Values of characteristics, by assigned number."""

    def services(self) -> Sequence[str]:
        """Services a device advertises that is worth connecting to."""
        ...

    def characteristics(self) -> Sequence[str]: ...

    def value(
        self, device: str, characteristic: str, data: bytes, now_ms: int
    ) -> list[Outcome]: ...


# What is used of bleak 3, so that a fake can stand for the radio.


class Found(Protocol):
    @property
    def address(self) -> str: ...


class Characteristic(Protocol):
    @property
    def uuid(self) -> str: ...

    @property
    def properties(self) -> list[Any]: ...


class Scanner(Protocol):
    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class Client(Protocol):
    @property
    def services(self) -> Any: ...

    async def connect(self) -> None: ...

    async def disconnect(self) -> None: ...

    async def start_notify(
        self, char_specifier: Any, callback: Callable[[Any, bytearray], None]
    ) -> None: ...

    async def read_gatt_char(self, char_specifier: Any) -> bytearray: ...

    async def write_gatt_char(
        self, char_specifier: Any, data: bytes, response: bool | None = None
    ) -> None: ...


class Bleak(Protocol):
    BleakScanner: Callable[..., Scanner]
    BleakClient: Callable[..., Client]


class NoBluetooth(Exception):  # noqa: N818 - a state, not a mistake
    """The radio can't be used; says what to install or start."""


def _assigned_number(uuid: str) -> str:
    """`2A35`; empty for a vendor's own UUID, whatever digits it has there."""
    number = uuid[4:8]
    return number.upper() if uuid.lower() == _ASSIGNED.format(number.lower()) else ""


def load_bleak() -> Bleak:
    try:
        import bleak
    except ImportError as error:
        raise NoBluetooth(WHAT_TO_INSTALL) from error
    return cast("Bleak", bleak)


@dataclass(slots=True)
class _Link:
    """A connection, and what is known of it."""

    address: str
    device: str
    stirred: asyncio.Event = field(default_factory=asyncio.Event)
    lost: bool = False
    values: int = 0

    def ended(self, _client: object = None) -> None:
        self.lost = True
        self.stirred.set()


class BluetoothSource:
    """One adapter with its devices."""

    def __init__(
        self,
        settings: BluetoothSettings,
        driver: GattDriver,
        intake: Intake,
        *,
        now_ms: Callable[[], int],
        log: Callable[[str, str], None],
        load: Callable[[], Bleak] = load_bleak,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        line_ms: Callable[[], int] = real_line_ms,
    ) -> None:
        self._settings = settings
        self._driver = driver
        self._intake = intake
        self._now_ms = now_ms
        self._log = log
        self._load = load
        self._pause = pause
        self._line_ms = line_ms
        self._known = frozenset(driver.characteristics())
        self._bluez = {"adapter": settings.adapter} if settings.adapter else {}
        self._sessions: dict[str, asyncio.Task[None]] = {}
        # Until when a device is left alone, and how long its next rest is.
        self._rests: dict[str, tuple[int, int]] = {}
        self._failing = False

    async def run(self) -> None:
        delay_s = RETRY_FIRST_S
        try:
            while True:
                try:
                    bleak = self._load()
                    while True:
                        found = await self._sighting(bleak)
                        delay_s = RETRY_FIRST_S
                        if found is not None:
                            await self._connect(bleak, found)
                except NoBluetooth as error:
                    self._unavailable(str(error))
                except Exception as error:  # noqa: BLE001 - D-Bus, BlueZ and bleak have many kinds
                    self._unavailable(f"{type(error).__name__}: {error}; {WHAT_TO_START}")
                await self._pause(delay_s)
                delay_s = min(delay_s * 2, RETRY_MAX_S)
        finally:
            tasks = list(self._sessions.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    # The radio.

    async def _sighting(self, bleak: Bleak) -> Found | None:
        """Scan until one of our devices is heard that is not connected; None after a round."""
        heard: asyncio.Future[Found] = asyncio.get_running_loop().create_future()

        def seen(found: Found, _advertisement: object) -> None:
            if not heard.done() and self._wanted(found.address.upper()):
                heard.set_result(found)

        scanner = bleak.BleakScanner(
            detection_callback=seen,
            service_uuids=[_ASSIGNED.format(s.lower()) for s in self._driver.services()],
            bluez=self._bluez,
        )
        await scanner.start()
        self._available()
        try:
            async with asyncio.timeout(SCAN_ROUND_S):
                return await heard
        except TimeoutError:
            return None
        finally:
            await scanner.stop()

    def _wanted(self, address: str) -> bool:
        if address not in self._settings.devices or address in self._sessions:
            return False
        until_ms, _next = self._rests.get(address, (0, 0))
        return self._line_ms() >= until_ms

    async def _connect(self, bleak: Bleak, found: Found) -> None:
        """While nothing scans: adapters refuse to do both at once. Then listen beside the scan."""
        address = found.address.upper()
        link = _Link(address, self._settings.devices[address])
        client = bleak.BleakClient(
            found, disconnected_callback=link.ended, timeout=CONNECT_S, bluez=self._bluez
        )
        try:
            async with asyncio.timeout(CONNECT_S):
                await client.connect()
        except Exception as error:  # noqa: BLE001 - one device's trouble is not the radio's
            self._rest(link)
            self._say("bluetooth_refused", link, error)
            return
        self._log("bluetooth_open", f"{self._settings.name}: {link.device} {address}")
        session = asyncio.get_running_loop().create_task(self._session(client, link))
        self._sessions[address] = session
        session.add_done_callback(lambda _task: self._sessions.pop(address, None))

    # One device.

    async def _session(self, client: Client, link: _Link) -> None:
        try:
            await self._listen(client, link)
            while not link.lost:
                link.stirred.clear()
                async with asyncio.timeout(SILENT_S):
                    await link.stirred.wait()
        except TimeoutError:
            self._log("bluetooth_silent", f"{self._settings.name}: {link.device}")
        except Exception as error:  # noqa: BLE001 - one device's trouble is not the radio's
            self._say("bluetooth_lost", link, error)
        finally:
            self._rest(link)
            try:
                async with asyncio.timeout(DISCONNECT_S):
                    await client.disconnect()
            except Exception as error:  # noqa: BLE001 - it is gone either way
                self._say("bluetooth_lost", link, error)

    async def _listen(self, client: Client, link: _Link) -> None:
        """Subscribe to all that is known; the memory is asked for when everything listens."""
        stores: list[Characteristic] = []
        listening = 0
        trouble: Exception | None = None
        every: Iterable[Characteristic] = client.services.characteristics.values()
        for characteristic in every:
            number = _assigned_number(characteristic.uuid)
            can = set(characteristic.properties)
            if number == RECORD_ACCESS and "write" in can:
                stores.append(characteristic)
            if number not in self._known:
                continue
            try:
                if can & {"notify", "indicate"}:
                    await client.start_notify(characteristic, partial(self._value, link, number))
                    listening += 1
                if number == "2A19" and "read" in can:
                    self._value(link, number, None, await client.read_gatt_char(characteristic))
            except Exception as error:  # noqa: BLE001 - the other characteristics may be free
                trouble = error
                self._say("bluetooth_refused", link, error)
        if not listening:
            raise trouble or NoBluetooth("it has no health measurement that can be subscribed to")
        for store in stores:
            await client.start_notify(store, partial(self._answered, link))
            await client.write_gatt_char(store, REPORT_ALL_RECORDS, response=True)

    def _value(self, link: _Link, number: str, _sender: object, data: bytearray) -> None:
        raw = bytes(data)
        link.values += 1
        link.stirred.set()
        try:
            outcomes = self._driver.value(link.device, number, raw, self._now_ms())
            self._intake.take(self._settings.name, outcomes)
        except Exception as error:  # noqa: BLE001 - a driver's mistake must not end the source
            self._intake.failed(self._settings.name, error, raw)

    def _answered(self, link: _Link, _sender: object, data: bytearray) -> None:
        """The end of a memory, or why it can't be told."""
        link.stirred.set()
        if len(data) >= 4 and data[0] == _RESPONSE and data[3] not in _GOOD_RESPONSES:
            text = f"{self._settings.name}: {link.device} answered {data.hex()}"
            self._log("bluetooth_memory_refused", text)

    def _rest(self, link: _Link) -> None:
        _until, rest_ms = self._rests.get(link.address, (0, REST_FIRST_MS))
        rest_ms = REST_FIRST_MS if link.values else rest_ms
        until_ms = self._line_ms() + rest_ms
        self._rests[link.address] = (until_ms, min(rest_ms * 2, REST_MAX_MS))

    # What people are told.

    def _say(self, event: str, link: _Link, error: Exception) -> None:
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        low = what.lower()
        if "auth" in low or "notpermitted" in low or "encrypt" in low:
            what += f"; pair it once: bluetoothctl pair {link.address}"
        self._log(event, f"{self._settings.name}: {link.device}: {what}")

    def _unavailable(self, detail: str) -> None:
        """Told to the log each time, and to the hub once."""
        self._log("bluetooth_unavailable", f"{self._settings.name}: {detail}")
        if not self._failing:
            self._failing = True
            self._health({"fault": "bluetooth_unavailable", "detail": detail[:200]})

    def _available(self) -> None:
        if self._failing:
            self._failing = False
            self._health({"recovered": "bluetooth_unavailable"})

    def _health(self, attrs: Mapping[str, str]) -> None:
        told = health(safe_name(self._settings.name), self._now_ms(), dict(attrs))
        self._intake.take(self._settings.name, [Decoded(fields={}, measurements=(told,))])

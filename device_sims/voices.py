"""What the wireless devices of a home say, and where: Zigbee, Bluetooth and radio messages."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Protocol

from device_sims.devices import (
    ble_cuff,
    zigbee_bridge,
    zigbee_button,
    zigbee_contact,
    zigbee_motion,
    zigbee_plug,
)
from device_sims.devices.ev1527_button import press_frames
from device_sims.registry import SIMULATED
from device_sims.roster import Fitted, Household, ble_base, zigbee_base
from device_sims.supply import home_v
from device_sims.troubles import battery_mv
from device_sims.world import Home

# Homes whose distances are kept.
HOMES_CACHED: Final = 16_384
# The level of the battery (Battery Service), one byte, per cent.
_BATTERY_LEVEL: Final = "2A19"


class Publisher(Protocol):
    """Where the messages of wireless devices go."""

    async def publish(self, topic: str, payload: str | bytes, *, retain: bool = False) -> None: ...


Say = Callable[[str, Mapping[str, Any]], None]


@dataclass(slots=True)
class Dwelling:
    """A home of the county: where and who, how it lives, and its number in the queue."""

    number: int
    household: Household
    home: Home
    # The motion sensor has said "somebody" and not yet "nobody".
    occupied: bool = False
    door_open: bool = False


class Voices:
    """Speaks for the devices of every home; a flat battery speaks no more."""

    def __init__(self, publisher: Publisher, radio: Callable[[str, bytes], None], say: Say) -> None:
        self._publisher = publisher
        self._radio = radio
        self._say = say

    async def motion(self, it: Dwelling, at_ms: int, *, occupied: bool) -> None:
        # Even a sensor that can't be heard has seen what it saw.
        it.occupied = occupied
        pct, mv = self._battery(it, "motion", at_ms)
        payload = zigbee_motion.state(
            occupied=occupied, battery_pct=pct, battery_mv=mv, link_quality=_distance(it)
        )
        await self._zigbee(it, "motion", payload, at_ms)

    async def door(self, it: Dwelling, at_ms: int, *, is_open: bool) -> None:
        stuck = it.home.troubles.now("stuck_sensor", "contact", at_ms) is not None
        if stuck and is_open != it.door_open:
            return
        it.door_open = is_open
        pct, mv = self._battery(it, "contact", at_ms)
        payload = zigbee_contact.state(
            is_open=is_open, battery_pct=pct, battery_mv=mv, link_quality=_distance(it)
        )
        await self._zigbee(it, "contact", payload, at_ms)

    async def plug(self, it: Dwelling, at_ms: int) -> None:
        watts = it.home.appliance_w("television", at_ms)
        kwh = it.home.appliance_kwh("television", at_ms)
        volts = home_v(it.household.gateway, it.household.seed, at_ms, watts)
        payload = zigbee_plug.state(watts, kwh, volts, _distance(it))
        await self._zigbee(it, "plug", payload, at_ms)

    async def press(self, it: Dwelling, at_ms: int) -> None:
        button = it.household.fitted("rf-button", "zigbee-button")
        if button is None:
            self._say("skipped", {"home": it.household.home, "why": "has no button"})
        elif it.home.troubles.is_flat(button.model, at_ms):
            self._say("skipped", {"home": it.household.home, "why": "the button's battery is flat"})
        elif button.model == "rf-button":
            self._radio(it.household.gateway, press_frames(button.address))
        else:
            pct, _mv = self._battery(it, button.model, at_ms)
            payload = zigbee_button.press(pct, _distance(it))
            await self._zigbee(it, button.model, payload, at_ms)

    async def vital(self, it: Dwelling, model: str, at_ms: int) -> None:
        """The body is measured at this moment."""
        vital = SIMULATED[model].vital
        if vital is not None:
            payload = vital.payload(at_ms, it.home.body.vitals(at_ms), it.household.seed)
            await self._ble(it, model, vital.characteristic, payload, at_ms)

    async def battery_level(self, it: Dwelling, model: str, at_ms: int) -> None:
        """A device tells its battery by itself; a radio button has no words for it."""
        pct, _mv = self._battery(it, model, at_ms)
        match model:
            case "motion":
                await self.motion(it, at_ms, occupied=it.occupied)
            case "contact":
                await self.door(it, at_ms, is_open=it.door_open)
            case "zigbee-button":
                await self._zigbee(it, model, zigbee_button.announce(pct, _distance(it)), at_ms)
            case _:
                await self._ble(it, model, _BATTERY_LEVEL, bytes([pct]), at_ms)

    async def cuff(
        self, it: Dwelling, at_ms: int, systolic: float, diastolic: float, pulse: float
    ) -> None:
        """A blood pressure that a story tells."""
        make = ble_cuff.cuff_model(it.household.seed)
        payload = ble_cuff.measurement(at_ms, systolic, diastolic, pulse, model=make)
        if it.household.fitted("cuff") is None:
            self._say("skipped", {"home": it.household.home, "why": "has no cuff"})
        await self._ble(it, "cuff", ble_cuff.CHARACTERISTIC, payload, at_ms)

    # The bridge.

    async def announce(self, gateway: str, homes: Sequence[Dwelling], at_ms: int) -> None:
        """A Zigbee bridge comes up: its state, its network, who can be reached."""
        base = zigbee_base(gateway)
        fitted = [
            (it, f)
            for it in homes
            for f in it.household.devices
            if SIMULATED[f.model].line == "zigbee"
        ]
        paired = [
            zigbee_bridge.Paired(
                name=f.device,
                model=SIMULATED[f.model].model,
                battery=SIMULATED[f.model].battery,
            )
            for _it, f in fitted
        ]
        retained = {"state": zigbee_bridge.online(True), "devices": zigbee_bridge.devices(paired)}
        for name, payload in retained.items():
            await self._publisher.publish(f"{base}/bridge/{name}", payload, retain=True)
        for it, f in fitted:
            dark = f.model == "plug" and it.home.is_dark(at_ms)
            await self.available(it, f, online=not dark)

    async def available(self, it: Dwelling, fitted: Fitted, *, online: bool) -> None:
        topic = f"{zigbee_base(it.household.gateway)}/{fitted.device}/availability"
        await self._publisher.publish(topic, zigbee_bridge.online(online), retain=True)

    # How it gets there.

    def _battery(self, it: Dwelling, model: str, at_ms: int) -> tuple[int, int]:
        pct = it.home.troubles.battery_pct(model, at_ms)
        return pct, battery_mv(pct)

    async def _zigbee(self, it: Dwelling, model: str, payload: str, at_ms: int) -> None:
        fitted = it.household.fitted(model)
        if fitted is not None and not it.home.troubles.is_flat(model, at_ms):
            topic = f"{zigbee_base(it.household.gateway)}/{fitted.device}"
            await self._publisher.publish(topic, payload)

    async def _ble(
        self, it: Dwelling, model: str, characteristic: str, payload: bytes, at_ms: int
    ) -> None:
        fitted = it.household.fitted(model) if SIMULATED[model].line == "ble" else None
        if fitted is not None and not it.home.troubles.is_flat(model, at_ms):
            topic = f"{ble_base(it.household.gateway)}/{fitted.device}/{characteristic}"
            await self._publisher.publish(topic, payload)


def _distance(it: Dwelling) -> int:
    return _link_quality(it.household.seed)


@lru_cache(maxsize=HOMES_CACHED)
def _link_quality(seed: int) -> int:
    return random.Random(f"{seed} distance").randint(40, 180)

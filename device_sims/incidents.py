"""What a story does to the county: each kind of event, what it leaves behind and what it says.

`change` is what lasts (a run that begins later is told of it), `tell` what is said at once.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from device_sims.agenda import Due, vital_times
from device_sims.day import day_number
from device_sims.devices.dlt645_meter import NO_FAULTS, Bus, LineFaults
from device_sims.habits import DAY_MS, MINUTE_MS
from device_sims.registry import SIMULATED
from device_sims.roster import Household
from device_sims.story import LASTING, Event
from device_sims.troubles import GIVEN_UP_MS, KINDS, Trouble
from device_sims.voices import Dwelling, Say, Voices

# A stuck motion sensor repeats itself this often.
STUCK_EVERY_MS: Final = 30 * MINUTE_MS
# Bytes that nobody meant, on a bad line, this often.
NOISE_EVERY_MS: Final = 5_000
_NOISE_BYTES: Final = (1, 24)
NOISY: Final = LineFaults(noise=0.4, lost=0.2, corrupt=0.3)
# The devices whose trouble a story names by its kind alone.
_BUTTONS: Final = ("rf-button", "zigbee-button")


class Incidents:
    """`plan` puts something into the county's queue."""

    def __init__(
        self,
        *,
        dwellings: Mapping[str, Dwelling],
        voices: Voices,
        buses: Mapping[str, Bus],
        noise: Callable[[str, bytes], None],
        plan: Callable[[Dwelling, Due], None],
        say: Say,
        line_faults: LineFaults = NO_FAULTS,
    ) -> None:
        self._dwellings = dwellings
        self._voices = voices
        self._buses = buses
        self._noise = noise
        self._plan = plan
        self._say = say
        self._line_faults = line_faults

    async def happen(self, event: Event, now_ms: int) -> None:
        """One event of the story, now."""
        why = self._impossible(event.fields)
        if why:
            self._say("skipped", {**event.fields, "kind": event.kind, "why": why})
            return
        self._say(event.kind, {"sim_ms": now_ms, **event.fields})
        ended = self.change(event, now_ms, now_ms) if event.kind in LASTING else []
        await self._tell(event, now_ms, ended)

    def _impossible(self, fields: Mapping[str, Any]) -> str:
        home = fields.get("home")
        if home is None:
            return ""
        if home not in self._dwellings:
            return "no such home"
        model = fields.get("device", "")
        if model and self._dwellings[home].household.fitted(model) is None:
            return f"has no {model}"
        return ""

    # What lasts.

    def change(self, event: Event, at_ms: int, from_ms: int) -> list[Trouble]:
        """What an event leaves behind in the homes; what it goes on saying is due from `from_ms`.

        Returns the troubles that it ended.
        """
        if event.kind in ("blackout", "light"):
            for it in self._in_village(event):
                it.home.go_dark(at_ms, dark=event.kind == "blackout")
            return []
        if event.fields["home"] not in self._dwellings:
            return []
        it = self._dwellings[event.fields["home"]]
        match event.kind:
            case "quiet" | "stir":
                left_on_w = event.fields.get("left_on_w", 0)
                it.home.be_quiet(at_ms, quiet=event.kind == "quiet", left_on_w=left_on_w)
            case "visit":
                it.home.visit(at_ms, event.fields["minutes"])
            case "ill":
                it.home.body.fall_ill(event.fields["illness"], at_ms, event.fields["hours"])
            case "well":
                it.home.body.recover(at_ms)
            case "mend":
                return self._mend(it, at_ms)
            case kind if kind in KINDS:
                self._trouble(it, event, at_ms, from_ms)
        return []

    def _trouble(self, it: Dwelling, event: Event, at_ms: int, from_ms: int) -> None:
        fields = event.fields
        trouble = Trouble(
            kind=event.kind,
            model=_model(event, it.household),
            began_ms=at_ms,
            days=fields.get("days", 0),
            every_s=fields.get("every_s", 0),
            frozen=bool(fields.get("frozen", 0)),
        )
        if event.kind == "noise":
            trouble = replace(trouble, until_ms=at_ms + fields["minutes"] * MINUTE_MS)
        it.home.troubles.begin(trouble)
        match event.kind:
            case "flat_battery":
                low_ms = it.home.troubles.low_at_ms(trouble)
                given_up_ms = at_ms + int(trouble.days * DAY_MS) + GIVEN_UP_MS
                if low_ms >= from_ms:
                    self._plan(it, Due(at_ms=low_ms, what="low", model=trouble.model))
                self._plan(it, Due(at_ms=given_up_ms, what="offline", model=trouble.model))
            case "jammed_button":
                self._plan(it, Due(at_ms=max(at_ms, from_ms), what="jam", model=trouble.model))
            case "stuck_sensor" if trouble.model == "motion":
                self._plan(it, Due(at_ms=max(at_ms, from_ms), what="stuck", model="motion"))
            case "noise":
                self._plan(it, Due(at_ms=max(at_ms, from_ms), what="noise"))
                self._plan(it, Due(at_ms=trouble.until_ms, what="hush"))
                self._line(it.household.gateway, max(at_ms, from_ms))

    def _mend(self, it: Dwelling, at_ms: int) -> list[Trouble]:
        ended = it.home.troubles.mend(at_ms)
        self._line(it.household.gateway, at_ms)
        return ended

    def _line(self, gateway: str, at_ms: int) -> None:
        """The meters' line is bad as long as one of its homes brings noise on it."""
        mine = (it for it in self._dwellings.values() if it.household.gateway == gateway)
        noisy = any(it.home.troubles.now("noise", "", at_ms) for it in mine)
        self._buses[gateway].faults = NOISY if noisy else self._line_faults

    # What is said at once.

    async def _tell(self, event: Event, now_ms: int, ended: list[Trouble]) -> None:
        if event.kind in ("blackout", "light"):
            for it in self._in_village(event):
                plug = it.household.fitted("plug")
                if plug is not None:
                    await self._voices.available(it, plug, online=event.kind == "light")
            return
        if "home" not in event.fields:
            return  # gateways are started and killed by whoever runs them
        it = self._dwellings[event.fields["home"]]
        match event.kind:
            case "press":
                await self._voices.press(it, now_ms)
            case "cuff":
                values = (event.fields[n] for n in ("systolic", "diastolic", "pulse"))
                await self._voices.cuff(it, now_ms, *values)
            case "measure":
                await self._measure(it, event.fields["device"], now_ms)
            case "replay":
                await self._replay(it, event.fields["count"], now_ms)
            case "visit":
                for is_open in (True, False):
                    await self._voices.door(it, now_ms, is_open=is_open)
                await self._voices.motion(it, now_ms, occupied=True)
                leaves_ms = now_ms + event.fields["minutes"] * MINUTE_MS
                self._plan(it, Due(at_ms=leaves_ms, what="still"))
            case "mend":
                await self._mended(it, ended, now_ms)

    async def _measure(self, it: Dwelling, device: str, now_ms: int) -> None:
        """With one device, or with all there are."""
        for fitted in it.household.devices:
            if device in ("", fitted.model):
                await self._voices.vital(it, fitted.model, now_ms)

    async def _replay(self, it: Dwelling, count: int, now_ms: int) -> None:
        """A cuff that found its bridge again sends what it kept, newest last."""
        vital = SIMULATED["cuff"].vital
        if vital is None or it.household.fitted("cuff") is None:
            self._say("skipped", {"home": it.household.home, "why": "has no cuff"})
            return
        today = day_number(now_ms)
        # Who measures on two days in five has `count` of them in so many days.
        times = [
            at_ms
            for day in range(today - 4 * count - 1, today + 1)
            for at_ms in vital_times(it.household, it.home, "cuff", vital, day)
            if at_ms < now_ms
        ]
        for at_ms in times[-count:]:
            await self._voices.vital(it, "cuff", at_ms)

    async def _mended(self, it: Dwelling, ended: list[Trouble], now_ms: int) -> None:
        """Who was silent is heard again."""
        for trouble in ended:
            fitted = it.household.fitted(trouble.model)
            if fitted is None or SIMULATED[trouble.model].line != "zigbee":
                continue
            if trouble.kind == "flat_battery":
                await self._voices.available(it, fitted, online=True)
            if trouble.kind in ("flat_battery", "stuck_sensor") and trouble.model == "motion":
                await self._voices.motion(it, now_ms, occupied=False)

    # What goes on.

    async def go_on(self, it: Dwelling, due: Due) -> None:
        """The next turn of a trouble; nothing when it was mended meanwhile."""
        troubles, at_ms = it.home.troubles, due.at_ms
        match due.what:
            case "jam":
                jam = troubles.now("jammed_button", due.model, at_ms)
                if jam is not None and not troubles.is_flat(due.model, at_ms):
                    await self._voices.press(it, at_ms)
                    again_ms = at_ms + jam.every_s * 1000
                    self._plan(it, Due(at_ms=again_ms, what="jam", model=due.model))
            case "stuck" if troubles.now("stuck_sensor", "motion", at_ms) is not None:
                await self._voices.motion(it, at_ms, occupied=True)
                self._plan(it, Due(at_ms=at_ms + STUCK_EVERY_MS, what="stuck", model=due.model))
            case "low" if troubles.now("flat_battery", due.model, at_ms) is not None:
                await self._voices.battery_level(it, due.model, at_ms)
            case "offline" if troubles.is_flat(due.model, at_ms):
                fitted = it.household.fitted(due.model)
                if fitted is not None and SIMULATED[due.model].line == "zigbee":
                    await self._voices.available(it, fitted, online=False)
            case "noise" if troubles.now("noise", "", at_ms) is not None:
                r = random.Random(f"{it.household.seed} {at_ms}")
                self._noise(it.household.gateway, r.randbytes(r.randint(*_NOISE_BYTES)))
                self._plan(it, Due(at_ms=at_ms + NOISE_EVERY_MS, what="noise"))
            case "hush":
                self._line(it.household.gateway, at_ms)

    def _in_village(self, event: Event) -> list[Dwelling]:
        village = event.fields["village"]
        return [it for it in self._dwellings.values() if it.household.village == village]


def _model(event: Event, household: Household) -> str:
    """The device that an event's trouble befalls; noise befalls the line."""
    if event.kind == "dead_meter":
        return "meter"
    if event.kind == "jammed_button":
        button = household.fitted(*_BUTTONS)
        return "" if button is None else button.model
    return str(event.fields.get("device", ""))

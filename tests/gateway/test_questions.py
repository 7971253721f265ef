"""The question at the gateway: put again, answered, taken back; never in a call's way."""

import asyncio

import pytest

from contract.item import Item, Measurement
from contract.moment import to_iso
from gateway.feedback import PARALLEL_MAX
from gateway.questions import (
    EVERY_S,
    OVER_MAX,
    QUESTIONS_MAX,
    RETRY_S,
    TIMES_MAX,
    Questions,
)
from gateway.well import marked, well
from tests.adapters.gateway_items import NOW_MS
from tests.adapters.processes import until
from tests.gateway.test_outputs import Recorded, Room, bound


class Voice:
    """Sounds that are written down; `busy` as told."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.hushed: list[str] = []
        self.busy = False

    def ask(self, device: str) -> bool:
        if not self.busy:
            self.asked.append(device)
        return not self.busy

    def hush(self, device: str) -> None:
        self.hushed.append(device)


class Room1:
    """Questions whose time passes when the test says so."""

    def __init__(self) -> None:
        self.voice = Voice()
        self.clock = "synced"
        self.now_ms = NOW_MS
        self.slept: list[float] = []
        self.logged: list[str] = []
        self._pauses: asyncio.Queue[None] = asyncio.Queue()
        self.questions = Questions(
            self.voice,
            now_ms=lambda: self.now_ms,
            clock_state=lambda: self.clock,  # type: ignore[arg-type, return-value]
            sleep=self._sleep,
            log=lambda event, detail: self.logged.append(event),
        )

    async def _sleep(self, delay_s: float) -> None:
        self.slept.append(delay_s)
        await self._pauses.get()

    def ask(self, alarm: str = "a-1", device: str = "well-1", for_s: object = 300, **args) -> None:
        whole = {"alarm": alarm, "for_s": for_s, "devices": "well-1,button-1", **args}
        self.questions.take(device, whole)  # type: ignore[arg-type]

    async def pass_pause(self) -> None:
        count = len(self.slept)
        self._pauses.put_nowait(None)
        await until(lambda: len(self.slept) > count or not len(self.questions), "the next pause")

    async def begun(self, pauses: int = 1) -> None:
        await until(lambda: len(self.slept) == pauses, "the first question")


def item(device: str, kind: str, **attrs) -> Item:
    return Item(
        id="i", seq=1, device=device, kind=kind, measured_at_ms=1, received_at_ms=1, attrs=attrs
    )


async def test_it_is_asked_a_few_times_until_its_time_is_over() -> None:
    room = Room1()
    room.ask()
    await room.begun()
    while len(room.questions):
        await room.pass_pause()
    assert room.voice.asked == ["well-1"] * 5
    assert room.slept == [EVERY_S] * 5
    room.ask()  # the order comes again, late
    assert not len(room.questions)


@pytest.mark.parametrize("for_s", [1800, 10**9])
async def test_a_long_question_is_no_nagging(for_s) -> None:
    room = Room1()
    room.ask(for_s=for_s)
    await room.begun()
    while len(room.questions):
        await room.pass_pause()
    assert len(room.voice.asked) == TIMES_MAX
    assert sum(room.slept) == 1800


@pytest.mark.parametrize(
    "heard",
    [
        item("well-1", "presence", action="well"),
        item("button-1", "sos", action="press"),
        item("well-1", "sos", action="hold"),
        item("button-1", "fall", action="press"),
    ],
)
async def test_an_answer_or_a_call_of_the_home_ends_it_at_once(heard) -> None:
    room = Room1()
    room.ask()
    await room.begun()
    room.questions.heard([heard])
    assert (len(room.questions), room.voice.hushed) == (0, ["well-1"])


@pytest.mark.parametrize(
    "heard",
    [
        item("well-2", "presence", action="well"),
        item("button-2", "sos", action="press"),
        item("button-1", "sos", action="test"),
        item("well-1", "presence"),
        item("button-1", "device_health", fault="battery_low"),
    ],
)
async def test_nothing_else_does(heard) -> None:
    room = Room1()
    room.ask()
    await room.begun()
    room.questions.heard([heard])
    assert (len(room.questions), room.voice.hushed) == (1, [])
    await room.questions.close()
    assert not len(room.questions)


async def test_the_hub_takes_it_back_also_before_it_was_put() -> None:
    room = Room1()
    room.ask()
    await room.begun()
    room.ask(for_s=0)
    assert (len(room.questions), room.voice.hushed) == (0, ["well-1"])
    room.ask("a-2", for_s=0)
    room.ask("a-2")
    assert not len(room.questions)


async def test_by_the_clock_if_it_can_be_trusted_else_by_the_hubs_count() -> None:
    room = Room1()
    late = to_iso(NOW_MS + 20_000)
    room.ask(until=late)  # the order waited long for this gateway
    await room.begun()
    assert room.slept == [20.0]
    room.clock = "doubtful"
    room.ask("a-2", until=to_iso(0))
    await room.begun(2)
    assert room.slept == [20.0, EVERY_S]
    room.clock = "synced"
    room.ask("a-3", until=to_iso(NOW_MS - 1))
    assert len(room.questions) == 2
    await room.questions.close()


async def test_a_busy_output_is_tried_again_soon() -> None:
    room = Room1()
    room.voice.busy = True
    room.ask()
    await room.begun()
    assert room.slept == [RETRY_S]
    room.voice.busy = False
    await room.pass_pause()
    assert (room.voice.asked, room.slept) == (["well-1"], [RETRY_S, EVERY_S])
    await room.questions.close()


@pytest.mark.parametrize(
    "args",
    [
        {"alarm": ""},
        {"alarm": 7},
        {"for_s": "300"},
        {"for_s": True},
        {"for_s": float("nan")},
        {"until": "yesterday"},
    ],
)
async def test_an_order_that_cannot_be_read_asks_nobody(args) -> None:
    room = Room1()
    room.questions.take("well-1", {"alarm": "a-1", "for_s": 300, **args})
    assert (len(room.questions), room.logged) == (0, ["command_refused"])


async def test_what_is_remembered_is_bounded() -> None:
    room = Room1()
    for number in range(QUESTIONS_MAX + 1):
        room.ask(f"a-{number}")
    assert len(room.questions) == QUESTIONS_MAX
    await room.questions.close()
    for number in range(OVER_MAX + 5):
        room.ask(f"b-{number}", for_s=0)
    assert len(room.questions._over) == OVER_MAX


# With the outputs.


async def test_a_question_never_takes_the_place_of_a_tone() -> None:
    output = Recorded()
    output.hangs = True
    room = Room(bound(output))
    assert room.feedback.ask("well-1")
    assert not room.feedback.ask("well-2")
    for _ in range(PARALLEL_MAX):
        room.feedback.received("button-1", "sos")
    await until(lambda: len(output.played) == PARALLEL_MAX, "the tones")
    assert [o.name for o in output.played] == ["ask"] + ["received"] * (PARALLEL_MAX - 1)
    room.feedback.hush("well-1")
    await until(lambda: output.ended == 1, "the question's end")
    room.feedback.received("button-1", "sos")
    await until(lambda: len(output.played) == PARALLEL_MAX + 1, "one tone more")
    await room.feedback.close()
    assert room.told == []


async def test_who_can_ask_is_who_has_words_for_this_device() -> None:
    speaker, silent = Recorded(), Recorded()
    silent.dumb = True
    assert Room(bound(speaker)).feedback.can_ask("well-1")
    assert not Room(bound(silent)).feedback.can_ask("well-1")
    assert not Room(bound(speaker, "o", ["received"])).feedback.can_ask("well-1")
    room = Room(bound(speaker, "o", ["ask", "well"], "well-1"))
    assert room.feedback.can_ask("well-1")
    assert not room.feedback.can_ask("well-2")
    room.feedback.well("well-1")
    await until(lambda: len(speaker.played) == 1, "the thanks")
    assert speaker.played[0].name == "well"


def test_an_im_well_says_whether_it_can_be_asked_there() -> None:
    press = Measurement(device="b", kind="sos", measured_at_ms=1, received_at_ms=1)
    said = well("well-1", 1, {"key": 4})
    found = marked([press, said], lambda device: device == "well-1")
    assert found[0] is press
    assert dict(found[1].attrs) == {"key": 4, "action": "well", "asks": True}
    assert marked([said], lambda _device: False)[0].attrs["asks"] is False
    only = [press]
    assert marked(only, lambda _device: True) is only

"""The modem's state machine against a simulated modem, and against one that behaves badly."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_sims.devices.gsm_modem import GsmModem, report
from gateway.drivers.gsm_sms.pdu import Submit, submits
from gateway.second_path.gsm_modem import (
    COMMAND_TIMEOUT_MS,
    LINE_BYTES_MAX,
    LOOK_AGAIN_MS,
    PROMPT_TIMEOUT_MS,
    SENT_TIMEOUT_MS,
    WATCH_MS,
    Event,
    Failed,
    Modem,
    NotReady,
    Ready,
    Report,
    Sent,
)

NUMBER = "+8613800138000"


class Line:
    """Both ends of a line; time passes when the modem says nothing."""

    def __init__(self, far: GsmModem | None = None, pin: str | None = None, piece: int = 7) -> None:
        self.far = far or GsmModem()
        self.near = Modem(pin)
        self.now_ms = 1000
        self.piece = piece
        self.events: list[Event] = []

    def settle(self) -> list[Event]:
        """Until both are silent; what happened."""
        began = len(self.events)
        self.events += self.near.tick(self.now_ms)
        while data := self.near.take_output():
            self.hear(self.far.feed(data))
        return self.events[began:]

    def hear(self, data: bytes) -> None:
        for at in range(0, len(data), self.piece):
            self.events += self.near.feed(data[at : at + self.piece], self.now_ms)

    def wait(self, ms: int) -> list[Event]:
        self.now_ms += ms
        return self.settle()

    def send(self, text: str = "求助") -> list[Event]:
        self.near.send(submits(NUMBER, text), self.now_ms)
        return self.settle()


@pytest.mark.parametrize("piece", [1, 3, 1000])
@pytest.mark.parametrize("echo", [True, False])
def test_a_message_leaves(piece: int, echo: bool) -> None:
    line = Line(GsmModem(echo=echo), piece=piece)
    assert line.settle() == [Ready(signal_dbm=-79)]
    assert line.near.idle
    [sent] = line.send()
    assert sent == Sent(references=[1])
    assert [(m.number, m.text) for m in line.far.sent] == [(NUMBER, "求助")]
    assert line.near.idle


def test_a_long_text_leaves_in_parts() -> None:
    line = Line()
    line.settle()
    assert line.send("长" * 100) == [Sent(references=[1, 2])]
    assert "".join(m.text for m in line.far.sent) == "长" * 100


def test_the_recorded_dialogue() -> None:
    vectors = json.loads(
        (Path(__file__).parents[2] / "vectors" / "gsm_sms.json").read_text(encoding="utf-8")
    )
    [vector] = [v for v in vectors if v["id"] == "at-pdu-mode"]
    tx, rx = vector["input"]["tx"], vector["input"]["rx"]
    pdu = tx[2].removesuffix("\x1a")
    line = Line()
    line.settle()
    assert tx[0].strip() in line.far.commands
    line.near.send([Submit(tpdu_bytes=len(pdu) // 2 - 1, hex=pdu)], line.now_ms)
    assert line.near.take_output().decode() == tx[1]
    line.near.feed(rx[1].encode(), line.now_ms)
    assert line.near.take_output().decode() == tx[2]
    assert line.near.feed(rx[2].encode() + b"\r\n", line.now_ms) == [Sent(references=[1])]


@pytest.mark.parametrize(
    ("far", "trouble"),
    [
        (GsmModem(sim="missing"), "sim_missing"),
        (GsmModem(sim="locked"), "sim_locked"),
        (GsmModem(registered=False), "no_network"),
        (GsmModem(silent=True), "no_answer"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_missing_is_told_and_asked_again(far: GsmModem, trouble: str) -> None:
    line = Line(far)
    line.settle()
    if trouble == "no_answer":
        line.wait(COMMAND_TIMEOUT_MS)
    assert line.events == [NotReady(trouble=trouble)]
    assert not line.near.idle
    with pytest.raises(ValueError, match="not free"):
        line.near.send(submits(NUMBER, "x"), line.now_ms)
    far.sim, far.registered, far.silent = "ready", True, False
    line.wait(LOOK_AGAIN_MS)
    assert line.events[-1] == Ready(signal_dbm=-79)


def test_a_modem_for_lte_alone_is_registered_there() -> None:
    line = Line(GsmModem(only_lte=True))
    assert line.settle() == [Ready(signal_dbm=-79)]


def test_the_right_pin_opens_the_card() -> None:
    line = Line(GsmModem(sim="locked"), pin="1234")
    assert line.settle() == [Ready(signal_dbm=-79)]


def test_a_wrong_pin_is_tried_once_and_never_again() -> None:
    line = Line(GsmModem(sim="locked"), pin="9999")
    line.settle()
    for _ in range(20):
        line.wait(LOOK_AGAIN_MS)
    assert line.far.pin_tries == 1
    assert set(line.events) == {NotReady(trouble="sim_locked")}


class Scripted:
    """A modem with one answer of its own; the rest is a simulated one's."""

    def __init__(self, command: str, *answers: str) -> None:
        self.far = GsmModem()
        self.answers = {command.encode() + b"\r": "".join(f"\r\n{a}\r\n" for a in answers).encode()}

    def feed(self, data: bytes) -> bytes:
        return self.answers.get(data.lstrip(b"\x1b")) or self.far.feed(data)


@pytest.mark.parametrize(
    ("answers", "trouble"),
    [
        (["OK"], "no_answer"),  # a late OK of another command
        (["+CPIN: NOT READY", "OK"], "sim_missing"),
        (["+CPIN: SIM PIN2", "OK"], "sim_locked"),
        (["+CPIN: PH-SIM PIN", "OK"], "sim_locked"),
        (["+CPIN: SIM PUK", "OK"], "sim_locked"),
        (["+CME ERROR: 14"], "no_answer"),  # the card starts still
        (["+CME ERROR: 12"], "sim_locked"),
    ],
)
def test_the_pin_is_kept_for_the_one_question_it_answers(answers: list[str], trouble: str) -> None:
    near = Modem("1234")
    closed, locked = Scripted("AT+CPIN?", *answers), GsmModem(sim="locked")
    events: list[Event] = []
    for far, now_ms in ((closed, 0), (locked, LOOK_AGAIN_MS)):
        events += near.tick(now_ms)
        while data := near.take_output():
            assert far is locked or b"AT+CPIN=" not in data
            events += near.feed(far.feed(data), now_ms)
    assert events == [NotReady(trouble=trouble), Ready(signal_dbm=-79)]
    assert locked.pin_tries == 1


@pytest.mark.parametrize(
    ("answer", "registered"),
    [
        ("+CREG: 0,1", True),
        ("+CREG: 0,5", True),
        ("+CREG: 1,1", True),
        ('+CREG: 2,1,"1A2B","0C3D"', True),
        ("+CREG: 0,6", True),  # for short messages alone
        ("+CREG: 0,10", True),
        ('+CREG: 1,"1A2B","0C3D"', True),  # told unasked
        ("+CREG: 1,0", False),
        ("+CREG: 1,2", False),
        ("+CREG: 1,3", False),
        ("+CREG: 5,2", False),
        ("+CREG: 0,11", False),  # emergency calls alone
        ("+CREG: 2", False),
    ],
)
def test_what_registered_means(answer: str, registered: bool) -> None:
    near, far = Modem(), Scripted("AT+CREG?", answer, "OK")
    far.far.registered = False
    events = near.tick(0)
    while data := near.take_output():
        events += near.feed(far.feed(data), 0)
    assert events == [Ready(signal_dbm=-79) if registered else NotReady(trouble="no_network")]


@pytest.mark.parametrize(
    ("result", "final"), [("+CMS ERROR: 21", True), ("+CMS ERROR: 332", False), ("ERROR", False)]
)
def test_a_refusal_is_told_with_the_modem_s_word(result: str, final: bool) -> None:
    line = Line(GsmModem(results=[result]))
    line.settle()
    assert line.send() == [Failed(detail=result, final=final)]
    assert line.near.idle
    assert line.send() == [Sent(references=[1])]


def test_without_a_prompt_the_line_is_freed_and_the_message_told() -> None:
    line = Line(GsmModem(results=["no prompt"]))
    line.settle()
    assert line.send() == []
    assert [type(e) for e in line.wait(PROMPT_TIMEOUT_MS)] == [Failed, NotReady]
    assert line.wait(LOOK_AGAIN_MS) == [Ready(signal_dbm=-79)]
    assert line.send() == [Sent(references=[1])]


def test_a_network_that_says_nothing() -> None:
    line = Line(GsmModem(results=["hang"]))
    line.settle()
    line.send()
    assert line.wait(SENT_TIMEOUT_MS - 1) == []
    assert [type(e) for e in line.wait(1)] == [Failed, NotReady]


def test_a_restart_of_the_modem_is_noticed() -> None:
    line = Line(GsmModem(results=["hang"]))
    line.settle()
    line.send()
    line.hear(line.far.restart())
    assert isinstance(line.events[-1], Failed)
    assert not line.near.idle
    assert line.wait(LOOK_AGAIN_MS) == [Ready(signal_dbm=-79)]
    assert line.far.echo is False


def test_the_network_is_watched() -> None:
    line = Line()
    line.settle()
    line.far.registered = False
    assert line.wait(WATCH_MS) == [NotReady(trouble="no_network")]


def test_a_round_that_falls_due_beside_a_message_keeps_nobody_awake() -> None:
    line = Line()
    line.settle()
    line.near.send(submits(NUMBER, "求助"), line.now_ms + WATCH_MS - 1)
    line.now_ms += WATCH_MS
    assert line.near.tick(line.now_ms) == []
    wake_ms = line.near.wake_ms()
    assert wake_ms is not None
    assert wake_ms > line.now_ms


def test_reports_are_heard_in_between() -> None:
    line = Line()
    line.settle()
    line.hear(report(NUMBER, 1, 0))
    [heard] = line.events[-1:]
    assert isinstance(heard, Report)
    assert heard.pdu_hex.startswith("0006")
    line.near.send(submits(NUMBER, "x"), line.now_ms)
    line.hear(report(NUMBER, 1, 0))
    assert line.settle() == [Sent(references=[1])]


@given(st.lists(st.one_of(st.binary(max_size=60), st.integers(0, 70_000)), max_size=40))
def test_whatever_a_line_brings_it_works_again(script: list[bytes | int]) -> None:
    """Noise and time in any order; then a good modem, and a message leaves within two rounds."""
    near = Modem("1234")
    now_ms = 0
    for step in script:
        if isinstance(step, int):
            now_ms += step
            near.tick(now_ms)
        else:
            near.feed(step, now_ms)
        if near.idle:
            near.send(submits(NUMBER, "x"), now_ms)
        assert b"+CMGS=0" not in near.take_output()
        assert len(near._buffer) <= LINE_BYTES_MAX
    line = Line(GsmModem())
    line.near, line.now_ms = near, now_ms
    line.hear(b"\r\n")
    for _ in range(6):
        line.wait(WATCH_MS)
        if near.idle:
            break
    assert near.idle
    assert isinstance(line.send()[-1], Sent)

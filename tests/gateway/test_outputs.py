"""What the elder hears: which output answers what, and one that fails or hangs harms nothing."""

import asyncio
import json
import os
import sys
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from contract.config import ConfigError
from gateway import feedback as feedback_module
from gateway.config import load
from gateway.feedback import PARALLEL_MAX, Feedback, FeedbackCommands
from gateway.output import OCCASIONS, BoundOutput, Occasion, OutputFailed
from gateway.output_registry import OUTPUTS
from gateway.outputs import buzzer, mqtt
from hearthwatch.embedded_broker import Broker, free_port
from tests.adapters.processes import until

HEAD = 'gateway = "gw-1"\ndata_dir = "d"\n[uplink]\nhost = "127.0.0.1"\n'


def configured(folder: Path, text: str) -> FeedbackCommands:
    path = folder / "gateway.toml"
    path.write_text(HEAD + text)
    return load(path).feedback


class Recorded:
    """An output that is written down; `fails` and `hangs` as told."""

    def __init__(self) -> None:
        self.played: list[Occasion] = []
        self.fails = False
        self.hangs = False
        self.dumb = False
        self.ended = 0

    def plays(self, name: str) -> bool:
        return not self.dumb

    async def play(self, occasion: Occasion) -> None:
        self.played.append(occasion)
        try:
            if self.hangs:
                await asyncio.Event().wait()
        finally:
            self.ended += 1
        if self.fails:
            raise OutputFailed("no loudspeaker")

    def trouble(self) -> str:
        return ""


class Room:
    def __init__(self, *bound: BoundOutput) -> None:
        self.logged: list[tuple[str, str]] = []
        self.told: list[tuple[str, str]] = []
        self.feedback = Feedback(
            FeedbackCommands(outputs=bound), lambda *said: self.logged.append(said)
        )
        self.feedback.on_trouble = lambda *said: self.told.append(said)


def bound(output: Any, name: str = "o", on: Any = OCCASIONS, *devices: str) -> BoundOutput:
    return BoundOutput(name=name, on=on, devices=frozenset(devices), output=output)


async def test_an_output_answers_its_occasions_for_its_devices() -> None:
    every, siren = Recorded(), Recorded()
    room = Room(bound(every), bound(siren, "siren", ["received"], "button-1"))
    room.feedback.received("button-1", "sos")
    room.feedback.received("button-2", "sos")
    room.feedback.reassured("button-1")
    room.feedback.received("gw-1", "identify")
    await until(lambda: every.ended == 4, "four answers")
    assert [o.name for o in every.played] == ["received", "received", "reassured", "identify"]
    assert [(o.device, o.name) for o in siren.played] == [("button-1", "received")]


async def test_a_failure_is_told_once_and_its_end_once() -> None:
    output = Recorded()
    room = Room(bound(output))
    for fails in (True, True, False, False):
        output.fails = fails
        room.feedback.received("b", "sos")
        ended = output.ended
        await until(lambda ended=ended: output.ended > ended, "played")
        await asyncio.sleep(0)
    assert room.told == [("o", "no loudspeaker"), ("o", "")]
    assert [event for event, _detail in room.logged] == ["feedback_failed"] * 2


async def test_one_that_hangs_is_ended_and_holds_up_no_other(monkeypatch) -> None:
    monkeypatch.setattr(feedback_module, "TIMEOUT_S", 0.01)
    hanging, good = Recorded(), Recorded()
    hanging.hangs = True
    room = Room(bound(hanging), bound(good, "good"))
    for _ in range(PARALLEL_MAX + 2):
        room.feedback.received("b", "sos")
    await until(lambda: len(room.told) == 1, "the hanging one is told")
    assert len(hanging.played) == len(good.played) == PARALLEL_MAX
    assert room.feedback.skipped == 4
    assert "ended after" in room.told[0][1]


async def test_closing_ends_what_sounds() -> None:
    hanging = Recorded()
    hanging.hangs = True
    room = Room(bound(hanging))
    room.feedback.received("b", "sos")
    await until(lambda: bool(hanging.played), "it plays")
    await room.feedback.close()
    assert hanging.ended == 1


def stand_in(folder: Path, name: str, version: str = "") -> Callable[[], list[str]]:
    """A program of this name that writes down its arguments; gives them."""
    log = folder / f"{name}.log"
    script = folder / name
    script.write_text(
        f"#!{sys.executable}\nimport json, sys\n"
        f"if '--version' in sys.argv[1:2]: sys.exit(print({version!r}))\n"
        f"open({str(log)!r}, 'a').write(json.dumps(sys.argv[1:]) + '\\n')\n"
    )
    script.chmod(0o755)
    return lambda: log.read_text().splitlines() if log.exists() else []


async def test_speech_says_the_sentence_and_no_option(tmp_path: Path, monkeypatch) -> None:
    heard = stand_in(tmp_path, "espeak-ng")
    monkeypatch.setenv("PATH", str(tmp_path))
    sentences = '[[output]]\nkind = "speech"\n[output.config]\nreassured = "--version; rm -rf /"\n'
    commands = configured(tmp_path, sentences)
    feedback = Feedback(commands, lambda *_said: None)
    feedback.received("button-1", "sos")
    await until(lambda: len(heard()) == 1, "the sentence")
    feedback.reassured("button-1")
    await until(lambda: len(heard()) == 2, "the other sentence")
    first, second = (json.loads(line) for line in heard())
    assert first == ["-v", "cmn", "-s", "140", "--", "已经收到，正在通知值班员。"]
    assert second[-2:] == ["--", "--version; rm -rf /"]
    assert commands.outputs[0].output.trouble() == ""


async def test_a_sound_file_is_played_for_its_occasion_alone(tmp_path: Path, monkeypatch) -> None:
    heard = stand_in(tmp_path, "aplay")
    monkeypatch.setenv("PATH", str(tmp_path))
    commands = configured(
        tmp_path, '[[output]]\nkind = "sound"\n[output.config]\nreassured = "coming.wav"\n'
    )
    [one] = commands.outputs
    assert "coming.wav" in one.output.trouble()
    (tmp_path / "coming.wav").touch()
    assert one.output.trouble() == ""
    feedback = Feedback(commands, lambda *_said: None)
    feedback.received("b", "sos")
    feedback.reassured("b")
    await until(lambda: len(heard()) == 1, "the file")
    assert json.loads(heard()[0]) == ["-q", str(tmp_path / "coming.wav")]


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("gpioset (libgpiod) v1.6.3", ["--mode=time", "--sec=3", "gpiochip0", "17=1"]),
        ("gpioset (libgpiod) v2.1", ["--toggle", "3s,0", "-c", "gpiochip0", "17=1"]),
    ],
)
async def test_a_line_is_switched_by_either_gpioset(
    tmp_path: Path, monkeypatch, version: str, expected: list[str]
) -> None:
    heard = stand_in(tmp_path, "gpioset", version)
    monkeypatch.setenv("PATH", str(tmp_path))
    commands = configured(tmp_path, '[[output]]\nkind = "gpio"\n[output.config]\nline = 17\n')
    Feedback(commands, lambda *_said: None).received("b", "sos")
    await until(lambda: len(heard()) == 1, "gpioset")
    assert json.loads(heard()[0]) == expected


async def test_a_buzzer_is_given_its_bytes(tmp_path: Path) -> None:
    device, far = os.openpty()
    tty.setraw(far)
    os.set_blocking(device, False)
    port = os.ttyname(far)
    commands = configured(
        tmp_path,
        f'[[output]]\nkind = "buzzer"\n[output.config]\nport = "{port}"\n'
        'by = "bytes"\nhex = "A0 01 01 A2"\n',
    )
    heard = bytearray()
    asyncio.get_running_loop().add_reader(device, lambda: heard.extend(os.read(device, 99)))
    try:
        Feedback(commands, lambda *_said: None).received("b", "sos")
        await until(lambda: heard == bytes.fromhex("A00101A2"), "the bytes")
    finally:
        asyncio.get_running_loop().remove_reader(device)
        os.close(device)
        os.close(far)


async def test_a_buzzer_that_is_unplugged_is_a_trouble(tmp_path: Path) -> None:
    [one] = configured(
        tmp_path, f'[[output]]\nkind = "buzzer"\n[output.config]\nport = "{tmp_path}/none"\n'
    ).outputs
    assert "does not exist" in one.output.trouble()
    with pytest.raises(OutputFailed, match="none"):
        await one.output.play(Occasion(name="received", device="b", kind="sos"))


async def test_rts_pulses_and_rests(tmp_path: Path, monkeypatch) -> None:
    """A pseudo-terminal has no RTS: the line is one that writes it down."""
    states: list[bool] = []

    class Line:
        rts = property(lambda _self: False, lambda _self, on: states.append(on))

        def close(self) -> None:
            states.append(False)

    monkeypatch.setattr(buzzer, "open_line", lambda _port, _line: Line())
    monkeypatch.setattr(buzzer, "PULSE_S", 0)
    output = buzzer.SPEC.build({"port": "p", "pulses": 2}, "x", tmp_path)
    await output.play(Occasion(name="received", device="b", kind="sos"))
    assert states == [True, False, True, False, False, False]


async def test_a_buzzer_ended_in_the_middle_of_a_pulse_rests(tmp_path: Path, monkeypatch) -> None:
    states: list[bool] = []

    class Line:
        rts = property(lambda _self: False, lambda _self, on: states.append(on))

        def close(self) -> None:
            """An adapter may keep its lines as they were."""

    monkeypatch.setattr(buzzer, "open_line", lambda _port, _line: Line())
    output = buzzer.SPEC.build({"port": "p"}, "x", tmp_path)
    playing = asyncio.create_task(output.play(Occasion(name="ask", device="b", kind="ask")))
    await until(lambda: states == [True], "it sounds")
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)
    assert states == [True, False]


@pytest.mark.mosquitto
async def test_a_siren_is_switched_on_and_off(tmp_path: Path, broker: Broker, monkeypatch) -> None:
    rest = asyncio.Event()

    async def until_told(_seconds: float) -> None:
        await rest.wait()

    commands = configured(
        tmp_path,
        f'[[output]]\nkind = "mqtt"\n[output.config]\nport = {broker.port}\n'
        f'username = "{broker.username}"\npassword_file = "{broker.password_file}"\n'
        'topic = "zigbee2mqtt/siren/set"\npayload = "ON"\nend_payload = "OFF"\n',
    )
    heard: list[str] = []
    client = aiomqtt.Client(
        "127.0.0.1", broker.port, username=broker.username,
        password=broker.password_file.read_text(),
    )  # fmt: skip

    async def listen() -> None:
        async for message in client.messages:
            heard.append(bytes(message.payload).decode())

    async with client:
        await client.subscribe("zigbee2mqtt/siren/set", qos=1)
        listening = asyncio.create_task(listen())
        monkeypatch.setattr(mqtt, "wait", until_told)
        feedback = Feedback(commands, lambda *_said: None)
        feedback.received("b", "sos")
        feedback.received("b", "sos")
        await until(lambda: heard == ["ON", "ON"], "both presses")
        rest.set()
        await until(lambda: heard == ["ON", "ON", "OFF"], "one end")
        await feedback.close()
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def test_the_end_of_one_press_does_not_silence_the_next(tmp_path: Path, monkeypatch) -> None:
    """The first's switching off is on its way, slowly, when the second press comes."""
    heard: list[bytes] = []
    under_way, arrives, rest = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(_settings, _topic: str, payload: bytes) -> None:
        if payload == b"OFF" and not under_way.is_set():
            under_way.set()
            await arrives.wait()
        heard.append(payload)

    async def until_told(_seconds: float) -> None:
        if under_way.is_set():
            await rest.wait()

    monkeypatch.setattr(mqtt, "publish", slow)
    monkeypatch.setattr(mqtt, "wait", until_told)
    [siren] = configured(
        tmp_path,
        '[[output]]\nkind = "mqtt"\n[output.config]\ntopic = "t"\npayload = "ON"\n'
        'end_payload = "OFF"\n',
    ).outputs
    room = Room(siren)
    room.feedback.received("b", "sos")
    await under_way.wait()
    room.feedback.received("b", "sos")
    await asyncio.sleep(0)
    arrives.set()
    await until(lambda: len(heard) == 3, "off and on again")
    assert heard == [b"ON", b"OFF", b"ON"]
    rest.set()
    await until(lambda: len(heard) == 4, "the second's end")
    assert heard[-1] == b"OFF"


async def test_a_broker_that_is_away_is_a_trouble(tmp_path: Path) -> None:
    [one] = configured(
        tmp_path,
        f'[[output]]\nkind = "mqtt"\n[output.config]\nport = {free_port()}\n'
        'topic = "t"\npayload = "ON"\n',
    ).outputs
    with pytest.raises(OutputFailed, match="t: "):
        await one.output.play(Occasion(name="received", device="b", kind="sos"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('kind = "speach"', "speech"),
        ('kind = "speech"\non = ["recieved"]', "received"),
        ('kind = "speech"\ndevices = ["a b"]', "names of devices"),
        ('kind = "speech"\nname = "a b"', "name"),
        ('kind = "speech"\n[output.config]\nvoice = "-x"\nwhat = 1', "voice"),
        ('kind = "speech"\n[output.config]\nvoice = "; rm"', "no voice"),
        ('kind = "speech"\n[output.config]\nreceived = ""', "printable"),
        ('kind = "sound"', "file for one of"),
        ('kind = "gpio"', "line"),
        ('kind = "gpio"\n[output.config]\nline = 4\nchip = "../x"', "gpiochip0"),
        ('kind = "buzzer"\n[output.config]\nport = "p"\nby = "bytes"', "hex"),
        ('kind = "buzzer"\n[output.config]\nport = "p"\nhex = "zz"', "hexadecimal"),
        ('kind = "mqtt"\n[output.config]\ntopic = "a/+"\npayload = "x"', "published"),
        ('kind = "mqtt"\n[output.config]\ntopic = "a"\npayload = "x"\nseconds = 99', "seconds"),
        ('kind = "speech"\n[output.config]\nask = ""', "printable"),
        ('kind = "speech"\n[[output]]\nkind = "speech"', "two outputs"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match="output") as refusal:
        configured(tmp_path, f"[[output]]\n{text}\n")
    assert says in str(refusal.value)


def test_a_tone_or_lamp_asks_only_where_the_installer_says_so(tmp_path: Path) -> None:
    """An upgrade must not switch sirens on for a question."""
    kinds = {
        "speech": "",
        "gpio": "line = 4\n",
        "buzzer": 'port = "p"\n',
        "mqtt": 'topic = "t"\npayload = "x"\n',
        "sound": 'received = "r.wav"\n',
    }
    assert set(kinds) == set(OUTPUTS)
    asks = {}
    for kind, table in kinds.items():
        for on in ("", 'on = ["ask"]\n'):
            text = f'[[output]]\nkind = "{kind}"\n{on}[output.config]\n{table}'
            room = Feedback(configured(tmp_path, text), lambda *_said: None)
            asks[(kind, bool(on))] = room.can_ask("b")
    assert {key for key, can in asks.items() if can} == {
        ("speech", False),
        *((kind, True) for kind in kinds if kind != "sound"),  # a file for it is missing
    }


def test_every_kind_is_in_the_document() -> None:
    text = (Path(__file__).parents[2] / "docs" / "gateway.md").read_text()
    for name, spec in OUTPUTS.items():
        assert spec.name == name
        assert f"| `{name}` |" in text

"""Every recorded frame with its known meaning: through `decode`, and through framing.

The serial ones are fed whole, byte by byte, behind garbage and between garbage: DL/T 645 and EV1527
here, and all of them in `test_serial_lines`.
"""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.driver import Decoded, DecodeRequest, Undecodable
from gateway.drivers.dlt645.frame import DATA_BYTES_MAX, Frame, Framer
from gateway.drivers.ev1527 import FRAME_BYTES_MAX, Receiver, split
from gateway.registry import DRIVERS
from hearthwatch.__main__ import main

VECTORS = Path(__file__).parents[2] / "vectors"
# Where it is not the driver's own name.
OTHER_NAMES = {
    "ev1527": "rf433",
    "tasmota": "tasmota_shelly_esphome",
    "shelly": "tasmota_shelly_esphome",
    "esphome": "tasmota_shelly_esphome",
    "cms50": "medical_serial",
    "dsmr": "dsmr_p1",
}
FILES = {name: OTHER_NAMES.get(name, name.replace("-", "_")) for name in DRIVERS}
SHARED = {"medical_serial", "tasmota_shelly_esphome"}
# What a vector says about its source and no frame says about itself: Zigbee2MQTT tells a device's
# model in `bridge/devices`, a Modbus answer does not name its registers.
NOT_IN_A_FRAME = {"model", "quantity", "unit_of", "tolerance"}


def test_every_driver_has_its_vectors_here() -> None:
    for driver, file in FILES.items():
        assert (VECTORS / f"{file}.json").exists(), f"{driver} has no tests/vectors/{file}.json"


def cases():
    for driver, file in FILES.items():
        for vector in json.loads((VECTORS / f"{file}.json").read_text()):
            if file in SHARED and not vector["id"].startswith(driver):
                continue  # other devices share its file
            if vector["id"] == "at-pdu-mode":
                continue  # a dialogue with the modem: test_gsm_modem
            yield pytest.param(driver, vector, id=f"{driver}-{vector['id']}")


def arguments(driver, vector) -> list[str]:
    given_input = vector["input"]
    if isinstance(given_input, dict) and "text" in given_input:
        return ["--hex", given_input["text"].encode("latin-1").hex()]
    if isinstance(given_input, dict):
        return ["--topic", given_input["topic"], "--payload", given_input["payload"]]
    extra = ["--characteristic", vector["characteristic"]] if "characteristic" in vector else []
    return ["--hex", given_input, *extra]


@pytest.mark.parametrize(("driver", "vector"), [*cases()])
def test_decode_command(driver, vector, capsys) -> None:
    code = main(["decode", "--driver", driver, *arguments(driver, vector)])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    expected = vector["expected"]
    for wanted, line in zip(expected.get("frames", [expected]), lines, strict=False):
        known = {k: v for k, v in wanted.items() if k not in NOT_IN_A_FRAME}
        found = {k: line["fields"].get(k) for k in known}
        if "tolerance" in wanted:
            rough = pytest.approx(known.pop("float32_be"), abs=wanted["tolerance"])
            assert found.pop("float32_be") == rough
        assert found == known
    assert lines
    broken = "invalid" in {*expected, expected.get("kind")} or "incomplete" in expected
    assert code == (1 if broken else 0)
    assert ("error" in lines[0]) is broken


def good_frames():
    for vector in json.loads((VECTORS / "dlt645.json").read_text()):
        expected = vector["expected"]
        if "invalid" not in expected and "incomplete" not in expected:
            yield pytest.param(bytes.fromhex(vector["input"]), id=vector["id"])


def frames_of(framer: Framer, *chunks: bytes) -> list[Frame]:
    found = [item for chunk in chunks for item in framer.feed(chunk)]
    return [item for item in found if isinstance(item, Frame)]


@pytest.mark.parametrize("raw", [*good_frames()])
def test_dlt645_framing(raw) -> None:
    whole = frames_of(Framer(), raw)
    assert whole
    assert frames_of(Framer(), *(raw[i : i + 1] for i in range(len(raw)))) == whole
    noise = bytes.fromhex("00FF6868FE16681234")
    assert frames_of(Framer(), noise, raw) == whole
    assert frames_of(Framer(), noise + raw + noise + raw) == whole * 2


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_dlt645_any_bytes_are_survived_and_forgotten(chunks) -> None:
    framer = Framer()
    for chunk in chunks:
        framer.feed(chunk)
        assert framer.buffered_bytes <= 2 * (DATA_BYTES_MAX + 12)
    # A good frame is found as soon as it is whole, whatever came before.
    good = bytes.fromhex("686101000000006891063334343534431016")
    assert frames_of(framer, bytes(300), good)


@given(st.binary(max_size=400))
def test_every_driver_survives_any_bytes(raw) -> None:
    for spec in DRIVERS.values():
        for request in (
            DecodeRequest(data=raw, now_ms=1),
            DecodeRequest(data=raw, topic="zigbee2mqtt/a/b", now_ms=1),
            DecodeRequest(data=raw, topic="ble/a/2A35", characteristic="2A35", now_ms=1),
        ):
            for outcome in spec.decode_once(request):
                assert isinstance(outcome, Decoded | Undecodable)


@settings(max_examples=300)
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "action",
                "power",
                "energy",
                "voltage",
                "battery",
                "contact",
                "last_seen",
                "fall_status",
                "smoke",
                "tamper",
                "linkquality",
                "temperature",
                "x",
            ]
        ),
        st.none()
        | st.booleans()
        | st.floats()
        | st.text(max_size=20)
        | st.integers()
        | st.lists(st.integers(), max_size=2),
        max_size=8,
    )
)
def test_zigbee_any_state_gives_only_finite_values(state) -> None:
    payload = json.dumps(state).encode()
    for outcome in DRIVERS["zigbee2mqtt"].decode_once(
        DecodeRequest(data=payload, topic="zigbee2mqtt/d", now_ms=1_795_000_000_000)
    ):
        if isinstance(outcome, Decoded):
            for measurement in outcome.measurements:
                assert all(abs(v) < 1e16 for v in measurement.values.values())


def test_truncation_at_every_byte() -> None:
    for vector in json.loads((VECTORS / "dlt645.json").read_text())[:20]:
        raw = bytes.fromhex(vector["input"])
        for end in range(len(raw)):
            DRIVERS["dlt645"].decode_once(DecodeRequest(data=raw[:end], now_ms=1))


PRESS = bytes.fromhex("AAA4251C014A03A2B1E1E855")


def presses(receiver, data, line_ms) -> list[str]:
    outcomes = receiver.feed(data, 1_000_000 + line_ms, line_ms)
    found = [m for o in outcomes if isinstance(o, Decoded) for m in o.measurements]
    return [str(m.attrs["action"]) for m in found]


def test_radio_repeats_are_one_press_and_a_later_one_is_another() -> None:
    receiver = Receiver({}, 2000)
    assert presses(receiver, PRESS * 3, 0) == ["press"]
    assert presses(receiver, PRESS, 1500) == []
    assert presses(receiver, PRESS, 3600) == ["press"]


def test_a_jammed_button_is_neither_silent_nor_a_flood() -> None:
    receiver = Receiver({}, 2000)
    heard = [a for at in range(0, 120_000, 500) for a in presses(receiver, PRESS, at)]
    assert heard[0] == "press"
    assert set(heard[1:]) == {"hold"}
    assert 3 <= len(heard[1:]) <= 4


@given(st.binary(max_size=300), st.integers(1, 7))
def test_radio_noise_is_survived(noise, step) -> None:
    receiver = Receiver({}, 2000)
    for at in range(0, len(noise), step):
        receiver.feed(noise[at : at + step], 1, 1)
    _frames, rest = split(noise)
    assert len(rest) <= FRAME_BYTES_MAX
    receiver.feed(bytes(FRAME_BYTES_MAX), 1, 1)
    assert presses(receiver, PRESS, 60_000) == ["press"]

"""Radio buttons: every press once, held ones told again, strangers named, damage refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.config import ConfigError
from contract.item import check_measurement
from gateway.driver import Decoded, DecodeRequest, Undecodable
from gateway.drivers import ev1527
from gateway.drivers.ev1527 import (
    HOLD_EVERY_MS,
    IDENTITIES_MAX,
    SPEC,
    Receiver,
    build,
    split,
    tasmota_message,
)

NOW_MS = 1_795_392_309_000
WINDOW_MS = 2000


def frame(code: str, end: int = 0x55) -> bytes:
    """AA A4 SYNC LOW HIGH CODE 55, times of a real button."""
    return bytes.fromhex("AAA4251C014A03A2" + code) + bytes((end,))


def heard(receiver: Receiver, data: bytes, line_ms: int, now_ms: int | None = None) -> list:
    outcomes = receiver.feed(data, NOW_MS + line_ms if now_ms is None else now_ms, line_ms)
    found = [m for o in outcomes if isinstance(o, Decoded) for m in o.measurements]
    for measurement in found:
        check_measurement(measurement)
    return found


def actions(receiver: Receiver, code: str, line_ms: int, now_ms: int | None = None) -> list:
    return [m.attrs["action"] for m in heard(receiver, frame(code), line_ms, now_ms)]


def codes(outcomes) -> list[str]:
    return [o.code for o in outcomes if isinstance(o, Undecodable)]


def test_a_press_has_its_time_its_code_and_its_warning() -> None:
    receiver = Receiver({}, WINDOW_MS)
    (press,) = heard(receiver, frame("B1E1E8"), 5)
    assert press.kind == "sos"
    assert press.device == "ev1527-b1e1e"
    assert press.measured_at_ms == press.received_at_ms == NOW_MS + 5
    assert press.attrs == {
        "action": "press",
        "code": "B1E1E8",
        "key": 8,
        "unauthenticated_radio": True,
    }


def test_the_window_is_counted_from_the_last_frame_and_ends() -> None:
    receiver = Receiver({}, WINDOW_MS)
    assert actions(receiver, "B1E1E8", 0) == ["press"]
    assert actions(receiver, "B1E1E8", 1900) == []
    assert actions(receiver, "B1E1E8", 3800) == []
    assert actions(receiver, "B1E1E8", 3800 + WINDOW_MS + 1) == ["press"]


def test_two_keys_and_two_buttons_are_different_presses() -> None:
    receiver = Receiver({}, WINDOW_MS)
    assert actions(receiver, "B1E1E8", 0) == ["press"]
    assert actions(receiver, "B1E1E4", 10) == ["press"]
    assert actions(receiver, "B1E1F8", 20) == ["press"]


def test_a_held_button_is_told_again_and_not_more_often() -> None:
    receiver = Receiver({}, WINDOW_MS)
    told = [
        (at, action)
        for at in range(0, 3 * HOLD_EVERY_MS + 1, 100)
        for action in actions(receiver, "B1E1E8", at)
    ]
    assert told == [(0, "press"), *((n * HOLD_EVERY_MS, "hold") for n in (1, 2, 3))]


@pytest.mark.parametrize("jump_ms", [-86_400_000, 86_400_000])
def test_repeats_are_judged_by_the_line_s_clock(jump_ms) -> None:
    """The domain's clock may jump or run a thousand times as fast: one press stays one press."""
    receiver = Receiver({}, WINDOW_MS)
    assert actions(receiver, "B1E1E8", 0) == ["press"]
    assert actions(receiver, "B1E1E8", 60, NOW_MS + jump_ms) == []


def test_a_line_clock_set_back_loses_no_press() -> None:
    receiver = Receiver({}, WINDOW_MS)
    assert actions(receiver, "B1E1E8", 1_000_000) == ["press"]
    assert actions(receiver, "B1E1E8", 10) == ["press"]


def test_strangers_are_remembered_only_so_many() -> None:
    receiver = Receiver({}, WINDOW_MS)
    for number in range(IDENTITIES_MAX + 50):
        assert actions(receiver, f"{number:05X}1", number) == ["press"]
    assert len(receiver._heard) == IDENTITIES_MAX
    assert actions(receiver, f"{IDENTITIES_MAX + 49:05X}1", IDENTITIES_MAX + 60) == []


def test_a_jammer_of_many_codes_hides_no_press_of_our_button() -> None:
    receiver = Receiver({}, WINDOW_MS)
    for number in range(5 * IDENTITIES_MAX):
        heard(receiver, frame(f"{number:05X}1"), number)
    assert actions(receiver, "B1E1E8", 5 * IDENTITIES_MAX) == ["press"]


def test_buttons_by_name_and_keys_by_meaning() -> None:
    receiver = build(
        {"buttons": [{"id": "b1e1e", "device": "grandma", "keys": {"8": "press", "4": "test"}}]}
    )
    assert isinstance(receiver, Receiver)
    assert heard(receiver, frame("B1E1E8"), 0)[0].device == "grandma"
    assert actions(receiver, "B1E1E4", 10) == ["test"]
    assert actions(receiver, "B1E1E1", 20) == ["press"]  # a key nobody bound is still a call


def test_a_press_key_that_is_held_is_held_and_a_test_key_stays_a_test() -> None:
    receiver = build({"buttons": [{"id": "B1E1E", "device": "g", "keys": {"4": "test"}}]})
    assert isinstance(receiver, Receiver)
    seen = {a for at in range(0, HOLD_EVERY_MS + 1, 500) for a in actions(receiver, "B1E1E4", at)}
    assert seen == {"test"}


@pytest.mark.parametrize("code", ["55AA55", "AAA455", "555555", "AAAAAA", "A4AA55"])
def test_start_and_end_bytes_inside_a_code(code) -> None:
    for step in (1, 4, 12):
        receiver = Receiver({}, WINDOW_MS)
        stream = frame(code) + frame("B1E1E8")
        found = [
            m.attrs["code"]
            for at in range(0, len(stream), step)
            for m in heard(receiver, stream[at : at + step], at)
        ]
        assert found == [code, "B1E1E8"]


@given(st.binary(max_size=40).filter(lambda noise: 0xAA not in noise), st.integers(1, 13))
def test_noise_hides_no_press_however_it_is_cut(noise, step) -> None:
    receiver = Receiver({}, WINDOW_MS)
    stream = noise + frame("B1E1E8") + noise
    found = [
        m for at in range(0, len(stream), step) for m in heard(receiver, stream[at : at + step], at)
    ]
    assert len(found) == 1


def test_a_frame_without_its_end_is_noise_and_the_next_press_counts() -> None:
    receiver = Receiver({}, WINDOW_MS)
    outcomes = receiver.feed(frame("B1E1E8", end=0x54) + frame("B1E1F8"), NOW_MS, 0)
    assert codes(outcomes) == ["noise"]
    presses = [m for o in outcomes if isinstance(o, Decoded) for m in o.measurements]
    assert [m.attrs["code"] for m in presses] == ["B1E1F8"]


def test_half_a_frame_is_told_when_the_line_falls_quiet() -> None:
    receiver = Receiver({}, WINDOW_MS)
    assert receiver.feed(frame("B1E1E8")[:7], NOW_MS, 0) == []
    assert codes(receiver.flush(NOW_MS, 100)) == ["incomplete"]
    assert receiver.flush(NOW_MS, 200) == []
    assert actions(receiver, "B1E1E8", 300) == ["press"]


@pytest.mark.parametrize(
    "raw", ["AAB00055", "AAB0010155", "AAB0030901AA55", "AAB0020101AA55", "AAB003FF010255"]
)
def test_a_send_frame_whose_counts_do_not_fit_is_refused(raw) -> None:
    receiver = Receiver({}, WINDOW_MS)
    data = bytes.fromhex(raw)
    padded = data if len(data) == 4 + data[2] else data[:3] + bytes(data[2]) + b"\x55"
    found = receiver.feed(padded, NOW_MS, 0) + receiver.flush(NOW_MS, 0)
    assert not any(isinstance(o, Decoded) and o.measurements for o in found)
    assert actions(receiver, "B1E1E8", 300) == ["press"]


def test_a_send_frame_is_explained() -> None:
    (found,) = SPEC.decode_once(DecodeRequest(data=bytes.fromhex("AAB0070208014A03A2 8855")))
    assert isinstance(found, Decoded)
    assert found.fields == {
        "cmd": "B0",
        "length": 7,
        "repeats": 8,
        "buckets_us": [330, 930],
        "data": "88",
    }


def test_a_zero_length_send_frame_is_bad_length() -> None:
    (found,) = SPEC.decode_once(DecodeRequest(data=bytes.fromhex("AAB00055")))
    assert isinstance(found, Undecodable)
    assert found.code == "bad_length"


@pytest.mark.parametrize("kind", ["A0", "A1", "A2", "A6"])
def test_the_bridge_s_own_words_are_no_press(kind) -> None:
    receiver = Receiver({}, WINDOW_MS)
    assert heard(receiver, bytes.fromhex(f"AA{kind}55"), 0) == []


def test_what_is_held_is_bounded() -> None:
    receiver = Receiver({}, WINDOW_MS)
    for _ in range(100):
        receiver.feed(b"\xaa\xb1" + bytes(97), NOW_MS, 0)
        assert len(receiver._buffer) <= ev1527.FRAME_BYTES_MAX
    _frames, rest = split(b"\xaa\xb0\xff" + bytes(600))
    assert len(rest) <= 260


def test_tasmota_says_the_same() -> None:
    payload = b'{"RfReceived":{"Sync":9500,"Low":330,"High":930,"Data":"B1E1E8","RfKey":"None"}}'
    (found,) = tasmota_message(payload)
    assert isinstance(found, Decoded)
    assert found.fields["ev1527_id"] == "B1E1E"
    assert found.fields["ev1527_key"] == 8


@pytest.mark.parametrize(
    "payload",
    [b"", b"[]", b"{}", b'{"RfReceived":1}', b'{"RfReceived":{}}', b'{"RfReceived":{"Data":"B1"}}',
     b'{"RfReceived":{"Data":"B1E1EG"}}', b'{"RfReceived":{"Data":"GGGGG1"}}',
     b"\xff", b"[" * 5000],
)  # fmt: skip
def test_tasmota_nonsense_is_refused(payload) -> None:
    (found,) = tasmota_message(payload)
    assert isinstance(found, Undecodable)
    assert found.code == "not_rf_received"


@pytest.mark.parametrize(
    ("config", "word"),
    [
        ({"button": []}, "buttons"),
        ({"buttons": [{"id": "B1E1", "device": "g"}]}, "ev1527.buttons[1].id"),
        ({"buttons": [{"id": "B1E1G", "device": "g"}]}, "five hexadecimal"),
        ({"buttons": [{"id": "B1E1E"}]}, "ev1527.buttons[1].device"),
        ({"buttons": [{"id": "B1E1E", "device": "a b"}]}, "ev1527.buttons[1].device"),
        ({"buttons": [{"id": "B1E1E", "device": "g", "key": {}}]}, "keys"),
        ({"buttons": [{"id": "B1E1E", "device": "g", "keys": {"16": "press"}}]}, "0 to 15"),
        ({"buttons": [{"id": "B1E1E", "device": "g", "keys": {"²": "press"}}]}, "0 to 15"),
        ({"buttons": [{"id": "B1E1E", "device": "g", "keys": {"8": "pres"}}]}, "'press'"),
        ({"buttons": [{"id": "B1E1E", "device": "g"}] * 2}, "twice"),
        ({"buttons": ["B1E1E"]}, "ev1527.buttons[1]"),
        ({"repeat_window_ms": "2s"}, "ev1527.repeat_window_ms"),
        ({"repeat_window_ms": -1}, "ev1527.repeat_window_ms"),
        ({"repeat_window_ms": 10**9}, "ev1527.repeat_window_ms"),
    ],
)
def test_a_mistake_in_the_configuration_is_named(config, word) -> None:
    with pytest.raises(ConfigError) as caught:
        build(config)
    assert word in str(caught.value)

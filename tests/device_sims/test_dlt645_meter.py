"""The simulated meter against frames of real ones (devices.md, vectors of real meters)."""

import pytest

from device_sims.devices.dlt645_meter import Bus, Dlt645Meter, LineFaults, MeterState, frame

METER = "000000000161"
STATE = MeterState(energy_kwh=123456.78, power_w=251.2, voltage_v=100.1, power_factor=0.501)
READ_VOLTAGE = "02010100"


def meter(address: str = METER, state: MeterState | None = STATE, preamble: int = 0) -> Dlt645Meter:
    return Dlt645Meter(address, lambda: state, preamble=preamble)


def read(address: str, di: str) -> bytes:
    return frame(address, 0x11, bytes.fromhex(di)[::-1])


@pytest.mark.parametrize(
    ("address", "di", "wire"),
    [
        (METER, READ_VOLTAGE, "686101000000006891063334343534431016"),
        (METER, "02030000", "68610100000000689107333336354558336B16"),
        (METER, "02060000", "686101000000006891063333393534380916"),
        ("123456789012", "00010000", "6812907856341268910833333433AB896745CC16"),
    ],
)
def test_replies_are_those_of_real_meters(address: str, di: str, wire: str) -> None:
    assert Bus([meter(address)]).feed(read(address, di)).hex().upper() == wire


@pytest.mark.parametrize(
    ("wire", "address", "di"),
    [
        ("68129078563412681104333434356B16", "123456789012", "02010100"),
        ("6801000000000068110433333433B316", "000000000001", "00010000"),
        ("68160000001520681104333336350116", "201500000016", "02030000"),
    ],
)
def test_requests_are_those_of_real_masters(wire: str, address: str, di: str) -> None:
    assert read(address, di).hex().upper() == wire


def test_blocks_fill_absent_phases_with_zeros() -> None:
    address = "181226034194"
    state = MeterState(energy_kwh=1, power_w=0.188 * 230.3, voltage_v=230.3, power_factor=1)
    bus = Bus([meter(address, state, preamble=4)])
    voltages = "FEFEFEFE6894410326121868910A33323435365633333333B916"
    currents = "FEFEFEFE6894410326121868910D33323535BB3433333333333333B916"
    assert bus.feed(read(address, "0201FF00")).hex().upper() == voltages
    assert bus.feed(read(address, "0202FF00")).hex().upper() == currents


def test_the_address_is_told_to_whoever_asks_everybody() -> None:
    bus = Bus([meter("111111111111", preamble=4)])
    asked = bytes.fromhex("FEFEFEFE68AAAAAAAAAAAA681300DF16")
    assert bus.feed(asked).hex().upper() == "FEFEFEFE681111111111116893064444444444446716"


def test_unknown_data_is_an_error_reply() -> None:
    bus = Bus([meter("398192000337")])
    assert bus.feed(read("398192000337", "02FF0100")).hex().upper() == "6837030092813968D101355D16"


def test_only_the_meter_that_is_meant_answers() -> None:
    bus = Bus([meter("000000000001"), meter("000000000002")])
    assert bus.feed(read("000000000002", READ_VOLTAGE))[1:7].hex() == "020000000000"
    assert bus.feed(read("000000000003", READ_VOLTAGE)) == b""


def test_two_meters_asked_at_once_are_not_legible() -> None:
    bus = Bus([meter("000000000001"), meter("000000000006")])
    garbled = bus.feed(frame("AAAAAAAAAAAA", 0x13, b""))
    assert garbled
    for address in ("000000000001", "000000000006"):
        assert frame(address, 0x93, bytes.fromhex(address)[::-1]) not in garbled


def test_a_shortened_address_is_its_low_digits() -> None:
    bus = Bus([meter("201709320072"), meter("201709320073")])
    assert bus.feed(read("AAAAAAAA0073", READ_VOLTAGE))[1:7].hex() == "730032091720"


def test_without_supply_there_is_silence() -> None:
    assert Bus([meter(state=None)]).feed(read(METER, READ_VOLTAGE)) == b""


@pytest.mark.parametrize("control", [0x14, 0x15, 0x17, 0x19, 0x1A, 0x1C])
def test_whoever_writes_is_refused_and_counted(control: int) -> None:
    bus = Bus([meter()])
    assert bus.feed(frame(METER, control, b"\x00" * 12)) == frame(METER, control | 0xC0, b"\x04")
    assert bus.refused == 1


def test_byte_by_byte_and_after_noise_the_request_is_found() -> None:
    bus = Bus([meter()])
    noise = bytes.fromhex("680000000000006800FF16FE68")
    request = noise + read(METER, READ_VOLTAGE)
    heard = b"".join(bus.feed(request[n : n + 1]) for n in range(len(request)))
    heard += bus.feed(read(METER, READ_VOLTAGE))
    assert heard.count(bytes.fromhex("686101000000006891063334343534431016")) >= 1


def test_its_own_replies_on_an_echoing_line_are_no_requests() -> None:
    bus = Bus([meter()], LineFaults(echo=True))
    request = read(METER, READ_VOLTAGE)
    heard = bus.feed(request)
    assert heard.startswith(request)
    assert bus.feed(heard[len(request) :]) == heard[len(request) :]


def test_a_bad_line_spoils_some_replies_and_the_same_ones_for_the_same_seed() -> None:
    good = Bus([meter()]).feed(read(METER, READ_VOLTAGE))

    def heard(seed: int) -> list[bytes]:
        bus = Bus([meter()], LineFaults(noise=0.3, lost=0.2, corrupt=0.2), seed)
        return [bus.feed(read(METER, READ_VOLTAGE)) for _ in range(100)]

    replies = heard(1)
    assert replies == heard(1)
    assert replies != heard(2)
    assert b"" in replies
    assert good in replies
    assert any(r.endswith(good) and r != good for r in replies)
    assert any(r and good not in r for r in replies)

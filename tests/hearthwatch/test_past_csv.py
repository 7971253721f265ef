"""A readings file read by blocks says what the same file says row by row, whatever is in it."""

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hearthwatch.backtest.csv_file import BLOCK_BYTES, load_csv

HEAD = "home,device,kind,measured_at,field,value"
# A quote in the header: the whole file is read row by row.
QUOTED = '"home",device,kind,measured_at,field,value'

HOMES = st.sampled_from(
    ["home-1", "home-2", "h" * 70, "家-3", " home-1", "", "gateway:gw-1", "x,y"]
)
DEVICES = st.sampled_from(["meter", "cuff", "m", "", "a-device-of-nineteen"])
SERIES = st.sampled_from(
    [
        ("power", "energy_kwh"),
        ("power", "energy_kwh"),
        ("power", "power_w"),
        ("power", "interval_s"),
        ("blood_pressure", "systolic_mmhg"),
        ("sos", "action"),
        ("powr", "power_w"),
        ("power", "powerw"),
    ]
)
TIMES = st.one_of(
    st.sampled_from(
        [
            "2026-11-23T08:00:00Z",
            "2026-11-23T08:00:00.120Z",
            "2026-11-23T08:00:00+08:00",
            "2026-11-23 08:00:00Z",
            "2024-02-29T23:59:59Z",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-10T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "2199-12-31T23:59:59Z",
            "2200-01-01T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2026-11-23T24:00:00Z",
            "2026-11-23",
            "1794758400",
            "1794758400123",
            "1794758400.5",
            "-1",
            "1e12",
            "999999999999999",
            "",
            "yesterday",
        ]
    ),
    st.integers(0, 7_258_118_400_000).map(str),
    st.datetimes().map(lambda moment: moment.isoformat(timespec="seconds") + "Z"),
    st.datetimes().map(lambda moment: moment.isoformat(timespec="milliseconds") + "Z"),
)
VALUES = st.one_of(
    st.sampled_from(
        [
            "1",
            "-1.5",
            "0.1",
            ".5",
            "5.",
            ".",
            "-",
            "--1",
            "1-",
            "+2",
            "1.2.3",
            "",
            " 3",
            "-0",
            "007",
        ]
    ),
    st.sampled_from(["1e3", "nan", "inf", "1_000", "press", "true", "123456789012345.5", "0x1"]),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.decimals(-99_999, 99_999, places=3).map(str),
)
ROW = st.builds(
    lambda home, device, series, at, value: ",".join(
        (home, device, series[0], at, series[1], value)
    ),
    HOMES,
    DEVICES,
    SERIES,
    TIMES,
    VALUES,
)
PLAIN = st.builds(
    "home-{},meter,power,{},energy_kwh,{}".format,
    st.integers(1, 3),
    st.integers(1, 4_000_000_000),
    st.integers(0, 10**9),
)
LINES = st.lists(
    st.one_of(ROW, PLAIN, PLAIN, st.sampled_from(["", "a", "1,2,3,4,5,6,7", ",,,,,"])), max_size=40
)


def read(path: Path, text: bytes, block_bytes: int = BLOCK_BYTES):
    path.write_bytes(text)
    said: list[str] = []
    past = load_csv(path, said.append, block_bytes=block_bytes)
    rows = {
        home: [
            (r.id, r.device, r.kind, r.measured_at_ms, dict(r.values), dict(r.attrs))
            for r in past.observations(home)
        ]
        for home in past.homes()
    }
    # As text: a number that is none would not be equal to itself.
    return past.rows, past.bad, repr(rows), said


def both(folder, lines, end="\n", last=True, block_bytes=BLOCK_BYTES):
    body = end.join(lines) + (end if last else "")
    by_block = read(folder / "r.csv", f"{HEAD}{end}{body}".encode(), block_bytes)
    by_row = read(folder / "r.csv", f"{QUOTED}{end}{body}".encode())
    assert by_block == by_row
    return by_block


@settings(max_examples=400, deadline=None)
@given(LINES, st.sampled_from(["\n", "\r\n"]), st.booleans())
@example(["home-1,meter,power,1794758400,energy_kwh,1"] * 3, "\n", False)
def test_blocks_say_what_rows_say(tmp_path_factory, lines, end, last) -> None:
    both(tmp_path_factory.getbasetemp(), lines, end, last)


@pytest.mark.parametrize("size", [64, 100, 1000])
def test_rows_across_blocks(tmp_path, size) -> None:
    lines = [f"home-{n % 3},meter,power,{n * 60},energy_kwh,{n / 7:.3f}" for n in range(200)]
    lines[50:50] = ["bad", "home-1,b,sos,3,action,press", 'home-1,"b",sos,4,action,test']
    rows, bad, _found, said = both(tmp_path, lines, "\r\n", block_bytes=size)
    assert (rows, bad) == (202, 1)
    assert said[0].startswith("r.csv:52:")


def test_a_row_that_is_no_utf8_is_told(tmp_path) -> None:
    good = b"home-1,meter,power,1794758400,energy_kwh,1\n"
    text = HEAD.encode() + b"\n" + good + b"home-\xff,meter,power,1794758400,energy_kwh,1\n" + good
    rows, bad, _found, said = read(tmp_path / "r.csv", text)
    assert (rows, bad) == (2, 1)
    assert "not UTF-8" in said[0]
    rows, bad, _found, _said = read(tmp_path / "r.csv", b'"home"' + text[4:])
    assert (rows, bad) == (2, 1)


def test_a_byte_order_mark_and_one_endless_line(tmp_path) -> None:
    good = f"{HEAD}\nhome-1,meter,power,1794758400,energy_kwh,1\n".encode()
    assert read(tmp_path / "r.csv", b"\xef\xbb\xbf" + good)[:2] == (1, 0)
    assert read(tmp_path / "r.csv", good + b"x" * 9_000_000)[:2] == (1, 1)

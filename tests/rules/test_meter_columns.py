"""A column of readings says what the same readings say one by one, whatever they are."""

import math

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rules.meter_columns import STRETCH_MIN, ColumnMeter, MeterColumns
from rules.metering import GAP_MIN_MS, Gap, Meter

NAN = math.nan
PASSED = st.one_of(
    st.just(60_000),
    st.integers(1, 2_000),
    st.integers(1, 400_000),
    st.sampled_from([300_000, 900_000, 3_600_000, GAP_MIN_MS, GAP_MIN_MS + 1, 20_000_000]),
)
STEP_KWH = st.one_of(
    st.sampled_from([0.0, 0.001, 0.01, 0.1, 1.0]),
    st.floats(0, 0.3),
    st.sampled_from([-0.5, -9_999.0, 400.0, 1e12]),
)
FIELD = st.sampled_from(["register", "register", "register", "power", "interval", "both", "none"])
PLACES = st.sampled_from([0, 1, 2, 3, 9])
RUN = st.tuples(FIELD, PASSED, STEP_KWH, PLACES, st.integers(1, 90), st.booleans())


def columns_of(runs, start_kwh, seed):
    chance = np.random.default_rng(seed)
    rows, at_ms, kwh = [], 1_000_000, start_kwh
    for field, passed, step, places, count, jitter in runs:
        for _ in range(count):
            at_ms += passed + (int(chance.integers(0, 5_000)) if jitter else 0)
            kwh = max(0.0, round(kwh + step * (chance.random() if jitter else 1.0), places))
            watts = step * 1000.0
            rows.append(
                (
                    at_ms,
                    kwh if field in ("register", "both") else NAN,
                    watts if field in ("power", "both") else NAN,
                    step * 900.0 if field == "interval" else NAN,
                    900.0 if field == "interval" and jitter else NAN,
                )
            )
    table = np.array(rows, dtype=np.float64).reshape(-1, 5)
    times_ms = np.array([row[0] for row in rows], dtype=np.int64)
    return MeterColumns(times_ms, *(table[:, n].copy() for n in range(1, 5)))


def one_by_one(columns):
    meter, parts, taken = Meter(), [], []
    names = ("energy_kwh", "power_w", "energy_interval_wh")
    for row, at_ms in enumerate(columns.times_ms.tolist()):
        values = {
            name: float(column[row])
            for name, column in zip(names, columns[1:4], strict=True)
            if not math.isnan(column[row])
        }
        interval_s = float(columns.interval_s[row])
        attrs = {} if math.isnan(interval_s) else {"interval_s": interval_s}
        done = meter.read(at_ms, values, attrs)
        taken.append(meter.last_ms == at_ms)
        if done:
            parts.append((row, list(done)))
    return meter, parts, taken


def same(columns):
    wanted, parts, taken = one_by_one(columns)
    meter = ColumnMeter()
    metered = meter.read_columns(columns)
    assert [(row, list(done)) for row, done in metered.parts] == parts
    assert metered.taken.tolist() == taken
    assert meter.dump() == wanted.dump()


MINUTES = [("register", 60_000, 0.0123, 3, 90, False)]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(RUN, min_size=1, max_size=6),
    st.sampled_from([0.0, 12.5, 9_999.9, 99_999.98]),
    st.integers(0, 1000),
)
@example(MINUTES * 3, 9_999.0, 1)
@example([("register", 1_000, 0.00012, 9, 90, True)] * 6, 1.0, 2)
@example(
    [("power", 60_000, 0.07, 3, 90, True), *MINUTES, ("power", 60_000, 0.07, 3, 90, True)], 1.0, 3
)
def test_columns_say_what_single_readings_say(runs, start_kwh, seed) -> None:
    same(columns_of(runs, start_kwh, seed))


def test_a_column_in_pieces_goes_on_where_it_stopped() -> None:
    whole = columns_of(MINUTES * 4, 100.0, 1)
    wanted, parts, _taken = one_by_one(whole)
    meter, found = ColumnMeter(), []
    for begin in range(0, 360, 97):
        piece = MeterColumns(*(column[begin : begin + 97] for column in whole))
        found += [(begin + row, list(done)) for row, done in meter.read_columns(piece).parts]
    assert found == parts
    assert meter.dump() == wanted.dump()


def test_a_gap_ends_a_stretch_and_is_told() -> None:
    runs = [*MINUTES, ("register", 20_000_000, 0.5, 3, 1, False), *MINUTES]
    columns = columns_of(runs, 10.0, 1)
    same(columns)
    gaps = [p for _row, done in ColumnMeter().read_columns(columns).parts for p in done]
    assert sum(isinstance(part, Gap) for part in gaps) == 1


def test_nothing_and_little() -> None:
    for count in (0, 1, 2, STRETCH_MIN):
        same(columns_of([("register", 60_000, 0.01, 2, count, False)] if count else [], 5.0, 1))


def test_a_register_beyond_every_number_is_no_crash() -> None:
    meter = Meter()
    for number, kwh in enumerate((0.001, 0.002, 1e308, 1e308)):
        meter.read(60_000 * (number + 1), {"energy_kwh": kwh}, {})
    assert meter.dump()[Meter.__slots__.index("_register")] == 1e308

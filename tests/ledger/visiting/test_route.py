"""The order of the homes."""

from hypothesis import given
from hypothesis import strategies as st

from ledger.visiting.route import Stop, km, length_km, ordered


def at(key: str, lat: float, lon: float, region: str = "1") -> Stop:
    return Stop(key=key, region=region, place=(lat, lon))


def test_a_line_is_walked_from_one_end() -> None:
    line = [at(name, 32 + n / 100, 109) for n, name in enumerate("dbeac")]
    way = [stop.key for stop in ordered(line)]
    assert way in (["d", "b", "e", "a", "c"], ["c", "a", "e", "b", "d"])


def test_crossing_ways_are_turned_round() -> None:
    corners = [at("a", 0, 0), at("b", 1, 1), at("c", 0, 1), at("d", 1, 0)]
    assert length_km(ordered(corners)) < 3.01 * km((0, 0), (0, 1))


def test_homes_without_a_place_stand_with_their_village() -> None:
    stops = [at("a", 0, 0, "1"), at("b", 0, 1, "2"), Stop(key="x", region="1"), Stop(key="y")]
    way = [stop.key for stop in ordered(stops)]
    assert way.index("x") == way.index("a") + 1
    assert way[-1] == "y"


@given(
    st.lists(
        st.builds(
            Stop,
            key=st.uuids().map(str),
            region=st.sampled_from(["1", "2"]),
            place=st.none() | st.tuples(st.floats(31, 33), st.floats(108, 110)),
        ),
        unique_by=lambda stop: stop.key,
        max_size=20,
    ),
    st.randoms(use_true_random=False),
)
def test_every_home_once_whatever_order_they_came_in(stops, random) -> None:
    way = ordered(stops)
    assert sorted(stop.key for stop in way) == sorted(stop.key for stop in stops)
    random.shuffle(stops)
    assert ordered(stops) == way

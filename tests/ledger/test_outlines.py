"""Borders of regions: what a county's file may be, and what is made of it."""

import json
import math
from typing import Any

import pytest

from ledger.outlines import (
    POSITIONS_KEPT_MAX,
    Outlines,
    Refusal,
    gcj02_of,
    read_file,
    read_outlines,
    wgs84_of,
)
from ledger.thinning import thinned

SQUARE = [[109.30, 32.30], [109.40, 32.30], [109.40, 32.40], [109.30, 32.40], [109.30, 32.30]]
KNOWN = {"610926101001", "610926101002"}


def feature(ring: Any = SQUARE, *, code: Any = "610926101001", **changes: Any) -> dict[str, Any]:
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "properties": {"code": code}, "geometry": geometry, **changes}


def collection(*features: Any, **more: Any) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features), **more}


def read(document: Any, grid: Any = "wgs84") -> Outlines | list[Refusal]:
    return read_file(json.dumps(document).encode(), grid=grid, known=KNOWN)


def refused(document: Any) -> list[tuple[int, str]]:
    found = read(document)
    assert isinstance(found, list)
    return [(one.feature, one.code) for one in found]


def test_a_polygon_is_taken_as_it_is() -> None:
    found = read(collection(feature()))
    assert isinstance(found, Outlines)
    [[ring]] = found.shapes["610926101001"] or ()
    assert [list(position) for position in ring] == SQUARE
    assert found.unknown == ()


def test_a_code_may_be_a_number_or_have_another_name_and_altitudes_are_left_out() -> None:
    ring = [[*position, 431.5] for position in SQUARE]
    named = feature(ring, properties={"adcode": 610926101002, "name": "三里垭村"})
    found = read(named)
    assert isinstance(found, Outlines)
    assert set(found.shapes) == {"610926101002"}
    [[kept]] = found.shapes["610926101002"] or ()
    assert len(kept[0]) == 2


def test_codes_that_nobody_knows_are_told_and_take_nothing_away() -> None:
    found = read(collection(feature(), feature(code="999")))
    assert isinstance(found, Outlines)
    assert (set(found.shapes), found.unknown) == ({"610926101001"}, ("999",))


def test_an_empty_geometry_takes_a_border_away() -> None:
    found = read(collection(feature(geometry=None)))
    assert isinstance(found, Outlines)
    assert found.shapes == {"610926101001": None}


def test_islands_and_holes_stay_what_they_are() -> None:
    hole = [[109.34, 32.34], [109.36, 32.34], [109.36, 32.36], [109.34, 32.36], [109.34, 32.34]]
    island = [[x + 0.5, y] for x, y in SQUARE]
    geometry = {"type": "MultiPolygon", "coordinates": [[SQUARE, hole], [island]]}
    found = read(collection(feature(geometry=geometry)))
    assert isinstance(found, Outlines)
    assert [len(polygon) for polygon in found.shapes["610926101001"] or ()] == [2, 1]


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ([], (0, "no_geojson")),
        ({"type": "Topology"}, (0, "no_features")),
        (collection(), (0, "no_features")),
        (collection(feature(), crs={"type": "name", "properties": {"name": "EPSG:4490"}}),
         (0, "other_crs")),
        (collection({"type": "Point"}), (1, "no_feature")),
        (collection(feature(code="")), (1, "no_code")),
        (collection(feature(code=True)), (1, "no_code")),
        (collection(feature(), feature()), (2, "twice")),
        (collection(feature(geometry={"type": "Point", "coordinates": [109.3, 32.3]})),
         (1, "no_polygon")),
        (collection(feature(geometry={"type": "Polygon", "coordinates": []})), (1, "no_ring")),
        (collection(feature(SQUARE[:3])), (1, "short_ring")),
        (collection(feature(SQUARE[:4])), (1, "open_ring")),
        (collection(feature([["109.3", "32.3"], *SQUARE[1:]])), (1, "no_position")),
        (collection(feature([[10**400, 32.3], *SQUARE[1:]])), (1, "no_degrees")),
        (collection(feature([[float("nan"), 32.3], *SQUARE[1:]])), (1, "no_degrees")),
        (collection(feature([[y, x] for x, y in SQUARE])), (1, "swapped")),
        (collection(feature([[3_672_000.5, 482_000.1], *SQUARE[1:]])), (1, "no_degrees")),
        (collection(feature([SQUARE[0]] * 10_001)), (1, "long_ring")),
    ],
)  # fmt: skip
def test_what_is_no_border_is_refused_with_its_reason(document: Any, why: tuple[int, str]) -> None:
    assert refused(document) == [why]


def test_every_wrong_feature_is_named_and_nothing_else_is_taken() -> None:
    bad = feature(SQUARE[:4], code="610926101002")
    assert refused(collection(feature(), bad, feature(code=None))) == [
        (2, "open_ring"),
        (3, "no_code"),
    ]


@pytest.mark.parametrize("payload", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_refused(payload: bytes) -> None:
    found = read_file(payload, grid="wgs84", known=KNOWN)
    assert isinstance(found, list)
    assert [one.code for one in found] == ["no_json"]


def test_the_grid_of_chinese_maps_is_turned_back() -> None:
    """Known pairs: Beijing's and Shanghai's shift, as the maps there have it."""
    assert gcj02_of(116.404, 39.915) == pytest.approx(
        (116.41024449916938, 39.91640428150164), abs=1e-7
    )
    for place in ((109.36, 32.38), (116.404, 39.915), (121.47, 31.23), (87.6, 43.8)):
        there = gcj02_of(*place)
        assert math.hypot(there[0] - place[0], there[1] - place[1]) > 0.001
        assert wgs84_of(*there) == pytest.approx(place, abs=1e-8)
    moved = [list(gcj02_of(x, y)) for x, y in SQUARE]
    found = read(collection(feature(moved)), grid="gcj02")
    assert isinstance(found, Outlines)
    [[ring]] = found.shapes["610926101001"] or ()
    assert [list(position) for position in ring] == SQUARE


def coast(count: int, jagged: float) -> list[list[float]]:
    ring = []
    for step in range(count):
        angle = step / count * 2 * math.pi
        reach = 0.03 * (1 + jagged * math.sin(step * 2.4))
        ring.append([109.3 + reach * math.cos(angle), 32.3 + reach * math.sin(angle)])
    return [*ring, ring[0]]


@pytest.mark.parametrize("jagged", [0.0, 0.01, 0.5])
def test_a_survey_is_thinned_to_what_a_drawing_shows(jagged: float) -> None:
    ring = coast(5_000, jagged)
    found = read_outlines(collection(feature(ring)), grid="wgs84", known=KNOWN)
    shape = found.shapes["610926101001"] or ()
    [[kept]] = shape
    assert 5 <= len(kept) <= POSITIONS_KEPT_MAX
    assert kept[0] == kept[-1]
    assert max(x for x, _ in kept) - min(x for x, _ in kept) > 0.05


def test_a_line_that_is_nearly_straight_keeps_its_ends_alone() -> None:
    ring = [(0.0, 0.0), (1.0, 0.00001), (2.0, 0.0), (2.0, 1.0), (0.0, 1.0), (0.0, 0.0)]
    assert thinned(ring, 0.001) == ((0.0, 0.0), (2.0, 0.0), (2.0, 1.0), (0.0, 1.0), (0.0, 0.0))


def test_what_is_smaller_than_a_line_is_drawn_all_the_same() -> None:
    tiny = [[109.3, 32.3], [109.30002, 32.3], [109.30002, 32.30002], [109.3, 32.3]]
    found = read(collection(feature(tiny)))
    assert isinstance(found, Outlines)
    [[ring]] = found.shapes["610926101001"] or ()
    assert len(ring) == 5

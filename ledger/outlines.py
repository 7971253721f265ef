"""Outlines of regions as a county gives them: GeoJSON (RFC 7946), checked, turned to WGS 84 and
thinned. Pure.

    FeatureCollection
      Feature  properties.code = a region's code
               geometry        = Polygon | MultiPolygon | null (takes its outline away)

A file is taken whole or not at all; a region that nobody knows is no fault of it and is told.
"""

import json
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from ledger.thinning import thinned

Position = tuple[float, float]
Ring = tuple[Position, ...]
Shape = tuple[tuple[Ring, ...], ...]
Grid = Literal["wgs84", "gcj02"]
GRIDS: Final[tuple[Grid, ...]] = ("wgs84", "gcj02")

# What POSITIONS_MAX positions weigh with all their digits.
FILE_BYTES_MAX: Final = 10 * 1024 * 1024
# A county's villages, groups and towns; beyond it is another kind of file.
FEATURES_MAX: Final = 3_000
# What is read before thinning: a survey has some thousand points a village. One ring at its worst
# costs the square of its length, a minute for this.
POSITIONS_MAX: Final = 200_000
RING_MAX: Final = 10_000
# What a drawing of 960 pixels shows; of 300 villages that is what one photo weighs.
POSITIONS_KEPT_MAX: Final = 150
# So that an island or an exclave counts and a scatter of splinters doesn't.
POLYGONS_MAX: Final = 50
# About 10 m: the width of a line of the drawing.
TOLERANCE_DEG: Final = 1e-4
_COARSER: Final = 1.5
# About 1 m.
_DIGITS: Final = 5
# Three corners, and the first again.
_RING_LEAST: Final = 4
# Names that counties give the column with the code of statistics.
CODE_NAMES: Final = ("code", "region", "region_code", "adcode", "xzqdm")
# What the `crs` of 2008's GeoJSON may say, for RFC 7946 has no other.
_SAME_CRS: Final = ("CRS84", "EPSG::4326", "EPSG:4326")
# Told at once; a file with more is wrong as a whole.
REFUSALS_MAX: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a file is not taken: which feature (from 1; 0: the file), what, and of what."""

    feature: int
    code: str
    detail: str = ""


class OutlineError(ValueError):
    def __init__(self, refusals: list[Refusal]) -> None:
        super().__init__(", ".join(f"{one.feature}: {one.code}" for one in refusals))
        self.refusals = refusals


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlines:
    """By region its shape in WGS 84, None: its outline is taken away. unknown: codes of the file
    that are no regions here."""

    shapes: Mapping[str, Shape | None]
    unknown: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class _Reading:
    grid: Grid
    known: Collection[str]
    positions: int = 0
    shapes: dict[str, Shape | None] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)


def read_outlines(document: object, *, grid: Grid, known: Collection[str]) -> Outlines:
    """known: the codes that may be outlined. OutlineError with all that is wrong with the file."""
    features = _features(document)
    reading = _Reading(grid=grid, known=known)
    refusals: list[Refusal] = []
    for number, feature in enumerate(features, start=1):
        try:
            _take(reading, feature)
        except _Wrong as wrong:
            refusals.append(Refusal(feature=number, code=wrong.code, detail=wrong.detail))
            if len(refusals) == REFUSALS_MAX or wrong.code == "too_many_positions":
                break
    if refusals:
        raise OutlineError(refusals)
    return Outlines(shapes=reading.shapes, unknown=tuple(reading.unknown))


class _Wrong(Exception):  # noqa: N818 - a sign within this file, never an error that leaves it
    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail[:80]


def read_file(payload: bytes, *, grid: Grid, known: Collection[str]) -> Outlines | list[Refusal]:
    """The same of a file's bytes; what is wrong is an answer, for it may be read in a process of
    its own."""
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        return [Refusal(feature=0, code="no_json")]
    try:
        return read_outlines(document, grid=grid, known=known)
    except OutlineError as error:
        return error.refusals


def _features(document: object) -> list[object]:
    if not isinstance(document, Mapping):
        raise OutlineError([Refusal(feature=0, code="no_geojson")])
    if not _is_same_crs(document.get("crs")):
        raise OutlineError([Refusal(feature=0, code="other_crs", detail=str(document["crs"])[:80])])
    features = [document] if document.get("type") == "Feature" else document.get("features")
    if document.get("type") not in ("Feature", "FeatureCollection"):
        raise OutlineError([Refusal(feature=0, code="no_features")])
    if not isinstance(features, list) or not features:
        raise OutlineError([Refusal(feature=0, code="no_features")])
    if len(features) > FEATURES_MAX:
        detail = str(len(features))
        raise OutlineError([Refusal(feature=0, code="too_many_features", detail=detail)])
    return features


def _is_same_crs(crs: object) -> bool:
    return crs is None or str(crs).rstrip("}'\" ").endswith(_SAME_CRS)


def _take(reading: _Reading, feature: object) -> None:
    if not isinstance(feature, Mapping) or feature.get("type") != "Feature":
        raise _Wrong("no_feature")
    code = _code(feature.get("properties"))
    if code in reading.shapes or code in reading.unknown:
        raise _Wrong("twice", code)
    geometry = feature.get("geometry")
    shape = None if geometry is None else _shape(reading, geometry)
    if code in reading.known:
        reading.shapes[code] = shape
    else:
        reading.unknown.append(code)


def _code(properties: object) -> str:
    if isinstance(properties, Mapping):
        for name in CODE_NAMES:
            value = properties.get(name)
            if isinstance(value, str) and value.strip():
                return value.strip()
            # A spreadsheet makes numbers of codes.
            if isinstance(value, int) and not isinstance(value, bool):
                return str(value)
    raise _Wrong("no_code")


def _shape(reading: _Reading, geometry: object) -> Shape:
    kind = geometry.get("type") if isinstance(geometry, Mapping) else None
    if kind not in ("Polygon", "MultiPolygon"):
        raise _Wrong("no_polygon", str(kind))
    coordinates = geometry.get("coordinates") if isinstance(geometry, Mapping) else None
    polygons = [coordinates] if kind == "Polygon" else coordinates
    if not isinstance(polygons, list) or not polygons:
        raise _Wrong("no_ring")
    if len(polygons) > POLYGONS_MAX:
        raise _Wrong("too_many_polygons", str(len(polygons)))
    return _small(tuple(tuple(_rings(reading, polygon)) for polygon in polygons))


def _rings(reading: _Reading, polygon: object) -> Iterator[Ring]:
    if not isinstance(polygon, list) or not polygon:
        raise _Wrong("no_ring")
    for ring in polygon:
        if not isinstance(ring, list) or len(ring) < _RING_LEAST:
            raise _Wrong("short_ring")
        if len(ring) > RING_MAX:
            raise _Wrong("long_ring", str(len(ring)))
        reading.positions += len(ring)
        if reading.positions > POSITIONS_MAX:
            raise _Wrong("too_many_positions", str(POSITIONS_MAX))
        places = tuple(_position(position) for position in ring)
        if places[0] != places[-1]:
            raise _Wrong("open_ring")
        if reading.grid == "gcj02":
            places = tuple(wgs84_of(*place) for place in places)
        yield places


def _position(position: object) -> Position:
    """Longitude first, as the format has it; an altitude is left out."""
    if not isinstance(position, list) or len(position) < 2:
        raise _Wrong("no_position")
    longitude, latitude = position[0], position[1]
    for one in (longitude, latitude):
        if isinstance(one, bool) or not isinstance(one, int | float):
            raise _Wrong("no_position", str(one))
    # Neither holds of NaN.
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        swapped = -90 <= longitude <= 90 and -180 <= latitude <= 180
        raise _Wrong("swapped" if swapped else "no_degrees", f"{longitude}, {latitude}")
    return float(longitude), float(latitude)


def _small(shape: Shape) -> Shape:
    """As many positions as a drawing needs, coarser until they are few enough. A hole or an
    island that is smaller than that is left out; of all the largest ring stays."""
    tolerance = TOLERANCE_DEG
    while True:
        small = _thinned(shape, tolerance)
        if sum(len(ring) for polygon in small for ring in polygon) <= POSITIONS_KEPT_MAX:
            return small
        tolerance *= _COARSER


def _thinned(shape: Shape, tolerance: float) -> Shape:
    polygons = []
    for polygon in shape:
        rings = [thinned(ring, tolerance) for ring in polygon]
        if len(rings[0]) >= _RING_LEAST:
            polygons.append(tuple(r for r in rings if len(r) >= _RING_LEAST))
    if not polygons:
        largest = max((polygon[0] for polygon in shape), key=_extent)
        polygons = [(_box(largest),)]
    return tuple(
        tuple(tuple((round(x, _DIGITS), round(y, _DIGITS)) for x, y in ring) for ring in polygon)
        for polygon in polygons
    )


def _extent(ring: Ring) -> float:
    (west, south), (east, north) = _corners(ring)
    return (east - west) + (north - south)


def _box(ring: Ring) -> Ring:
    """Of what is smaller than a line is wide, so that it is drawn at all."""
    (west, south), (east, north) = _corners(ring)
    return ((west, south), (east, south), (east, north), (west, north), (west, south))


def _corners(ring: Ring) -> tuple[Position, Position]:
    longitudes, latitudes = [x for x, _ in ring], [y for _, y in ring]
    return (min(longitudes), min(latitudes)), (max(longitudes), max(latitudes))


# GCJ-02 as it is commonly known: Krasovsky's ellipsoid, shifted by sums of sines.
_AXIS_M: Final = 6_378_245.0
_ECCENTRICITY_2: Final = 0.006_693_421_622_965_943
# Each round makes the rest a thousandth; 1e-9 degrees are 0.1 mm.
_ROUNDS_MAX: Final = 10
_CLOSE_DEG: Final = 1e-9


def wgs84_of(longitude: float, latitude: float) -> Position:
    """The place that GCJ-02 shows there: found by trying, for the shift has no inverse."""
    x, y = longitude, latitude
    for _ in range(_ROUNDS_MAX):
        there = gcj02_of(x, y)
        dx, dy = longitude - there[0], latitude - there[1]
        x, y = x + dx, y + dy
        if max(abs(dx), abs(dy)) < _CLOSE_DEG:
            break
    return x, y


def gcj02_of(longitude: float, latitude: float) -> Position:
    x, y = longitude - 105.0, latitude - 35.0
    root = math.sqrt(abs(x))
    waves = (20.0 * math.sin(6.0 * x * math.pi) + 20.0 * math.sin(2.0 * x * math.pi)) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + waves
    north += (20.0 * math.sin(y * math.pi) + 40.0 * math.sin(y / 3.0 * math.pi)) * 2.0 / 3.0
    north += (160.0 * math.sin(y / 12.0 * math.pi) + 320 * math.sin(y * math.pi / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + waves
    east += (20.0 * math.sin(x * math.pi) + 40.0 * math.sin(x / 3.0 * math.pi)) * 2.0 / 3.0
    east += (
        (150.0 * math.sin(x / 12.0 * math.pi) + 300.0 * math.sin(x / 30.0 * math.pi)) * 2.0 / 3.0
    )
    angle = math.radians(latitude)
    magic = 1.0 - _ECCENTRICITY_2 * math.sin(angle) ** 2
    north_deg = (
        north * 180.0 / (_AXIS_M * (1.0 - _ECCENTRICITY_2) / (magic * math.sqrt(magic)) * math.pi)
    )
    east_deg = east * 180.0 / (_AXIS_M / math.sqrt(magic) * math.cos(angle) * math.pi)
    return longitude + east_deg, latitude + north_deg

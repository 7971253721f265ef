"""Outlines of regions: what the map draws under the homes, and the file a county gives."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Request
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dashboard.answers import answer
from dashboard.callers import Caller, Hub, needs
from dashboard.once import once
from dashboard.ports import Deps
from dashboard.problems import Problem
from dashboard.reads import rows
from ledger import regions as book
from ledger.outlines import Grid, Outlines, Refusal, read_file
from ledger.regions import closed_codes
from ledger.schema import REGION, REGION_OUTLINE
from ledger.unit_of_work import UnitOfWork
from ledger.views import Document

router = APIRouter(tags=["homes"])

# Why a file is not taken, in both languages; {n}: which feature, {what}: of what.
_WHY: Final[Mapping[str, tuple[str, str]]] = {
    "no_json": ("不是 JSON 文件", "this is no JSON"),
    "no_geojson": ("不是 GeoJSON 文件", "this is no GeoJSON"),
    "other_crs": (
        "文件自带的坐标系不是 WGS 84：{what}",
        "the file has other coordinates: {what}",
    ),
    "no_features": ("没有任何图形（FeatureCollection）", "there is no FeatureCollection in it"),
    "too_many_features": ("图形太多：{what} 个", "too many features: {what}"),
    "no_feature": ("第 {n} 个不是 Feature", "number {n} is no Feature"),
    "no_code": ("第 {n} 个没有写地区代码（code）", "number {n} names no region (code)"),
    "twice": ("第 {n} 个的地区代码重复：{what}", "number {n} names {what} again"),
    "no_polygon": ("第 {n} 个不是多边形：{what}", "number {n} is no polygon: {what}"),
    "no_ring": ("第 {n} 个没有边界", "number {n} has no ring"),
    "too_many_polygons": (
        "第 {n} 个的小块太多：{what} 块",
        "number {n} has {what} parts, too many",
    ),
    "short_ring": (
        "第 {n} 个的边界不足四个点",
        "a ring of number {n} has not four positions",
    ),
    "long_ring": ("第 {n} 个的边界点太多：{what} 个", "a ring of number {n} is too long: {what}"),
    "open_ring": ("第 {n} 个的边界没有闭合", "a ring of number {n} is not closed"),
    "no_position": ("第 {n} 个有不是坐标的内容 {what}", "number {n} has no position: {what}"),
    "no_degrees": ("第 {n} 个的坐标不是经纬度：{what}", "number {n} is not in degrees: {what}"),
    "swapped": ("第 {n} 个的经度和纬度写反了：{what}", "number {n} has latitude first: {what}"),
    "too_many_positions": ("文件的点太多，最多 {what} 个", "at most {what} positions a file"),
}


@router.get("/regions/outlines")
def list_outlines(hub: Hub, caller: Annotated[Caller, needs("home.read")]) -> Response:
    """By region that one sees its border: polygons of rings of [longitude, latitude] in WGS 84."""
    with hub.engine.connect() as connection:
        wanted = select(REGION_OUTLINE.c.region, REGION_OUTLINE.c.shape)
        wanted = wanted.where(caller.visible(REGION_OUTLINE.c.region))
        found = rows(connection, wanted.order_by(REGION_OUTLINE.c.region))
    items = [{"region": row["region"], "shape": json.loads(row["shape"])} for row in found]
    return answer({"items": items})


@router.put("/regions/outlines")
async def put_outlines(
    *, request: Request, hub: Hub, caller: Annotated[Caller, needs("home.write")], grid: Grid
) -> Response:
    """A GeoJSON file (RFC 7946) as the body, its features with a region's code in `code`. `grid`:
    `wgs84`, or `gcj02` as Chinese maps have it. 422 `outlines_refused` with `errors`, and nothing
    is changed; `unknown` of the answer are codes that are no open region of the caller."""
    payload = await request.body()

    async def work() -> Document:
        known = await run_in_threadpool(_known, hub, caller)
        read = await hub.apart(partial(read_file, grid=grid, known=known), payload)
        if not isinstance(read, Outlines):
            raise _refused(read)

        def change(unit: UnitOfWork) -> None:
            for code, shape in read.shapes.items():
                book.outline(unit, code, shape, caller.username, grid)
            unit.audit(caller.username, "changed", "regions:outlines", f"{len(read.shapes)} rows")

        await hub.writer.change(change)
        return {
            "outlined": sorted(code for code, shape in read.shapes.items() if shape is not None),
            "removed": sorted(code for code, shape in read.shapes.items() if shape is None),
            "unknown": list(read.unknown),
        }

    return await once(request, caller, work)


def _known(hub: Deps, caller: Caller) -> frozenset[str]:
    with hub.engine.connect() as connection:
        found = rows(connection, select(REGION.c.code).where(caller.visible(REGION.c.code)))
        return frozenset(row["code"] for row in found) - closed_codes(connection)


def _refused(refusals: list[Refusal]) -> Problem:
    errors = []
    for one in refusals:
        zh, en = _WHY[one.code]
        said = {"n": one.feature, "what": one.detail}
        errors.append(
            {
                "field": f"features[{one.feature - 1}]" if one.feature else "file",
                "code": one.code,
                "zh": zh.format(**said),
                "en": en.format(**said),
            }
        )
    return Problem(422, "outlines_refused", errors[0]["en"], field="file", errors=errors)

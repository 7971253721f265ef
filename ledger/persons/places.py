"""Which region a row of a list means: town, village and group by their names. Pure."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ledger.persons.cells import BadCell
from ledger.persons.terms import plain

_SUFFIXES: Final = (
    "村民委员会",
    "居民委员会",
    "村委会",
    "居委会",
    "街道",
    "社区",
    "村",
    "镇",
    "乡",
)
_NUMERALS: Final = {c: n for n, c in enumerate("零一二三四五六七八九")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A village of the register; `group` is a region's code, or `new_group` the name of one that
    is to be made in the village."""

    village: str
    group: str | None = None
    new_group: str = ""


class Places:
    """Regions that one may put people into, looked up by name."""

    def __init__(self, regions: Iterable[Mapping[str, Any]], area: str) -> None:
        self._by_code = {row["code"]: row for row in regions}
        self._area = area
        self._named: dict[tuple[str, str], list[str]] = {}
        for code, row in self._by_code.items():
            for name in {plain(row["name"]), _short(row["name"])}:
                self._named.setdefault((row["level"], name), []).append(code)

    def find(self, town: str, village: str, group: str) -> Place:
        """BadCell says what there is no such of, and the nearest name."""
        above = self._town(town) if town else None
        found = self._in(self._codes("village", village), above)
        if not found:
            raise self._unknown("village", "村", village, above)
        if len(found) > 1:
            zh = f"有多个“{village[:20]}”，请填写所在的镇"
            raise BadCell("several_places", zh, "several villages have this name; name the town")
        code = found[0]
        if not code.startswith(self._area):
            raise BadCell("not_yours", "不在您管辖的区域内", "lies outside your region")
        if not group:
            return Place(village=code)
        for child, row in self._by_code.items():
            if row["parent"] == code and group_name(row["name"]) == group_name(group):
                return Place(village=code, group=child)
        return Place(village=code, new_group=group_name(group))

    def _town(self, town: str) -> str:
        found = self._codes("town", town)
        if not found:
            raise self._unknown("town", "镇", town, None)
        return found[0]

    def _codes(self, level: str, name: str) -> list[str]:
        """As it is written; else without its kind of place (龙头 is 龙头村)."""
        return self._named.get((level, plain(name))) or self._named.get((level, _short(name)), [])

    def _in(self, codes: list[str], above: str | None) -> list[str]:
        return [c for c in codes if above is None or self._by_code[c]["parent"] == above]

    def _unknown(self, level: str, zh: str, name: str, above: str | None) -> BadCell:
        names = [
            row["name"]
            for row in self._by_code.values()
            if row["level"] == level and (above is None or row["parent"] == above)
        ]
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f"，是不是“{near[0]}”" if near else "，请核对名称，或先在平台登记这个地方"
        en = f"; did you mean {near[0]}" if near else "; correct it, or register the place first"
        return BadCell("unknown_place", f"没有“{name[:20]}”这个{zh}{hint}", f"no such {level}{en}")


def _short(name: str) -> str:
    text = plain(name)
    for suffix in _SUFFIXES:
        if len(text) > len(suffix) and text.endswith(suffix):
            return text.removesuffix(suffix)
    return text


def group_name(name: str) -> str:
    """三组, 3组, 第三村民小组 and 3 are one: 3组. Names stay as they are."""
    text = plain(name).removeprefix("第")
    for suffix in ("村民小组", "小组", "组"):
        text = text.removesuffix(suffix)
    number = _number(text)
    return f"{number}组" if number is not None else f"{text}组"


def _number(text: str) -> int | None:
    if text.isascii() and text.isdigit():
        return int(text)
    tens, ten, ones = text.partition("十")
    if not ten:
        return _NUMERALS.get(text)
    high = _NUMERALS.get(tens) if tens else 1
    low = _NUMERALS.get(ones) if ones else 0
    return None if high is None or low is None else high * 10 + low


def next_code(village: str, taken: Iterable[str]) -> str:
    """A code for a new group: its village's and three digits, above all that are there."""
    numbers = [
        int(code[len(village) :])
        for code in taken
        if code.startswith(village) and len(code) == len(village) + 3 and code[-3:].isdigit()
    ]
    return f"{village}{max(numbers, default=0) + 1:03d}"

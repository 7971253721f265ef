"""The printed sheet of a report (统计表): all figures of one region on one page of A4. Pure.

Figures stand in three blocks beside each other, read downwards:

    指标 | 本期 | 上期 || 指标 | 本期 | 上期 || 指标 | 本期 | 上期
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from ledger.documents.form import Cell, Form, label, text, value
from ledger.reports.catalogue import GROUP_BY_NAME, GROUPS, SECTIONS
from ledger.reports.lines import Document, ReportLine, report_lines
from ledger.reports.tables import printed_values

BLOCKS: Final = 3
_WIDTHS: Final = (3.2, 1.45, 1.45)
_COLUMNS: Final = len(_WIDTHS)
SIZE_PT: Final = 9.0
# Of kinds that are as many as the book has, the most frequent; a sheet has an end.
OPEN_SHOWN: Final = 6
_FOOT: Final = (
    "填报人：　　　　　　负责人：　　　　　　单位（盖章）：　　　　　　日期：　　年　月　日"
)
_GROUPED: Final = frozenset(
    section for section in SECTIONS if sum(g.section == section for g in GROUPS) > 1
)
# Too fine for one sheet; the table has them.
_LEFT_OUT: Final = frozenset({"rule_outcome", "referral_service", "care_service"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetOf:
    """Whose figures and of when. `notes` stand below the table."""

    title: str
    unit: str
    period: str
    notes: tuple[str, ...]


def official_sheet(about: SheetOf, report: Document, before: Document) -> Form:
    """`report` and `before`: a report, or a region's part of it."""
    blocks = _blocks(list(_entries(report, printed_values(report, before))))
    head = tuple(label(words) for words in ("指标", "本期", "上期")) * BLOCKS
    rows = tuple(
        tuple(cell for entry in row for cell in (entry or _empty())) for row in zip_longest(*blocks)
    )
    return Form(
        mark="",
        title=about.title,
        above=(text(f"填报单位：{about.unit}"), text(f"统计期：{about.period}")),
        widths=_WIDTHS * BLOCKS,
        rows=(head, *rows),
        below=tuple(text(note) for note in about.notes),
        foot=_FOOT,
        copies=(),
        size_pt=SIZE_PT,
        row_mm=0.0,
    )


Entry = tuple[Cell, ...]


def _entries(
    report: Document, values: Mapping[tuple[str, str], tuple[str, str]]
) -> Iterator[Entry]:
    section, group = "", ""
    for line in _shown(list(report_lines(report))):
        if line.section != section:
            section, group = line.section, ""
            yield (label(SECTIONS[section][0], columns=_COLUMNS),)
        if line.group != group:
            group = line.group
            # One alone says no more than its section does.
            if line.section in _GROUPED:
                yield (value(f"【{group}】", columns=_COLUMNS, align="left"),)
        now, then = values[line.key]
        yield (value(line.zh, align="left"), value(now), value(then))


def _blocks(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Beside each other, as low as can be; no heading is left at the foot of one."""
    height = -(-len(entries) // BLOCKS)
    while len(found := _split(entries, height)) > BLOCKS:
        height += 1
    return found


def _split(entries: Sequence[Entry], height: int) -> list[list[Entry]]:
    found: list[list[Entry]] = []
    rest = list(entries)
    while rest:
        taken = min(height, len(rest))
        while taken > 1 and taken < len(rest) and len(rest[taken - 1]) == 1:
            taken -= 1
        found.append(rest[:taken])
        rest = rest[taken:]
    return found


def _shown(lines: Sequence[ReportLine]) -> Iterator[ReportLine]:
    opened: dict[str, int] = {}
    for line in lines:
        group = GROUP_BY_NAME.get(line.key[0])
        if line.key[0] in _LEFT_OUT:
            continue
        if group is not None and group.open:
            opened[line.key[0]] = opened.get(line.key[0], 0) + 1
            if opened[line.key[0]] > OPEN_SHOWN:
                continue
        yield line


def _empty() -> Entry:
    return (Cell(columns=_COLUMNS),)

"""Results of an assessment as a table: who, the total, the points of each criterion. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from contract.moment import from_iso
from ledger.assessment.criteria import BY_HAND, Criterion
from ledger.documents.table import Column, Table

WHO_ZH: Final = {"region": "单位", "visitor": "探访员"}
_PERCENT: Final = 100


def results_table(
    by: str, criteria: Sequence[Criterion], items: Sequence[Mapping[str, Any]]
) -> Table:
    """The best first; who could not be judged stands last, without a place. Equals share one."""
    columns = (
        Column(key="place", zh="名次", kind="integer", width=6),
        Column(key="name", zh=WHO_ZH[by], width=16),
        Column(key="total", zh="总分", kind="decimal", width=8),
        *(
            Column(key=c.code, zh=f"{c.zh}（{c.weight} 分）", kind="decimal", width=12)
            for c in criteria
        ),
        Column(key="settled", zh="审定时间", kind="instant", width=17),
    )
    ordered = sorted(items, key=lambda item: (item["total"] is None, -(item["total"] or 0)))
    rows = []
    for item in ordered:
        points = {part["code"]: part["points"] for part in item["parts"]}
        settled = item["settled_at"]
        rows.append(
            (
                _place(ordered, item),
                item["name"],
                item["total"],
                *(points.get(c.code) for c in criteria),
                None if settled is None else from_iso(settled),
            )
        )
    return Table(title="得分", columns=columns, rows=rows)


def _place(ordered: Sequence[Mapping[str, Any]], item: Mapping[str, Any]) -> int | None:
    mine: float | None = item["total"]
    if mine is None:
        return None
    totals: list[float] = [other["total"] for other in ordered if other["total"] is not None]
    return 1 + sum(total > mine for total in totals)


CRITERIA_COLUMNS: Final = (
    Column(key="name", zh="指标", width=24),
    Column(key="weight", zh="权重（分）", kind="integer", width=10),
    Column(key="zero", zh="0 分", width=10),
    Column(key="full", zh="满分", width=10),
    Column(key="how", zh="来源", width=14),
)


def criteria_table(criteria: Sequence[Criterion]) -> Table:
    return Table(
        title="考核指标",
        columns=CRITERIA_COLUMNS,
        rows=[
            (
                c.zh,
                c.weight,
                _limit(c, c.zero),
                _limit(c, c.full),
                "人工评分" if c.measure == BY_HAND else "系统统计",
            )
            for c in criteria
        ],
    )


def _limit(criterion: Criterion, value: float) -> str:
    if criterion.measure == BY_HAND:
        return f"{value:g} 分"
    return f"{_PERCENT * value:g}%"

"""Results as a table: the best first, equals share a place, who can't be judged has none."""

from ledger.assessment.criteria import DEFAULT
from ledger.assessment.paper import criteria_table, results_table


def item(name: str, total: float | None, **points: float) -> dict:
    parts = [{"code": code, "points": value} for code, value in points.items()]
    return {"name": name, "total": total, "parts": parts, "settled_at": None}


def test_places() -> None:
    items = [item("甲", 80.0), item("乙", None), item("丙", 90.5, satisfied=15), item("丁", 80.0)]
    table = results_table("region", DEFAULT, items)
    assert [row[:3] for row in table.rows] == [
        (1, "丙", 90.5),
        (2, "甲", 80.0),
        (2, "丁", 80.0),
        (None, "乙", None),
    ]
    column = next(n for n, c in enumerate(table.columns) if c.key == "satisfied")
    assert [row[column] for row in table.rows] == [15, None, None, None]
    assert table.columns[1].zh == "单位"
    assert all(len(row) == len(table.columns) for row in table.rows)


def test_the_criteria_say_from_where_to_where() -> None:
    rows = {row[0]: row[1:] for row in criteria_table(DEFAULT).rows}
    assert rows["探访完成率"] == (40, "60%", "100%", "系统统计")
    assert rows["督查评分"] == (10, "0 分", "100 分", "人工评分")

"""Money granted and spent, line by line (资金台账); what services cost is in their own log."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Select, select

from dashboard.care_reads import counts
from dashboard.export import PLACE, Names, Subject
from dashboard.reads import Row
from ledger.care.money import FEN
from ledger.documents.table import Column
from ledger.documents.words import word
from ledger.schema import MONEY_LINE, REGION

COLUMNS: Final = (
    Column(key="year", zh="年度", kind="integer", width=8),
    Column(key="region", zh="区域", width=14),
    *PLACE,
    Column(key="kind", zh="收支", width=8),
    Column(key="amount", zh="金额（元）", kind="yuan", width=14),
    Column(key="what", zh="事由", width=34),
    Column(key="at", zh="登记时间", kind="instant", width=17),
    Column(key="by", zh="登记人", width=10),
    Column(key="why", zh="更正原因", width=20),
)
KINDS: Final = {"granted": "拨入", "spent": "支出"}


def _wanted() -> Select[Any]:
    joined = select(MONEY_LINE, REGION.c.name.label("region_name"))
    joined = joined.join(REGION, REGION.c.code == MONEY_LINE.c.region).where(counts(MONEY_LINE))
    return joined.order_by(MONEY_LINE.c.year, MONEY_LINE.c.at_ms, MONEY_LINE.c.id)


def _cells(row: Row, names: Names) -> Sequence[Any]:
    return (
        row["year"],
        row["region_name"],
        *names.place(row["region"]),
        word(KINDS, row["kind"]),
        row["amount_fen"] / FEN,
        row["what"],
        row["at_ms"],
        names.account(row["by"]),
        row["why"],
    )


SUBJECT: Final = Subject(
    zh="资金",
    needs=frozenset({"care.read"}),
    columns=COLUMNS,
    wanted=_wanted,
    region=MONEY_LINE.c.region,
    cells=_cells,
    time=MONEY_LINE.c.at_ms,
)

"""The readings of a Parquet file: the columns of the CSV, read by pyarrow where it is installed."""

import importlib
from pathlib import Path
from typing import Any, Final

from hearthwatch.backtest.csv_file import BAD_ROWS_SHOWN, Report, Say
from hearthwatch.backtest.past_readings import PastReadings
from hearthwatch.backtest.rows import BadRow, layout_of, parts_of

_MISSING: Final = (
    "reading Parquet needs pyarrow: pip install 'hearthwatch[parquet]',"
    " or write the readings as CSV"
)


def load_parquet(path: Path, say: Say, report: Report = lambda _part: None) -> PastReadings:
    """Row by row, by batches; BadRow when pyarrow is missing or the file is no Parquet."""
    try:
        arrow = importlib.import_module("pyarrow")
        parquet = importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise BadRow(_MISSING) from None
    past = PastReadings()
    try:
        file = parquet.ParquetFile(path)
        layout = layout_of(file.schema_arrow.names)
        total = max(1, file.metadata.num_rows)
        done = 0
        for batch in file.iter_batches():
            columns = [column.to_pylist() for column in batch.columns]
            for cells in zip(*columns, strict=True):
                done += 1
                try:
                    past.add(parts_of([_text(cell) for cell in cells], layout))
                except BadRow as error:
                    past.bad += 1
                    if past.bad <= BAD_ROWS_SHOWN:
                        say(f"{path.name}: row {done}: {error}\n")
            report(done / total)
    except arrow.ArrowException as error:
        raise BadRow(f"{path.name}: {error}") from error
    if past.bad > BAD_ROWS_SHOWN:
        say(f"… and {past.bad - BAD_ROWS_SHOWN} more bad rows\n")
    return past


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    return str(cell.isoformat()) if hasattr(cell, "isoformat") else str(cell)

"""How alarms ended, from a CSV file: home, rule, raised_at, outcome."""

import csv
from pathlib import Path
from typing import Final

from hearthwatch.backtest.burden import FALSE, REAL, REAL_OF_THINGS, Outcome
from hearthwatch.backtest.csv_file import Say
from hearthwatch.backtest.rows import BadRow, moment_ms

COLUMNS: Final = ("home", "rule", "raised_at", "outcome")
# Outcomes that are neither: they are counted as such.
_OTHER: Final = frozenset({"social", "no_answer_visited"})
_KNOWN: Final = REAL | FALSE | REAL_OF_THINGS | _OTHER


def load_outcomes(path: Path, say: Say) -> list[Outcome]:
    """Every usable row, the others are told; BadRow when a column is missing."""
    found: list[Outcome] = []
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        reader = csv.reader(file)
        names = [cell.strip().lower() for cell in next(reader, [])]
        missing = [name for name in COLUMNS if name not in names]
        if missing:
            raise BadRow(f"{path.name}: columns missing: {', '.join(missing)}")
        places = [names.index(name) for name in COLUMNS]
        while True:
            try:
                cells = next(reader, None)
                if cells is None:
                    return found
                if cells:
                    found.append(_outcome(cells, places))
            except (BadRow, csv.Error) as error:
                say(f"{path.name}:{reader.line_num}: {error}\n")


def _outcome(cells: list[str], places: list[int]) -> Outcome:
    if len(cells) <= max(places):
        raise BadRow(f"{len(cells)} cells, expected {max(places) + 1}")
    home, rule, raised_at, outcome = (cells[place].strip() for place in places)
    if outcome not in _KNOWN:
        raise BadRow(f"outcome {outcome[:40]!r} is none of {', '.join(sorted(_KNOWN))}")
    return Outcome(home, rule, moment_ms(raised_at), outcome)

"""The table of what was said about rules while they run: rows in, rows out."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from contract.moment import to_iso
from ledger.cursor import Cursor
from ledger.database import insert_sql
from ledger.schema import RULE_SETTING
from ledger.unit_of_work import DRAWN, UnitOfWork, compact

_COLUMNS: Final = [c.name for c in RULE_SETTING.columns if c.name != "seq"]
_INSERT: Final = insert_sql(RULE_SETTING, _COLUMNS, DRAWN)
_ALL: Final = "SELECT * FROM rule_setting ORDER BY seq"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSetting:
    """What somebody says about a rule; mode, params: None leaves them as they are."""

    rule: str
    scope: str
    actor: str
    reason: str
    mode: str | None = None
    params: Mapping[str, Any] | None = None
    signed_off_by: str = ""
    signed_off_on: str = ""


def append(unit: UnitOfWork, new: NewSetting) -> int:
    """Write it down; returns its number."""
    params = None if new.params is None else compact(dict(new.params))
    row = {
        "at_ms": unit.now_ms,
        "actor": new.actor,
        "rule": new.rule,
        "scope": new.scope,
        "mode": new.mode,
        "params": params,
        "reason": new.reason,
        "signed_off_by": new.signed_off_by,
        "signed_off_on": new.signed_off_on,
    }
    return unit.numbered(_INSERT, tuple(row[name] for name in _COLUMNS))


def load(cursor: Cursor) -> list[dict[str, Any]]:
    """Every row, oldest first, as they are stored."""
    cursor.execute(_ALL)
    names = [d[0] for d in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def params_of(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """The parameters of a row; ValueError when they are no JSON object."""
    if row["params"] is None:
        return None
    params = json.loads(row["params"])
    if not isinstance(params, dict):
        raise ValueError("parameters are no object")
    return params


def setting_object(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as the HTTP interface shows it."""
    try:
        params = params_of(row)
    except ValueError:
        params = None
    return {
        "seq": row["seq"],
        "at": to_iso(row["at_ms"]),
        "actor": row["actor"],
        "scope": row["scope"],
        "mode": row["mode"],
        "params": params,
        "reason": row["reason"],
        "signed_off_by": row["signed_off_by"],
        "signed_off_on": row["signed_off_on"],
    }

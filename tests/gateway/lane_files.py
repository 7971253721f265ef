"""Lanes of a spool and what is in their files, for tests."""

import sqlite3
from pathlib import Path

from gateway.spool.lane import (
    Lane,
    LaneSettings,
)
from tests.adapters.gateway_items import NOW_MS

URGENT = LaneSettings(keep_acked=True)


def rows(path: Path, sql: str = "SELECT seq FROM item ORDER BY seq") -> list[int]:
    """Straight from the file, by a connection of our own."""
    connection = sqlite3.connect(path)
    try:
        return [row[0] for row in connection.execute(sql)]
    finally:
        connection.close()


def waiting(lane: Lane) -> list[int]:
    return [item.seq for item in lane.waiting(0, 10_000, NOW_MS)]


def tamper(path: Path, sql: str, *values: int) -> None:
    connection = sqlite3.connect(path)
    try:
        connection.execute(sql, values)
        connection.commit()
    finally:
        connection.close()

"""Nothing on the page asks the browser what time of day it is: the county's clock is kept in one
module."""

import re
from pathlib import Path
from typing import Final

SRC: Final = Path(__file__).resolve().parents[2] / "dashboard" / "web" / "src"
KEEPER: Final = SRC / "lib" / "local_time.ts"
# What answers by the zone of the browser, and fixed distances from UTC.
BROWSERS: Final = re.compile(
    r"DateTimeFormat|toLocale(?:Date|Time)?String|toDateString|toTimeString|getTimezoneOffset"
    r"|\.[gs]et(?:Hours|Minutes|Date|Day|Month|FullYear)\(|new Date\(\d|[+]08:00"
    r"|T\d\d:\d\d(?::\d\d)?[`\"']"
)


def test_only_one_module_turns_instants_into_days_and_hours() -> None:
    assert BROWSERS.search(KEEPER.read_text(encoding="utf-8"))
    found = [
        (path.relative_to(SRC).as_posix(), match[0])
        for path in sorted(SRC.rglob("*"))
        if path.suffix in (".ts", ".svelte") and path != KEEPER
        for match in BROWSERS.finditer(path.read_text(encoding="utf-8"))
    ]
    assert not found

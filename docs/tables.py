"""`./dev docs`: writes what the registries know better than any author: the READMEs' tables of
drivers and rules, the table of channels, the pages of rule kinds and promises, the diagrams of the
life cycles, who reaches what, the fields of annex 4 for the web page, the kept runs of chaos and
cluster, and what so many homes want of machines.

python -m docs.tables           write them
python -m docs.tables --check   exit 1 when one is not what the registry says
"""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from alarms.registry import NOTIFIERS
from docs import access, capacity, life_cycles, promises
from docs.rule_kinds import page
from gateway.driver import DriverSpec
from gateway.registry import DRIVERS
from ledger.forms.catalogue import catalogue
from rules.registry import RULE_KINDS
from tests.chaos.table import long_runs
from tests.cluster.table import kept_run

ROOT: Final = Path(__file__).resolve().parent.parent
LOCALES: Final = ROOT / "dashboard" / "web" / "src" / "locales"
READMES: Final = ("README.md", "README.zh-CN.md")
_DRIVER_HEADS: Final = {
    "README.md": ("driver", "on", "reads"),
    "README.zh-CN.md": ("驱动", "接口", "读取"),
}
_RULE_HEADS: Final = {"README.md": ("kind", "finds"), "README.zh-CN.md": ("类型", "发现")}
_CATALOGUES: Final = {"README.md": "en.json", "README.zh-CN.md": "zh-CN.json"}


def drivers_table(readme: str) -> str:
    """One row a driver, in the order of the registry."""
    return _table(
        _DRIVER_HEADS[readme],
        [_driver(spec, chinese=readme != "README.md") for spec in DRIVERS.values()],
    )


def rules_table(readme: str) -> str:
    """One row a rule kind, in the words that the web page has for it."""
    words = json.loads((LOCALES / _CATALOGUES[readme]).read_text(encoding="utf-8"))
    return _table(
        _RULE_HEADS[readme],
        [f"| `{name}` | {words.get(f'finds.{name}', '')} |" for name in RULE_KINDS],
    )


def channels_table() -> str:
    """One row a channel, in the order of the registry."""
    forms = {"phone": "telephone number", "mail": "e-mail address", "subscription": "browser"}
    rows = []
    for name, spec in NOTIFIERS.items():
        address = forms.get(spec.form or "", "name or account" if spec.form else "configured")
        limits = "; ".join(
            f"{limit.count} in {_span(limit.per_s)}{'' if limit.of == 'target' else ' in all'}"
            for limit in spec.limits
        )
        urgent = "yes" if spec.urgent else "no"
        rows.append(f"| `{name}` | {spec.title} | {address} | {limits or 'none'} | {urgent} |")
    return _table(("channel", "is", "address", "our limit", "urgent"), rows)


def _span(seconds: int) -> str:
    return {1: "a second", 60: "a minute", 86_400: "a day"}.get(seconds, f"{seconds} s")


def notifications(text: str) -> str:
    place = re.compile(r"(<!-- channels -->\n).*?(<!-- /channels -->)", re.DOTALL)
    return place.sub(lambda match: match[1] + channels_table() + match[2], text)


def _table(head: Sequence[str], rows: Sequence[str]) -> str:
    return "\n".join((f"| {' | '.join(head)} |", "|---" * len(head) + "|", *rows)) + "\n"


def _driver(spec: DriverSpec, *, chinese: bool) -> str:
    place = "MQTT"
    if spec.line is not None:
        line = spec.line
        serial = "串口" if chinese else "serial"
        place = f"{serial} {line.baud} {line.bytesize}{line.parity}{line.stopbits}"
    return f"| `{spec.name}` | {place} | {spec.title_zh if chinese else spec.title} |"


def rendered(readme: str, text: str) -> str:
    """The README with its tables made anew; ValueError when it has no place for one."""
    for name, table in (("drivers", drivers_table), ("rules", rules_table)):
        place = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        if not place.search(text):
            raise ValueError(f"{readme} has no <!-- {name} --> … <!-- /{name} -->")
        text = place.sub(lambda match, table=table: match[1] + table(readme) + match[2], text)
    return text


def pages() -> Iterator[tuple[Path, str, str]]:
    """(file, what it holds, what it should hold)."""
    for readme in READMES:
        path = ROOT / readme
        text = path.read_text(encoding="utf-8")
        yield path, text, rendered(readme, text)
    path = ROOT / "docs" / "notifications.md"
    text = path.read_text(encoding="utf-8")
    yield path, text, notifications(text)
    path = ROOT / "docs" / "chaos.md"
    text = path.read_text(encoding="utf-8")
    place = re.compile(r"(<!-- runs -->\n).*?(<!-- /runs -->)", re.DOTALL)
    yield path, text, place.sub(lambda match: match[1] + long_runs() + match[2], text)
    path = ROOT / "docs" / "scale.md"
    text = path.read_text(encoding="utf-8")
    place = re.compile(r"(<!-- cluster -->\n).*?(<!-- /cluster -->)", re.DOTALL)
    yield path, text, place.sub(lambda match: match[1] + kept_run() + match[2], text)
    path = ROOT / "docs" / "response.md"
    text = path.read_text(encoding="utf-8")
    yield path, text, life_cycles.rendered(text)
    path = ROOT / "docs" / "scale.md"
    text = path.read_text(encoding="utf-8")
    yield path, text, capacity.rendered(text)
    path = ROOT / "docs" / "promise.md"
    yield path, path.read_text(encoding="utf-8") if path.exists() else "", promises.page()
    path = ROOT / "docs" / "access.md"
    yield path, path.read_text(encoding="utf-8") if path.exists() else "", access.page()
    path = ROOT / "docs" / "rule-kinds.md"
    yield path, path.read_text(encoding="utf-8") if path.exists() else "", page()
    # The page asks annex 4 where there is no hub to ask.
    path = LOCALES.parent / "lib" / "visit_form.json"
    form = json.dumps(catalogue(), ensure_ascii=False, indent=1) + "\n"
    yield path, path.read_text(encoding="utf-8") if path.exists() else "", form


def main(arguments: Sequence[str]) -> int:
    stale = []
    for path, text, new in pages():
        if new != text:
            stale.append(path.name)
            if "--check" not in arguments:
                path.write_text(new, encoding="utf-8")
    if stale:
        sys.stdout.write(f"{'stale' if '--check' in arguments else 'written'}: {stale}\n")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`./dev docs`: writes the tables of the READMEs that the registries know better than any author.

python -m docs.tables           write them
python -m docs.tables --check   exit 1 when one is not what the registry says
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gateway.driver import DriverSpec
from gateway.registry import DRIVERS

ROOT: Final = Path(__file__).resolve().parent.parent
HEADS: Final = {
    "README.md": ("driver", "on", "reads"),
    "README.zh-CN.md": ("驱动", "接口", "读取"),
}
_TABLE: Final = re.compile(r"(<!-- drivers -->\n).*?(<!-- /drivers -->)", re.DOTALL)


def drivers_table(readme: str) -> str:
    """One row a driver, in the order of the registry."""
    head = HEADS[readme]
    rows = [_row(spec, chinese=readme != "README.md") for spec in DRIVERS.values()]
    return "\n".join((f"| {' | '.join(head)} |", "|---|---|---|", *rows)) + "\n"


def _row(spec: DriverSpec, *, chinese: bool) -> str:
    place = "MQTT"
    if spec.line is not None:
        line = spec.line
        serial = "串口" if chinese else "serial"
        place = f"{serial} {line.baud} {line.bytesize}{line.parity}{line.stopbits}"
    return f"| `{spec.name}` | {place} | {spec.title_zh if chinese else spec.title} |"


def rendered(readme: str, text: str) -> str:
    """The README with its table made anew; ValueError when it has no place for one."""
    if not _TABLE.search(text):
        raise ValueError(f"{readme} has no <!-- drivers --> … <!-- /drivers -->")
    return _TABLE.sub(lambda match: match[1] + drivers_table(readme) + match[2], text)


def main(arguments: Sequence[str]) -> int:
    stale = []
    for readme in HEADS:
        path = ROOT / readme
        text = path.read_text(encoding="utf-8")
        new = rendered(readme, text)
        if new != text:
            stale.append(readme)
            if "--check" not in arguments:
                path.write_text(new, encoding="utf-8")
    if stale:
        sys.stdout.write(f"{'stale' if '--check' in arguments else 'written'}: {stale}\n")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

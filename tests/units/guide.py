"""The commands of the installation guide, as it has them."""

from typing import Final, NamedTuple

# The headings whose first block of commands installs a hub and a gateway.
HEADINGS: Final = ("## The hub without containers", "## A gateway")
# What needs the network comes first in a block, up to here.
_PACKAGES: Final = ("apt-get ", "python3 -m venv ", "/opt/hearthwatch/bin/pip ")


class Block(NamedTuple):
    packages: str
    rest: str


def blocks(guide: str) -> list[Block]:
    """The block of each of `HEADINGS`; ValueError where the guide has none."""
    return [_block(guide, heading) for heading in HEADINGS]


def _block(guide: str, heading: str) -> Block:
    behind = guide.index(f"\n{heading}\n")
    begins = guide.index("\n```\n", behind) + len("\n```\n")
    lines = guide[begins : guide.index("\n```\n", begins)].split("\n")
    count = next(n for n, line in enumerate(lines) if not line.startswith(_PACKAGES))
    return Block("\n".join(lines[:count]), "\n".join(lines[count:]))

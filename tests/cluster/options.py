"""What a run is asked for: `KEY=VALUE` words."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.cluster.plan import COUNTS

KILLS: Final = 200
# Names enough that most shards have some that speak in them; all of them press seven times a second
# together, which two processors get into the book beside the starts of what was killed.
LIGHT: Final = 8
REAL: Final = 4
BOARDS: Final = 4
_KEYS: Final = ("KILLS", "SEED", "VICTIMS", "LIGHT", "REAL", "BOARDS", "RESULT", "KEEP")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """kinds: what is killed. light, real: how many gateways of each sort."""

    kills: int = KILLS
    seed: int = 0
    kinds: tuple[str, ...] = tuple(COUNTS)
    light: int = LIGHT
    real: int = REAL
    boards: int = BOARDS
    result: Path | None = None
    keep: Path | None = None

    @property
    def command(self) -> str:
        words = f"./dev cluster KILLS={self.kills} SEED={self.seed}"
        if self.kinds != tuple(COUNTS):
            words += f" VICTIMS={','.join(self.kinds)}"
        usual = ((LIGHT, self.light), (REAL, self.real), (BOARDS, self.boards))
        for name, (its, asked) in zip(("LIGHT", "REAL", "BOARDS"), usual, strict=True):
            if its != asked:
                words += f" {name}={asked}"
        return words


def parse(words: list[str]) -> Options:
    """ValueError when a word makes no sense."""
    asked: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or key not in _KEYS:
            raise ValueError(f"{word!r}: expected one of {', '.join(f'{k}=' for k in _KEYS)}")
        asked[key] = value
    kinds = tuple(kind for kind in asked.get("VICTIMS", ",".join(COUNTS)).split(",") if kind)
    if unknown := sorted(set(kinds) - set(COUNTS)):
        raise ValueError(f"nobody is a {', '.join(unknown)}; there are {', '.join(COUNTS)}")
    return Options(
        kills=int(asked.get("KILLS", KILLS)),
        seed=int(asked.get("SEED", "0")),
        kinds=kinds or tuple(COUNTS),
        light=int(asked.get("LIGHT", LIGHT)),
        real=int(asked.get("REAL", REAL)),
        boards=int(asked.get("BOARDS", BOARDS)),
        result=Path(asked["RESULT"]).resolve() if "RESULT" in asked else None,
        keep=Path(asked["KEEP"]).resolve() if "KEEP" in asked else None,
    )

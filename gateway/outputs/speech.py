"""Sentences in Chinese by espeak-ng, for gateways with a loudspeaker."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from contract.config import ConfigError, bounded, check_keys, get
from gateway.output import OCCASIONS, Occasion, OccasionName, Output, OutputSpec
from gateway.program import missing_program, run_program

PROGRAM: Final = "espeak-ng"
SENTENCES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "received": "已经收到，正在通知值班员。",
        "reassured": "已有人处理，请放心等候。",
        "identify": "这里是守望网关。",
        "ask": "您还好吗？如果一切正常，请按“平安”键。需要帮助请按呼叫键。",
        "well": "好的，祝您安康。",
    }
)
# A sentence of this length takes half a minute; more is cut off by the time limit.
SENTENCE_MAX: Final = 80
# Words a minute; old ears want it slower than espeak's own 175.
WORDS_PER_MINUTE: Final = 140
SETTINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "voice": "espeak-ng's voice, default cmn (Mandarin); yue is Cantonese",
        "words_per_minute": f"default {WORDS_PER_MINUTE}",
        **{name: f"what is said when {name}" for name in OCCASIONS},
    }
)


class Speech:
    def __init__(self, sentences: Mapping[str, str], voice: str, words_per_minute: int) -> None:
        self._sentences = sentences
        self._options = ("-v", voice, "-s", str(words_per_minute))

    async def play(self, occasion: Occasion) -> None:
        # "--": a sentence is never an option, whatever it begins with.
        await run_program([PROGRAM, *self._options, "--", self._sentences[occasion.name]])

    def plays(self, _name: OccasionName) -> bool:
        return True

    def trouble(self) -> str:
        return missing_program(PROGRAM, "espeak-ng")


def _build(table: Mapping[str, Any], where: str, _base: Path) -> Output:
    check_keys(table, SETTINGS, where)
    sentences: dict[str, str] = {
        name: get(table, name, str, where, SENTENCES[name]) for name in OCCASIONS
    }
    for name, sentence in sentences.items():
        if not sentence.strip() or len(sentence) > SENTENCE_MAX or not sentence.isprintable():
            raise ConfigError(f"{where}.{name}", f"expected 1 to {SENTENCE_MAX} printable letters")
    voice = get(table, "voice", str, where, "cmn")
    if not voice.replace("-", "").replace("+", "").isalnum():
        raise ConfigError(f"{where}.voice", f"{voice[:40]!r} is no voice of espeak-ng")
    speed = bounded(table, "words_per_minute", WORDS_PER_MINUTE, (80, 450), where)
    return Speech(sentences, voice, speed)


SPEC: Final = OutputSpec(name="speech", settings=SETTINGS, build=_build, usual=OCCASIONS)

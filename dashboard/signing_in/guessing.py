"""How soon a password is guessed by somebody who knows the lists of passwords that were stolen
elsewhere and how people make theirs up; offline (zxcvbn with its 30,000 passwords).

What zxcvbn doesn't know of here: telephone and identity numbers, names in pinyin, words of Chinese
passwords.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

# 10^10 guesses (zxcvbn's highest mark): against argon2id a stolen book takes years each.
GUESSES_LOG10_MIN: Final = 10.0
# What it takes of a password grows with the square of its length; the rest only makes it better.
LOOKED_AT: Final = 64
# Whoever guesses at somebody tries her number first: it counts as one letter.
_NUMBERS: Final = re.compile(r"\d{17}[\dxX]|1[3-9]\d{9}")
_CHINESE: Final = re.compile(r"[\u3400-\u9fff]+")
# Of this program, this trade and Chinese lists; the commonest first.
WORDS: Final = (
    *("woaini", "woaiwojia", "mima", "shouwang", "hearthwatch", "laoren", "yanglao", "pingan"),
    *("zhiban", "jingqing", "tanfang", "guanliyuan", "admin", "manager", "duty", "visitor"),
    *("nihao", "zhongguo", "beijing", "shanghai", "shaanxi", "ankang", "jiankang", "xingfu"),
    *("fangwen", "denglu", "xitong", "minzheng", "minzhengju", "cunzhi", "zhenzhengfu", "woshi"),
    *("wang", "zhang", "chen", "yang", "zhao", "huang", "zhou", "liu", "sun", "zhu", "guo"),
)
# Pinyin of a name has one reading here; people write theirs as they say it.
_INPUTS_MAX: Final = 40


def guesses_log10(password: str, about: Iterable[str] = ()) -> float:
    """`about`: what is known of its owner, in Chinese or as it stands."""
    # Loaded when a password is made, not when the hub starts: the lists are some MB.
    from zxcvbn import zxcvbn

    known = [word for text in about for word in _spelt(text)][:_INPUTS_MAX]
    looked_at = _NUMBERS.sub("1", password)[:LOOKED_AT]
    if not looked_at:
        return 0.0
    found = zxcvbn(looked_at, user_inputs=[*known, *WORDS])
    return float(found["guesses_log10"])


def _spelt(text: str) -> Sequence[str]:
    """As it stands, and in pinyin: whole, each part, the first letters, family name last."""
    if not text:
        return ()
    found = [text.casefold()]
    for part in _CHINESE.findall(text):
        from pypinyin import lazy_pinyin

        syllables = lazy_pinyin(part)
        found.append("".join(syllables))
        found.append("".join(s[0] for s in syllables))
        found.append("".join([*syllables[1:], *syllables[:1]]))
        found += syllables
    return found

"""How far long work is: a bar on a terminal, plain lines elsewhere."""

from typing import Final, TextIO

_WIDTH: Final = 30
# Lines in a log are for who looks later: one for each tenth.
_LINE_EVERY_PCT: Final = 10


class Progress:
    """`at` may be called as often as one likes; something is written when it is worth it."""

    def __init__(self, out: TextIO, what: str) -> None:
        self._out = out
        self._what = what
        self._bar = out.isatty()
        self._shown = -1

    def at(self, part: float) -> None:
        percent = min(100, max(0, int(part * 100)))
        every = 1 if self._bar else _LINE_EVERY_PCT
        step = percent // every
        if step <= self._shown:
            return
        self._shown = step
        if self._bar:
            filled = _WIDTH * percent // 100
            bar = "█" * filled + "·" * (_WIDTH - filled)
            self._out.write(f"\r{self._what} {bar} {percent:3d} %")
            self._out.write("\n" if percent == 100 else "")
        elif percent:
            self._out.write(f"{self._what}: {percent} %\n")
        self._out.flush()

    def say(self, text: str) -> None:
        """Another line; the bar begins anew below it."""
        if self._bar and self._shown >= 0:
            self._out.write("\r" + " " * (_WIDTH + len(self._what) + 8) + "\r")
            self._shown = -1
        self._out.write(text)

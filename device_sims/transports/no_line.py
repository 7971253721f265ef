"""No serial line at all: meters are not asked, radio buttons are not heard."""

from collections.abc import Callable
from pathlib import Path


class NoLine:
    def __init__(self, _link: Path, _answer: Callable[[bytes], bytes]) -> None:
        self.lost_bytes = 0

    def start(self) -> None: ...
    def close(self) -> None: ...

    def write(self, data: bytes) -> None:
        self.lost_bytes += len(data)

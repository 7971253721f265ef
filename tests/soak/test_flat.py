"""Figures that grow are told from figures that only fill, fold and breathe."""

import random

from tests.soak.flat import judged
from tests.soak.run import main

MIB = 1 << 20


def figures(at) -> dict[str, list[float]]:
    return {"hub rss": [at(n) for n in range(60)]}


def test_what_fills_and_breathes_is_flat() -> None:
    rng = random.Random(1)
    filling = figures(lambda n: (150 + min(n, 18) * 4 + rng.uniform(-2, 2)) * MIB)
    assert judged(filling) == []
    assert judged({"hub log": [(n % 5) * 8.0 * MIB / 5 for n in range(60)]}) == []
    assert judged({"gateway fds": [14.0 + (n % 3) for n in range(60)]}) == []


def test_a_leak_is_told() -> None:
    leaking = figures(lambda n: (150 + n) * MIB)
    [told] = judged(leaking)
    assert told.startswith("hub rss grew from 188,")
    assert judged({"gateway fds": [14.0 + n / 4 for n in range(60)]})
    assert judged({"hub log": [n * 1.0 * MIB for n in range(60)]})


def test_the_command_says_what_it_takes(capsys) -> None:
    assert main(["--hours", "8"]) == 2
    assert "HOURS=1" in capsys.readouterr().err

"""How fast the demonstration's clock runs."""

import argparse
from pathlib import Path

import pytest

from hearthwatch.demo import Demo, add_parser


def demo(tmp_path: Path, *options: str) -> Demo:
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    return Demo(parser.parse_args(["demo", f"--data-dir={tmp_path}", *options]))


def test_it_hurries_until_where_it_is_held(tmp_path: Path) -> None:
    paces = demo(tmp_path, "--speed=240", "--hold-at=74h 45m").story.paces
    assert [(p.at_s, p.speed) for p in paces] == [(0, 2400), (72 * 3600, 240), (269_100, 1)]


def test_held_in_the_days_before_nothing_later_hurries_again(tmp_path: Path) -> None:
    paces = demo(tmp_path, "--hold-at=1h").story.paces
    assert [(p.at_s, p.speed) for p in paces] == [(0, 2400), (3600, 1)]


@pytest.mark.parametrize("time", ["soon", "0s", ""])
def test_a_time_that_is_none_is_refused(tmp_path: Path, time: str) -> None:
    with pytest.raises(SystemExit):
        demo(tmp_path, f"--hold-at={time}")

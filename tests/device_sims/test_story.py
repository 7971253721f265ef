"""Scenarios: times, speeds, chance, and mistakes that name their place."""

from pathlib import Path

import pytest

from device_sims.roster import households
from device_sims.story import LASTING, Story, StoryError, load, seconds

SCENARIOS = Path(__file__).parents[2] / "device_sims" / "scenarios"
PACE = '[[pace]]\nat = "0s"\nspeed = 60\n'


def told(tmp_path: Path, text: str) -> Story:
    path = tmp_path / "tale.toml"
    path.write_text(text)
    return load(path)


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.toml")), ids=lambda p: p.name)
def test_every_scenario_that_comes_along_is_right(path: Path) -> None:
    story = load(path)
    assert [e.at_s for e in story.events] == sorted(e.at_s for e in story.events)


def test_the_demo_tells_what_it_should() -> None:
    story = load(SCENARIOS / "demo.toml")
    kinds = [e.kind for e in story.events]
    for kind in ("quiet", "press", "cuff", "kill_gateway", "blackout", "light", "start_gateway"):
        assert kind in kinds
    high = [e for e in story.events if e.kind == "cuff"]
    assert all(e.fields["systolic"] >= 180 for e in high)
    assert high[1].at_s - high[0].at_s < 30 * 60
    assert len({e.fields["home"] for e in high}) == 1
    story_begins_s = story.paces[-1].at_s
    assert story_begins_s >= 40 * 3600
    assert all(c.after_s > story_begins_s for c in story.chances)
    silent = next(e.fields["home"] for e in story.events if e.kind == "quiet")
    lives_at = next(h for h in households(24, 1) if h.home == silent)
    assert lives_at.gateway not in [e.fields.get("gateway") for e in story.events]
    assert lives_at.village not in [e.fields.get("village") for e in story.events]
    assert "press" not in [e.kind for e in story.events if e.fields.get("home") == silent]
    ends = {"kill_gateway": "start_gateway", "blackout": "light"}
    for begin, end in ends.items():
        assert kinds.count(begin) == kinds.count(end)


@pytest.mark.parametrize(
    ("text", "value"),
    [("0s", 0), ("90s", 90), ("1d 2h 30m 5s", 95405), ("40h10m", 144600), ("  7m ", 420)],
)
def test_times(text: str, value: int) -> None:
    assert seconds(text, "here") == value


@pytest.mark.parametrize("text", ["", " ", "5", "1x", "-3m", "3m 2h", 7, None])
def test_no_times(text: object) -> None:
    with pytest.raises(StoryError, match=r"tale\.toml: event\[1\]\.at: .* is not a time"):
        seconds(text, "tale.toml: event[1].at")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (PACE + "[[evnt]]\n", "tale.toml.evnt: unknown key, did you mean 'event'?"),
        ("event = 3\n" + PACE, "tale.toml: event: expected tables written as [[event]]"),
        ("", "tale.toml: pace[1].at: the first [[pace]] must be at '0s'"),
        ('[[pace]]\nat = "5m"\nspeed = 1\n', "tale.toml: pace[1].at: the first"),
        ('[[pace]]\nat = "0s"\nspeed = 0\n', "tale.toml: pace[1].speed: a number above 0"),
        ('[[pace]]\nat = "0s"\nspeed = true\n', "tale.toml: pace[1].speed: a number above 0"),
        (PACE + PACE, "tale.toml: pace[2].at: not later"),
        (
            PACE + '[[event]]\nat = "1m"\nkind = "pres"\nhome = "home-0001"\n',
            "tale.toml: event[1].kind: 'pres' is not known, did you mean 'press'?",
        ),
        (
            PACE + '[[event]]\nat = "1m"\nkind = "press"\n',
            "tale.toml: event[1].home: missing; press needs home",
        ),
        (
            PACE + '[[event]]\nat = "1m"\nkind = "press"\nhome = 7\n',
            "tale.toml: event[1].home: a name in quotes, not 7",
        ),
        (
            PACE + '[[event]]\nat = "1m"\nkind = "press"\nhome = "h"\nhome_ = "h"\n',
            "tale.toml: event[1].home_: unknown key, did you mean 'home'?",
        ),
        (
            PACE
            + '[[event]]\nat = "1m"\nkind = "cuff"\nhome = "h"\nsystolic = 999\n'
            + "diastolic = 90\npulse = 70\n",
            "tale.toml: event[1].systolic: a number from 30 to 300, not 999",
        ),
        (
            PACE + '[[chance]]\nafter = "0s"\nevery = "0s"\nkind = "press"\n',
            "tale.toml: chance[1].every: must be longer than nothing",
        ),
        (
            PACE + '[[chance]]\nafter = "0s"\nevery = "1h"\nkind = "blackout"\n',
            "tale.toml: chance[1].kind: 'blackout' is not known; allowed:",
        ),
        ("[[pace]\n", "tale.toml: "),
    ],
)
def test_mistakes_name_file_and_key(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(StoryError) as error:
        told(tmp_path, text)
    assert says in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoryError, match=r"nowhere\.toml"):
        load(tmp_path / "nowhere.toml")


def test_the_clock_plan_of_a_new_run_and_of_one_that_goes_on(tmp_path: Path) -> None:
    story = told(tmp_path, '[[pace]]\nat = "0s"\nspeed = 1200\n[[pace]]\nat = "40h"\nspeed = 60\n')
    begin_ms, hour_ms = 1_000_000, 3_600_000
    assert story.segments(500, begin_ms) == [
        [500, begin_ms, 1200.0],
        [500 + 120_000, begin_ms + 40 * hour_ms, 60.0],
    ]
    in_the_middle_ms = begin_ms + 20 * hour_ms
    assert story.resumed(900, begin_ms, in_the_middle_ms) == [
        [900, in_the_middle_ms, 1200.0],
        [900 + 60_000, begin_ms + 40 * hour_ms, 60.0],
    ]
    late_ms = begin_ms + 50 * hour_ms
    assert story.resumed(900, begin_ms, late_ms) == [[900, late_ms, 60.0]]


def test_chance_is_the_same_however_it_is_asked(tmp_path: Path) -> None:
    story = told(tmp_path, PACE + '[[chance]]\nafter = "2h"\nevery = "1h"\nkind = "press"\n')
    homes = [f"home-{n:04d}" for n in range(24)]
    at_once = list(story.chances_between(0, 100 * 3600, homes, 1))
    in_steps = [
        e for s in range(0, 100 * 3600, 600) for e in story.chances_between(s, s + 600, homes, 1)
    ]
    assert at_once == in_steps
    assert len(at_once) == 98
    assert min(e.at_s for e in at_once) >= 7200
    assert len({e.fields["home"] for e in at_once}) > 10
    assert at_once != list(story.chances_between(0, 100 * 3600, homes, 2))
    assert list(story.chances_between(0, 100 * 3600, [], 1)) == []


def test_defaults_are_filled_in(tmp_path: Path) -> None:
    story = told(tmp_path, PACE + '[[event]]\nat = "1m"\nkind = "visit"\nhome = "home-0001"\n')
    assert story.events[0].fields == {"home": "home-0001", "minutes": 40}
    assert "visit" in LASTING

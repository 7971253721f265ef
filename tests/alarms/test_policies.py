"""Policies are checked with file, key and remedy; what comes next and when it is due are pure."""

import pytest

from alarms.escalation.defaults import default_policies
from alarms.escalation.plan import (
    UNKNOWN_LATE_MS,
    Coming,
    Due,
    Now,
    adopted,
    by_mark,
    due_in,
    next_step,
    quiet_for_ms,
    remaining_ms,
    step_of,
)
from alarms.escalation.policy import Quiet, parse
from alarms.responders import Target
from contract.config import ConfigError
from rules.local_time import HOUR_MS, MINUTE_MS, at_minute_ms

ALL = 'severities = ["urgent", "watch", "technical"]\nrepeat_s = 300\ntaken_s = 300\n'
STEP = '[[policy.step]]\nafter_s = 0\ntargets = ["duty"]\n'


def policy(head: str = ALL, steps: str = STEP, name: str = "one") -> str:
    return f'[[policy]]\nname = "{name}"\n{head}{steps}'


def test_the_default_keeps_what_the_service_promises() -> None:
    urgent = default_policies().of("urgent", "sos", "610926", ())
    assert [(s.after_ms // 1000, [t.value for t in s.targets]) for s in urgent.steps] == [
        (0, ["responsible", "duty"]),
        (30, ["responsible", "duty"]),
        (60, ["team", "contacts"]),
        (180, ["supervisor_town"]),
        (300, ["supervisor_county"]),
    ]
    assert (urgent.taken_ms, urgent.repeat_ms, urgent.quiet) == (300_000, 300_000, None)
    for severity in ("watch", "technical"):
        assert default_policies().of(severity, "weight", "", ()).quiet is not None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "0 tables"),
        (policy(ALL.replace("repeat_s", "repeats_s")), "did you mean 'repeat_s'"),
        (policy(ALL.replace("urgent", "urgnt")), "did you mean 'urgent'"),
        (policy(ALL + 'quiet = "21:00-06:00"\n'), "know no quiet hours"),
        (policy(ALL.replace("repeat_s = 300", "repeat_s = 86400")), "expected 5 to 1800"),
        (policy(ALL.replace("taken_s = 300", "taken_s = 86400")), "expected 5 to 1800"),
        (policy(ALL.replace('"urgent", ', "")), "no policy for every urgent alarm"),
        (policy(ALL + 'kinds = ["sos"]\n'), "no policy for every urgent alarm"),
        (policy(ALL + 'categories = ["空巣"]\n'), "空巢"),
        (policy() + policy(), "'one' is there twice"),
        (policy(steps=STEP.replace("0", "30")), "fired at once"),
        (policy(steps=STEP + STEP), "at least 5 s after"),
        (policy(steps=STEP.replace("duty", "dutty")), "did you mean 'duty'"),
        (policy(steps=STEP.replace('["duty"]', "[]")), "who is told"),
        (policy(steps=STEP + 'points = "third"\n'), "points"),
        (policy(steps=STEP + 'channels = ["pigeon"]\n'), "pigeon"),
        (
            policy(steps=STEP + 'channels = ["push", "mixed"]\n'),
            r"step\[1\].channels: mixed carries no urgent alarm; these do: push, sms",
        ),
        (policy(ALL.replace('"urgent", ', "") + 'quiet = "21:00-06:00"\nwakes = true\n'), "wakes"),
        (policy(steps=""), "0 tables"),
        ("policy = 3", r"\[\[policy\]\]"),
        ("[[policy", "policies.toml"),
    ],
)
def test_a_mistake_names_its_place(text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        parse(text, "policies.toml", {"sms": True, "push": True, "mixed": False})


def test_what_is_not_urgent_may_go_by_any_channel() -> None:
    slow = policy(ALL.replace('"urgent", ', ""), STEP + 'channels = ["mixed"]\n', name="slow")
    urgent = policy(ALL.replace(', "watch", "technical"', ""))
    policies = parse(slow + urgent, "policies.toml", {"sms": True, "mixed": False})
    assert policies.of("watch", "weight", "", ()).steps[0].channels == ("mixed",)


def test_the_first_that_fits_is_the_one() -> None:
    urgent = ALL.replace('"urgent", "watch", "technical"', '"urgent"')
    policies = parse(
        policy(urgent + 'kinds = ["fall"]\n', name="falls")
        + policy(urgent + 'categories = ["独居"]\n', name="alone")
        + policy(urgent + 'regions = ["610926101"]\n', name="town")
        + policy(name="rest"),
        "policies.toml",
    )
    for case, name in (
        (("urgent", "fall", "610926101001", ["独居"]), "falls"),
        (("urgent", "sos", "610926101001", ["独居", "失能"]), "alone"),
        (("urgent", "sos", "610926101001", []), "town"),
        (("urgent", "sos", "610926102001", []), "rest"),
        (("watch", "fall", "610926101001", ["独居"]), "rest"),
    ):
        assert policies.of(*case).name == name
    assert policies.named("gone") is None


def test_steps_follow_each_other_and_rounds_repeat() -> None:
    urgent = default_policies().of("urgent", "sos", "", ())
    assert next_step(urgent, 0) == Coming(step=1, delay_ms=30_000)
    assert [next_step(urgent, n).delay_ms for n in (1, 2, 3, 4)] == [
        30_000,
        30_000,
        120_000,
        120_000,
    ]
    again = Coming(step=1, delay_ms=300_000, new_round=True)
    assert next_step(urgent, 5) == again
    # The file has become shorter meanwhile.
    assert next_step(urgent, 9) == again
    assert step_of(urgent, 9) is None
    assert step_of(urgent, 1).targets == (Target.RESPONSIBLE, Target.DUTY)


NOW = Now(wall_ms=1_000_000, boot="a", running_ms=50_000)


@pytest.mark.parametrize(
    ("later", "left_ms"),
    [
        (Now(wall_ms=1_010_000, boot="a", running_ms=60_000), 20_000),
        # The wall says what it likes: running time decides.
        (Now(wall_ms=9_000_000, boot="a", running_ms=60_000), 20_000),
        (Now(wall_ms=1, boot="a", running_ms=60_000), 20_000),
        (Now(wall_ms=1_000_000, boot="a", running_ms=95_000), -15_000),
        # After another boot the wall, as far as it can be believed.
        (Now(wall_ms=1_010_000, boot="b", running_ms=7), 20_000),
        (Now(wall_ms=1_040_000, boot="b", running_ms=7), -10_000),
        (Now(wall_ms=999_999, boot="b", running_ms=7), -UNKNOWN_LATE_MS),
        (Now(wall_ms=1, boot="b", running_ms=7), -UNKNOWN_LATE_MS),
    ],
)
def test_how_long_is_left(later: Now, left_ms: int) -> None:
    due = due_in(30_000, NOW)
    assert remaining_ms(due, later, 0) == left_ms
    taken = adopted(due, later, 0)
    assert (taken.boot, taken.due_running_ms) == (later.boot, later.running_ms + left_ms)


def test_a_wall_behind_what_the_book_has_seen_is_not_believed() -> None:
    later = Now(wall_ms=1_010_000, boot="b", running_ms=7)
    assert remaining_ms(due_in(30_000, NOW), later, seen_ms=1_010_001) == -UNKNOWN_LATE_MS


def test_the_last_look_at_both_clocks_moves_a_promise_to_the_wall_that_was_set_since() -> None:
    due = due_in(30_000, NOW)
    hour_back = Now(wall_ms=NOW.wall_ms - HOUR_MS + 5_000, boot="a", running_ms=55_000)
    assert by_mark(due, hour_back).due_at_ms == due.due_at_ms - HOUR_MS
    assert by_mark(due, Now(wall_ms=0, boot="b", running_ms=0)) == due
    assert by_mark(due, None) == due


def test_what_was_late_does_not_make_the_next_one_late() -> None:
    due = due_in(30_000, NOW, overdue_ms=45_000)
    expected = Due(
        written_at_ms=1_000_000,
        delay_ms=0,
        due_at_ms=985_000,
        boot="a",
        due_running_ms=35_000,
    )
    assert due == expected


@pytest.mark.parametrize(
    ("at", "minutes"),
    [((21, 29), 0), ((21, 30), 9 * 60), ((23, 0), 450), ((3, 0), 210), ((6, 29), 1), ((6, 30), 0)],
)
def test_quiet_hours_over_midnight(at: tuple[int, int], minutes: int) -> None:
    quiet = Quiet(from_minute=21 * 60 + 30, to_minute=6 * 60 + 30)
    at_ms = at_minute_ms(20_000, at[0] * 60 + at[1])
    assert quiet_for_ms(quiet, at_ms) == minutes * MINUTE_MS
    assert quiet_for_ms(None, at_ms) == 0
    if minutes:
        assert quiet_for_ms(quiet, at_ms + 1) == minutes * MINUTE_MS - 1

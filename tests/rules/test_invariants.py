"""What must hold of all rules together, whatever devices say: promises 1, 2, 5 and 6 of the design,
and the invariants of the fault model that concern rules.
"""

from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st

from contract.kinds import ACTIVATION_KINDS, KINDS
from rules.config import default_rules
from rules.engine import Engine
from rules.rule import HomeFacts

START_MS = 1_767_225_600_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
HOMES = ("home-a", "home-b", "home-c")
ALL_KINDS = tuple(sorted(KINDS))
NUMBERS = st.sampled_from([0.0, 1.0, 36.0, 41.0, 60.0, 88.0, 97.0, 130.0, 190.0, 205.0, 4000.0])
STEPS_MS = st.sampled_from([0, 1000, 60_000, 900_000, 2 * HOUR_MS, 11 * HOUR_MS])
ACTIONS = st.sampled_from(["press", "hold", "test", "clear", ""])


@st.composite
def observations(draw, number, now_ms, *, kinds=ALL_KINDS, late_ms=0):
    kind = draw(st.sampled_from(kinds))
    attrs = {"user": draw(st.sampled_from(["", "a"]))}
    if kind in ACTIVATION_KINDS:
        attrs = {"action": draw(ACTIONS)}
    fields = sorted(KINDS[kind].values)
    return SimpleNamespace(
        id=f"i{number}",
        device=draw(st.sampled_from(["d1", "d2"])),
        kind=kind,
        measured_at_ms=now_ms - late_ms,
        received_at_ms=now_ms,
        values={name: draw(NUMBERS) for name in fields if draw(st.booleans())},
        attrs=attrs,
    )


@st.composite
def days(draw, **options):
    """[(now, home, observation)]: some days of all homes together."""
    now_ms, story = START_MS, []
    for number in range(draw(st.integers(1, 30))):
        now_ms += draw(STEPS_MS)
        home = draw(st.sampled_from(HOMES))
        story.append((now_ms, home, draw(observations(number, now_ms, **options))))
    return story


def engine_of(homes=HOMES):
    engine = Engine(default_rules())
    for home in homes:
        engine.add_home(HomeFacts(home=home), START_MS)
    return engine


def played(engine, story, end_ms=None):
    found = []
    for now_ms, home, seen in story:
        found += engine.advance(now_ms)
        found += engine.observe(home, seen, now_ms)
    found += engine.advance((story[-1][0] if story else START_MS) + 3 * DAY_MS)
    return found


@settings(max_examples=60, deadline=None)
@given(days())
def test_a_home_is_judged_by_its_own_devices_alone(story) -> None:
    """Invariant 21: no effect of one home names another, nor depends on what happens there."""
    together = played(engine_of(), story)
    last_ms = story[-1][0]
    for home in HOMES:
        alone = engine_of([home])
        own = [step for step in story if step[1] == home]
        found = []
        for now_ms, _home, seen in own:
            found += alone.advance(now_ms) + alone.observe(home, seen, now_ms)
        found += alone.advance(last_ms + 3 * DAY_MS)
        mine = [f for f in together if f.home == home]
        assert sorted(map(repr, found)) == sorted(map(repr, mine))


@settings(max_examples=60, deadline=None)
@given(days(kinds=tuple(sorted(ACTIVATION_KINDS))))
def test_every_press_is_heard_once_and_a_test_wakes_nobody(story) -> None:
    """Invariants 2, 3 and 22: exactly one urgent finding for each call, none for a test."""
    found = played(engine_of(), story)
    for _now_ms, home, seen in story:
        if seen.kind != "sos":
            continue
        about = [f for f in found if f.rule == "sos" and f.source_id == seen.id]
        if seen.attrs["action"] == "clear":
            assert about == []
        elif seen.attrs["action"] == "test":
            assert [(f.severity, f.reason) for f in about] == [("technical", "test_press")]
        else:
            assert [(f.home, f.severity, f.phase) for f in about] == [(home, "urgent", "raised")]
            assert about[0].reason in ("pressed", "held")


@settings(max_examples=60, deadline=None)
@given(days(kinds=tuple(sorted(KINDS.keys() - ACTIVATION_KINDS)), late_ms=30 * HOUR_MS))
def test_what_arrives_late_wakes_nobody(story) -> None:
    """Promise 5: readings of yesterday fill charts and memories; nothing is raised by them."""
    assert [f for f in played(engine_of(), story) if f.phase == "raised"] == []


@settings(max_examples=40, deadline=None)
@given(days(), st.randoms(use_true_random=False))
def test_restarts_of_everything_at_any_moment_change_nothing(story, chance) -> None:
    straight = played(engine_of(), story)
    engine, states, found = engine_of(), {}, []
    for now_ms, home, seen in story:
        for row_home, rule, state in engine.take_dirty():
            states[(row_home, rule)] = state
        if chance.random() < 0.4:
            engine = engine_of()
            for (row_home, rule), state in states.items():
                engine.restore(row_home, rule, state)
            assert engine.take_problems() == []
        found += engine.advance(now_ms) + engine.observe(home, seen, now_ms)
    found += engine.advance(story[-1][0] + 3 * DAY_MS)
    assert [repr(f) for f in found] == [repr(f) for f in straight]


@settings(max_examples=40, deadline=None)
@given(days())
def test_an_episode_is_raised_once_and_cleared_after_it_was_raised(story) -> None:
    """Invariant 19: one occasion is one occasion, also of technical trouble."""
    seen: dict[str, list[str]] = {}
    for finding in played(engine_of(), story):
        seen.setdefault(finding.episode, []).append(finding.phase)
    for phases in seen.values():
        assert phases[0] == "raised"
        assert phases.count("raised") == 1
        assert phases.count("cleared") <= 1

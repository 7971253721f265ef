"""The suite over all rule kinds: determinism, restarts, timers, states. New kinds join by
themselves through the registry; what they listen to is drawn from the contract."""

import json
import tomllib
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.kinds import KINDS
from docs.rule_kinds import missing_parts
from rules.config import default_rules, rules_from_document
from rules.derived import DERIVED_VALUES
from rules.engine import Engine
from rules.found_out import FOUND_OUT, FoundOut
from rules.registry import RULE_KINDS
from rules.rule import (
    DEVICE_PRESS,
    DEVICE_STATUS,
    DEVICE_WORD,
    DeviceFacts,
    HomeFacts,
    Rule,
    is_clinical,
)
from rules.signs import SAID_WELL
from rules.staying import STAY

START_MS = 1_767_225_600_000
ROOT = Path(__file__).resolve().parents[2]

# Plausible and implausible numbers for any field.
NUMBERS = st.sampled_from([0.0, 1.0, 38.0, 45.0, 85.0, 95.0, 115.0, 125.0, 135.0, 185.0, 205.0])
ATTRS = st.fixed_dictionaries(
    {},
    optional={
        "action": st.sampled_from(["press", "hold", "test", "clear", "?"]),
        "user": st.sampled_from(["", "a", "b"]),
        "online": st.booleans(),
        "retained": st.booleans(),
        "interval_s": st.sampled_from([0, 900]),
        "fault": st.sampled_from(["no_answer", "offline", "battery_low", "?"]),
        "recovered": st.sampled_from(["no_answer", "offline", "battery_low", "?"]),
        "d1": st.booleans(),
        "stay": st.sampled_from(["away", "hospital", "visitors", "?"]),
        "found_out": st.sampled_from([*map(str, FoundOut), "?"]),
    },
)


VALUES = {**{name: spec.values for name, spec in KINDS.items()}, **DERIVED_VALUES}


def rule_of(name: str) -> Rule:
    """The kind with its defaults, under the kind's own name."""
    kind = RULE_KINDS[name]
    # Two devices are all there are here, and can be a dark village.
    params = kind.parse({"meters": 2} if kind.subject == "region" else {}, name)
    return Rule(name=name, kind=kind, severity=kind.severity, params=params)


# What is told about devices carries their parts, and last-seen times by device.
PARTS = ["gw-1/d1", "gw-1/d2"]
DEVICES = {DEVICE_WORD: PARTS, DEVICE_PRESS: PARTS, DEVICE_STATUS: ["gw-1", "gw-2"]}
FIELDS = {
    DEVICE_WORD: ["battery_pct", "mains"],
    DEVICE_STATUS: ["d1", "d2"],
    STAY: ["active"],
    SAID_WELL: [],
    FOUND_OUT: ["raised_ms", "until_ms"],
}
FACTS = (
    DeviceFacts("gw-1", "d1", "sos", 3600, True, 604_800, True),
    DeviceFacts("gw-1", "d2", "power", 3600),
)


@st.composite
def stories(draw, name: str):
    """A list of (now, observation or None for a tick); measured late, early, twice, disordered."""
    rule = rule_of(name)
    now_ms, story, earlier = START_MS, [], []
    for number in range(draw(st.integers(1, 25))):
        now_ms += draw(st.sampled_from([0, 1, 20_000, 900_000, 1_900_000, 9_000_000, 90_000_000]))
        what = draw(st.sampled_from(["tick", "again", "new", "new", "new"]))
        if what == "tick":
            story.append((now_ms, None))
        elif what == "again" and earlier:
            story.append((now_ms, draw(st.sampled_from(earlier))))
        else:
            kind = draw(st.sampled_from(sorted(rule.kind.listens(rule.params))))
            fields = sorted(VALUES.get(kind, FIELDS.get(kind, ())))
            late_ms = draw(st.sampled_from([0, 0, 0, 60_000, 8_000_000, 90_000_000, -7_200_000]))
            seen = SimpleNamespace(
                id=f"i{number}",
                device=draw(st.sampled_from(DEVICES.get(kind, ["d1", "d2"]))),
                kind=kind,
                measured_at_ms=now_ms - late_ms,
                received_at_ms=now_ms,
                values={f: draw(NUMBERS) for f in fields if draw(st.integers(0, 4))},
                attrs=draw(ATTRS),
            )
            earlier.append(seen)
            story.append((now_ms, seen))
    return story


def home_of(rule: Rule) -> HomeFacts:
    if rule.kind.subject == "region":
        meters = tuple(facts._replace(kind="power") for facts in FACTS)
        members = (HomeFacts(home="home-1", region="v", devices=meters, needs_power="device"),)
        return HomeFacts(home="region:v", members=members)
    home = "gateway:gw-1" if rule.kind.subject == "gateway" else "home-1"
    return HomeFacts(home=home, devices=FACTS)


def engine_of(rule: Rule, now_ms: int = START_MS) -> Engine:
    engine = Engine([rule])
    home = home_of(rule)
    engine.add_home(home, now_ms)
    # Also where nothing was heard yet: the state of a beginning is a state.
    engine._cell(home.home, rule.name)
    return engine


def feed(engine: Engine, home: str, now_ms: int, seen) -> list:
    return list(engine.advance(now_ms) if seen is None else engine.observe(home, seen, now_ms))


def by_rule_time(findings) -> list[str]:
    return [repr(f) for f in findings]


@pytest.mark.parametrize("name", sorted(RULE_KINDS))
def test_restarts_and_ticks_change_nothing(name) -> None:
    rule = rule_of(name)
    home = home_of(rule).home

    @settings(max_examples=40, deadline=None)
    @given(stories(name), st.randoms(use_true_random=False))
    def check(story, chance) -> None:
        plain, broken = engine_of(rule), engine_of(rule)
        state = broken.take_dirty()[0][2]
        straight, cut = [], []
        before_ms = START_MS
        for now_ms, seen in story:
            straight += feed(plain, home, now_ms, seen)
            # More ticks in between, and a restart from the bytes alone.
            if chance.random() < 0.5:
                cut += broken.advance((before_ms + now_ms) // 2)
            for _, _, new in broken.take_dirty():
                state = new
            if chance.random() < 0.5:
                broken = engine_of(rule, now_ms)
                broken.restore(home, name, state)
                assert broken.take_problems() == []
                assert broken.take_dirty() == []
            cut += feed(broken, home, now_ms, seen)
            before_ms = now_ms
        end_ms = before_ms + 10 * 86_400_000
        straight += plain.advance(end_ms)
        cut += broken.advance(end_ms)
        assert by_rule_time(straight) == by_rule_time(cut)
        assert len({(f.episode, f.phase) for f in straight}) == len(straight), "found twice"

    check()


@pytest.mark.parametrize("name", sorted(RULE_KINDS))
def test_state_is_versioned_json_and_returns_the_same(name) -> None:
    rule = rule_of(name)
    home = home_of(rule).home

    @settings(max_examples=25, deadline=None)
    @given(stories(name))
    def check(story) -> None:
        engine = engine_of(rule)
        for now_ms, seen in story:
            feed(engine, home, now_ms, seen)
        rows = engine.take_dirty()
        assert engine.take_dirty() == []
        for row_home, row_rule, state in rows:
            document = json.loads(state)
            assert (document["v"], document["kind"]) == (rule.kind.state_version, name)
            again = engine_of(rule)
            again.restore(row_home, row_rule, state)
            assert again.take_problems() == []
            assert again.next_due_ms() == engine.next_due_ms()
            assert again.view(home, story[-1][0]) == engine.view(home, story[-1][0])
            cell = again._homes[home].cells[name]
            again._touch(cell)
            assert again.take_dirty() == [(row_home, row_rule, state)]

    check()


@pytest.mark.parametrize("name", sorted(RULE_KINDS))
def test_nothing_before_it_is_due(name) -> None:
    rule = rule_of(name)
    home = home_of(rule).home

    @settings(max_examples=25, deadline=None)
    @given(stories(name))
    def check(story) -> None:
        engine = engine_of(rule)
        for now_ms, seen in story:
            due_ms = engine.next_due_ms()
            if due_ms is not None and due_ms > START_MS:
                assert engine.advance(min(due_ms - 1, now_ms)) == []
            for finding in feed(engine, home, now_ms, seen):
                assert START_MS <= finding.at_ms <= now_ms + 1000
                assert finding.home == home
                json.dumps(dict(finding.evidence))
            fired = engine.next_due_ms()
            assert fired is None or fired > now_ms or seen is not None

    check()


@pytest.mark.parametrize("name", sorted(RULE_KINDS))
@pytest.mark.parametrize(
    "state",
    [b"", b"[]", b"{}", b"\xff", b'{"v":99,"kind":"KIND"}', b'{"v":1,"kind":"KIND"}', b"null"],
)
def test_bad_states_are_told_and_never_a_crash(name, state) -> None:
    rule = rule_of(name)
    engine = engine_of(rule)
    due_ms = engine.next_due_ms()
    engine.restore(home_of(rule).home, name, state.replace(b"KIND", name.encode()))
    assert len(engine.take_problems()) == 1
    assert engine.next_due_ms() == due_ms


@pytest.mark.parametrize("name", sorted(RULE_KINDS))
def test_a_state_with_one_field_spoilt_is_told(name) -> None:
    rule = rule_of(name)
    engine = engine_of(rule)
    document = json.loads(engine.take_dirty()[0][2])
    for key in document:
        spoilt = {**document, key: {"no": "sense"}}
        engine.restore(home_of(rule).home, name, json.dumps(spoilt).encode())
        engine.view(home_of(rule).home, START_MS)


def test_documented_defaults_are_the_defaults() -> None:
    document = tomllib.loads((ROOT / "rules" / "default.toml").read_text())
    assert {r.name: r for r in rules_from_document(document)} == {
        r.name: r for r in default_rules()
    }
    for table, rule in zip(
        document["rule"], sorted_like(document["rule"], default_rules()), strict=True
    ):
        own = {"name", "kind", "severity", "enabled", "ask_first_s"}
        if is_clinical(rule.kind):
            own |= {"signed_off_by", "signed_off_on"}
            assert own - {"enabled", "ask_first_s"} <= set(table), rule.name
        assert set(table) - own == {f.name for f in fields(rule.params)}, rule.name


def sorted_like(tables, rules):
    by_name = {rule.name: rule for rule in rules}
    return [by_name[table["name"]] for table in tables]


@pytest.mark.parametrize("name", sorted(RULE_KINDS))
def test_every_kind_says_what_it_sees_and_what_it_cannot(name) -> None:
    assert missing_parts(RULE_KINDS[name]) == []

"""Scenario tables: every TOML file under kinds/<kind>/ is a story with the findings it must give.

`[village]` is a region of homes with a meter each (`homes`), some of which depend on electricity
(`needs_power`); its steps name the `meters` they are about, by number.

A step is an observation (`at` from the start, `measured` relative to `at`); an expectation is
`at phase severity reason`; `[[device]]` and `copd` are what the roster knows. With
`every` and `to` a step is many; `only` names the rules that run (with the feeds), where others have
something to say as well.
Each story is also run with restarts before its steps, and fed twice over: what came twice must not
be found twice.
"""

import tomllib
from pathlib import Path

import pytest

from rules.config import rules_from_document
from rules.derived import Feed
from rules.engine import Engine
from rules.registry import RULE_KINDS
from rules.rule import DeviceFacts, HomeFacts

FOLDER = Path(__file__).parent / "kinds"
STEPS_BROKEN_MAX = 100
CASES = sorted(FOLDER.glob("*/*.toml"))


def play(kit, case, *, restart=False, twice=False):
    rules = rules_from_document(case.get("rules", {}))
    only = case.get("only")
    if only is not None:
        rules = [rule for rule in rules if rule.name in only or isinstance(rule.kind, Feed)]
    devices = tuple(DeviceFacts(**table) for table in case.get("device", []))
    home = HomeFacts(home=case.get("home", "home-1"), devices=devices, copd=case.get("copd", ""))
    homes = [*village(case["village"]), home] if "village" in case else [home]
    engine = Engine(rules)
    add(engine, homes, kit.START_MS)
    findings, stored = [], {}
    many = steps(kit, case)
    for number, step in enumerate(many):
        now_ms = kit.START_MS + step["at_ms"]
        # Long stories are not broken off at each of a thousand steps.
        if restart and number % (len(many) // STEPS_BROKEN_MAX + 1) == 0:
            # As a hub does: of what changed nothing, the row written before is still there.
            stored.update({(row[0], row[1]): row for row in engine.take_dirty()})
            engine = Engine(rules)
            add(engine, homes, now_ms)
            for row in stored.values():
                engine.restore(*row)
            assert engine.take_problems() == []
        findings += engine.advance(now_ms)
        measured_ms = now_ms + (kit.duration_ms(step["measured"]) if "measured" in step else 0)
        seen = kit.Seen(
            id=step.get("id", f"item-{number}"),
            device=step.get("device", "device-1"),
            kind=step.get("kind", case.get("kind", "")),
            measured_at_ms=measured_ms,
            received_at_ms=now_ms,
            values=step.get("values", {}),
            attrs=step.get("attrs", {}),
        )
        for _ in range(2 if twice else 1):
            findings += engine.observe(step.get("home", home.home), seen, now_ms)
    findings += engine.advance(kit.START_MS + kit.duration_ms(case["until"]))
    return findings


def add(engine, homes, now_ms):
    for home in homes:
        engine.add_home(home, now_ms)


def village(table):
    """The region and its homes, `home-v<n>` with the meter `gw-1/meter-<n>` each."""
    members = tuple(
        HomeFacts(
            home=f"home-v{n}",
            region="village",
            devices=(DeviceFacts("gw-1", f"meter-{n}", "power"),),
            needs_power="conditions" if n in table.get("needs_power", []) else "",
        )
        for n in range(1, table["homes"] + 1)
    )
    return HomeFacts(home="region:village", members=members), *members


def of_meters(step, kind):
    """A step about several meters of a village: one for the home of each."""
    for n in step["meters"]:
        name, part = f"meter-{n}", f"gw-1/meter-{n}"
        if kind == "device_status":
            yield {**step, "home": f"home-v{n}", "device": "gw-1", "seen": name}
        else:
            yield {**step, "home": f"home-v{n}", "device": part}


def steps(kit, case):
    """The steps by time; of many made of one, each has `add` more than the one before. `seen`: a
    device that a status says was heard at that moment, or at `heard`."""
    many = []
    told = [
        one
        for step in case["step"]
        for one in (of_meters(step, case["kind"]) if "meters" in step else [step])
    ]
    for step in told:
        at_ms = kit.duration_ms(step["at"])
        every_ms = kit.duration_ms(step.get("every", "1s"))
        last_ms = kit.duration_ms(step.get("to", step["at"]))
        for turn, now_ms in enumerate(range(at_ms, last_ms + 1, every_ms)):
            values = {
                name: value + turn * step.get("add", {}).get(name, 0)
                for name, value in step.get("values", {}).items()
            }
            if "seen" in step:
                heard_ms = kit.duration_ms(step["heard"]) if "heard" in step else now_ms
                values = {step["seen"]: kit.START_MS + heard_ms}
            many.append({**step, "at_ms": now_ms, "values": values})
    return sorted(many, key=lambda step: step["at_ms"])


def words(kit, findings):
    return [f"{clock(f.at_ms - kit.START_MS)} {f.phase} {f.severity} {f.reason}" for f in findings]


def clock(ms):
    days, rest = divmod(ms // 1000, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = zip((days, hours, minutes, seconds), "dhms", strict=True)
    return " ".join(f"{n}{unit}" for n, unit in parts if n) or "0s"


@pytest.mark.parametrize("mode", ["straight", "restart", "twice"])
@pytest.mark.parametrize("path", CASES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_story(kit, path, mode) -> None:
    case = tomllib.loads(path.read_text())
    findings = play(kit, case, restart=mode == "restart", twice=mode == "twice")
    assert words(kit, findings) == case["expect"]
    for finding, wanted in zip(findings, case.get("evidence", []), strict=False):
        for key, value in wanted.items():
            assert finding.evidence[key] == value, key


def test_every_kind_has_stories() -> None:
    told = {path.parent.name for path in CASES}
    # Told elsewhere: the long days of absence, and what makes quarter-hours of readings.
    assert told >= set(RULE_KINDS) - {"no_sign_of_life", "mains"}

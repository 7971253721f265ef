"""Whatever is drawn as settings of rules: a press is an alarm with its task."""

import random
from dataclasses import fields, replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from alarms.lifecycle import Outcome
from contract.config import ConfigError
from ledger.place import SqliteBook
from ledger.rule_settings import NewSetting, append
from ledger.schema import ALARM, EVENT, TASK
from rules.config import default_rules
from tests.adapters.hub_bench import Bench, press
from tests.ledger.elders import ELDERS


def _random_setting(rng: random.Random) -> NewSetting:
    """Half of them make sense; the other half has whatever a hand could write into the table."""
    rule = rng.choice(default_rules())
    spoken: dict = {}
    for spec in fields(rule.params):
        low, high = spec.metadata.get("low"), spec.metadata.get("high")
        if rng.random() > 0.3:
            continue
        if low is not None:
            spoken[spec.name] = rng.choice([low, high, low - 1, high + 1, spec.default])
        elif isinstance(spec.default, tuple):
            spoken[spec.name] = rng.sample(["fall", "smoke", "gas", "leak", "tamper", "sos"], 2)
    scope = rng.choice(["county", "category:失能", "home:home-1", "home:home-2", "person:person-1"])
    new = NewSetting(rule=rule.name, scope=scope, actor="boss", reason="random")
    if rng.random() < 0.5:
        if scope == "county" and rng.random() < 0.8:
            return replace(new, mode=rng.choice(["shadow", "shadow", "live"]))
        return replace(new, params=rng.choice([{}, {"late_after_s": 5}, spoken]))
    return replace(
        new,
        rule=rng.choice([rule.name, "sos", "sos", "nonsense"]),
        scope=rng.choice(
            [scope, "county", "home:gateway:gw-1", "village:1", "home:unbound:gw-1/x"]
        ),
        mode=rng.choice([None, "shadow", "shadow", "off"]),
        params=rng.choice([None, {}, spoken, {"late_after_s": 5}, {"ask_first_s": 1800}]),
        signed_off_by=rng.choice(["", "", "王"]),
        signed_off_on=rng.choice(["", "2026-11-28"]),
    )


@pytest.mark.parametrize("seed", range(3))
def test_no_sequence_of_settings_silences_a_press(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    bench = Bench(tmp_path, SqliteBook(path=tmp_path / "hub" / "hub.db"), ELDERS)
    refused = 0
    for number in range(1, 61):
        new = _random_setting(rng)
        try:
            bench.change(lambda unit, new=new: bench.hub.side.change_rule(unit, new))
        except ConfigError:
            refused += 1
            # Whatever stands in the table, be it written by hand.
            bench.change(lambda unit, new=new: append(unit, new))
            bench.change(lambda unit: bench.hub.side.settings.reload(unit.cursor))
            bench.change(bench.hub.roster_changed)
        if number % 20 == 0:
            bench.hub.close()
            bench.open()
        device = rng.choice(["button-1", "button-2", "unknown-1"])
        bench.deliver(press(number, device))
        with bench.hub.reader.connect() as connection:
            event = connection.execute(select(EVENT).where(EVENT.c.id == f"press-{number}"))
            alarm_id = event.mappings().one()["alarm"]
            alarm = connection.execute(select(ALARM).where(ALARM.c.id == alarm_id))
            row = alarm.mappings().one()
            tasks = select(func.count()).select_from(TASK).where(TASK.c.alarm == alarm_id)
            assert connection.scalar(tasks) == 1
        assert (row["state"], row["severity"], row["ask_until_ms"]) == ("open", "urgent", None)
        if rng.random() < 0.5:
            bench.change(
                lambda u, a=alarm_id: bench.hub.book.close(u, a, "boss", Outcome.MEDICAL_ADVICE, "")
            )
    assert 10 < refused < 50
    bench.hub.close()

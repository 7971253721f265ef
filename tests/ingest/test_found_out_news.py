"""What was found out at the closing of an alarm reaches the rules, also after a restart."""

from alarms.heard_from import SETTLE_MS
from alarms.lifecycle import Outcome
from rules.engine import Engine
from rules.found_out import FOUND_OUT, FoundOut
from tests.adapters.book import finding
from tests.ingest.test_doubtful_time import NOW_MS, Hub, hub

__all__ = ["hub"]


class Ears:
    """Hears what the rules of a home are told."""

    def __init__(self, engine: Engine) -> None:
        self._observe = engine.observe
        self.heard: list[tuple[str, str, float, int]] = []

    def observe(self, home, item, now_ms):
        if item.kind == FOUND_OUT:
            word = (item.attrs["found_out"], item.values["raised_ms"], item.measured_at_ms)
            self.heard.append((home, *word))
        return self._observe(home, item, now_ms)


def heard(hub: Hub) -> list[tuple[str, str, float, int]]:
    ears = Ears(hub.batch.engine)
    hub.batch.engine.observe = ears.observe
    hub.batch.begin()
    hub.batch.commit()
    return ears.heard


def say(hub: Hub, key: str, outcome: Outcome, said: FoundOut | None = None) -> None:
    """A silence of this moment is found, and its alarm closed a minute later."""
    book = hub.side.book
    silent = finding(key, rule="no_sign_of_life", at_ms=hub.now_ms, reason="no_activity")
    alarm = hub.change(lambda unit: book.take(unit, silent))
    hub.now_ms += 60_000
    hub.change(lambda unit: book.close(unit, alarm, "duty-1", outcome, "", found_out=said))


def settle(hub: Hub) -> None:
    hub.now_ms += SETTLE_MS
    hub.change(hub.side.book.fire_due)


def test_the_rules_hear_each_word_once_and_again_after_a_restart(hub: Hub) -> None:
    say(hub, "1", Outcome.SOCIAL, FoundOut.WAS_IN_AND_WELL)
    assert heard(hub) == []
    settle(hub)
    word = ("home-1", "was_in_and_well", float(NOW_MS), NOW_MS)
    assert heard(hub) == [word]
    assert heard(hub) == []
    second_ms = hub.now_ms
    say(hub, "2", Outcome.REAL_EMERGENCY)
    settle(hub)
    other = ("home-1", "needed_help", float(second_ms), second_ms)
    assert heard(hub) == [other]
    # What was told and not stored before a crash is told again.
    hub.batch.reload()
    assert heard(hub) == [word, other]

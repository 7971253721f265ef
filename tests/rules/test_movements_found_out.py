"""What people found out of a silence that sensors found, and what is learned from their word."""

import json

import pytest

from rules.found_out import FOUND_OUT, FoundOut
from tests.rules.sensor_home import FEED, Home


def told(home, found_out, *, of=0, at_ms=None) -> None:
    raised = [one for one in home.found if one.phase == "raised"][of]
    until_ms = home.now_ms if at_ms is None else at_ms
    values = {"raised_ms": float(raised.at_ms), "until_ms": float(until_ms)}
    attrs = {"found_out": str(found_out)}
    home.see(FOUND_OUT, until_ms, values, attrs=attrs, now_ms=until_ms)


@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize("truth", [FoundOut.NEEDED_HELP, FoundOut.WAS_OUT])
def test_a_fall_that_was_found_soon_is_found_again_the_next_time(kit, truth, early) -> None:
    """Whoever came walked past the sensor within hours."""
    home = Home(kit).live(0, 21.2 if early else 21.4, out=[(20.4, 21.25)])
    if early:
        told(home, truth)
        home.live(21.2, 21.4, out=[(20.4, 21.25)])
    else:
        told(home, truth)
        home.restart()
    home.live(21.4, 61.4, out=[(60.4, 61.25)])
    assert home.phases() == [("raised", "no_movement"), ("cleared", "moved")] * 2


def test_whoever_is_found_well_by_nobody_s_sensor_has_another_silence_begin(kit) -> None:
    home = Home(kit).live(0, 21.2, out=[(20.4, 24)])
    assert len(home.found) == 1
    told(home, FoundOut.WAS_IN_AND_WELL)
    assert home.phases()[-1] == ("cleared", "found_well")
    home.restart()
    # Its hours are counted from then on.
    home.live(21.2, 21.7, out=[(20.4, 24)])
    assert len(home.found) == 2
    home.live(21.7, 24, out=[(20.4, 24)])
    assert [phase for phase, _reason in home.phases()] == ["raised", "cleared", "raised"]


def test_a_state_of_before_words_were_heard_goes_on_with_what_it_knew(kit) -> None:
    home = Home(kit).live(0, 21.4, out=[(20.4, 21.25)])
    home.restart()
    document = json.loads(home.stored[FEED])
    [silences] = document.pop("silences")
    document |= {"v": 1, "refuted": [row[:2] for row in silences]}
    home.stored[FEED] = json.dumps(document).encode()
    home.restart()
    home.live(21.4, 61.4, out=[(60.4, 61.25)])
    assert len(home.found) == 2

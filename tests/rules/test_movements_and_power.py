"""Silences of a home with sensors and with electricity: which of both is believed, and that a
restart at any moment changes nothing."""

import pytest

from tests.rules.sensor_home import Home


def shifted(kit, rows):
    """Electricity whose days begin with the local midnight."""
    return [(at_ms + 16 * kit.HOUR_MS, kwh) for at_ms, kwh in rows]


def test_where_electricity_shows_somebody_sensors_are_believed_later(kit) -> None:
    rows = shifted(kit, kit.electricity(2, 22.5))
    home = Home(kit).live(0, 21.2, out=[(20.4, 30)], power=rows)
    assert home.found == []
    (finding,) = home.live(21.2, 21.6, out=[(20.4, 30)], power=rows).found
    assert (finding.evidence["power_shows"], finding.evidence["quiet_watched_h"]) == (
        "somebody",
        22,
    )


def test_where_both_show_nobody_it_is_found_sooner_than_by_electricity(kit) -> None:
    rows = shifted(kit, kit.electricity(2, 22.5, away=[(20.4, 30)]))
    both = Home(kit).live(0, 22, out=[(20.4, 30)], power=rows)
    alone = Home(kit, sensors=()).live(0, 22, power=rows)
    assert both.hours(20.4)[0] + 3 <= alone.hours(20.4)[0]
    (finding,) = both.found
    assert finding.evidence["power_shows"] == "nobody"


def test_electricity_ends_it_only_once_it_had_found_it_too(kit) -> None:
    """Raised by sensors, agreed by electricity; a machine alone ends nothing, an evening does."""
    rows = shifted(kit, kit.electricity(2, 24, away=[(20.4, 22.4)]))
    home = Home(kit).live(0, 24, out=[(20.4, 30)], power=rows)
    assert home.phases() == [("raised", "no_movement"), ("cleared", "activity")]
    assert home.found[1].at_ms > home.day_ms(22.4)
    assert home.found[0].episode == home.found[1].episode


@pytest.mark.parametrize("power", [False, True])
def test_restart_at_every_step_changes_nothing(kit, power) -> None:
    rows = shifted(kit, kit.electricity(3, 12, away=[(9.4, 11)])) if power else []

    def lived(*, broken):
        home = Home(kit, seed=5)
        if broken:
            see = home.see

            def after_restart(*args, **kwargs):
                if args[0] != "power":
                    home.restart()
                see(*args, **kwargs)

            home.see = after_restart
        home.live(0, 12, out=[(9.4, 11)], down=[(4.2, 4.6)], power=rows)
        return [repr(one) for one in home.found], home.state()

    assert lived(broken=True) == lived(broken=False)
    assert lived(broken=False)[0]

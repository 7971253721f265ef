"""A home with a meter at its panels is played as it lived: by what it used."""

import pytest

from contract.kinds import stored_values
from hearthwatch.backtest.past_readings import PastReadings
from hearthwatch.backtest.play import play
from hearthwatch.backtest.rows import BadRow, RowParts, check_names
from rules.config import rules_from_toml
from rules.rule import HomeFacts
from tests.rules.silent_home import House
from tests.rules.sunny_home import LATE_MS, NAMED, live, three

DAYS, LEFT = 17.0, 14.3
UNNAMED = rules_from_toml("[[rule]]\nname = 'no_sign_of_life'\n")


def past_of(told) -> PastReadings:
    past = PastReadings()
    for at_ms, taken, given, made in told:
        main = stored_values("power", {"energy_kwh": taken}, {"reverse_energy_kwh": given})
        for device, moment_ms, values in (
            ("meter", at_ms, main),
            ("panels", at_ms + LATE_MS, {"energy_kwh": made}),
        ):
            for name, value in values.items():
                past.add(RowParts("h", (device, "power", name), moment_ms, value, None))
    return past


def raised(past, rules, *, columns=True) -> list[int]:
    (found,) = play(past, HomeFacts(home="h"), [rules], past.end_ms, columns=columns)
    return [one.finding.at_ms for one in found if one.finding.rule == "no_sign_of_life"]


@pytest.mark.parametrize("columns", [True, False])
def test_a_silence_under_the_sun_is_found_as_it_was(kit, columns) -> None:
    told = three(kit, kit.electricity(1, DAYS, away=[(LEFT, DAYS)]))
    lived = live(House(kit, NAMED), told).raised_at()
    assert lived
    assert raised(past_of(told), NAMED, columns=columns) == lived


def test_where_the_panels_are_not_named_it_is_played_by_what_it_takes(kit) -> None:
    told = three(kit, kit.electricity(1, DAYS, away=[(LEFT, DAYS)]))
    by_use, by_taken = raised(past_of(told), NAMED), raised(past_of(told), UNNAMED)
    assert by_use != by_taken


@pytest.mark.parametrize("kind", ["glucose", "status"])
def test_other_kinds_have_no_such_field(kind) -> None:
    check_names("h", "meter", "power", "reverse_energy_kwh")
    with pytest.raises(BadRow, match="reverse_energy_kwh"):
        check_names("h", "meter", kind, "reverse_energy_kwh")

"""Which attributes of a reading are stored beside its values."""

import math

import pytest

from contract.kinds import stored_values

TAKEN = {"energy_kwh": 5.0}


@pytest.mark.parametrize("given", [7, 7.0])
def test_a_register_of_what_was_given_is_stored(given) -> None:
    attrs = {"reverse_energy_kwh": given, "energy_t1_kwh": 1.0}
    assert stored_values("power", TAKEN, attrs) == {"energy_kwh": 5.0, "reverse_energy_kwh": 7.0}
    assert TAKEN == {"energy_kwh": 5.0}


@pytest.mark.parametrize("given", [True, "7.0", math.nan, math.inf, -math.inf, 10**400, None])
def test_what_is_no_number_is_not(given) -> None:
    assert stored_values("power", TAKEN, {"reverse_energy_kwh": given}) == TAKEN


def test_nor_is_it_of_other_kinds() -> None:
    assert stored_values("glucose", TAKEN, {"reverse_energy_kwh": 7.0}) == TAKEN

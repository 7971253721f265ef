"""Two hubs over one book under faults drawn from seeds, and the mistakes that this must catch."""

import re

import pytest

from tests.simulation.shrink import described
from tests.simulation.two_hub_mutants import MUTANTS, SEEDS
from tests.simulation.two_hubs import TIMED, drawn_for_two, run, takeovers

# A fixed handful for every push; `./dev sim HUBS=2` runs as many as wanted. In the fourth the
# server's clock is set back while nobody is left to renew the lease.
HANDFUL = range(6)
SHORT_S = 150.0


@pytest.mark.parametrize("seed", HANDFUL)
def test_one_of_two_hubs_has_the_book_and_nothing_is_lost_or_done_twice(seed: int) -> None:
    report, hands = takeovers(drawn_for_two(seed, SHORT_S))
    assert report.failure is None, described(report)
    assert report.stored == report.accepted > 0
    assert hands > 2, "the book never changed hands: this shows nothing"


def test_who_takes_over_with_a_clock_that_is_far_behind_lets_a_claim_lapse_early() -> None:
    """Early is allowed; and then there is another winner, once."""
    report = run(drawn_for_two(28))
    assert report.failure is None, described(report)
    assert any("ack_expired" in line for line in report.trace)


def test_the_handful_has_every_kind_of_fault() -> None:
    assert {kind for seed in HANDFUL for kind in drawn_for_two(seed).rates} >= set(TIMED)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_planted_mistakes_are_caught(mutant) -> None:
    for seed in range(SEEDS):
        with mutant():
            report = run(drawn_for_two(seed, SHORT_S))
        if report.failure is not None:
            assert re.match(r"I\d+ ", report.failure), described(report)
            return
    pytest.fail(f"{mutant.__name__} was not caught within {SEEDS} seeds")

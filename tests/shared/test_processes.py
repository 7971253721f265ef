"""Real processes on one book: what one of them does is seen at once at the others, and whichever is
killed, the others go on."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.cursor import BookInUseError
from tests.adapters.postgres import Postgres
from tests.ops.test_compose import DEPLOY
from tests.shared.county_of_processes import Processes, Screen


@pytest.fixture
def county(postgres: Postgres, tmp_path: Path) -> Iterator[Processes]:
    processes = Processes(tmp_path, postgres.empty())
    try:
        yield processes
    finally:
        processes.close()


def every_figure_of_the_cluster_is_told(county: Processes) -> None:
    """Those that Grafana's page and the alarms name, each by at least one of the processes."""
    named = (DEPLOY / "grafana" / "dashboards" / "cluster.json").read_text()
    named += (DEPLOY / "prometheus" / "cluster-alerts.yml").read_text()
    # Of workers that share what RabbitMQ has: tests/shared/test_workers_at_once.py.
    wanted = set(re.findall(r"hearthwatch_\w+", named)) - {"hearthwatch_shards"}
    assert len(wanted) > 10

    def missing() -> set[str]:
        told = "".join(county.figures(name) for name in ("worker-b", "web-b", "duty-b"))
        found = dict(re.findall(r"^(hearthwatch_\w+)(?:\{.*\})? (\S+)$", told, re.MULTILINE))
        return {name for name in wanted if found.get(name, "NaN") == "NaN"}

    county.until(lambda: not missing(), "every figure has a value")
    # Who escalates was taken over once.
    told = county.figures("duty-b")
    assert 'hearthwatch_takings{part="escalation"} 2.0' in told
    assert "hearthwatch_standby 0.0" in told


def test_a_press_its_two_boards_and_the_deaths_of_processes(county: Processes) -> None:
    county.start("duty-a")
    county.start("worker", "web-a", "web-b")
    county.start("duty-b", "worker-b", status="standby")
    assert "hearthwatch_standby 1.0" in county.figures("duty-b")
    # A hub that wants the book for itself has to wait.
    with pytest.raises(BookInUseError):
        county.book.open_hub()

    # Who signs in at one page is known at the other.
    token = county.signs_in("web-a")
    a, b = (Screen(county.at(name), token) for name in ("web-a", "web-b"))
    county.until(lambda: a.ready.is_set() and b.ready.is_set(), "both boards are open")

    county.press(1)
    county.until(lambda: a.has("alarm", "raised") and b.has("alarm", "raised"), "both show it")
    (alarm,) = (row[0] for row in county.rows("SELECT id FROM alarm"))
    county.until(lambda: len(county.steps()) >= 2, "who escalates goes on with a worker's alarm")

    assert county.post("web-a", f"alarms/{alarm}/acknowledge", token=token).status_code == 200
    county.until(lambda: b.has("alarm", "acknowledged"), "the other board shows who has it")
    refused = county.post("web-b", f"alarms/{alarm}/acknowledge", token=token)
    assert refused.status_code == 409
    closing = {"outcome": "accidental", "note": ""}
    assert county.post("web-b", f"alarms/{alarm}/close", closing, token).status_code == 200
    county.until(lambda: a.has("alarm", "closed"), "and the first shows that it is over")

    # A process that serves pages dies; its board resumes at the other one.
    county.programs["web-a"].kill()
    county.until(a.ended.is_set, "the board has lost its process")
    county.press(2)
    county.until(lambda: b.has("alarm", "raised", 2), "the other one goes on")
    again = Screen(county.at("web-b"), token, last=a.order[-1])
    county.until(lambda: again.has("alarm", "raised"), "it hears what it missed")
    county.until(lambda: len(county.steps()) >= 4, "steps of the second alarm")

    # Who escalates dies; the other one takes over, and no step is told twice.
    before = len(county.steps())
    county.programs["duty-a"].kill()
    county.until(lambda: county.status("duty-b") == "ok", "the standby has taken over")
    county.until(lambda: len(county.steps()) >= before + 2, "steps go on")

    # Who hears gateways dies; the one that waited hears what comes meanwhile.
    county.programs["worker"].kill()
    county.press(3)
    county.until(lambda: county.status("worker-b") == "ok", "the other worker has taken over")
    county.until(lambda: county.rows("SELECT count(*) FROM event") == [(3,)], "the press")

    every_figure_of_the_cluster_is_told(county)
    newest = county.rows("SELECT max(seq) FROM entry")[0][0]
    for screen in (b, again):
        county.until(lambda screen=screen: screen.order[-1] >= newest, "the boards are up to date")
        assert screen.order == sorted(set(screen.order))
    # Every entry that both could hear is on both: nothing was left out at the change.
    assert again.order == [seq for seq in b.order if again.order[0] <= seq <= again.order[-1]]
    county.programs["duty-b"].stop()
    assert county.told() == county.steps(), "each step once, and none that was not told"
    assert county.rows("SELECT count(*) FROM event") == [(3,)]

"""While what the rules have learned is still being read, no home is said to be unwatched."""

from pathlib import Path

from hearthwatch.rule_views import EngineViews
from tests.adapters.hub_bench import Bench
from tests.adapters.sealed import sealed_file

KIND = "no_sign_of_life"


def test_until_states_are_read_a_home_cannot_be_judged(tmp_path: Path) -> None:
    bench = Bench(tmp_path, sealed_file(tmp_path / "hub" / "hub.db"))
    hub = bench.hub
    views = EngineViews(hub.side, hub._engines, hub._reading, hub.clock)
    assert hub.ingest is not None
    hub.ingest.work.batch.loaded = False
    (home,) = views.of_kind(KIND, ["home-1"]).values()
    assert (home.state, home.explanation) == ("cannot_judge", {"reason": "starting"})
    hub.ingest.work.batch.loaded = True
    (home,) = views.of_kind(KIND, ["home-1"]).values()
    assert home.explanation["reason"] != "starting"
    bench.hub.close()

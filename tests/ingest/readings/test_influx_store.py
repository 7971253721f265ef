"""The write path over real HTTP: against VictoriaMetrics, and against answers that InfluxDB 2 gives
when something is wrong."""

import json
import shutil
from pathlib import Path

import pytest

from contract.errors import ContractError
from ingest.marks import SpoolMark
from ingest.readings import influx_store
from ingest.readings.influx_settings import InfluxSettings
from ingest.readings.influx_store import InfluxStore
from ingest.readings.port import StoreError
from tests.adapters.scripted_http import Answer, Request, scripted_server
from tests.adapters.time_series_servers import victoria_metrics

KEY = ("gw-1", "meter-1", "power")
AT_MS = 1_795_363_200_123
OK: Answer = (204, {}, b"")


def settings(url: str) -> InfluxSettings:
    return InfluxSettings(url=url, org="county", bucket="readings", token="secret-token")


def refusal(status: int, message: str, **headers: str) -> Answer:
    body = json.dumps({"code": "invalid", "message": message}).encode()
    return status, {"Content-Type": "application/json", **headers}, body


def fill(store: InfluxStore, values: list[float]) -> None:
    store.begin_batch()
    for n, value in enumerate(values):
        store.add(KEY, AT_MS + n, {"power_w": value})
    store.write_marks([SpoolMark(spool="s", gateway="gw-1", contiguous=len(values))])
    store.write_rule_states([("home-1", "sos", b"{}")])


def kept(store: InfluxStore) -> tuple[int, int]:
    return len(list(store.load_marks())), len(list(store.load_rule_states()))


def test_readings_arrive_at_a_real_server(tmp_path: Path) -> None:
    if shutil.which("victoria-metrics") is None:
        pytest.skip("victoria-metrics is not installed (Debian: victoria-metrics)")
    with victoria_metrics(tmp_path) as server:
        store = InfluxStore(settings(server.url), tmp_path / "state.db")
        store.begin_batch()
        for n in range(12_000):  # three requests
            store.add(KEY, AT_MS + n, {"power_w": n + 0.5, "energy_kwh": float(n)})
        store.add(("gw-2", "客厅 血压计", "blood_pressure"), AT_MS, {"systolic_mmhg": 192.0})
        store.commit()
        store.close()
        samples = server.samples()
    assert samples["power_power_w", "meter-1", "gw-1"] == [
        (AT_MS + n, n + 0.5) for n in range(12_000)
    ]
    assert len(samples["power_energy_kwh", "meter-1", "gw-1"]) == 12_000
    assert samples["blood_pressure_systolic_mmhg", "客厅 血压计", "gw-2"] == [(AT_MS, 192.0)]


def test_the_request_is_the_documented_one(tmp_path: Path) -> None:
    with scripted_server(lambda _request: OK) as server:
        store = InfluxStore(settings(server.url), tmp_path / "state.db")
        fill(store, [1.0, 2.0])
        store.commit()
    (request,) = server.requests
    assert request.path == "/api/v2/write?org=county&bucket=readings&precision=ms"
    assert request.headers["Authorization"] == "Token secret-token"
    assert request.body.decode().split("\n") == [
        f"power,device=meter-1,gateway=gw-1 power_w=1.0 {AT_MS}",
        f"power,device=meter-1,gateway=gw-1 power_w=2.0 {AT_MS + 1}",
    ]
    assert kept(store) == (1, 1)


@pytest.mark.parametrize(
    "answer",
    [
        refusal(429, "too many requests", **{"Retry-After": "30"}),
        refusal(500, "internal error"),
        refusal(503, "engine: cache maximum memory size exceeded"),
        refusal(401, "unauthorized access"),
        refusal(404, "bucket not found"),
        (502, {}, b"<html>bad gateway</html>"),
    ],
    ids=lambda answer: str(answer[0]),
)
def test_a_fault_that_may_pass_keeps_nothing_and_says_what_it_was(
    tmp_path: Path, answer: Answer
) -> None:
    with scripted_server(lambda _request: answer) as server:
        store = InfluxStore(settings(server.url), tmp_path / "state.db")
        fill(store, [1.0])
        with pytest.raises(StoreError) as failure:
            store.commit()
        assert failure.value.retryable
        assert str(answer[0]) in str(failure.value)
        assert "secret-token" not in str(failure.value)
        assert (kept(store), store.take_refused(), len(server.requests)) == ((0, 0), [], 1)
        # It has passed: the batch that comes again is taken.
        server.respond = lambda _request: OK
        fill(store, [1.0])
        store.commit()
        assert kept(store) == (1, 1)


def test_a_server_that_is_away_is_a_fault_that_may_pass(tmp_path: Path) -> None:
    with scripted_server(lambda _request: OK) as server:
        url = server.url
    store = InfluxStore(settings(url), tmp_path / "state.db")
    fill(store, [1.0])
    with pytest.raises(StoreError) as failure:
        store.commit()
    assert failure.value.retryable
    assert kept(store) == (0, 0)


def picky(request: Request) -> Answer:
    """Refuses every request with a 13 in it, as InfluxDB refuses one with a bad line."""
    lines = [line for line in request.body.decode().split("\n") if "=13.0 " in line]
    return refusal(400, f"partial write: {lines[0]}: field type conflict") if lines else OK


def test_a_reading_refused_for_good_is_set_aside_and_holds_up_nothing(tmp_path: Path) -> None:
    with scripted_server(picky) as server:
        store = InfluxStore(settings(server.url), tmp_path / "state.db")
        fill(store, [float(n) for n in range(40)])
        store.commit()
        (refused,) = store.take_refused()
        assert (refused.series_key, refused.field, refused.value) == (KEY, "power_w", 13.0)
        assert refused.measured_at_ms == AT_MS + 13
        assert "400: " in refused.reason
        assert "field type conflict" in refused.reason
        taken = {
            line for r in server.requests if picky(r) is OK for line in r.body.decode().split("\n")
        }
        assert len(taken) == 39
        assert (kept(store), store.take_refused()) == ((1, 1), [])


def test_a_batch_of_nothing_but_rubbish_ends(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(influx_store, "HALVINGS_MAX", 20)
    with scripted_server(lambda _request: refusal(422, "outside retention")) as server:
        store = InfluxStore(settings(server.url), tmp_path / "state.db")
        fill(store, [1.0] * 3000)
        store.commit()
        assert len(store.take_refused()) == 3000
        assert len(server.requests) == 2 * 20 + 1
        assert kept(store) == (1, 1)


def test_a_fault_in_the_middle_of_halving_keeps_nothing(tmp_path: Path) -> None:
    def respond(request: Request) -> Answer:
        return picky(request) if len(server.requests) < 3 else refusal(503, "away")

    with scripted_server(respond) as server:
        store = InfluxStore(settings(server.url), tmp_path / "state.db")
        fill(store, [float(n) for n in range(40)])
        with pytest.raises(StoreError):
            store.commit()
        assert (kept(store), store.take_refused()) == ((0, 0), [])


def test_a_batch_given_up_is_forgotten(tmp_path: Path) -> None:
    with scripted_server(lambda _request: OK) as server:
        store = InfluxStore(settings(server.url), tmp_path / "state.db")
        fill(store, [1.0])
        store.begin_batch()
        store.commit()
        assert (server.requests, kept(store)) == ([], (0, 0))


def test_a_batch_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(influx_store, "BATCH_LINES_MAX", 2)
    store = InfluxStore(settings("http://127.0.0.1:1"), tmp_path / "state.db")
    with pytest.raises(ContractError, match="over 2 readings"):
        fill(store, [1.0, 2.0, 3.0])


def test_marks_and_states_outlive_the_process(tmp_path: Path) -> None:
    with scripted_server(lambda _request: OK) as server:
        store = InfluxStore(settings(server.url), tmp_path / "state.db")
        fill(store, [1.0])
        store.commit()
        again = InfluxStore(settings(server.url), tmp_path / "state.db")
    assert kept(again) == (1, 1)

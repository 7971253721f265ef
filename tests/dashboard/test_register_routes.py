"""Homes, persons, devices, gateways and their keys, readings, rules, and what is masked."""

from collections import Counter
from itertools import product

import pytest

from contract.moment import from_iso
from dashboard.asked import DAY_MS
from ledger.database import insert_sql
from ledger.schema import DEVICE
from tests.adapters.dashboard_ports import PlainRuleView
from tests.dashboard.conftest import NOW_MS, World, problem_of


async def test_a_home_in_a_list_and_alone(world: World) -> None:
    world.rules.views["home-0001"] = [
        PlainRuleView(
            rule="life",
            kind="no_sign_of_life",
            state="well",
            since_ms=NOW_MS - 60_000,
            explanation={"last": "power"},
        )
    ]
    await world.raise_alarm()
    await world.execute(
        "UPDATE device SET last_seen_ms = ? WHERE device = 'meter-0001'", NOW_MS - 5000
    )
    async with world.client("duty-1") as client:
        [home] = (await client.get("/api/v1/homes")).json()["items"]
        alone = (await client.get("/api/v1/homes/home-0001")).json()
    assert home == {
        "id": "home-0001",
        "address": "龙头村一组 12 号",
        "region": "610926101001",
        "region_path": ["平利县", "城关镇", "龙头村"],
        "lat": 32.38,
        "lon": 109.36,
        "access_note": "钥匙在邻居李婶家；院里有狗",
        "key_place": "",
        "lane": "",
        "dog": "",
        "persons": [{"id": "person-0001", "name": "张桂英", "age": 85}],
        "devices": 2,
        "last_seen_at": "2026-11-23T07:59:55.000Z",
        "open_alarms": 1,
        "worst_alarm": "urgent",
        "life": "well",
        "heard": False,
        "dark": False,
        "staying": [],
    }
    same = home.keys() - {"devices", "persons"}
    assert {key: alone[key] for key in same} == {key: home[key] for key in same}
    assert alone["persons"][0]["contacts"], "the page of a home shows whom to call"
    assert [d["state"] for d in alone["devices"]] == ["never_seen", "ok"]
    assert alone["rules"] == [
        {
            "rule": "life",
            "kind": "no_sign_of_life",
            "mode": "live",
            "state": "well",
            "since": "2026-11-23T07:59:00.000Z",
            "explanation": {"last": "power"},
            "watched": True,
        }
    ]
    assert [a["kind"] for a in alone["alarms"]] == ["sos"]


async def test_a_rule_without_a_device_of_its_kind_watches_nothing(world: World) -> None:
    """The home has a call button and a meter."""
    quiet = {
        "fall": frozenset({"fall"}),
        "sos": frozenset({"sos"}),
        "overload": frozenset({"power", "power_slot"}),
        "carbon_monoxide": frozenset({"environment"}),
        "tamper": frozenset({"tamper"}),
    }
    views = [
        PlainRuleView(rule=name, kind=name, state="quiet", since_ms=None, listens=listens)
        for name, listens in quiet.items()
    ]
    # Registered as something else, but it was heard.
    said = {"reason": "detected", "device": "panel-1"}
    views += [
        PlainRuleView(
            rule="gas",
            kind="hazard",
            state="quiet",
            since_ms=None,
            explanation=said,
            listens=frozenset({"gas"}),
        ),
        PlainRuleView(
            rule="smoke",
            kind="hazard",
            state="activated",
            since_ms=NOW_MS,
            listens=frozenset({"smoke"}),
        ),
    ]
    world.rules.views["home-0001"] = views
    async with world.client("duty-1") as client:
        home = (await client.get("/api/v1/homes/home-0001")).json()
    assert {one["rule"]: one["watched"] for one in home["rules"]} == {
        "fall": False,
        "sos": True,
        "overload": True,
        "carbon_monoxide": False,
        "tamper": True,
        "gas": True,
        "smoke": True,
    }


async def test_a_home_says_how_bad_its_worst_alarm_is(world: World) -> None:
    for kind, severity in (("low_battery", "technical"), ("not_up_yet", "watch")):
        await world.raise_alarm(episode=kind, rule=kind, kind=kind, severity=severity)
    async with world.client("admin-1") as client:
        homes = (await client.get("/api/v1/homes")).json()["items"]
    told = {home["id"]: (home["open_alarms"], home["worst_alarm"]) for home in homes}
    assert told["home-0001"] == (2, "watch")
    assert told["home-0002"] == (0, None)


@pytest.mark.parametrize(
    ("params", "resolution", "from_ms"),
    [
        ({}, "raw", NOW_MS + 1 - DAY_MS),
        ({"from": "2026-11-13T08:00:00+08:00"}, "hour", from_iso("2026-11-13T00:00:00Z")),
        ({"from": "2026-01-01T00:00:00Z"}, "day", from_iso("2026-01-01T00:00:00Z")),
        (
            {"from": "2026-11-13T00:00:00Z", "resolution": "raw"},
            "raw",
            from_iso("2026-11-13T00:00:00Z"),
        ),
    ],
)
async def test_readings(
    world: World, params: dict[str, str], resolution: str, from_ms: int
) -> None:
    async with world.client("duty-1") as client:
        answer = await client.get(
            "/api/v1/readings", params={"device": "gw-0001/meter-0001", "kind": "power", **params}
        )
    [series] = answer.json()["series"]
    assert series["device"] == "gw-0001/meter-0001"
    assert series["resolution"] == resolution
    assert series["points"] == [[from_ms, 12.5]]
    assert world.readings.asked[0][:4] == ("gw-0001", "meter-0001", "power", None)


async def test_readings_are_bounded(world: World) -> None:
    async with world.client("duty-1") as client:
        for params in (
            {"from": "2026-01-01T00:00:00Z", "resolution": "raw"},
            {"from": "2026-11-24T00:00:00Z"},
            {"from": "2026-11-24T00:00:00"},
        ):
            answer = await client.get(
                "/api/v1/readings", params={"device": "gw-0001/meter-0001", **params}
            )
            assert (answer.status_code, problem_of(answer)["field"]) == (422, "from"), params
        # A plus sign that a URL has turned into a space.
        url = "/api/v1/readings?device=gw-0001/meter-0001&from=2026-11-23T08:00:00+08:00"
        assert (await client.get(url)).status_code == 200


async def test_the_report_counts_from_when_it_grew_worse(world: World) -> None:
    await world.raise_alarm(episode="a", severity="watch")
    world.clock.at_ms += 3_600_000
    await world.raise_alarm(episode="b")
    world.clock.at_ms += 20_000
    async with world.client("duty-1") as client:
        alarm = (await client.post("/api/v1/alarms/a/acknowledge")).json()
        assert alarm["raised_at"] < alarm["worsened_at"] < alarm["acknowledged_at"]
        report = (await client.get("/api/v1/reports/alarms")).json()
        assert (report["total"], report["median_acknowledge_s"]) == (1, 20.0)


async def test_the_board_counts_what_the_list_of_devices_says(world: World) -> None:
    """Devices of all states: one definition of silent, and of not yet heard."""
    now_ms, hour_ms = world.clock.at_ms, 3_600_000
    heard = (None, now_ms - 1000, now_ms - 2 * hour_ms, now_ms - 300 * hour_ms)
    kinds = ("power", "sos", "blood_pressure")
    cases = product(heard, kinds, (None, "", "no_answer"), (None, 0, 1800), (False, True))
    columns = ("gateway", "device", "home", "kind", "model", "label", "last_seen_ms", "fault")
    insert = insert_sql(DEVICE, (*columns, "expected_interval_s", "reports_itself", "asks"))

    def add(unit) -> None:
        for number, (seen_ms, kind, fault, expected_s, shown) in enumerate(cases):
            home = None if number % 7 == 0 else "home-0001"
            row = ("gw-0001", f"d-{number}", home, kind, "", "", seen_ms, fault, expected_s)
            unit.execute(insert, (*row, shown, False))

    await world.writer.change(add)
    async with world.client("duty-1") as client:
        listed = (await client.get("/api/v1/devices")).json()["items"]
        counted = (await client.get("/api/v1/summary")).json()["devices"]
    states = Counter(device["state"] for device in listed)
    assert counted == {
        "total": len(listed),
        "silent": states["silent"],
        "unheard": states["never_seen"],
        "unbound": states["unbound"],
    }
    assert min(states[s] for s in ("silent", "never_seen", "unbound", "fault", "ok")) > 5


async def test_overview(world: World) -> None:
    await world.raise_alarm(episode="a", rule="a")
    await world.raise_alarm(episode="b", rule="b")
    world.clock.at_ms += 30_000
    async with world.client("duty-1") as client:
        await client.post("/api/v1/alarms/a/acknowledge")
        await client.post("/api/v1/alarms/b/close", json={"outcome": "test"})
        summary = (await client.get("/api/v1/summary")).json()
        assert summary["alarms"] == {
            "open": 0,
            "acknowledged": 1,
            "in_response": 0,
            "closed_today": 1,
        }
        assert summary["devices"] == {"total": 2, "silent": 0, "unheard": 2, "unbound": 0}
        assert summary["gateways"] == {"online": 0, "total": 1}
        report = (await client.get("/api/v1/reports/alarms")).json()
        assert (report["total"], report["median_acknowledge_s"]) == (2, 30.0)
        assert report["by_outcome"] == [{"outcome": "test", "count": 1}]
        # Eight hours after noon in Shaanxi it is tomorrow there.
        world.clock.at_ms += 8 * 3_600_000
        summary = (await client.get("/api/v1/summary")).json()
        assert summary["alarms"]["closed_today"] == 0
        clock = (await client.get("/api/v1/clock")).json()
        assert clock == {
            "now": "2026-11-23T16:00:30.000Z",
            "speed": 1.0,
            "timezone": "Asia/Shanghai",
        }
        rules = (await client.get("/api/v1/rules")).json()["items"]
        assert "sos" in [rule["name"] for rule in rules]


async def test_quarantine(world: World) -> None:
    for n, gateway in enumerate(("gw-0001", "gw-0002", None)):
        await world.execute(
            "INSERT INTO quarantine"
            " (at_ms, source, gateway, code, detail, raw, size, digest, count)"
            " VALUES (?, 'hw/v1/x/activation', ?, 'not_json', 'd', ?, 2, ?, 3)",
            NOW_MS,
            gateway,
            b"\xff{",
            str(n),
        )
    async with world.client("manager-1") as local, world.client("admin-1") as admin:
        page = (await local.get("/api/v1/quarantine")).json()
        assert (page["total"], [i["gateway"] for i in page["items"]]) == (1, ["gw-0001"])
        assert (page["items"][0]["raw_hex"], page["items"][0]["raw_text"]) == ("ff7b", "\ufffd{")
        page = (await admin.get("/api/v1/quarantine?limit=2")).json()
        assert (page["total"], len(page["items"])) == (3, 2)

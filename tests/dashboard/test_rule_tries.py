"""Rules tried on what is stored: from the request to the process and back."""

import threading
from dataclasses import replace

import pytest

from contract.moment import to_iso
from dashboard.ports import TryWanted
from hearthwatch.backtest.stored_past import StoredPast
from hearthwatch.backtest.tries import KEPT_OF_ONE, QUEUE_MAX, ProcessRunner, Tries
from hearthwatch.backtest.try_run import tried
from hearthwatch.hub_config import HubConfig, load
from hearthwatch.stores import open_reader
from ingest.readings.sqlite_store import SqliteStore
from ledger.place import SqliteBook
from rules.config import default_rules
from rules.in_force import InForce
from rules.settings import Setting
from tests.dashboard.conftest import NOW_MS, World, problem_of

DAY_MS = 86_400_000
MINUTE_MS = 60_000
LOWER = {"rule": "overload", "params": {"limit_w": 4000.0}}
# No try of these tests takes longer; it is a bound, not a wait.
DEADLINE_S = 120


class HandRunner:
    """A try whose messages the test gives."""

    def __init__(self, task) -> None:
        self.task = task
        self.given: list[tuple[str, object]] = []
        self.asked = threading.Event()
        self.stopped = threading.Event()

    def message(self, timeout_s):
        self.asked.set()
        if self.given:
            return self.given.pop(0)
        self.stopped.wait(0.001)
        return None

    def stop(self) -> None:
        self.stopped.set()


class HandStarts:
    def __init__(self) -> None:
        self.runners: list[HandRunner] = []
        self.started = threading.Semaphore(0)

    def __call__(self, task) -> HandRunner:
        self.runners.append(HandRunner(task))
        self.started.release()
        return self.runners[-1]

    def next(self) -> HandRunner:
        assert self.started.acquire(timeout=DEADLINE_S)
        return self.runners[-1]


def store_load(folder, gateway, device, *, days_ago, watts) -> None:
    store = SqliteStore(folder / "readings.db")
    store.begin_batch()
    begin_ms = NOW_MS - days_ago * DAY_MS
    for minute in range(-30, 50):
        now_w = watts if 0 <= minute < 20 else 60.0
        store.add((gateway, device, "power"), begin_ms + minute * MINUTE_MS, {"power_w": now_w})
    store.commit()
    store.close()


@pytest.fixture
async def config(world: World, tmp_path, book_path):
    await world.execute(
        "INSERT INTO device (gateway, device, home, kind, model, label) VALUES "
        "('gw-0002', 'meter-0002', 'home-0002', 'power', '', '')"
    )
    store_load(tmp_path, "gw-0001", "meter-0001", days_ago=3, watts=4500.0)
    store_load(tmp_path, "gw-0001", "meter-0001", days_ago=5, watts=4500.0)
    store_load(tmp_path, "gw-0001", "meter-0001", days_ago=40, watts=4500.0)
    store_load(tmp_path, "gw-0002", "meter-0002", days_ago=4, watts=9000.0)
    # As every hub has its own: a process of a try has to be given what came out of a hub.toml.
    (tmp_path / "hub.toml").write_text(
        'data_dir = "."\n[notify]\ntimezone = "Asia/Shanghai"\n'
        '[channel.web_push]\nsubject = "mailto:a@county.example"\n'
    )
    return replace(load(tmp_path / "hub.toml"), book=SqliteBook(path=book_path))


def use(world: World, start, *settings: Setting) -> Tries:
    rules = InForce(default_rules(), settings)
    tries = Tries(world.deps.engine, lambda: rules, world.clock.now_ms, start)
    world.app.state.deps = replace(world.deps, tries=tries)
    return tries


@pytest.fixture
def hand(world: World):
    starts = HandStarts()
    tries = use(world, starts)
    yield tries, starts
    tries.close()


@pytest.fixture
def real(world: World, config):
    tries = use(world, lambda task: ProcessRunner(config, task))
    yield tries
    tries.close()


async def ask(client, **body):
    return await client.post("/api/v1/rules/tries", json={"changes": [LOWER], **body})


async def result(client, tries, **body):
    answer = await ask(client, **body)
    assert answer.status_code == 202, answer.text
    assert tries.wait(answer.json()["id"], DEADLINE_S)
    shown = (await client.get(f"/api/v1/rules/tries/{answer.json()['id']}")).json()
    assert shown["state"] == "done", shown
    return shown["result"]


def of(rule, found):
    return next(line for line in found["by_rule"] if line["rule"] == rule)


async def close(world: World, alarm: str, outcome: str) -> None:
    await world.execute(
        "UPDATE alarm SET state = 'closed', outcome = ? WHERE id = ?", outcome, alarm
    )


async def test_a_lower_limit_finds_what_the_present_one_did_not(world: World, real) -> None:
    at_ms = NOW_MS - 3 * DAY_MS + 10 * MINUTE_MS
    own = {"rule": "overload", "kind": "overload", "reason": "overload", "severity": "watch"}
    alarm = await world.raise_alarm(episode="o", raised_at_ms=at_ms, at_ms=at_ms, **own)
    await close(world, alarm, "real_emergency")
    early_ms = NOW_MS - 10 * DAY_MS
    missed = await world.raise_alarm("home-0002", "m", raised_at_ms=early_ms, at_ms=early_ms, **own)
    await close(world, missed, "real_emergency")
    async with world.client("admin-1") as client:
        found = await result(client, real)
    line = of("overload", found)
    # That of home-0002 is beyond both limits; that of 40 days ago lies in the warm-up.
    assert (line["now"], line["then"], line["only_then"], line["only_now"]) == (1, 3, 2, 0)
    assert (line["of_alarms_closed_real"], line["missed_real"]) == (1, 1)
    assert (found["days"], found["homes"]) == (30, 2)
    assert found["sentence_parts"]["rules"] == ["overload"]
    assert found["sentence_parts"]["then"] == 3
    assert "gateway_silent" in found["not_judged"]
    assert "overload" not in found["not_judged"]
    assert real.latest("admin-1")[0]["progress"] == 1.0


async def test_a_reader_of_another_region_sees_only_its_homes(world: World, real) -> None:
    async with world.client("manager-1") as client:
        found = await result(client, real)
        assert (of("overload", found)["then"], found["homes"]) == (2, 1)
        wide = await result(client, real, homes="610926")
        assert wide["homes"] == 1
        assert (await ask(client, homes="610926102")).status_code == 422
        other = {**LOWER, "scope": "home:home-0002"}
        assert (await ask(client, changes=[other])).status_code == 422
        mine = {**LOWER, "scope": "person:person-0001"}
        found = await result(client, real, changes=[mine])
        assert of("overload", found)["then"] == 2
    async with world.client("admin-1") as client:
        single = {**LOWER, "scope": "category:空巢"}
        found = await result(client, real, changes=[single])
        assert (of("overload", found)["now"], of("overload", found)["then"]) == (1, 1)
        [try_id] = [one["id"] for one in real.latest("admin-1")]
    async with world.client("manager-1") as client:
        assert (await client.get(f"/api/v1/rules/tries/{try_id}")).status_code == 404
        assert (await client.delete(f"/api/v1/rules/tries/{try_id}")).status_code == 404
        assert len((await client.get("/api/v1/rules/tries")).json()["items"]) == 3


def setting(seq, scope, rule="overload", **params):
    return Setting(seq=seq, scope=scope, rule=rule, params=params)


async def tried_with(world: World, config, settings, **body):
    """What a try finds while these settings hold; in this process."""
    starts = HandStarts()
    tries = use(world, starts, *settings)
    async with world.client("admin-1") as client:
        answer = await ask(client, **body)
        assert answer.status_code == 202, answer.text
    task = starts.next().task
    tries.close()
    return tried(StoredPast(world.deps.engine, open_reader(config)), task, lambda _part: None)


# Home 1 stood at 4,500 W twice within the month, home 2 (person-0002, 空巢) once at 9,000.
@pytest.mark.parametrize(
    ("settings", "change", "counts"),
    [
        # What is set for a home, person or category is what holds there today.
        ([setting(1, "home:home-0001", limit_w=4000.0)], {"scope": "home:home-0002"}, (3, 3)),
        ([setting(1, "person:person-0001", limit_w=4000.0)], {"scope": "home:home-0002"}, (3, 3)),
        ([setting(1, "category:空巢", limit_w=12_000.0)], {"scope": "home:home-0001"}, (0, 2)),
        ([setting(1, "county", limit_w=4000.0)], {"scope": "home:home-0002"}, (3, 3)),
        # A wider change leaves alone what is set nearer.
        ([setting(1, "home:home-0001", limit_w=9500.0)], {}, (1, 1)),
        ([setting(1, "person:person-0001", limit_w=9500.0)], {"scope": "home:home-0001"}, (1, 1)),
        # What else is set in the same scope stays.
        (
            [setting(1, "home:home-0001", limit_min=60, high_w=12_000.0)],
            {"scope": "home:home-0001"},
            (1, 1),
        ),
    ],
)
async def test_settings_in_force_are_played(world: World, config, settings, change, counts) -> None:
    found = await tried_with(world, config, settings, changes=[{**LOWER, **change}])
    line = [line for line in found["by_rule"] if line["rule"] == "overload"]
    assert [(each["now"], each["then"]) for each in line] == [counts]


async def test_a_whole_rules_toml_has_the_settings_on_top(world: World, config) -> None:
    toml = '[[rule]]\nname = "overload"\nlimit_w = 4000.0\n'
    mine = [setting(1, "home:home-0002", limit_w=12_000.0)]
    found = await tried_with(world, config, mine, changes=[], toml=toml)
    assert (of("overload", found)["now"], of("overload", found)["then"]) == (0, 2)


async def test_a_change_that_pushes_out_a_setting_is_refused(world: World) -> None:
    starts = HandStarts()
    tries = use(world, starts, setting(1, "home:home-0001", "blood_pressure", low_systolic_mmhg=95))
    low = {"rule": "blood_pressure", "params": {"low_watch_systolic_mmhg": 91}}
    async with world.client("admin-1") as client:
        answer = await ask(client, changes=[low])
    tries.close()
    assert answer.status_code == 422
    assert "home:home-0001" in problem_of(answer)["detail"]


async def test_the_homes_that_differ_are_named(world: World, real) -> None:
    async with world.client("admin-1") as client:
        found = await result(client, real)
    assert found["homes_differing"] == 1
    [line] = found["by_home"]
    assert (line["home"], line["rule"]) == ("home-0001", "overload")
    assert (line["now"], line["then"], line["only_now"], line["only_then"]) == (0, 2, 0, 2)
    assert len(line["only_then_at"]) == 2
    assert line["address"]
    assert [person["id"] for person in line["persons"]] == ["person-0001"]


async def test_a_whole_rule_set_can_be_tried(world: World, config) -> None:
    past = StoredPast(world.deps.engine, open_reader(config))
    starts = HandStarts()
    tries = use(world, starts)
    toml = '[[rule]]\nname = "overload"\nenabled = false\n'
    async with world.client("admin-1") as client:
        answer = await ask(client, changes=[], toml=toml)
        assert answer.status_code == 202
    task = starts.next().task
    tries.close()
    parts: list[float] = []
    found = tried(past, task, parts.append)
    assert (of("overload", found)["now"], of("overload", found)["then"]) == (1, 0)
    assert parts == [0.5, 1.0]


async def test_a_try_is_cancelled_while_it_runs_and_while_it_waits(world: World, hand) -> None:
    tries, starts = hand
    async with world.client("admin-1") as client:
        first = (await ask(client)).json()["id"]
        second = (await ask(client)).json()["id"]
        runner = starts.next()
        assert runner.asked.wait(DEADLINE_S)
        states = [one["state"] for one in tries.latest("admin-1")]
        assert states == ["queued", "running"]
        assert (await client.delete(f"/api/v1/rules/tries/{second}")).status_code == 204
        assert (await client.delete(f"/api/v1/rules/tries/{first}")).status_code == 204
        assert runner.stopped.wait(DEADLINE_S)
        assert (await client.get(f"/api/v1/rules/tries/{first}")).status_code == 404
        third = (await ask(client)).json()["id"]
        runner = starts.next()
        assert len(starts.runners) == 2
        runner.given += [("progress", 0.25), ("failed", "broken")]
        assert tries.wait(third, DEADLINE_S)
        shown = (await client.get(f"/api/v1/rules/tries/{third}")).json()
    assert (shown["state"], shown["progress"], shown["detail"]) == ("failed", 0.25, "broken")


async def test_the_queue_and_what_is_kept_are_bounded(world: World, hand) -> None:
    tries, starts = hand
    async with world.client("admin-1") as client:
        await ask(client)
        runner = starts.next()
        answers = [await ask(client) for _ in range(QUEUE_MAX + 1)]
        assert [a.status_code for a in answers] == [202] * QUEUE_MAX + [429]
        for one in tries.latest("admin-1"):
            tries.cancel("admin-1", one["id"])
        assert runner.stopped.wait(DEADLINE_S)
        for _ in range(KEPT_OF_ONE + 3):
            one = (await ask(client)).json()["id"]
            starts.next().given.append(("done", {}))
            assert tries.wait(one, DEADLINE_S)
        assert len((await client.get("/api/v1/rules/tries")).json()["items"]) == KEPT_OF_ONE


REFUSED = {
    "no such rule": {"changes": [{"rule": "overlaod", "params": {}}]},
    "what finds nothing": {"changes": [{"rule": "not_up_yet", "params": {"ask_first_s": 60}}]},
    "no such parameter": {"changes": [{"rule": "overload", "params": {"limit": 1}}]},
    "out of range": {"changes": [{"rule": "overload", "params": {"limit_w": 1.0}}]},
    "no such scope": {"changes": [{**LOWER, "scope": "village:1"}]},
    "severity of a home": {"changes": [{**LOWER, "scope": "home:home-0001", "severity": "urgent"}]},
    "a call that is not urgent": {"changes": [{"rule": "sos", "severity": "watch"}]},
    "nothing": {"changes": []},
    "both": {"toml": ""},
    "no toml": {"changes": [], "toml": "["},
    "too long": {"from": to_iso(NOW_MS - 100 * DAY_MS)},
    "the future": {"from": to_iso(NOW_MS + DAY_MS), "to": to_iso(NOW_MS + 2 * DAY_MS)},
    "unknown key": {"change": []},
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_cannot_be_tried_is_refused(world: World, hand, case) -> None:
    async with world.client("admin-1") as client:
        answer = await ask(client, **REFUSED[case])
    assert answer.status_code == 422, answer.text
    assert problem_of(answer)["type"] == "invalid"
    assert hand[0].latest("admin-1") == []


@pytest.mark.parametrize("username", ["duty-1", "auditor-1", "visitor-1", "installer-1"])
async def test_others_try_nothing(world: World, hand, username) -> None:
    async with world.client(username) as client:
        assert (await ask(client)).status_code == 403


async def test_a_hub_without_tries_says_so(world: World) -> None:
    async with world.client("admin-1") as client:
        assert (await ask(client)).status_code == 429
        assert (await client.get("/api/v1/rules/tries")).json()["items"] == []


def test_a_process_that_ends_is_a_failed_try(world: World, tmp_path, book_path) -> None:
    config = HubConfig(data_dir=tmp_path / "nowhere", book=SqliteBook(path=book_path))
    tries = Tries(
        world.deps.engine,
        lambda: InForce(default_rules()),
        world.clock.now_ms,
        lambda task: ProcessRunner(config, task),
    )
    wanted = TryWanted(
        owner="a", region="", from_ms=0, to_ms=1000, changes=[{**LOWER, "scope": "county"}]
    )
    one = tries.submit(wanted)
    assert tries.wait(one, DEADLINE_S)
    found = tries.find("a", one)
    tries.close()
    assert found is not None
    assert found["state"] == "failed"
    assert found["detail"]

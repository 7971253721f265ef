"""A provider that drops, answers 500, lies with 200 and doubles: counted, nothing is lost, nothing
comes twice that we could have known of, and the channel beside it is on time."""

import random
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from alarms.limits import Limits
from alarms.message import decode
from alarms.registry import NOTIFIERS
from tests.adapters.fake_provider import FAULTS, FakeProvider, fake_provider
from tests.adapters.notices import NOW_MS, SECRET, tools
from tests.adapters.processes import until
from tests.adapters.telling_bench import Office

ALARMS = 40
SEEDS = (1, 2, 3)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    office = Office(tmp_path)
    office.account("duty-1")
    yield office
    await office.close()


def bots(office: Office, client: httpx2.AsyncClient, urls: dict[str, str]) -> None:
    """Bots of the three messengers at these servers."""
    made = tools(client, office.bench.folder)
    paths = {
        "wecom_bot": f"/cgi-bin/webhook/send?key={SECRET}",
        "dingtalk": "/robot/send?access_token=t",
        "feishu": "/open-apis/bot/v2/hook/t",
    }
    from alarms.notifiers import dingtalk, feishu, wecom_bot

    url = {name: f"{urls[name]}{path}" for name, path in paths.items()}
    configs = {
        "wecom_bot": wecom_bot.Config(urls={"duty": url["wecom_bot"]}),
        "dingtalk": {"duty": dingtalk.Bot(url=url["dingtalk"], secret=SECRET)},
        "feishu": {"duty": feishu.Bot(url=url["feishu"], secret=SECRET)},
    }
    for name, config in configs.items():
        office.channels[name] = NOTIFIERS[name].build(config, made)


@pytest.mark.parametrize("seed", SEEDS)
async def test_nothing_is_lost_and_nothing_doubled_by_us(office: Office, seed: int) -> None:
    bad = FakeProvider(SECRET, random.Random(seed))
    good = FakeProvider(SECRET, random.Random(seed), faults=("none",))
    with fake_provider(bad), fake_provider(good):
        async with httpx2.AsyncClient() as client:
            bots(office, client, {"wecom_bot": bad.url, "dingtalk": bad.url, "feishu": good.url})
            for number in range(ALARMS):
                alarm = office.alarm(str(number))
                for channel in ("wecom_bot", "dingtalk", "feishu"):
                    office.tell(alarm, "duty-1", channel, "duty")
            office.start()
            await until(
                lambda: sum(good.delivered.values()) == ALARMS, "all of the channel that works"
            )
            # The clock has not moved: its messages waited for no other's retries.
            assert office.bench.clock.at_ms == NOW_MS
            while True:
                await until(lambda: not office.sending._under_way, "all answers")
                if all(state != "pending" for _target, state in office.states()):
                    break
                before = sum(bad.met.values())
                office.pass_ms(61_000)
                await until(lambda before=before: sum(bad.met.values()) > before, "another round")
    assert {state for _target, state in office.states()} == {"delivered"}
    texts = {decode(row["body"]).text for row in office.rows()}
    assert set(bad.delivered) == texts - set(good.delivered)
    assert bad.bad_signatures == good.bad_signatures == 0
    assert set(bad.met) == set(FAULTS), "a fault was never met: the seed proves nothing"
    for text, times in bad.delivered.items():
        assert times == 1 + bad.excused[text], text
    assert set(good.delivered.values()) == {1}


async def test_a_wrong_secret_is_told_by_the_provider(office: Office) -> None:
    """The receiver really checks: signed with another secret nothing gets through."""
    provider = FakeProvider("another secret", random.Random(1), faults=("none",))
    with fake_provider(provider):
        async with httpx2.AsyncClient() as client:
            names = ("dingtalk", "feishu")
            bots(office, client, dict.fromkeys((*names, "wecom_bot"), provider.url))
            for name in names:
                office.tell(office.alarm(name), "duty-1", name, "duty")
            office.limits = Limits({})
            office.start()
            await until(lambda: provider.bad_signatures >= 2, "two refusals")
            await until(
                lambda: all(row["attempts"] >= 1 for row in office.rows()), "their settling"
            )
    assert not provider.delivered
    details = {row["channel"]: row["detail"] for row in office.rows()}
    assert {row["state"] for row in office.rows()} == {"pending"}
    assert "310000" in details["dingtalk"]
    assert "19021" in details["feishu"]

"""A stranger closes a call, with a record of the visit, in ten presses: on a real hub."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from ledger.schema import ALARM, TASK, VISIT
from tests.adapters.fake_api import PASSWORD
from tests.adapters.hub_bench import press
from tests.adapters.real_hub import serving_hub
from tests.browser.conftest import DEADLINE_MS
from tests.screens.path import ACCOUNTS, PRESSES_MAX, ROSTER, count_presses, presses, walk
from tests.screens.stage import catalogue, open_context

pytestmark = pytest.mark.browser
expect.set_options(timeout=DEADLINE_MS)


def test_a_call_is_closed_with_its_record_in_ten_presses(chromium: Browser, tmp_path: Path) -> None:
    with serving_hub(tmp_path, ROSTER, ACCOUNTS, PASSWORD) as (address, bench):
        bench.deliver(press(1))
        context = open_context(chromium, "zh-CN")
        count_presses(context)
        page = context.new_page()
        say, stops = catalogue("zh-CN").__getitem__, list[int]()
        walk(page, address, say, lambda _stop: stops.append(presses(page)))
        # Each press is counted: one to sign in, and what the READMEs tell.
        assert stops == [1, 4, 6, 8, 9]
        assert stops[-1] <= PRESSES_MAX
        context.close()
        [alarm], [task], [visit] = bench.rows(ALARM), bench.rows(TASK)[:1], bench.rows(VISIT)
    assert (alarm["state"], alarm["outcome"]) == ("closed", "social")
    assert task["state"] == "completed"
    assert (visit["alarm"], visit["visitor"], visit["met"]) == (alarm["id"], "duty-1", True)
    assert json.loads(visit["record"])["fire_safety"] == "safe"

"""The whole path on real programs: radio bytes on a line, the board in Chromium, and back."""

import json
import shutil
import threading
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from hearthwatch.admin import add_user
from hearthwatch.embedded_broker import find_mosquitto
from tests.acceptance.rig import Rig, wait_until

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
PASSWORD = "correct horse battery"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]

pytestmark = [
    pytest.mark.mosquitto,
    pytest.mark.browser,
    pytest.mark.skipif(find_mosquitto() is None, reason="no mosquitto on this machine"),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="no chromium on this machine"),
]


def commands(rig: Rig) -> list[dict]:
    """What the hub has sent to the gateway, by its outbox."""
    sql = "SELECT body FROM outbox WHERE channel = 'gateway_command' AND state = 'delivered'"
    return [json.loads(row[0]) for row in rig.rows(sql)]


def acknowledged(rig: Rig) -> list[str]:
    """By whom, each time that somebody took it, by the hub's own trail."""
    sql = "SELECT actor FROM entry WHERE topic = 'alarm' AND fact = 'acknowledged'"
    return [row[0] for row in rig.rows(sql)]


def at_the_board(rig: Rig, problems: list[str]) -> None:
    """Sign in, wait for the press to appear, see the hub die and come back, take it by key."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="zh-CN")
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(f"http://127.0.0.1:{rig.http_port}/")
        page.fill("[name=username]", "duty1")
        page.fill("[name=password]", PASSWORD)
        page.click("button[type=submit]")
        page.wait_for_selector("main#main", timeout=30_000)
        expect(page.locator("[data-alarm]")).to_have_count(0)
        rig.press(0xABCDE)
        card = page.locator(".queue li[data-alarm]")
        expect(card).to_have_count(1, timeout=30_000)
        expect(card).to_contain_text("按下呼叫按钮")
        page.evaluate("window.sameDocument = true")
        status = page.get_by_role("status")
        rig.programs["hub"].kill()
        expect(status).to_contain_text("与系统的连接已断开", timeout=30_000)
        expect(card).to_contain_text("按下呼叫按钮")
        rig.programs["hub"].start()
        # By itself, and with what was there before.
        expect(status).to_contain_text("实时连接正常", timeout=60_000)
        assert page.evaluate("window.sameDocument")
        expect(card).to_have_count(1)
        page.keyboard.press("a")
        expect(card).to_have_count(0, timeout=30_000)
        browser.close()


def test_press_reaches_the_screen_and_the_answer_reaches_the_gateway(tmp_path) -> None:
    rig = Rig(tmp_path)
    add_user(rig.book, "duty1", "李敏", "duty", "", PASSWORD)
    problems: list[str] = []
    try:
        rig.start()
        # The line is heard once a first press has gone through; its button says nothing here.
        wait_until(rig.ready, 60, "the hub answers")
        wait_until(rig.listening, 60, "the gateway listens")
        # Playwright keeps an event loop in its thread, which other tests must not meet.
        thread = threading.Thread(target=at_the_board, args=(rig, problems))
        thread.start()
        thread.join(180)
        assert not thread.is_alive()
        wait_until(lambda: bool(commands(rig)), 30, "the command to the gateway")
        (alarm,) = rig.alarms()
        said = commands(rig)[0]
        takers = acknowledged(rig)
    finally:
        rig.close()
    assert alarm[1:3] == (1, "acknowledged")
    assert takers == ["duty1"]
    assert said["command"] == "reassure"
    assert said["device"] == "ev1527-abcde"
    assert problems == []

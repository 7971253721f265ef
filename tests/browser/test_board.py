"""The board: what the duty officer sees, hears and presses."""

import itertools
import re

import pytest
from playwright.sync_api import expect

from tests.adapters.fake_api import FakeHub
from tests.adapters.fake_county import SILENT_HOME
from tests.browser.axe import LEVELS, read_axe, violations
from tests.browser.conftest import DEADLINE_MS, Desk, OpenDesk

pytestmark = pytest.mark.browser
expect.set_options(timeout=DEADLINE_MS)

QUEUE = ".queue li[data-alarm]"


def test_sign_in_says_what_is_wrong_and_then_opens_the_board(open_desk: OpenDesk) -> None:
    desk = open_desk()
    page = desk.page
    page.goto(desk.url)
    page.fill("[name=username]", "duty-1")
    page.fill("[name=password]", "wrong")
    page.click("button[type=submit]")
    expect(page.get_by_role("alert")).to_have_text("用户名或密码不正确。")
    page.fill("[name=password]", "demo")
    page.click("button[type=submit]")
    expect(page.locator(QUEUE).first).to_be_visible()
    expect(page.locator("nav .shift")).to_contain_text("赵敏")


def test_who_where_what_since_when_who_has_it(desk: Desk) -> None:
    cards = desk.page.locator(QUEUE)
    expect(cards).to_have_count(4)
    # Urgent first, of these who calls; then the one that waits longest; the dead gateway last.
    expect(cards.nth(1)).to_contain_text("长时间没有生活迹象")
    expect(cards.nth(3)).to_contain_text("药妇沟村村委会")
    pressed = cards.nth(0)
    expect(pressed).to_contain_text("按下呼叫按钮")
    expect(pressed).to_contain_text("×2")
    expect(pressed).to_contain_text(re.compile(r"王德福 \d+岁"))
    expect(pressed).to_contain_text(re.compile("城关镇 · 龙头村.组"))
    expect(pressed).to_contain_text("自 03:01:23")
    expect(pressed).to_contain_text("无人接手")
    expect(cards.nth(2)).to_contain_text("192/118 mmHg · 脉搏 96 · 2 次平均 190/117")
    assert desk.page.title().startswith("(3) 紧急")
    counters = desk.page.locator("main dl").first
    taken = desk.page.locator(".side [data-alarm]").first
    take = [cards.nth(place).get_by_role("button", name="接警") for place in (0, 3)]
    desk.at_every_size(*take, taken.locator("a").first, shown=[counters, pressed])


def test_waiting_clocks_run_in_hub_time(desk: Desk) -> None:
    clock = desk.page.locator(QUEUE).nth(0).locator(".clock")
    before = clock.inner_text()
    expect(clock).not_to_have_text(before)
    assert re.fullmatch(r"0:\d\d:\d\d", before)


def test_a_new_alarm_comes_by_the_stream_alone(desk: Desk, hub: FakeHub) -> None:
    page = desk.page
    expect(page.locator(QUEUE)).to_have_count(4)
    page.evaluate("window.sameDocument = true")
    lists = []
    page.on("request", lambda r: lists.append(r.url) if "/alarms?" in r.url else None)
    alarm = hub.raise_alarm("sos", "home-0003")
    card = page.locator(f'[data-alarm="{alarm["id"]}"]')
    expect(card).to_contain_text("李秀兰")
    expect(page.locator("[aria-live=assertive]")).to_contain_text("新警情：按下呼叫按钮，李秀兰")
    expect(page).to_have_title(re.compile(r"^\(4\) 紧急"))
    assert not lists
    assert page.evaluate("window.sameDocument")


def test_keys_select_and_acknowledge(desk: Desk, hub: FakeHub) -> None:
    page = desk.page
    ids = page.locator(QUEUE).evaluate_all("cards => cards.map(card => card.dataset.alarm)")
    expect(page.locator(f"{QUEUE}.selected")).to_have_attribute("data-alarm", ids[0])
    page.keyboard.press("ArrowDown")
    expect(page.locator(f"{QUEUE}.selected")).to_have_attribute("data-alarm", ids[1])
    page.keyboard.press("a")
    expect(page.locator(QUEUE)).to_have_count(3)
    taken = page.locator(f'.side [data-alarm="{ids[1]}"]')
    expect(taken).to_contain_text("已接警")
    expect(taken).to_contain_text("赵敏")
    assert hub.cases.alarms[ids[1]]["state"] == "acknowledged"
    assert hub.cases.alarms[ids[0]]["state"] == "open"
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/alarms/"))


def test_a_call_is_selected_before_what_nobody_has_chosen(desk: Desk, hub: FakeHub) -> None:
    """Who wakes up to a call presses A: it takes the call, not what was selected hours ago."""
    page = desk.page
    selected = page.locator(f"{QUEUE}.selected")
    first = page.locator(QUEUE).first.get_attribute("data-alarm")
    expect(selected).to_have_attribute("data-alarm", str(first))
    with hub.lock:
        hub.cases.move_alarm(str(first), "acknowledge", "duty-2", {})
    expect(selected).to_have_count(0)
    desk.page.reload()
    expect(selected).to_have_count(1)
    call = hub.raise_alarm("sos", "home-0003")
    expect(selected).to_have_attribute("data-alarm", call["id"])
    expect(page.locator(QUEUE).first).to_have_attribute("data-alarm", call["id"])
    # Chosen by hand it stays selected while the next call comes before it.
    page.keyboard.press("ArrowDown")
    expect(selected).not_to_have_attribute("data-alarm", call["id"])
    chosen = selected.get_attribute("data-alarm")
    hub.raise_alarm("fall", "home-0004")
    expect(page.locator(QUEUE)).to_have_count(5)
    expect(selected).to_have_attribute("data-alarm", str(chosen))


def test_a_key_meant_for_a_taken_alarm_does_not_take_the_next(desk: Desk, hub: FakeHub) -> None:
    page = desk.page
    first = page.locator(QUEUE).first.get_attribute("data-alarm")
    assert first is not None
    expect(page.locator(f"{QUEUE}.selected")).to_have_attribute("data-alarm", first)
    with hub.lock:
        hub.cases.move_alarm(first, "acknowledge", "duty-2", {})
    expect(page.locator(QUEUE)).to_have_count(3)
    page.keyboard.press("a")
    expect(page.locator(".toasts")).to_contain_text("请用 ↑ ↓ 重新选择")
    assert hub.cases.count_alarms()["open"] == 3


def test_two_officers_one_alarm(desk: Desk, open_desk: OpenDesk, hub: FakeHub) -> None:
    other = open_desk()
    other.sign_in("duty-2")
    expect(other.page.locator(QUEUE)).to_have_count(4)
    # By key: a thumb's press does nothing while lines still come to their places.
    desk.page.locator(QUEUE).first.get_by_role("button", name="接警").press("Enter")
    expect(other.page.locator(QUEUE)).to_have_count(3)
    expect(other.page.locator(".side")).to_contain_text("赵敏")


def test_lost_connection_is_said_and_nothing_is_missed(open_desk: OpenDesk, hub: FakeHub) -> None:
    desk = open_desk()
    desk.sign_in_by_hand()
    page = desk.page
    expect(page.get_by_role("status")).to_contain_text("实时连接正常")
    page.evaluate("window.sameDocument = true")
    hub.stop_answering()
    expect(page.get_by_role("status")).to_contain_text("与系统的连接已断开")
    expect(page).to_have_title(re.compile("^连接中断"))
    alarm = hub.raise_alarm("sos", "home-0003")
    desk.at_every_size(page.get_by_role("button", name="重试"), shown=[page.locator("time").first])
    # While nobody answers: once somebody does, the page may be there before the press.
    page.get_by_role("button", name="重试").click()
    hub.stop_answering(False)
    expect(page.locator(f'[data-alarm="{alarm["id"]}"]')).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("实时连接正常")
    assert page.evaluate("window.sameDocument")


def test_the_stream_resumes_where_it_was_cut(desk: Desk, hub: FakeHub) -> None:
    page = desk.page
    expect(page.locator(QUEUE)).to_have_count(4)
    resumed: list[str | None] = []
    page.on(
        "request",
        lambda r: resumed.append(r.headers.get("last-event-id")) if "/stream" in r.url else None,
    )
    told = len(hub.entries)
    hub.drop_streams()
    alarm = hub.raise_alarm("sos", "home-0003")
    expect(page.locator(f'[data-alarm="{alarm["id"]}"]')).to_be_visible()
    assert resumed[0] == str(told)


def test_one_page_more_than_the_hub_carries_says_so_and_goes_on_by_asking(
    open_desk: OpenDesk, hub: FakeHub
) -> None:
    hub.streams_max = 1
    first = open_desk()
    first.sign_in("duty-2")
    expect(first.page.locator(QUEUE).first).to_be_visible()
    desk = open_desk(language="en")
    page = desk.page
    page.clock.install()
    desk.sign_in_by_hand()
    bar = page.locator("header .status")
    status = page.get_by_role("status").first
    expect(status).to_have_text("Not live: checking about every 10 s")
    desk.at_every_size(bar.get_by_role("button", name="Retry"), shown=[status])
    assert violations(desk, read_axe(), {"runOnly": list(LEVELS)}) == []
    # What comes now is seen with the next question, and read out as if the stream had said it.
    alarm = hub.raise_alarm("sos", "home-0003")
    card = page.locator(f'[data-alarm="{alarm["id"]}"]')
    expect(card).to_have_count(0)
    page.clock.run_for(12_001)
    expect(card).to_be_visible()
    expect(page.locator("[aria-live=assertive]")).to_contain_text("Call button")
    # Sound that is off stays said beside it.
    page.locator("header").get_by_role("button", name="Sound off").click()
    expect(status).to_contain_text("Not live: checking")
    expect(status).to_contain_text("Sound off")
    # Live again by itself as soon as a stream is left; what came since it last asked is heard.
    with hub.lock:
        hub.streams_max = 2
    second = hub.raise_alarm("sos", "home-0004")
    page.clock.run_for(12_001)
    expect(status).not_to_contain_text("asking")
    spoken = page.locator("[aria-live=assertive]")
    expect(spoken).to_contain_text(second["persons"][0]["name"])
    third = hub.raise_alarm("sos", "home-0006")
    expect(page.locator(f'[data-alarm="{third["id"]}"]')).to_be_visible()


def test_sound_waits_for_a_gesture_says_so_and_repeats(desk: Desk) -> None:
    page = desk.page
    page.clock.install()
    page.add_init_script(
        "window.tones = 0; window.sounds = [];"
        "const make = AudioContext.prototype.createOscillator;"
        "AudioContext.prototype.createOscillator = function () {"
        " window.tones += 1; window.sounds.push(performance.now()); return make.call(this) }"
    )
    page.reload()
    expect(page.get_by_role("status")).to_contain_text("声音未开启")
    assert page.evaluate("window.tones") == 0
    page.locator("header .status").get_by_role("button", name="开启声音").click()
    expect(page.get_by_role("status")).to_contain_text("实时连接正常")
    # Two tones say that sound is on, six are the alarm, and six more each time it repeats.
    desk.wait_for("window.tones >= 8")
    page.clock.run_for(9_000)
    desk.wait_for("window.tones >= 20")
    # Nobody waits any more: it is silent, however long.
    for alarm in [a for a in desk.hub.cases.alarms.values() if a["state"] == "open"]:
        with desk.hub.lock:
            desk.hub.cases.move_alarm(alarm["id"], "acknowledge", "duty-2", {})
    expect(page.locator(QUEUE)).to_have_count(0)
    tones = page.evaluate("window.tones")
    page.clock.run_for(9_000)
    assert page.evaluate("window.tones") == tones
    # Somebody who is being seen to presses again and again: heard, but not on top of itself.
    page.evaluate("window.sounds = []")
    again = next(a for a in desk.hub.cases.alarms.values() if a["event_count"] == 2)
    for times in ("×3", "×4", "×5"):
        with desk.hub.lock:
            desk.hub.cases.press_again(again["id"])
        expect(page.locator(f'.side [data-alarm="{again["id"]}"]')).to_contain_text(times)
    # The six tones of a sound are made at once, one after the other.
    moments = page.evaluate("window.sounds")[::6]
    assert moments
    assert all(later - sooner > 1_900 for sooner, later in itertools.pairwise(moments))


def test_the_session_ends(desk: Desk) -> None:
    expect(desk.page.locator(QUEUE)).to_have_count(4)
    desk.page.context.clear_cookies()
    desk.go("/homes")
    expect(desk.page.locator("form")).to_contain_text("登录已过期")


def test_a_second_press_is_heard_again(desk: Desk, hub: FakeHub) -> None:
    page = desk.page
    alarm = hub.raise_alarm("sos", "home-0003")
    card = page.locator(f'.queue [data-alarm="{alarm["id"]}"]')
    # The list has just moved, which a key need not fear.
    card.get_by_role("button", name="接警").press("Enter")
    row = page.locator(f'.side [data-alarm="{alarm["id"]}"]')
    expect(row).to_be_visible()
    with hub.lock:
        hub.cases.press_again(alarm["id"])
    expect(row).to_contain_text("×2")


class TestQuietNight:
    @pytest.fixture
    def hub(self) -> FakeHub:
        return FakeHub(speed=60, empty=True)

    def test_all_is_well_with_the_last_heartbeat(self, desk: Desk, hub: FakeHub) -> None:
        """Not while a gateway is away: of those homes nobody would hear."""
        expect(desk.page.locator(".empty")).to_contain_text("1 个网关离线")
        expect(desk.page.locator(".empty")).not_to_contain_text("一切平安")
        with hub.lock:
            hub.county.dead_gateway = None
        desk.page.reload()
        expect(desk.page.locator(".empty")).to_contain_text("一切平安")
        expect(desk.page.locator(".empty")).to_contain_text("最后心跳")

    def test_the_demonstration_clock_is_marked(self, desk: Desk) -> None:
        expect(desk.page.locator("header .badge")).to_have_text("演示时钟 ×60")

    def test_not_well_without_a_connection(self, desk: Desk, hub: FakeHub) -> None:
        expect(desk.page.locator(".empty")).to_contain_text("没有待接的警情")
        hub.stop_answering()
        expect(desk.page.locator(".empty")).to_contain_text("无法确认")

    def test_the_first_alarm_is_selected_by_itself(self, desk: Desk, hub: FakeHub) -> None:
        expect(desk.page.locator(".empty")).to_be_visible()
        alarm = hub.raise_alarm("no_sign_of_life", SILENT_HOME)
        expect(desk.page.locator(f"{QUEUE}.selected")).to_have_attribute("data-alarm", alarm["id"])

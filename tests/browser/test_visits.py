"""The record of a visit on a telephone: by thumb, without network, sent once."""

import io
import json

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from tests.adapters.fake_api import FakeHub
from tests.browser.conftest import DEADLINE_MS, PHONE, Desk, OpenDesk
from tests.browser.test_pages import CHINESE, alarm_of

pytestmark = pytest.mark.browser
expect.set_options(timeout=DEADLINE_MS)

VISITOR = "visitor-1"


def visitor_on_a_phone(open_desk: OpenDesk) -> Desk:
    desk = open_desk(viewport=PHONE)
    desk.sign_in(VISITOR)
    desk.page.goto(f"{desk.url}/visits")
    expect(desk.page.get_by_role("button", name="开始探访").first).to_be_visible()
    return desk


def begin(page: Page) -> None:
    page.get_by_role("button", name="开始探访").first.click()
    expect(page.get_by_role("button", name="全部无变化 / 安全")).to_be_visible()


def sign(page: Page, pad: str) -> None:
    box = page.locator(f"[data-pad={pad}] svg")
    box.scroll_into_view_if_needed()
    place = box.bounding_box()
    assert place is not None
    page.mouse.move(place["x"] + 20, place["y"] + 60)
    page.mouse.down()
    for step in range(1, 12):
        page.mouse.move(place["x"] + 20 + step * 20, place["y"] + 60 + (step % 3) * 15)
    page.mouse.up()


def answered(page: Page, field: str) -> str:
    return page.locator(f"[data-field={field}] [aria-pressed=true]").inner_text()


def network(context: BrowserContext, hub: FakeHub, *, there: bool) -> None:
    hub.cut_network(not there)
    context.set_offline(not there)


def kept_shell(desk: Desk) -> None:
    """Until the telephone has the page itself."""
    for _ in range(200):
        kept = desk.page.evaluate(
            "async () => {"
            " const cache = await caches.open('hearthwatch.shell');"
            " return (await cache.match('/')) !== undefined && (await cache.keys()).length > 5; }"
        )
        if kept:
            return
        desk.page.wait_for_timeout(50)
    raise AssertionError("the page was never kept")


def test_a_visit_is_a_few_taps(open_desk: OpenDesk, hub: FakeHub) -> None:
    desk = visitor_on_a_phone(open_desk)
    page = desk.page
    begin(page)
    # The button lies under the thumb from the first moment: by mistake it makes no visit.
    submit = page.get_by_role("button", name="提交", exact=True)
    submit.click()
    expect(page.locator(".send [role=alert]")).to_contain_text("没有提交")
    assert hub.visits.visits == {}
    expect(page.locator(".send")).not_to_contain_text("项没填")
    page.locator("[data-field=mood]").get_by_role("button", name="无变化").click()
    expect(page.locator(".send [role=alert]")).to_have_count(0)
    expect(page.locator(".send")).to_contain_text("项没填")
    page.get_by_role("button", name="全部无变化 / 安全").click()
    expect(page.locator(".send")).not_to_contain_text("项没填")
    assert answered(page, "mood") == "无变化"
    page.locator("[data-field=mood]").get_by_role("button", name="较差").click()
    page.locator("[data-field=household]").get_by_role("button", name="增加").click()
    page.get_by_role("button", name="多一人").click()
    page.locator(".chips button", has_text="日常服务").click()
    page.fill("[name=needs]", "想要一副老花镜")
    sign(page, "visitor")
    page.get_by_role("button", name="不会写字").click()
    submit = page.get_by_role("button", name="提交", exact=True)
    pad = page.locator("[data-pad=person]")
    desk.at_every_size(submit, page.locator(".chips button").last, shown=[pad])
    submit.click()
    expect(page.locator("main")).to_contain_text("最近的探访")
    [visit] = hub.visits.visits.values()
    assert (visit["record"]["mood"], visit["record"]["gas_safety"]) == ("worse", "safe")
    assert (visit["record"]["household"], visit["record"]["household_change"]) == ("more", 2)
    assert visit["record"]["services"] == [7]
    assert visit["record"]["unsigned"] == "cannot_write"
    [(kind, strokes)] = hub.visits.files[visit["id"]]
    assert kind == "signature_visitor"
    assert len(json.loads(strokes)["s"][0]) > 10
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_without_network_nothing_is_lost_and_nothing_comes_twice(
    open_desk: OpenDesk, hub: FakeHub
) -> None:
    desk = visitor_on_a_phone(open_desk)
    context = desk.page.context
    kept_shell(desk)
    network(context, hub, there=False)
    # The page is opened where there is none.
    desk.page.goto(f"{desk.url}/visits")
    begin(desk.page)
    desk.page.get_by_role("button", name="全部无变化 / 安全").click()
    desk.page.fill("[name=needs]", "降压药")
    sign(desk.page, "person")
    expect(desk.page.locator("[data-pad=person] svg path")).to_have_count(1)
    kept = desk.page.locator("form [role=status]")
    expect(kept).to_have_text("已保存在本机")
    expect(kept).to_have_attribute("data-writing", "0")
    desk.page.close()
    page = context.new_page()
    page.goto(f"{desk.url}/visits")
    page.get_by_role("button", name="继续填写").click()
    expect(page.locator("[name=needs]")).to_have_value("降压药")
    assert answered(page, "fire_safety") == "安全"
    expect(page.locator("[data-pad=person] svg path")).to_have_count(1)
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.locator(".unsent h2")).to_have_text("未发送 1 条")
    page.close()
    page = context.new_page()
    page.goto(f"{desk.url}/visits")
    expect(page.locator(".unsent h2")).to_have_text("未发送 1 条")
    assert hub.visits.visits == {}
    network(context, hub, there=True)
    expect(page.locator(".unsent")).to_have_count(0)
    [visit] = hub.visits.visits.values()
    assert visit["record"]["needs"] == "降压药"
    assert [kind for kind, _ in hub.visits.files[visit["id"]]] == ["signature_person"]
    expect(page.locator("main")).to_contain_text("第 1 次探访")
    desk.page = page


# A telephone whose storage answers only when told to: `read_kept()` lets the answer through.
_SLOW_STORAGE = """
const get = IDBObjectStore.prototype.get;
IDBObjectStore.prototype.get = function (key) {
  const asked = get.call(this, key);
  if (this.name !== "kept") return asked;
  const told = { onsuccess: null, result: undefined };
  asked.addEventListener("success", () => {
    told.result = asked.result;
    window.read_kept = () => told.onsuccess?.();
  });
  return told;
};
"""


def test_what_the_telephone_kept_never_hides_what_the_hub_says(open_desk: OpenDesk) -> None:
    desk = open_desk(viewport=PHONE)
    desk.page.context.add_init_script(_SLOW_STORAGE)
    desk.sign_in(VISITOR)
    desk.go("/visits")
    begin_buttons = desk.page.get_by_role("button", name="开始探访")
    expect(begin_buttons.first).to_be_visible()
    desk.wait_for("window.read_kept !== undefined")
    people = begin_buttons.count()
    desk.page.evaluate("async () => { read_kept(); await new Promise((go) => setTimeout(go)); }")
    assert begin_buttons.count() == people


def test_what_waits_can_be_taken_back(open_desk: OpenDesk, hub: FakeHub) -> None:
    desk = visitor_on_a_phone(open_desk)
    page = desk.page
    begin(page)
    page.fill("[name=needs]", "降压药")
    network(page.context, hub, there=False)
    page.get_by_role("button", name="提交", exact=True).click()
    page.locator(".unsent a").click()
    expect(page.locator("main")).to_contain_text("正在等待发送")
    page.get_by_role("button", name="取回修改").click()
    page.fill("[name=needs]", "降压药、老花镜")
    network(page.context, hub, there=True)
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.locator("main")).to_contain_text("最近的探访")
    [visit] = hub.visits.visits.values()
    assert visit["record"]["needs"] == "降压药、老花镜"


def test_an_answer_that_was_lost_makes_no_second_visit(open_desk: OpenDesk, hub: FakeHub) -> None:
    desk = visitor_on_a_phone(open_desk)
    page = desk.page
    begin(page)
    page.get_by_role("button", name="全部无变化 / 安全").click()
    lost = []

    def lose(route) -> None:
        if route.request.method != "POST" or lost:
            route.continue_()
            return
        lost.append(route.fetch().status)
        route.abort()

    page.route("**/api/v1/visits", lose)
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.locator(".unsent h2")).to_have_text("未发送 1 条")
    assert (lost, len(hub.visits.visits)) == ([200], 1)
    page.get_by_role("button", name="立即发送").click()
    expect(page.locator(".unsent")).to_have_count(0)
    assert len(hub.visits.visits) == 1
    first, again = hub.visits.posts
    assert first == again, "the same to the byte"


def test_what_waits_for_a_second_step_is_not_lost(open_desk: OpenDesk, hub: FakeHub) -> None:
    """The visit is there when the session may do nothing any more: its signature waits."""
    desk = visitor_on_a_phone(open_desk)
    page = desk.page
    begin(page)
    page.get_by_role("button", name="全部无变化 / 安全").click()
    sign(page, "person")
    refused = []

    def limited(route) -> None:
        if refused:
            route.continue_()
            return
        refused.append(route.request.method)
        body = {"type": "factor_wanted", "title": "Forbidden", "status": 403, "detail": ""}
        route.fulfill(status=403, content_type="application/problem+json", body=json.dumps(body))

    page.route("**/api/v1/visits/*/attachments*", limited)
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.locator(".unsent h2")).to_have_text("未发送 1 条")
    page.get_by_role("button", name="立即发送").click()
    expect(page.locator(".unsent")).to_have_count(0)
    [visit] = hub.visits.visits.values()
    assert refused == ["POST"]
    assert [kind for kind, _ in hub.visits.files[visit["id"]]] == ["signature_person"]


def test_what_the_hub_refuses_is_kept_and_said(open_desk: OpenDesk, hub: FakeHub) -> None:
    desk = visitor_on_a_phone(open_desk)
    page = desk.page
    begin(page)
    page.get_by_role("button", name="全部无变化 / 安全").click()

    def spoil(route) -> None:
        if route.request.method != "POST" or hub.visits.posts:
            route.continue_()
            return
        body = route.request.post_data_json
        body["record"]["mood"] = "happy"
        route.continue_(post_data=json.dumps(body))

    page.route("**/api/v1/visits", spoil)
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.locator("[role=alert]")).to_contain_text("“情绪状态”请从以下选项中选择")
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.locator("main")).to_contain_text("最近的探访")
    assert len(hub.visits.visits) == 1


def test_photos_are_made_small_on_the_telephone(open_desk: OpenDesk, hub: FakeHub) -> None:
    desk = visitor_on_a_phone(open_desk)
    page = desk.page
    begin(page)
    out = io.BytesIO()
    Image.effect_noise((3000, 2000), 80).convert("RGB").save(out, "JPEG", quality=90)
    file = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": out.getvalue()}
    page.set_input_files("[name=photos]", [file])
    expect(page.locator(".photos img")).to_have_count(1)
    page.get_by_role("button", name="全部无变化 / 安全").click()
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.locator("main")).to_contain_text("最近的探访")
    [visit] = hub.visits.visits
    [(kind, content)] = hub.visits.files[visit]
    with Image.open(io.BytesIO(content)) as sent:
        assert (kind, sent.size) == ("photo", (1600, 1067))


def test_nobody_met_hides_what_nobody_can_answer(open_desk: OpenDesk, hub: FakeHub) -> None:
    desk = visitor_on_a_phone(open_desk)
    page = desk.page
    begin(page)
    page.get_by_role("button", name="全部无变化 / 安全").click()
    page.get_by_role("button", name="未见到老人").click()
    expect(page.locator("[data-field=mood]")).to_have_count(0)
    page.fill("[name=remarks]", "门锁着，邻居说去了女儿家")
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.locator("main")).to_contain_text("最近的探访")
    [visit] = hub.visits.visits.values()
    assert visit["met"] is False
    assert set(visit["record"]) == {"nobody_met", "remarks"}


def recorded(hub: FakeHub, username: str = VISITOR, key: str = "k", **record) -> dict:
    home, persons = next(
        (home, persons)
        for home, persons in sorted(hub.county.persons.items())
        if persons[0]["visitor"] == VISITOR
    )
    asked = {
        **{"home": home, "service_user": persons[0]["id"], "way": "home_visit", "record": record},
        **{"visited_at": "2026-11-22T18:00:00Z", "_key": key},
    }
    with hub.lock:
        return hub.visits.record(username, asked)


def test_a_correction_keeps_what_was(open_desk: OpenDesk, hub: FakeHub) -> None:
    visit = recorded(hub, mood="worse", needs="药")
    desk = open_desk(viewport=PHONE)
    desk.sign_in(VISITOR)
    desk.go(f"/visits/{visit['id']}")
    page = desk.page
    page.get_by_role("button", name="更正", exact=True).click()
    form = page.locator("main form")
    form.locator("[data-field=mood]").get_by_role("button", name="较好").click()
    form.locator("[name=reason]").fill("当时按错了")
    form.get_by_role("button", name="更正", exact=True).click()
    history = page.locator("section", has_text="更正记录").last
    expect(history).to_contain_text("情绪状态：较差 → 较好")
    expect(history).to_contain_text("当时按错了")
    assert hub.visits.visits[visit["id"]]["record"] == {"mood": "better", "needs": "药"}


def test_two_records_of_one_visit_are_decided_side_by_side(
    open_desk: OpenDesk, hub: FakeHub
) -> None:
    first = recorded(hub, mood="worse")
    second = recorded(hub, "visitor-2", mood="unchanged")
    desk = open_desk()
    desk.sign_in("manager-1")
    desk.go("/visits")
    page = desk.page
    expect(page.locator("main")).to_contain_text("可能重复的记录（2）")
    desk.go(f"/visits/{first['id']}")
    other = page.locator(".conflict")
    expect(other).to_contain_text("无变化")
    desk.at_every_size(other.get_by_role("button", name="以本条为准"), shown=[other])
    other.get_by_role("button", name="以本条为准").click()
    expect(page.locator(".conflict")).to_have_count(0)
    assert hub.visits.visits[second["id"]]["duplicate_of"] == first["id"]


def test_what_somebody_must_act_on_is_one_tap(open_desk: OpenDesk, hub: FakeHub) -> None:
    visit = recorded(hub, illness="serious", illness_name="脑梗")
    desk = open_desk(viewport=PHONE)
    desk.sign_in(VISITOR)
    desk.go(f"/visits/{visit['id']}")
    desk.page.get_by_role("button", name="上报处理").click()
    expect(desk.page.locator(".concern")).to_contain_text("已上报")


def test_the_file_of_an_alarm_says_what_is_missing(desk: Desk, hub: FakeHub) -> None:
    alarm = alarm_of(hub, "sos")
    desk.go(f"/alarms/{alarm}")
    page = desk.page
    panel = page.locator("section", has=page.get_by_role("heading", name="处置归档"))
    expect(panel.locator("li.done")).to_have_count(0)
    panel.get_by_role("button", name="记下告知家属").click()
    panel.locator("form button").first.click()
    expect(panel.locator("[name=family_name]")).not_to_have_value("")
    panel.get_by_role("button", name="记下", exact=True).click()
    expect(panel.locator("li.done")).to_have_count(1)
    [told] = hub.visits.family[alarm]
    assert (told["way"], bool(told["name"]), bool(told["relation"])) == ("phone", True, True)


def test_a_repair_asks_for_no_visit_on_file(desk: Desk, hub: FakeHub) -> None:
    alarm = hub.raise_alarm("low_battery", "home-0001")["id"]
    desk.go(f"/alarms/{alarm}")
    expect(desk.page.get_by_role("heading", name="经过")).to_be_visible()
    expect(desk.page.get_by_role("heading", name="处置归档")).to_have_count(0)


def test_the_pages_speak_english_too(open_desk: OpenDesk, hub: FakeHub) -> None:
    desk = open_desk(viewport=PHONE, language="en")
    desk.sign_in(VISITOR)
    desk.page.goto(f"{desk.url}/visits")
    desk.page.get_by_role("button", name="Start visit").first.click()
    desk.page.get_by_role("button", name="All unchanged and safe").click()
    assert answered(desk.page, "mood") == "unchanged"
    for text in desk.page.locator("main section").all_inner_texts():
        assert not CHINESE.search(text)

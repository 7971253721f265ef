"""The month of life, the map and the family's page, with a real hub behind."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from ingest.urgent_lane import decode_message
from ledger.unit_of_work import UnitOfWork
from tests.adapters.fake_api import PASSWORD
from tests.adapters.hub_bench import Bench, press
from tests.adapters.real_hub import serving_hub
from tests.browser.axe import LEVELS, violations
from tests.browser.conftest import DEADLINE_MS, DESKTOP, PHONE, TABLET, Desk, OpenDesk
from tests.browser.test_accessibility import axe
from tests.dashboard.county import ROSTER

__all__ = ["axe"]

pytestmark = pytest.mark.browser
expect.set_options(timeout=DEADLINE_MS)

# The least size of letters on the map, in pixels of the screen, and what tells the smallest there.
LETTERS_PX = 14
SMALLEST_LETTERS = """Math.min(...[...document.querySelectorAll("main .map text")].map(
    text => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a))"""
# A window that is wide and low, as of an office's notebook.
LOW_DESKTOP = {"width": 1366, "height": 600}

ACCOUNTS = {
    "manager-1": ("manager", "610926"),
    "duty-1": ("duty", "610926101"),
    "visitor-1": ("visitor", "610926101"),
}
DAY_MS = 86_400_000


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Bench]]:
    with serving_hub(tmp_path, ROSTER, ACCOUNTS, PASSWORD) as both:
        yield both


@pytest.fixture
def url(served: tuple[str, Bench]) -> str:
    return served[0]


def signed_in(open_desk: OpenDesk, username: str = "manager-1", **more: Any) -> Desk:
    desk = open_desk(**more)
    desk.sign_in_by_hand(username)
    return desk


def test_a_day_is_read_in_words_and_opened_by_a_key(
    served: tuple[str, Bench], open_desk: OpenDesk
) -> None:
    def visited(unit: UnitOfWork) -> None:
        unit.execute(
            "INSERT INTO visit (id, service_user, home, kind, way, visitor, visited_at_ms,"
            " recorded_at_ms, record, met) VALUES ('v-1', 'person-0001', 'home-0001', 'routine',"
            " 'home_visit', 'visitor-1', ?, ?, '{}', 0)",
            (unit.now_ms, unit.now_ms),
        )

    served[1].change(visited)
    desk = signed_in(open_desk)
    desk.go("/persons/person-0001")
    life = desk.page.get_by_role("region", name="生活动静")
    days = life.locator("ol > li > button")
    expect(days).to_have_count(31)
    expect(days.first).to_contain_text("未见起居")
    expect(days.first).to_contain_text("探访 1 次")
    expect(days.last).to_contain_text("24 小时无数据")
    days.first.focus()
    desk.page.keyboard.press("Enter")
    expect(days.first).to_have_attribute("aria-expanded", "true")
    expect(life).to_contain_text("这段时间没有读数")
    desk.at_every_size(days.last, life.get_by_role("button", name="上一月"))
    expect(life.get_by_role("link", name="上门")).to_have_attribute("href", "/visits/v-1")
    life.get_by_role("button", name="上一月").click()
    expect(life.get_by_role("button", name="下一月")).to_be_enabled()
    expect(life.locator("ol > li > button")).not_to_have_count(0)


def measured(at_ms: int) -> dict[str, Any]:
    """What the hub answers of a person with a cuff at home."""
    series = [
        {
            **{"device": "gw-0001/cuff-0001", "kind": "blood_pressure", "resolution": "raw"},
            "field": field,
            "points": [[at_ms - day * DAY_MS, value + day] for day in range(3)],
        }
        for field, value in (("systolic_mmhg", 138), ("diastolic_mmhg", 81))
    ]
    limit = {"kind": "blood_pressure", "field": "systolic_mmhg", "side": "urgent", "value": 150}
    return {"series": series, "limits": [{**limit, "beyond": "above", "of": "person:person-0001"}]}


def test_alarms_devices_and_measurements_stand_on_the_persons_page(
    served: tuple[str, Bench], open_desk: OpenDesk
) -> None:
    bench = served[1]
    pressed = json.loads(press(1, "button-0001"))
    payload = json.dumps({**pressed, "gateway": "gw-0001"}).encode()
    batch = [decode_message(b"hw/v1/gw-0001/activation", payload)]
    bench.change(lambda unit: bench.hub.urgent._take_all(unit, batch))
    desk = open_desk()
    answer = measured(bench.clock.now_ms())
    desk.page.route("**/vitals", lambda route: route.fulfill(json=answer))
    desk.sign_in_by_hand("duty-1")
    desk.go("/persons/person-0001")
    alarms = desk.page.get_by_role("region", name="警情记录")
    devices = desk.page.get_by_role("region", name="设备", exact=True)
    vitals = desk.page.get_by_role("region", name="健康测量")
    expect(devices).to_contain_text("床头呼叫按钮")
    expect(vitals).to_contain_text("紧急界限：收缩压 ≥ 150 mmHg")
    expect(vitals).to_contain_text("为本人设定的界限")
    chart = vitals.locator(".chart canvas")
    expect(chart).to_be_visible()
    link = alarms.get_by_role("link").first
    desk.at_every_size(link, shown=[chart, devices])
    link.click()
    expect(desk.page.locator("h1")).to_have_text("按下呼叫按钮")


def away(unit: UnitOfWork) -> None:
    """Its gateway is heard, and its people told that nobody is there: a calm home."""
    unit.execute("UPDATE gateway SET online = 1 WHERE id = 'gw-0002'")
    unit.execute(
        "INSERT INTO stay (id, home, kind, from_ms, until_ms, note, created_at_ms, created_by)"
        " VALUES ('stay-1', 'home-0002', 'away', 0, ?, '', 0, 'manager-1')",
        (unit.now_ms + DAY_MS,),
    )


def test_the_map_and_its_list_lead_to_the_home(
    served: tuple[str, Bench], open_desk: OpenDesk
) -> None:
    served[1].change(away)
    desk = signed_in(open_desk)
    desk.go("/map")
    drawing = desk.page.get_by_role("group", name="各户位置图")
    expect(drawing.get_by_role("link")).to_have_count(2)
    expect(drawing).to_contain_text("龙头村")
    # A county's calm homes are not written until somebody asks.
    calm = desk.page.locator("main details")
    expect(calm.locator("a")).to_have_count(0)
    calm.locator("summary").click()
    desk.at_every_size(calm.get_by_role("link", name="王秀兰"), shown=[drawing])
    # As large on a telephone as at a desk: names and signs are not made small with the drawing,
    # which is drawn anew a moment after its room has changed.
    for size in (PHONE, TABLET, LOW_DESKTOP):
        desk.page.set_viewport_size(size)
        desk.wait_for(f"{SMALLEST_LETTERS} >= {LETTERS_PX}")
    desk.page.set_viewport_size(DESKTOP)
    desk.page.get_by_role("link", name="王秀兰").first.focus()
    desk.page.keyboard.press("Enter")
    expect(desk.page.locator("h1")).to_contain_text("王秀兰")


def test_of_hundreds_that_want_somebody_some_are_written_and_the_rest_opened(
    open_desk: OpenDesk,
) -> None:
    """Every gateway is silent: a list of thousands would keep the page from answering."""

    def answered(route: Route) -> None:
        found = route.fetch().json()
        [home, *_] = found["homes"]
        nowhere = {**home, "heard": False, "lat": None, "lon": None}
        found["homes"] = [{**nowhere, "id": f"home-{n}"} for n in range(300)]
        route.fulfill(json=found)

    desk = signed_in(open_desk)
    desk.page.route("**/api/v1/map", answered)
    desk.go("/map")
    lines = desk.page.locator("main .list li")
    expect(lines).to_have_count(40)
    signs = desk.page.locator("main .grid")
    expect(signs.locator("svg")).to_have_count(100)
    expect(signs).to_contain_text("另有 200 户")
    more = desk.page.get_by_role("button", name="另有 260 户")
    desk.at_every_size(more)
    more.click()
    expect(lines).to_have_count(300)
    expect(more).to_have_count(0)


def test_a_home_without_a_place_stands_in_its_village(
    served: tuple[str, Bench], open_desk: OpenDesk
) -> None:
    served[1].change(lambda unit: unit.execute("UPDATE home SET lat = NULL WHERE id = 'home-0001'"))
    desk = signed_in(open_desk)
    desk.go("/map")
    expect(desk.page.locator("main")).to_contain_text("不是实际位置")
    expect(desk.page.get_by_role("group", name="各户位置图").get_by_role("link")).to_have_count(1)
    desk.go("/homes/home-0001")
    desk.page.get_by_role("button", name="修改").first.click()
    desk.page.get_by_label("纬度").fill("32.38")
    desk.page.get_by_label("经度").fill("109.36")
    desk.page.get_by_role("button", name="保存").click()
    expect(desk.page.locator("main")).to_contain_text("32.38000, 109.36000")


def test_borders_of_the_county_are_given_once_and_drawn_under_the_homes(
    open_desk: OpenDesk, axe: str
) -> None:
    desk = signed_in(open_desk)
    desk.go("/regions")
    desk.page.locator("summary", has_text="地图上的村界").click()
    form = desk.page.locator("details", has_text="地图上的村界")
    ring = [[109.3, 32.3], [109.4, 32.3], [109.4, 32.4], [109.3, 32.4], [109.3, 32.3]]

    def give(ring: list[list[float]]) -> None:
        shape = {"type": "Polygon", "coordinates": [ring]}
        features = [
            {"type": "Feature", "properties": {"code": code}, "geometry": shape}
            for code in ("610926101001", "999")
        ]
        text = json.dumps({"type": "FeatureCollection", "features": features})
        file: Any = {"name": "v.geojson", "mimeType": "", "buffer": text.encode()}
        form.locator("input[type=file]").set_input_files(file)
        form.get_by_role("button", name="导入").click()

    expect(form.get_by_role("button", name="导入")).to_be_disabled()
    form.get_by_label("文件用哪种坐标").select_option("wgs84")
    give([[y, x] for x, y in ring])
    expect(form.get_by_role("alert")).to_contain_text("第 1 个的经度和纬度写反了")
    assert not violations(desk, axe, LEVELS)
    give(ring)
    expect(form.get_by_role("status")).to_contain_text("已画上 1 个地区的边界")
    expect(form.get_by_role("status")).to_contain_text("999")
    expect(form.get_by_role("alert")).to_have_count(0)
    desk.go("/map")
    border = desk.page.locator("[data-border='610926101001']")
    expect(border).to_be_visible()
    around = border.bounding_box()
    sign = desk.page.locator("svg a[href='/homes/home-0001']").bounding_box()
    assert around is not None
    assert sign is not None
    middle = sign["x"] + sign["width"] / 2
    assert around["x"] < middle < around["x"] + around["width"]


def test_the_wall_shows_nobodys_name(open_desk: OpenDesk) -> None:
    desk = signed_in(open_desk, "duty-1")
    desk.go("/map/wall")
    expect(desk.page.get_by_role("group", name="各户位置图")).to_contain_text("龙头村")
    expect(desk.page.locator("main")).not_to_contain_text("张")
    expect(desk.page.locator("main a")).to_have_count(0)
    assert "张桂英" not in desk.page.locator("main").inner_html()


def test_a_link_for_the_family_from_consent_to_withdrawal(open_desk: OpenDesk, axe: str) -> None:
    desk = signed_in(open_desk)
    page = desk.page
    desk.go("/persons/person-0001")
    panel = page.get_by_role("region", name="家属查看链接")
    expect(panel).to_contain_text("需要先登记")
    consents = page.get_by_role("region", name="知情同意")
    consents.locator("li", has_text="家属查看").get_by_role("button", name="登记同意").click()
    consents.get_by_role("button", name="登记", exact=True).click()
    panel.get_by_role("button", name="新链接").click()
    panel.get_by_label("给谁").fill("女儿")
    panel.get_by_role("button", name="生成链接").click()
    address = panel.locator(".address").inner_text()
    expect(panel.get_by_role("img", name="链接的二维码")).to_be_visible()
    options = {"runOnly": list(LEVELS)}
    found = violations(desk, axe, options)

    family = open_desk(viewport=PHONE)
    family.page.goto(address)
    expect(family.page.locator("h1")).to_contain_text("今天")
    expect(family.page.locator("main")).to_contain_text("张**")
    expect(family.page.locator("main")).not_to_contain_text("龙头村")
    found += violations(family, axe, options)
    family.page.get_by_role("button", name="大字").click()
    family.at_every_size(family.page.get_by_role("button", name="刷新"))
    family.page.reload()
    expect(family.page.get_by_role("button", name="标准字号")).to_be_visible()
    assert family.page.evaluate("getComputedStyle(document.documentElement).fontSize") == "20px"
    found += violations(family, axe, options)
    panel.get_by_role("button", name="停用").click()
    expect(panel).to_contain_text("已停用")
    family.page.get_by_role("button", name="刷新").click()
    expect(family.page.locator("h1")).to_have_text("这个链接已失效")
    found += violations(family, axe, options)
    assert not found, "\n".join(found)

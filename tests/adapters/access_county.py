"""A county in which everything there is exists four times: with the one who asks, with somebody
else of the same village, in the next town, in another county. Each has marks that no answer to
somebody else may contain."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import httpx2
from PIL import Image

API: Final = "/api/v1"
DAY: Final = "2026-11-23"
VISITED: Final = "2026-11-23T07:00:00Z"
LATER: Final = "2026-11-24T07:00:00Z"
COUNTY, TOWN, VILLAGE = "610926", "610926101", "610926101001"


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    """Who lives there, and who comes."""

    region: str
    town: str
    home: str
    person: str
    gateway: str
    visitor: str
    # Names, telephones, address: what only somebody may read who knows this household.
    marks: tuple[str, ...]


OWN: Final = Household(
    region=VILLAGE,
    town=TOWN,
    home="home-0001",
    person="person-0001",
    gateway="gw-0001",
    visitor="visitor-1",
    marks=("张桂英", "13800000001", "龙头村一组 12 号", "13900000001", "钥匙在邻居李婶家"),
)
OTHER_PERSON: Final = Household(
    region=VILLAGE,
    town=TOWN,
    home="home-0003",
    person="person-0003",
    gateway="gw-0001",
    visitor="visitor-3",
    marks=("赵春梅", "13800000003", "龙头村三组 7 号", "13900000003", "钥匙在赵强家"),
)
NEXT_TOWN: Final = Household(
    region="610926102001",
    town="610926102",
    home="home-0002",
    person="person-0002",
    gateway="gw-0002",
    visitor="visitor-2",
    marks=("王秀兰", "13800000002", "新场街村 3 号"),
)
NEXT_COUNTY: Final = Household(
    region="610927101001",
    town="610927101",
    home="home-0009",
    person="person-0009",
    gateway="gw-0009",
    visitor="visitor-9",
    marks=("孙玉芳", "13800000009", "岚皋县四组 9 号", "13900000009", "钥匙在孙家"),
)
HOUSEHOLDS: Final = (OWN, OTHER_PERSON, NEXT_TOWN, NEXT_COUNTY)
_NEW: Final = {"home-0003": "赵强", "home-0009": "孙家"}
# Beside those of the tests' hub: how far each role can reach.
ACCOUNTS: Final[Mapping[str, tuple[str, str]]] = {
    "admin-2": ("admin", ""),
    "manager-county": ("manager", COUNTY),
    "manager-village": ("manager", VILLAGE),
    "colleague": ("visitor", VILLAGE),
    "visitor-9": ("visitor", NEXT_COUNTY.town),
    "duty-9": ("duty", NEXT_COUNTY.town),
    "department-9": ("department", NEXT_COUNTY.town),
    "department-2": ("department", NEXT_TOWN.town),
}


@dataclass(slots=True, kw_only=True)
class County:
    """`ids` of each household fill the paths of routes."""

    ids: dict[str, dict[str, str]] = field(default_factory=dict)


class HeldTries:
    """Takes every try and never runs it."""

    def __init__(self) -> None:
        self.held: dict[str, str] = {}

    def submit(self, wanted: Any) -> str:
        try_id = f"try-{len(self.held)}"
        self.held[try_id] = wanted.owner
        return try_id

    def latest(self, owner: str) -> list[dict[str, Any]]:
        return [{"id": one} for one, of in self.held.items() if of == owner]

    def find(self, owner: str, try_id: str) -> dict[str, Any] | None:
        return {"id": try_id, "state": "waiting"} if self.held.get(try_id) == owner else None

    def cancel(self, owner: str, try_id: str) -> bool:
        return self.held.get(try_id) == owner and bool(self.held.pop(try_id))


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (320, 240), (200, 30, 30)).save(out, "JPEG")
    return out.getvalue()


async def fill(world: Any) -> County:
    """Everything four times, said over HTTP by whoever may."""
    world.app.state.deps = replace(world.deps, tries=HeldTries())
    await _next_county(world)
    county = County()
    async with world.client("admin-1") as admin:
        for username, (role, region) in ACCOUNTS.items():
            await _made(
                admin.post(
                    f"{API}/users",
                    json={
                        "username": username,
                        "name": f"人{username}",
                        "role": role,
                        "region": region,
                        "password": "correct horse battery",
                    },
                )
            )
        for house in (OTHER_PERSON, NEXT_COUNTY):
            await _household(admin, house)
        for house in HOUSEHOLDS:
            county.ids[house.home] = await _filled(world, admin, house)
    return county


async def _next_county(world: Any) -> None:
    for code, name, level, parent in (
        ("610927", "岚皋县", "county", None),
        ("610927101", "城关镇", "town", "610927"),
        ("610927101001", "四季村", "village", "610927101"),
    ):
        await world.execute(
            "INSERT INTO region (code, name, level, parent) VALUES (?, ?, ?, ?)",
            code,
            name,
            level,
            parent,
        )


async def _household(admin: httpx2.AsyncClient, house: Household) -> None:
    name, phone, address, contact, access_note = house.marks
    if house.gateway == "gw-0009":
        await _made(
            admin.post(
                f"{API}/gateways",
                json={"id": house.gateway, "region": house.region, "name": "网关"},
            )
        )
    home = {
        "id": house.home,
        "region": house.region,
        "address": address,
        "access_note": access_note,
        "lat": 32.3,
        "lon": 109.3,
    }
    await _made(admin.post(f"{API}/homes", json=home))
    person = {
        "id": house.person,
        "home": house.home,
        "name": name,
        "phone": phone,
        "visitor": house.visitor,
        "contacts": [{"name": _NEW[house.home], "relation": "子女", "phone": contact}],
    }
    await _made(admin.post(f"{API}/service-users", json=person))
    device = {"gateway": house.gateway, "device": f"b-{house.home}", "home": house.home}
    await _made(admin.post(f"{API}/devices", json={**device, "kind": "sos"}))


async def _filled(world: Any, admin: httpx2.AsyncClient, house: Household) -> dict[str, str]:
    alarm = await world.raise_alarm(house.home, gateway=house.gateway)
    second = await world.raise_alarm(house.home, f"second-{house.home}", gateway=house.gateway)
    [[task]] = await world.query("SELECT task FROM alarm WHERE id = ?", alarm)
    ids = {
        "home_id": house.home,
        "person_id": house.person,
        "gateway_id": house.gateway,
        "gateway": house.gateway,
        "device": "button-0001" if house.home in {"home-0001", "home-0002"} else f"b-{house.home}",
        "code": house.region,
        "alarm_id": alarm,
        "second_alarm": second,
        "task_id": task,
        "username": house.visitor,
        "town": house.town,
    }
    return {
        **ids,
        **await _records(admin, house),
        **await _office(world, admin, house, alarm),
        **await _rota(world, admin, house),
    }


async def _records(admin: httpx2.AsyncClient, house: Household) -> dict[str, str]:
    person = f"{API}/service-users/{house.person}"
    visit = await _made(
        admin.post(
            f"{API}/visits",
            json={
                "home": house.home,
                "service_user": house.person,
                "way": "phone",
                "visited_at": VISITED,
            },
        )
    )
    kept = await _made(
        admin.post(
            f"{API}/visits/{visit['id']}/attachments", params={"kind": "photo"}, content=picture()
        )
    )
    consents = {}
    for purpose in ("photo", "family_view"):
        said = {"purpose": purpose, "given_by": "本人", "relation": "self", "how": "signed"}
        made = await _made(admin.post(f"{person}/consents", json={**said, "given_on": DAY}))
        consents[purpose] = made["items"][0]["id"]
    await _made(admin.put(f"{person}/photo", content=picture()))
    link = await _made(admin.post(f"{person}/family-links", json={"relation": "女儿"}))
    stay = await _made(
        admin.post(f"{API}/homes/{house.home}/stays", json={"kind": "visitors", "until": LATER})
    )
    referral = await _made(
        admin.post(
            f"{API}/referrals",
            json={"person": house.person, "service": "meals", "need": "一个人做饭困难"},
        )
    )
    return {
        "visit_id": visit["id"],
        "attachment_id": kept["attachments"][0]["id"],
        "consent_id": consents["family_view"],
        "link_id": link["made"]["id"],
        "stay_id": stay["id"],
        "referral_id": referral["id"],
    }


async def _office(
    world: Any, admin: httpx2.AsyncClient, house: Household, alarm: str
) -> dict[str, str]:
    provider = await _made(
        admin.post(
            f"{API}/providers",
            json={"name": f"服务中心 {house.home}", "services": ["meals"], "regions": [house.town]},
        )
    )
    notification = f"n-{house.home}"
    await world.execute(
        "INSERT INTO outbox (id, channel, target, body, alarm, state, attempts, created_at_ms,"
        " next_at_ms, detail) VALUES (?, 'aliyun_sms', '13700000000', '{}', ?, 'dead', 1, ?, ?,"
        " '')",
        notification,
        alarm,
        world.clock.at_ms,
        world.clock.at_ms,
    )
    screens = await _screens(world, admin, house)
    departments = {NEXT_TOWN.town: "department-2", NEXT_COUNTY.town: "department-9"}
    department = departments.get(house.town, "department-1")
    order = await _made(
        admin.post(
            f"{API}/export-orders",
            json={
                "name": f"订单 {house.home}",
                "account": department,
                "region": house.town,
                "tables": {"persons": ["id", "name"]},
                "every": "month",
                "reason": "联席会议",
            },
        )
    )
    await _made(
        admin.post(f"{API}/export-orders/{order['id']}/run", json={"reason": "联席会议急用"})
    )
    [[file_id]] = await world.query("SELECT id FROM export_file WHERE order_id = ?", order["id"])
    asked = {"subject": "persons", "ending": "csv", "region": house.region, "reason": "年度核对"}
    async with world.client("admin-2") as other:
        request = await _made(other.post(f"{API}/export-requests", json=asked))
    opening = f"opening-{house.home}"
    await world.execute(
        "INSERT INTO break_glass"
        " (id, alarm, home, region, username, reason, opened_at_ms, until_ms) VALUES"
        " (?, ?, ?, ?, 'somebody', '电话没人接', ?, ?)",
        opening,
        alarm,
        house.home,
        house.region,
        world.clock.at_ms,
        world.clock.at_ms,
    )
    return {
        **screens,
        "opening_id": opening,
        "request_id": request["id"],
        "department": department,
        "provider_id": provider["id"],
        "notification_id": notification,
        "order_id": order["id"],
        "file_id": file_id,
    }


async def _screens(world: Any, admin: httpx2.AsyncClient, house: Household) -> dict[str, str]:
    """One that is let in, and one that asks to be."""
    async with world.anonymous() as first, world.anonymous() as second:
        asked = [await _made(one.post(f"{API}/screen/code")) for one in (first, second)]
    said = {"code": asked[0]["code"], "name": f"大屏 {house.home}", "region": house.region}
    let_in = await _made(admin.post(f"{API}/screens", json=said))
    return {"screen_id": let_in["id"], "screen_code": asked[1]["code"]}


async def _rota(world: Any, admin: httpx2.AsyncClient, house: Household) -> dict[str, str]:
    desk = f"desk-{house.home}"
    await _made(
        admin.post(
            f"{API}/rota",
            json={
                "id": desk,
                "name": desk,
                "region": house.region,
                "reason": "new",
                "always": False,
            },
        )
    )
    day = {"name": "day", "start": "09:00", "end": "17:00"}
    other = {NEXT_TOWN.town: "duty-2", NEXT_COUNTY.town: "duty-9"}.get(house.town, "duty-1")
    pattern = {
        "id": f"round-{house.home}",
        "from": "2026-11-23",
        "cycle_days": 2,
        "shifts": [day],
        "turns": [
            {"day": 0, "shift": "day", "people": [house.visitor]},
            {"day": 1, "shift": "day", "people": [other]},
        ],
        "reason": "new",
    }
    await _made(admin.post(f"{API}/rota/{desk}/patterns", json=pattern))
    # Of somebody whose region is the village: a village's manager speaks for her.
    on_leave = "colleague" if house is OWN else house.visitor
    async with world.client(house.visitor) as visitor, world.client(on_leave) as leaving:
        leave = await _made(
            leaving.post(
                f"{API}/rota/leaves",
                json={
                    "from": "2026-12-20T00:00:00Z",
                    "until": "2026-12-22T00:00:00Z",
                    "reason": "看病",
                },
            )
        )
        swap = await _made(
            visitor.post(
                f"{API}/rota/swaps",
                json={"given": f"{desk}/2026-11-25/day", "other": other, "note": "复查"},
            )
        )
    sheet = await _made(admin.post(f"{API}/handovers", json={"desk": desk}))
    noted = await _made(
        admin.post(f"{API}/handovers/{sheet['id']}/notes", json={"text": "钥匙在抽屉里"})
    )
    return {
        "leave_id": leave["id"],
        "swap_id": swap["id"],
        "desk_id": desk,
        "shift": f"{desk}/2026-11-26/day",
        "sheet_id": sheet["id"],
        "number": str(noted["items"][0]["number"]),
    }


async def _made(asked: Any) -> Any:
    answer = await asked
    assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.text}"
    return json.loads(answer.text)

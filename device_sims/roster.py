"""Who lives where in the simulated county: homes.toml for the hub, gateway.toml for each village.

People, house numbers and telephones are invented: 138 0000 and 139 0000 and a running number.
"""

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from device_sims.body import DIABETES, HEART, HYPERTENSION, LUNGS
from device_sims.registry import SIMULATED
from device_sims.world import REGISTER_KWH

VILLAGES: Final = (
    ("610926101001", "龙头村"),
    ("610926101002", "三里垭村"),
    ("610926101003", "药妇沟村"),
)
_SURNAMES: Final = "张王李陈刘杨黄周吴徐孙胡朱高林何郭马罗梁宋郑谢唐"
_GIVEN_F: Final = ("桂英", "秀兰", "玉珍", "凤英", "淑芳", "春梅", "翠花", "素云", "金莲", "月娥")
_GIVEN_M: Final = ("德福", "长贵", "明山", "国富", "志远", "永昌", "世成", "守义", "宗保", "文才")
_CATEGORIES: Final = ("独居", "空巢", "留守", "失能", "重残", "计划生育特殊家庭")
_ILLNESSES: Final = (DIABETES, HEART, LUNGS, "关节炎", "听力障碍")
# Devices that are given to people because of a condition.
_GIVEN_FOR: Final = {"glucometer": DIABETES, "heart-strap": HEART}
_GRADES: Final = ("完好", "完好", "轻度")
# Who needs care is graded accordingly.
_GRADES_IN_CARE: Final = ("中度", "重度", "完全")
_IN_CARE: Final = frozenset({"失能", "重残"})
_ACCESS: Final = (
    "钥匙在隔壁邻居家",
    "院里有狗，先喊门",
    "听力不好，敲窗户",
    "从村口小卖部右转第三家",
    "",
)
METER_POLL_S: Final = 900
# One home in so many has it, and which of them.
_FEW_HAVE: Final = {
    "oximeter": (6, 4),
    "thermometer": (7, 2),
    "glucometer": (9, 5),
    "scale": (10, 8),
    "heart-strap": (12, 11),
}
HOMES_PER_GATEWAY: Final = 8
# Villages lie beside each other, some kilometres apart.
VILLAGES_IN_A_ROW = 3
# The year the ages are counted from.
_YEAR: Final = 2026
# An old meter among twelve counts in coarse steps.
_COARSE_KWH: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """One device of one home: what it is, its name on its gateway, its address on its line."""

    model: str
    device: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    """One home of the county: where, who, and what is fitted."""

    home: str
    gateway: str
    region: str
    village: str
    address: str
    lat: float
    lon: float
    access_note: str
    name: str
    sex: str
    born: str
    phone: str
    category: str
    grade: str
    conditions: tuple[str, ...]
    contact_name: str
    contact_relation: str
    contact_phone: str
    seed: int
    register_kwh: float
    devices: tuple[Fitted, ...]

    def fitted(self, *models: str) -> Fitted | None:
        return next((d for d in self.devices if d.model in models), None)


def households(count: int, seed: int) -> list[Household]:
    """`count` homes, spread over the villages in turn; the same for the same seed."""
    return [_household(number, seed) for number in range(1, count + 1)]


def gateway_of(number: int) -> tuple[str, str, str]:
    """(gateway, region, village) of a home's number; every eighth home a new gateway."""
    village = (number - 1) // HOMES_PER_GATEWAY
    code, name = VILLAGES[village % len(VILLAGES)]
    return f"gw-{village + 1:04d}", code, name


def _household(number: int, seed: int) -> Household:
    r = random.Random(seed * 100_003 + number)
    gateway, region, village = gateway_of(number)
    row, column = divmod((number - 1) // HOMES_PER_GATEWAY, VILLAGES_IN_A_ROW)
    sex = r.choice("FM")
    surname = r.choice(_SURNAMES)
    name = surname + r.choice(_GIVEN_F if sex == "F" else _GIVEN_M)
    age = r.randint(68, 93)
    tag = f"{number:04d}"
    category = r.choice(_CATEGORIES)
    devices = _devices(number, tag)
    has_cuff = any(d.model == "cuff" for d in devices)
    illnesses = r.sample(_ILLNESSES, r.randint(0, 2))
    if r.random() < (0.8 if has_cuff else 0.3):
        illnesses.insert(0, HYPERTENSION)
    illnesses += [
        condition
        for model, condition in _GIVEN_FOR.items()
        if condition not in illnesses and any(d.model == model for d in devices)
    ]
    return Household(
        home=f"home-{tag}",
        gateway=gateway,
        region=region,
        village=village,
        address=f"{village}{r.choice('一二三四五')}组 {r.randint(1, 60)} 号",
        lat=round(32.35 + row * 0.05 + column % 2 * 0.015 + r.uniform(0, 0.03), 5),
        lon=round(109.33 + column * 0.05 + r.uniform(0, 0.03), 5),
        access_note=r.choice(_ACCESS),
        name=name,
        sex=sex,
        born=f"{_YEAR - age}-{r.randint(1, 12):02d}-{r.randint(1, 28):02d}",
        phone=f"1380000{number % 10_000:04d}",
        category=category,
        grade=r.choice(_GRADES_IN_CARE if category in _IN_CARE else _GRADES),
        conditions=tuple(illnesses),
        contact_name=surname + r.choice(_GIVEN_M),
        contact_relation=r.choice(("儿子", "女儿", "侄子", "邻居")),
        contact_phone=f"1390000{number % 10_000:04d}",
        seed=seed * 7_919 + number,
        register_kwh=_COARSE_KWH if number % 12 == 7 else REGISTER_KWH,
        devices=devices,
    )


def _devices(number: int, tag: str) -> tuple[Fitted, ...]:
    """A meter and a button for everybody; half radio, half Zigbee; some have more."""
    button = (
        Fitted(model="rf-button", device=f"button-{tag}", address=f"{0xA0000 + number:05X}")
        if number % 2
        else Fitted(model="zigbee-button", device=f"button-{tag}", address=f"button-{tag}")
    )
    devices = [
        Fitted(model="meter", device=f"meter-{tag}", address=f"610926{number:06d}"),
        button,
    ]
    if number % 3 != 2:
        devices.append(Fitted(model="motion", device=f"motion-{tag}", address=f"motion-{tag}"))
    if number % 5 == 1:
        devices.append(Fitted(model="contact", device=f"door-{tag}", address=f"door-{tag}"))
    if number % 4 == 1:
        devices.append(Fitted(model="plug", device=f"plug-{tag}", address=f"plug-{tag}"))
    if number % 2 == 1:
        devices.append(Fitted(model="cuff", device=f"cuff-{tag}", address=f"cuff-{tag}"))
    for model, (every, which) in _FEW_HAVE.items():
        if number % every == which:
            name = f"{model}-{tag}"
            devices.append(Fitted(model=model, device=name, address=name))
    return tuple(devices)


def homes_toml(homes: list[Household]) -> str:
    """The roster as the hub imports it."""
    lines = [
        "# Invented people and homes, made by the simulator.",
        '[[region]]\ncode = "610926"\nname = "平利县"\nlevel = "county"',
        '[[region]]\ncode = "610926101"\nname = "城关镇"\nlevel = "town"\nparent = "610926"',
    ]
    lines += [
        f'[[region]]\ncode = "{code}"\nname = "{name}"\nlevel = "village"\nparent = "610926101"'
        for code, name in VILLAGES
    ]
    gateways = {h.gateway: (h.region, h.village) for h in homes}
    for number, gateway in enumerate(sorted(gateways), start=1):
        region, village = gateways[gateway]
        which = f" {number}" if number > len(VILLAGES) else ""
        lines.append(
            f'[[gateway]]\nid = "{gateway}"\nregion = "{region}"\nname = "{village}网关{which}"'
        )
    lines += [_home_toml(home) for home in homes]
    return "\n\n".join(lines) + "\n"


def _home_toml(h: Household) -> str:
    conditions = ", ".join(f'"{c}"' for c in h.conditions)
    contact = (
        f'{{ name = "{h.contact_name}", relation = "{h.contact_relation}", '
        f'phone = "{h.contact_phone}" }}'
        if h.contact_phone
        else ""
    )
    parts = [
        f'[[home]]\nid = "{h.home}"\nregion = "{h.region}"\naddress = "{h.address}"\n'
        f'lat = {h.lat}\nlon = {h.lon}\naccess_note = "{h.access_note}"',
        f'[[home.person]]\nid = "person-{h.home[5:]}"\nname = "{h.name}"\nsex = "{h.sex}"\n'
        f'born = "{h.born}"\nphone = "{h.phone}"\ncategories = ["{h.category}"]\n'
        f'grade = "{h.grade}"\nconditions = [{conditions}]\ncontacts = [{contact}]\n'
        f'visitor = "visitor1"',
    ]
    for fitted in h.devices:
        kind = SIMULATED[fitted.model]
        parts.append(
            f'[[home.device]]\ngateway = "{h.gateway}"\ndevice = "{fitted.device}"\n'
            f'kind = "{kind.kind}"\nmodel = "{kind.model}"\nlabel = "{kind.label}"'
        )
    return "\n".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayPlaces:
    """Where a simulated gateway finds its lines, its brokers and its disk."""

    host: str
    port: int
    username: str
    password_file: Path
    protocol: str
    data_dir: Path
    line_dir: Path
    clock_plan: Path | None
    heartbeat_s: float = 30.0


def zigbee_base(gateway: str) -> str:
    """The Zigbee2MQTT tree of one gateway on the shared local broker."""
    return f"local-{gateway}/zigbee2mqtt"


def ble_base(gateway: str) -> str:
    return f"local-{gateway}/ble"


def gateway_toml(gateway: str, homes: list[Household], places: GatewayPlaces) -> str:
    """A gateway.toml that reads the simulated devices of this gateway's homes."""
    mine = [h for h in homes if h.gateway == gateway]
    meters = [d for h in mine for d in h.devices if d.model == "meter"]
    buttons = [d for h in mine for d in h.devices if d.model == "rf-button"]
    plan = f'clock_plan = "{places.clock_plan}"\n' if places.clock_plan else ""
    login = (
        f'host = "{places.host}"\nport = {places.port}\nusername = "{places.username}"\n'
        f'password_file = "{places.password_file}"\nprotocol = "{places.protocol}"\n'
    )
    text = (
        f'gateway = "{gateway}"\ndata_dir = "{places.data_dir}"\n{plan}\n'
        f"[uplink]\n{login}heartbeat_s = {places.heartbeat_s}\n\n"
        f'[[serial]]\nname = "meters"\nport = "{places.line_dir}/{gateway}-meters"\n'
        f'driver = "dlt645"\n'
    )
    for meter in meters:
        text += (
            f'[[serial.config.meters]]\ndevice = "{meter.device}"\n'
            f'address = "{meter.address}"\npoll_s = {METER_POLL_S}\n'
            'items = ["energy", "power", "voltage", "current"]\n'
        )
    text += (
        f'\n[[serial]]\nname = "rf"\nport = "{places.line_dir}/{gateway}-rf"\ndriver = "ev1527"\n'
    )
    for button in buttons:
        text += f'[[serial.config.buttons]]\nid = "{button.address}"\ndevice = "{button.device}"\n'
    for name, driver, base in (
        ("zigbee", "zigbee2mqtt", zigbee_base(gateway)),
        ("cuffs", "ble-health", ble_base(gateway)),
    ):
        text += (
            f'\n[[mqtt]]\nname = "{name}"\ndriver = "{driver}"\n{login}'
            f'[mqtt.config]\nbase_topic = "{base}"\n'
        )
    return text

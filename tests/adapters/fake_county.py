"""Three villages as the HTTP interface would tell them: what the fake hub of the page tests knows.

People, telephones and addresses are invented. Everything is seeded and placed in time before
`now_ms`, which is three in the morning in the villages.
"""

import math
import random
from collections.abc import Sequence
from typing import Any, Final

from contract.moment import to_iso

Document = dict[str, Any]

# 2026-11-24 03:02:10 in Asia/Shanghai.
NIGHT_MS: Final = 1_795_460_530_000
MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS
HOMES: Final = 24
SEVERITIES: Final = ("urgent", "watch", "technical")

VILLAGES: Final = (
    ("610926101001", "龙头村"),
    ("610926101002", "三里垭村"),
    ("610926101003", "药妇沟村"),
)
_NAMES: Final = (
    "张桂英",
    "王德福",
    "李秀兰",
    "陈长贵",
    "刘玉珍",
    "杨明山",
    "黄凤英",
    "周国富",
    "吴淑芳",
    "徐志远",
    "孙春梅",
    "胡永昌",
    "朱翠花",
    "高世成",
    "林素云",
    "何守义",
    "郭金莲",
    "马宗保",
    "罗月娥",
    "梁文才",
    "宋桂英",
    "郑德福",
    "谢秀兰",
    "唐长贵",
)
_CATEGORIES: Final = ("独居", "空巢", "留守", "失能", "重残", "计划生育特殊家庭")
_ILLNESSES: Final = ("高血压", "糖尿病", "冠心病", "慢阻肺", "听力障碍")
_ACCESS: Final = ("钥匙在隔壁邻居家", "院里有狗，先喊门", "听力不好，敲窗户", "小卖部右转第三家")

ACCOUNTS: Final[dict[str, tuple[str, str, str]]] = {
    "duty-1": ("赵敏", "duty", "13700000001"),
    "duty-2": ("钱立", "duty", "13700000002"),
    "admin": ("管理员", "admin", "13700000009"),
    "manager-1": ("周丽", "manager", "13700000010"),
    "visitor-1": ("冯建国", "visitor", "13700000011"),
    "visitor-2": ("蒋小红", "visitor", "13700000012"),
    "visitor-3": ("韩志强", "visitor", "13700000013"),
}
DEAD_GATEWAY: Final = "gw-0003"
SILENT_HOME: Final = "home-0011"
HIGH_HOME: Final = "home-0005"
SOS_HOME: Final = "home-0002"


def account(username: str | None) -> Document | None:
    if username is None:
        return None
    return {"username": username, "name": ACCOUNTS[username][0]}


class County:
    """The register and the readings; alarms and tasks are the fake hub's."""

    def __init__(self, now_ms: int = NIGHT_MS) -> None:
        # None: every gateway is heard.
        self.dead_gateway: str | None = DEAD_GATEWAY
        self.now_ms = now_ms
        self.homes: dict[str, Document] = {}
        self.persons: dict[str, list[Document]] = {}
        self.devices: dict[str, Document] = {}
        for number in range(1, HOMES + 1):
            self._settle(number)
        self._unbound("gw-0002", "0x00158d0004a1b2c3", "sos", "zigbee2mqtt")
        self._unbound("gw-0001", "rf-5A3F1", "", "ev1527")

    def _settle(self, number: int) -> None:
        r = random.Random(number)
        tag = f"{number:04d}"
        code, village = VILLAGES[(number - 1) // 8]
        home = f"home-{tag}"
        gateway = f"gw-{(number - 1) // 8 + 1:04d}"
        self.homes[home] = {
            "id": home,
            "address": f"{village}{r.choice('一二三四五')}组 {r.randint(1, 60)} 号",
            "region": code,
            "region_path": ["平利县", "城关镇", village],
            "lat": round(32.35 + r.uniform(0, 0.08), 5),
            "lon": round(109.33 + r.uniform(0, 0.08), 5),
            "access_note": r.choice(_ACCESS) if number % 2 == 0 else "",
        }
        name = _NAMES[number - 1]
        self.persons[home] = [
            {
                "id": f"person-{tag}",
                "name": name,
                "sex": "F" if number % 2 else "M",
                "age": r.randint(71, 93),
                "phone": f"1380000{number:04d}",
                "categories": [r.choice(_CATEGORIES)],
                "grade": r.choice(("完好", "轻度", "中度")),
                "conditions": sorted(set(r.sample(_ILLNESSES, r.randint(0, 2)))),
                "contacts": [
                    {"name": f"{name[0]}志强", "relation": "儿子", "phone": f"1390000{number:04d}"},
                    {"name": "邻居老李", "relation": "邻居", "phone": f"1360000{number:04d}"},
                ],
                "visitor": f"visitor-{(number - 1) // 8 + 1}",
            }
        ]
        self._fit(
            home,
            gateway,
            f"meter-{tag}",
            kind="power",
            label="电表",
            seen_ms=4 * MINUTE_MS,
            battery=None,
        )
        self._fit(
            home,
            gateway,
            f"button-{tag}",
            kind="sos",
            label="床头呼叫按钮",
            seen_ms=9 * HOUR_MS,
            battery=97,
        )
        if number % 3:
            self._fit(
                home,
                gateway,
                f"motion-{tag}",
                kind="motion",
                label="堂屋人体感应",
                seen_ms=2 * HOUR_MS,
                battery=64,
            )
        if number % 2:
            self._fit(
                home,
                gateway,
                f"cuff-{tag}",
                kind="blood_pressure",
                label="血压计",
                seen_ms=8 * HOUR_MS,
                battery=18,
            )

    def _fit(
        self,
        home: str,
        gateway: str,
        device: str,
        *,
        kind: str,
        label: str,
        seen_ms: int,
        battery: int | None,
    ) -> None:
        dead = gateway == DEAD_GATEWAY
        seen = self.now_ms - (max(seen_ms, 26 * HOUR_MS) if dead else seen_ms)
        self.devices[f"{gateway}/{device}"] = {
            "gateway": gateway,
            "device": device,
            "home": home,
            "kind": kind,
            "model": {"power": "dlt645", "blood_pressure": "ble-health"}.get(kind, "zigbee2mqtt"),
            "label": label,
            "first_seen_at": to_iso(self.now_ms - 90 * DAY_MS),
            "last_seen_at": to_iso(seen),
            "battery_pct": battery,
            "signal_dbm": -71 if battery else None,
            "fault": "battery_low" if battery == 18 and home == "home-0007" else None,
            "state": "silent" if dead else "ok",
            **self._supervised(kind),
        }
        if home == "home-0007" and battery == 18:
            self.devices[f"{gateway}/{device}"]["state"] = "fault"

    def _supervised(self, kind: str) -> Document:
        """What a Device tells of its supervision when nothing is wrong."""
        button = kind == "sos"
        return {
            "expected_interval_s": {"power": 3_600, "motion": 43_200}.get(kind),
            "test_interval_s": 604_800 if button else None,
            "mains": True if kind == "power" else None,
            "link_quality": 112 if kind == "motion" else None,
            "tampered_at": None,
            "tested_at": to_iso(self.now_ms - 3 * DAY_MS) if button else None,
            "test_due_at": to_iso(self.now_ms + 4 * DAY_MS) if button else None,
            "life_critical": button,
        }

    def _unbound(self, gateway: str, device: str, kind: str, model: str) -> None:
        self._fit(
            "home-0001", gateway, device, kind=kind, label="", seen_ms=3 * MINUTE_MS, battery=100
        )
        self.devices[f"{gateway}/{device}"] |= {"home": None, "state": "unbound", "model": model}

    def gateways(self) -> list[Document]:
        found = []
        for number, (code, village) in enumerate(VILLAGES, start=1):
            gateway = f"gw-{number:04d}"
            mine = [d for d in self.devices.values() if d["gateway"] == gateway]
            dead = gateway == self.dead_gateway
            found.append(
                {
                    "id": gateway,
                    "name": f"{village}村委会",
                    "region": code,
                    "region_path": ["平利县", "城关镇", village],
                    "online": not dead,
                    "status_at": to_iso(self.now_ms - (26 * HOUR_MS if dead else 11_000 * number)),
                    "clock": "synced",
                    "oldest_unacked_s": 1840 if dead else 0,
                    "last_seq": 91_244 + number,
                    "spool_free_bytes": 12_400_000_000,
                    "mains": 0 if dead else 1,
                    "battery_pct": 4 if dead else 100,
                    "version": "0.1.0",
                    "homes": len({d["home"] for d in mine if d["home"]}),
                    "devices": len(mine),
                }
            )
        return found

    def home_row(self, home: str, open_alarms: Sequence[str] = ()) -> Document:
        """`open_alarms`: their severities."""
        mine = [d for d in self.devices.values() if d["home"] == home]
        return {
            **self.homes[home],
            "persons": [{k: p[k] for k in ("id", "name", "age")} for p in self.persons[home]],
            "devices": len(mine),
            "last_seen_at": max(d["last_seen_at"] for d in mine),
            "open_alarms": len(open_alarms),
            "worst_alarm": next((one for one in SEVERITIES if one in open_alarms), None),
            "life": self._life(home),
        }

    def _life(self, home: str) -> str:
        if home == SILENT_HOME:
            return "silent"
        if self.homes[home]["region"] == VILLAGES[2][0]:
            return "cannot_judge"
        return "learning" if home in ("home-0004", "home-0014") else "well"

    def rules(self, home: str) -> list[Document]:
        life = self._life(home)
        reason = {
            "well": "activity",
            "silent": "no_activity",
            "cannot_judge": "meter_quiet",
            "learning": "learning",
        }[life]
        return [
            {
                "rule": "sos",
                "kind": "sos",
                "state": "quiet",
                "since": None,
                "explanation": {"reason": "none"},
            },
            {
                "rule": "blood_pressure",
                "kind": "blood_pressure",
                "state": "usual",
                "since": to_iso(self.now_ms - 8 * HOUR_MS),
                "explanation": {"reason": "usual", "systolic_mmhg": 128, "diastolic_mmhg": 76},
            },
            {
                "rule": "no_sign_of_life",
                "kind": "no_sign_of_life",
                "state": life,
                "since": to_iso(self.now_ms - 27 * HOUR_MS),
                "explanation": {"reason": reason, "days_learned": 31},
            },
            {
                "rule": "not_up_yet",
                "kind": "not_up_yet",
                "mode": "shadow",
                "state": "awaited",
                "since": None,
                "explanation": {
                    "reason": "rising_awaited",
                    "usual_up": "06:40",
                    "days_learned": 9,
                },
            },
        ]

    def series(
        self, device: str, from_ms: int, to_ms: int, resolution: str | None = None
    ) -> list[Document]:
        found = self.devices.get(device)
        if found is None:
            return []
        if found["kind"] == "power":
            return [self._power(device, found, from_ms, to_ms)]
        if found["kind"] == "blood_pressure":
            rolled = resolution != "raw" and to_ms - from_ms > 3 * DAY_MS
            return self._pressure(device, from_ms, to_ms, rolled=rolled)
        return []

    def _power(self, device: str, found: Document, from_ms: int, to_ms: int) -> Document:
        """A refrigerator's cycles, with meals and evenings where somebody lives."""
        r = random.Random(device)
        rolled = to_ms - from_ms > 3 * DAY_MS
        step = HOUR_MS if rolled else 15 * MINUTE_MS
        points: list[list[float]] = []
        for at in range(from_ms - from_ms % step, min(to_ms, self.now_ms), step):
            local_hour = (at // HOUR_MS + 8) % 24
            watts = 62 + 45 * (math.sin(at / (40 * MINUTE_MS)) > 0) + r.uniform(-4, 4)
            quiet = found["home"] == SILENT_HOME and at > self.now_ms - 27 * HOUR_MS
            if not quiet and local_hour in (7, 12, 18, 19, 20):
                watts += r.uniform(200, 900)
            if rolled:
                points.append([at, round(watts * 0.6, 1), round(watts, 1), round(watts * 1.5, 1)])
            else:
                points.append([at, round(watts, 1)])
        resolution = "hour" if rolled else "raw"
        return _series(device, "power", "power_w", resolution, points)

    def _pressure(self, device: str, from_ms: int, to_ms: int, *, rolled: bool) -> list[Document]:
        r = random.Random(device)
        times = [
            at
            for day in range(31)
            for at in (self.now_ms - day * DAY_MS - 8 * HOUR_MS,)
            if from_ms <= at < to_ms
        ][::-1]
        rows = [(at, r.gauss(131, 7), r.gauss(79, 4), r.gauss(72, 5)) for at in times]
        fields = ("systolic_mmhg", "diastolic_mmhg", "pulse_bpm")
        return [
            _series(
                device,
                "blood_pressure",
                field,
                "hour" if rolled else "raw",
                [_point(row[0], round(row[index]), rolled=rolled) for row in rows],
            )
            for index, field in enumerate(fields, start=1)
        ]


def _point(at_ms: int, value: float, *, rolled: bool) -> list[float]:
    return [at_ms - at_ms % HOUR_MS, value, value, value] if rolled else [at_ms, value]


def _series(
    device: str, kind: str, field: str, resolution: str, points: list[list[float]]
) -> Document:
    return {
        "device": device,
        "kind": kind,
        "field": field,
        "resolution": resolution,
        "points": points,
    }

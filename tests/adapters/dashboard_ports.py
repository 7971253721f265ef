"""Small real stand-ins for what the hub gives the dashboard."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from alarms.addresses import clean
from alarms.notifiers import wecom_bot
from alarms.registry import NOTIFIERS
from contract.errors import ContractError
from dashboard.ports import ReadingsAway
from hearthwatch.rule_scopes import RuleScopes
from hearthwatch.rule_settings import RuleSettings
from hearthwatch.rule_views import described
from ledger.register import Register
from ledger.rule_settings import NewSetting
from ledger.unit_of_work import UnitOfWork
from rules.config import default_rules


class HandClock:
    """Domain and real time, moved by hand."""

    def __init__(self, at_ms: int) -> None:
        self.at_ms = at_ms
        self.wall_at_ms = at_ms
        self.rate = 1.0

    def now_ms(self) -> int:
        return self.at_ms

    def speed(self) -> float:
        return self.rate

    def wall_ms(self) -> int:
        return self.wall_at_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainSeries:
    kind: str
    field: str
    resolution: str
    points: Sequence[Sequence[float]]


class ListedReadings:
    """Answers every question with one series and remembers the question."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.away = False

    def series(  # noqa: PLR0917 - the port's own order
        self,
        gateway: str,
        device: str,
        kind: str | None,
        field: str | None,
        from_ms: int,
        to_ms: int,
        resolution: str,
    ) -> list[PlainSeries]:
        if self.away:
            raise ReadingsAway
        self.asked.append((gateway, device, kind, field, from_ms, to_ms, resolution))
        return [
            PlainSeries(
                kind="power", field="power_w", resolution=resolution, points=[[from_ms, 12.5]]
            )
        ]


class ListedIntake:
    """Acknowledges every JSON envelope."""

    def __init__(self) -> None:
        self.accepted: list[tuple[str, bytes]] = []

    async def accept(self, payload: bytes, gateway: str) -> bytes:
        try:
            document = json.loads(payload)
        except ValueError as error:
            raise ContractError("not_json", "not JSON") from error
        self.accepted.append((gateway, payload))
        ids = [item["id"] for item in document["items"]]
        return json.dumps({"v": 1, "spool": document["spool"], "ids": ids}).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainRuleView:
    rule: str
    kind: str
    state: str
    since_ms: int | None
    explanation: Mapping[str, Any] = field(default_factory=dict)
    listens: frozenset[str] = frozenset()


class ListedRules:
    """The rules of a new hub, changed by the real settings; `views` are the test's own."""

    def __init__(self, register: Register) -> None:
        self.views: dict[str, list[PlainRuleView]] = {}
        self.settings = RuleSettings(default_rules(), register, lambda _event, _text: None)

    def view(self, home: str) -> list[PlainRuleView]:
        return self.views.get(home, [])

    def of_kind(self, kind: str, homes: Iterable[str]) -> dict[str, PlainRuleView]:
        views = {home: [v for v in self.view(home) if v.kind == kind] for home in homes}
        return {home: found[0] for home, found in views.items() if found}

    def describe(self) -> list[dict[str, object]]:
        return described(self.settings.current)

    def detail(self, name: str, scope: str) -> dict[str, object]:
        return RuleScopes(self.settings).detail(name, scope)

    def preview(self, new: NewSetting) -> dict[str, object]:
        return RuleScopes(self.settings).preview(new)

    def change(self, unit: UnitOfWork, new: NewSetting) -> None:
        self.settings.change(unit, new)


class SilentOutbox:
    """Nobody is told; remembers whom it would have reassured."""

    def __init__(self) -> None:
        self.reassured: list[str] = []

    def alarm_raised(self, unit: UnitOfWork, alarm: Mapping[str, Any]) -> None:
        return None

    def reassure(self, unit: UnitOfWork, alarm: Mapping[str, Any]) -> None:
        self.reassured.append(alarm["id"])

    def on_the_way(self, unit: UnitOfWork, alarm: Mapping[str, Any], task: str) -> None:
        return None


class ListedNotices:
    """Three ways are configured."""

    uplink = "uplink0123456789abcdefghij"
    channels: Mapping[str, Any] = {
        "aliyun_sms": None,
        "web_push": None,
        "wecom_bot": wecom_bot.Config(urls={"duty": "https://bot.example/?key=k"}),
    }

    def offered(self) -> list[dict[str, Any]]:
        return [{"channel": name, "form": NOTIFIERS[name].form} for name in self.channels]

    def clean(self, channel: str, address: str) -> str:
        return clean(channel, address, self.channels)

    def push_key(self) -> str | None:
        return "BPublicKey"

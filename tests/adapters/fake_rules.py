"""Rules of the fake hub: the real rules and settings, invented alarms behind them, tries that take
as many looks as the test wants."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from contract.config import ConfigError
from contract.moment import to_iso
from hearthwatch.rule_scopes import RuleScopes
from hearthwatch.rule_views import described
from ledger.rule_settings import NewSetting
from rules.config import default_rules
from rules.in_force import Dwelling, InForce, check
from rules.settings import Setting
from tests.adapters.fake_cases import Refused
from tests.adapters.fake_county import ACCOUNTS, HOUR_MS, County, Document

DAY_MS: Final = 24 * HOUR_MS
# By rule: real, false, other, open; outcomes follow.
_ENDED: Final[Mapping[str, tuple[int, int, int, int]]] = {
    "sos": (14, 6, 3, 1),
    "no_sign_of_life": (2, 7, 0, 1),
    "blood_pressure": (5, 2, 1, 1),
    "overload": (1, 1, 0, 0),
}
_RULE_BEHIND_A_TRY: Final = "overload"


class FakeSettings:
    """As `hearthwatch.rule_settings.RuleSettings` reads, over the county."""

    def __init__(self, county: County) -> None:
        self._county = county
        self.current = InForce(default_rules())

    def dwellings(self) -> Iterator[Dwelling]:
        for home, persons in self._county.persons.items():
            yield Dwelling(home=home, persons=[(p["id"], p["categories"]) for p in persons])

    def meant(self, scope: str) -> list[Dwelling]:
        kind, _, about = scope.partition(":")
        return [
            d
            for d in self.dwellings()
            if kind == "county"
            or (kind == "home" and d.home == about)
            or any(about == p or (kind == "category" and about in its) for p, its in d.persons)
        ]

    def count_meant(self, scope: str) -> int:
        return len(self.meant(scope))

    def checked(self, new: NewSetting) -> InForce:
        current = self.current
        setting = Setting(
            seq=len(current.settings) + 1,
            scope=new.scope,
            rule=new.rule,
            mode=new.mode,
            params=new.params,
            signed_off_by=new.signed_off_by,
            signed_off_on=new.signed_off_on,
        )
        return check(setting, current.configured, current.settings, self.dwellings())


class Rules:
    def __init__(
        self,
        county: County,
        now_ms: Callable[[], int],
        publish: Callable[[str, str, str, Document], None],
    ) -> None:
        self._county = county
        self._now_ms = now_ms
        self._publish = publish
        self.settings = FakeSettings(county)
        self.history: list[Document] = []
        self.shadow_findings: list[Document] = []
        self.tries: dict[str, Document] = {}
        # How often a try is looked at before it is done.
        self.looks = 2

    def answer(
        self, username: str, method: str, path: list[str], asked: Document
    ) -> Document | None:
        """None: done, and nothing to say."""
        match method, path:
            case "GET", []:
                return {"items": self.documents()}
            case _, ["tries", *rest]:
                return self._tries(method, rest, asked)
            case "GET", [name]:
                return self._detail(name, asked.get("scope", "county"))
            case "GET", [name, "history"]:
                items = [row for row in reversed(self.history) if row["rule"] == name]
                return {"items": items, "next": None}
            case "GET", [name, "shadow"]:
                return {"items": self.shadow_findings, "next": None}
            case "POST", [name, "preview"]:
                new = self._new(username, name, {"reason": "", **asked})
                return self._checked(lambda: RuleScopes(self.settings).preview(new))  # type: ignore[arg-type]
            case "PATCH", [name]:
                return self._change(username, name, asked)
        raise Refused(404, "not_found")

    def documents(self) -> list[Document]:
        written = {row["seq"]: row for row in self.history}
        return [
            {
                **rule,
                "settings": [{**written[s["seq"]], **s} for s in rule["settings"]],
                "precision": _precision(str(rule["name"])),
                "shadow": self._shadow(rule, written),
            }
            for rule in described(self.settings.current)
        ]

    def find_in_shadow(self, rule: str, home: str, reason: str) -> None:
        """A finding that nobody heard of."""
        at = to_iso(self._now_ms() - HOUR_MS)
        row = self._county.home_row(home)
        found = {"seq": len(self.shadow_findings) + 1, "at": at, "home": home, "gateway": None}
        found |= {"device": None, "part": "", "kind": rule, "severity": "watch", "phase": "raised"}
        found |= {"reason": reason, "raised_at": at, "episode": "e", "evidence": {}}
        place = {key: row[key] for key in ("address", "region_path", "persons")}
        self.shadow_findings.insert(0, {**found, **place})

    def _shadow(self, rule: Mapping[str, Any], written: Mapping[int, Document]) -> Document:
        since = [s["seq"] for s in rule["settings"] if s["mode"] == "shadow"]
        at = written[since[-1]]["at"] if since else None
        return {"raised": len(self.shadow_findings) if since else 0, "since": at}

    def _detail(self, name: str, scope: str) -> Document:
        found = next((rule for rule in self.documents() if rule["name"] == name), None)
        if found is None:
            raise Refused(404, "not_found")
        detail = self._checked(lambda: RuleScopes(self.settings).detail(name, scope))  # type: ignore[arg-type]
        return {**found, **detail}

    def _change(self, username: str, name: str, asked: Document) -> Document:
        if ACCOUNTS[username][1] not in ("admin", "manager"):
            raise Refused(403, "forbidden")
        new = self._new(username, name, asked)
        self.settings.current = self._checked(lambda: self.settings.checked(new))
        self.history.append(
            {
                "seq": len(self.history) + 1,
                "at": to_iso(self._now_ms()),
                "rule": name,
                "actor": username,
                "actor_name": ACCOUNTS[username][0],
                "scope": new.scope,
                "scope_name": self._scope_name(new.scope),
                "mode": new.mode,
                "params": new.params,
                "reason": new.reason,
                "signed_off_by": new.signed_off_by,
                "signed_off_on": new.signed_off_on,
            }
        )
        document = next(rule for rule in self.documents() if rule["name"] == name)
        self._publish("rule", name, "changed", {"name": name})
        return document

    @staticmethod
    def _new(username: str, name: str, asked: Document) -> NewSetting:
        known = ("scope", "reason", "mode", "params", "signed_off_by", "signed_off_on")
        said = {key: asked[key] for key in known if asked.get(key) is not None}
        return NewSetting(rule=name, actor=username, **{"scope": "county", **said})

    @staticmethod
    def _checked(work: Callable[[], Any]) -> Any:
        try:
            return work()
        except ConfigError as error:
            detail = error.detail.removeprefix(f"{error.where}: ")
            raise Refused(422, "invalid", detail, error.where) from None

    def _scope_name(self, scope: str) -> str:
        kind, _, about = scope.partition(":")
        if kind == "home":
            return str(self._county.homes[about]["address"])
        people = {p["id"]: p["name"] for persons in self._county.persons.values() for p in persons}
        return str(people.get(about, about))

    def _tries(self, method: str, path: list[str], asked: Document) -> Document | None:
        match method, path:
            case "POST", []:
                one = {"id": f"try-{len(self.tries) + 1}", "state": "running", "progress": 0.4}
                one |= {"asked_at": to_iso(self._now_ms()), "looks": 0, **asked}
                self.tries[one["id"]] = one
                return {"id": one["id"]}
            case "GET", []:
                return {"items": list(reversed(self.tries.values()))}
        one = self.tries.get(path[0])
        if one is None:
            raise Refused(404, "not_found")
        if method == "DELETE":
            del self.tries[path[0]]
            return None
        one["looks"] += 1
        if one["looks"] > self.looks:
            one |= {"state": "done", "progress": 1.0, "result": self._result()}
        return one

    def _result(self) -> Document:
        line = {"rule": _RULE_BEHIND_A_TRY, "changed": True, "now": 12, "then": 41}
        line |= {"per_home_month_now": 0.5, "per_home_month_then": 1.7, "only_now": 0}
        line |= {"only_then": 29, "then_earlier": 2, "then_later": 0, "of_alarms_closed_real": 3}
        line |= {"of_alarms_closed_false": 9, "missed_real": 1, "now_of_alarms_closed_real": 3}
        line |= {"now_of_alarms_closed_false": 2, "now_missed_real": 1}
        homes = []
        for number, home in enumerate(("home-0003", "home-0007")):
            row = self._county.home_row(home)
            place = {key: row[key] for key in ("address", "region_path", "persons")}
            moments = [to_iso(self._now_ms() - 9 * DAY_MS)]
            counts = {"now": number, "then": 15 - number, "only_now": 0, "only_then": 15 - number}
            its = {"home": home, "rule": _RULE_BEHIND_A_TRY, **counts}
            homes.append({**its, "only_now_at": [], "only_then_at": moments, **place})
        result: Document = {"days": 30.0, "warm_up_days": 28, "homes": 24, "readings": 9_120_000}
        return result | {
            "by_rule": [line],
            "not_judged": ["gateway_silent"],
            "homes_differing": 2,
            "by_home": homes,
        }


def _precision(rule: str) -> Document:
    real, false, other, still = _ENDED.get(rule, (0, 0, 0, 0))
    outcomes = {"real_emergency": real, "accidental": false, "test": other}
    worst = {"gateway": "gw-0001", "device": "button-0002", "label": "床头呼叫按钮"}
    return {
        "days": 90,
        "alarms": real + false + other + still,
        "real": real,
        "false": false,
        "other": other,
        "open": still,
        "recent": {"days": 30, "alarms": (real + false) // 2},
        "by_outcome": {name: count for name, count in outcomes.items() if count},
        "by_device": [{**worst, "alarms": real + false, "real": real, "false": false}]
        if false
        else [],
    }

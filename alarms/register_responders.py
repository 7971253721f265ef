"""Responders from the register: accounts of the staff by role and region, contacts by their order.

Where no rota says who is on duty now, everybody of that role is whose region covers the alarm's.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from alarms.responders import ContactPoint, Responder, Target
from ledger.register import Register
from ledger.views import REGION_DEPTH_MAX, Row

# Relations that make a contact family; a register is written by people, in both languages.
FAMILY_WORDS: Final = (
    *("配偶", "老伴", "丈夫", "妻", "爱人", "儿", "女", "婿", "媳", "孙", "侄", "甥", "外孙"),
    *("父", "母", "兄", "弟", "姐", "妹", "哥", "嫂", "亲属", "家属"),
    *("spouse", "husband", "wife", "son", "daughter", "child", "niece", "nephew", "brother"),
    *("sister", "cousin", "parent", "family"),
)
CONTACT_ROLE: Final = "contact"

# The ways to reach an account (its username) or a contact (its id), given the telephone number
# that the register has.
PointsOf = Callable[[str, str], tuple[ContactPoint, ...]]


def no_points(_responder: str, _phone: str) -> tuple[ContactPoint, ...]:
    """They see it on the board, and nowhere else."""
    return ()


class RegisterResponders:
    def __init__(self, register: Register, points_of: PointsOf = no_points) -> None:
        self._register = register
        self._points_of = points_of

    def of(self, target: Target, alarm: Mapping[str, Any], now_ms: int) -> Sequence[Responder]:  # noqa: ARG002 - a rota asks for it
        match target:
            case Target.RESPONSIBLE:
                return self._responsible(alarm["home"])
            case Target.TEAM:
                return self._team(alarm["region"])
            case Target.DUTY:
                return self._duty(alarm["region"])
            case Target.SUPERVISOR_TOWN:
                return self._managers(alarm["region"], "town")
            case Target.SUPERVISOR_COUNTY:
                return self._managers(alarm["region"], "county") or self._of_everything()
            case Target.FAMILY:
                return self._contacts(alarm["home"], family=True)
            case Target.CONTACTS:
                return self._contacts(alarm["home"], family=False)

    def named(self, username: str) -> Responder | None:
        account = self._register.index.accounts.get(username)
        return None if account is None or account["disabled"] else self._responder(account)

    def _responsible(self, home: str | None) -> list[Responder]:
        names = [person["visitor"] for person in self._persons(home)]
        found = (self.named(name) for name in dict.fromkeys(names) if name)
        return [responder for responder in found if responder is not None]

    def _team(self, region: str | None) -> list[Responder]:
        village = self._above(region, "village")
        if village is None:
            return []
        return self._accounts(("visitor", "manager"), lambda of: of.startswith(village))

    def _duty(self, region: str | None) -> list[Responder]:
        """Who covers the smallest region first: they are nearest."""
        return self._accounts(("duty",), lambda of: region is None or region.startswith(of))

    def _managers(self, region: str | None, level: str) -> list[Responder]:
        code = self._above(region, level)
        return [] if code is None else self._accounts(("manager",), lambda of: of == code)

    def _of_everything(self) -> list[Responder]:
        """Where the county has nobody of its own: who sees all of it."""
        return self._accounts(("manager",), lambda of: not of) or self._accounts(
            ("admin",), lambda of: not of
        )

    def _contacts(self, home: str | None, *, family: bool) -> list[Responder]:
        found = []
        for person in self._persons(home):
            for number, contact in enumerate(json.loads(person["contacts"]), start=1):
                relation = str(contact.get("relation", "")).lower()
                if family and not any(word in relation for word in FAMILY_WORDS):
                    continue
                key = f"contact:{person['id']}/{number}"
                found.append(
                    Responder(
                        id=key,
                        name=str(contact.get("name", "")),
                        role=CONTACT_ROLE,
                        points=self._points_of(key, str(contact.get("phone", ""))),
                    )
                )
        return found

    def _persons(self, home: str | None) -> Sequence[Row]:
        return self._register.index.residents(home)

    def _above(self, region: str | None, level: str) -> str | None:
        """The code of the region of this level that a region is or lies in."""
        regions = self._register.index.regions
        for _level in range(REGION_DEPTH_MAX):
            row = regions.get(region) if region is not None else None
            if row is None:
                return None
            if row["level"] == level:
                return str(row["code"])
            region = row["parent"]
        return None

    def _accounts(self, roles: Iterable[str], covers: Callable[[str], bool]) -> list[Responder]:
        found = [
            account
            for account in self._register.index.accounts.values()
            if account["role"] in roles and not account["disabled"] and covers(account["region"])
        ]
        found.sort(key=lambda account: (-len(account["region"]), account["username"]))
        return [self._responder(account) for account in found]

    def _responder(self, account: Row) -> Responder:
        return Responder(
            id=account["username"],
            name=account["name"],
            role=account["role"],
            points=self._points_of(account["username"], account["phone"]),
        )

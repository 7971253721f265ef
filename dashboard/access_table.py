"""Who reaches what: role x area x route x whose object, from the tables alone. Pure.

`permissions` says what a role may do, `route_table` what each route asks for and what it is about;
`verdict` puts them together. The test of the whole matrix compares it with the running hub, and
docs/access.md is printed from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from dashboard.permissions import ASSIGNED_ROLES, PERMISSIONS, Area, permissions_of

# Whose the object is that a request is about: in one's region (for who knows only people, of
# somebody one is responsible for), of somebody else of the region, of another region.
Place = Literal["own", "other_person", "other_region"]
# What the hub answers: it does it (or says why not, of an object that is there); the role may not
# (403); there is no such thing (404; 422 where a body names it); sign in first (401).
Verdict = Literal["reached", "forbidden", "absent", "signed_out"]

# What is declared instead of a permission: by a secret in the path, by a gateway's key, by nothing.
BY_SECRET: Final = frozenset(
    {
        "calendar token",
        "enrolment code",
        "family token",
        "gateway certificate",
        "reply token",
        "uplink token",
    }
)
BY_KEY: Final = "gateway key"
# A cookie of its own, which opens what says so and nothing else; accounts haven't it.
BY_SCREEN: Final = "wall screen"
PUBLIC: Final = "public"
SIGNED_IN: Final = "signed in"
DECLARATIONS: Final = PERMISSIONS | BY_SECRET | {BY_KEY, BY_SCREEN, PUBLIC, SIGNED_IN}


# Who comes with that cookie; no role that an account can have.
SCREEN: Final = "screen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A kind of thing; `placed`: it lies in a region and isn't there for who doesn't see that;
    `of_person`: it is about one service user; `personal`: nobody's but who made it."""

    title: str
    title_zh: str
    placed: bool = False
    of_person: bool = False
    personal: bool = False


RESOURCES: Final[Mapping[str, Resource]] = MappingProxyType(
    {
        "": Resource(
            title="lists, figures and what is one's own", title_zh="列表、统计与本人的设置"
        ),
        "account": Resource(title="accounts of staff", title_zh="工作人员账号", placed=True),
        "alarm": Resource(title="alarms", title_zh="警情", placed=True),
        "desk": Resource(title="desks of the rota", title_zh="值班台", placed=True),
        "device": Resource(title="devices", title_zh="设备", placed=True),
        "exchange": Resource(title="persons of another platform", title_zh="对接平台的人员"),
        "file": Resource(title="files for departments", title_zh="部门数据文件", placed=True),
        "form": Resource(title="empty forms", title_zh="空白表格"),
        "gateway": Resource(title="gateways", title_zh="网关", placed=True),
        "handover": Resource(title="hand-over sheets", title_zh="交接班单", placed=True),
        "home": Resource(title="homes", title_zh="住所", placed=True, of_person=True),
        "import": Resource(title="lists being imported", title_zh="导入的名单", personal=True),
        "leave": Resource(title="leaves", title_zh="请假", placed=True),
        "notification": Resource(title="notifications", title_zh="通知", placed=True),
        "opening": Resource(
            title="records opened in an emergency", title_zh="紧急查看", placed=True
        ),
        "order": Resource(title="orders of files", title_zh="数据文件订单", placed=True),
        "own_request": Resource(
            title="exports that one asked for", title_zh="本人申请的导出", personal=True
        ),
        "person": Resource(title="service users", title_zh="老人", placed=True, of_person=True),
        "place": Resource(
            title="homes, not their records", title_zh="住所（不含档案）", placed=True
        ),
        "provider": Resource(title="providers of care", title_zh="服务机构"),
        "referral": Resource(title="referrals", title_zh="转介", placed=True, of_person=True),
        "region": Resource(title="regions", title_zh="区划", placed=True),
        "request": Resource(title="requests for exports", title_zh="导出申请", placed=True),
        "rule": Resource(title="rules", title_zh="规则"),
        "screen": Resource(title="screens on walls", title_zh="大屏", placed=True),
        "secret": Resource(title="what a secret link opens", title_zh="凭链接打开的内容"),
        "sign_in": Resource(
            title="one's own sessions, passkeys, tokens", title_zh="本人的登录", personal=True
        ),
        "subject": Resource(title="tables to export", title_zh="导出的数据表"),
        "swap": Resource(title="swaps of shifts", title_zh="换班", placed=True),
        "task": Resource(title="tasks", title_zh="任务", placed=True),
        "trail": Resource(title="the audit trail", title_zh="审计记录"),
        "try": Resource(title="tries of rules", title_zh="规则试算", personal=True),
        "visit": Resource(title="visits", title_zh="探访记录", placed=True, of_person=True),
    }
)


@dataclass(frozen=True, slots=True)
class Rule:
    """What a route asks for (and `also`), what its path is about, what its body or query names,
    and what it takes to do it for somebody else."""

    needs: str
    about: str = ""
    names: str = ""
    others: str = ""
    also: str = ""


def verdict(role: str | None, area: Area, rule: Rule, place: Place) -> Verdict:
    """What the hub answers to this role about an object of this place; no role: nobody."""
    if rule.needs == PUBLIC:
        return "reached"
    if rule.needs in BY_SECRET:
        return "absent"
    if rule.needs == BY_SCREEN and role == SCREEN:
        return "reached"
    if role in {None, SCREEN} or rule.needs in {BY_KEY, BY_SCREEN}:
        return "signed_out"
    wanted = {rule.needs, rule.also} - {SIGNED_IN, ""}
    if not wanted <= permissions_of(role, area):
        return "forbidden"
    thing = RESOURCES[rule.about or rule.names]
    elsewhere = place == "other_region" and thing.placed and area != "whole"
    strange = place == "other_person" and thing.of_person and role in ASSIGNED_ROLES
    foreign = place != "own" and thing.personal
    if place != "own" and rule.others:
        foreign = rule.others not in permissions_of(role, area)
    return "absent" if elsewhere or strange or foreign else "reached"

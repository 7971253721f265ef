"""What each route of the matrix is asked with: bodies that would do, so that a refusal is about
who asks. `{name}` stands for an id of the household that is asked about."""

from collections.abc import Mapping
from typing import Any, Final

from tests.adapters.access_county import DAY, LATER, VISITED, picture

# Parts of paths that have to be one of a few, and names that are nobody's.
CHOSEN: Final = {
    "move": "withdraw",
    "seq": "1",
    "form": "annex4",
    "ending": "docx",
    "subject": "persons",
    "name": "sos",
    "external_id": "SX-0001",
    "token": "nothing",
    "secret": "nothing",
    "provider": "aliyun",
    "import_id": "nothing",
    "try_id": "nothing",
    "token_id": "nothing",
    "session_id": "nothing",
    "passkey_id": "nothing",
}
_WHY: Final = {"reason": "联席会议定的"}
_MARK: Final = {"period": "2026-Q4", "who_kind": "{who_kind}", "who": "{who}"}
BODIES: Final[Mapping[str, Any]] = {
    "POST /alarms/{alarm_id}/assign": {"assignee": "{username}"},
    "POST /alarms/{alarm_id}/close": {"outcome": "test"},
    "POST /alarms/{alarm_id}/handover": {"to": "duty-1"},
    "POST /alarms/{alarm_id}/merge": {"into": "{second_alarm}"},
    "POST /alarms/{alarm_id}/reopen": {"reason": "mistake"},
    "POST /alarms/{alarm_id}/family": {"name": "某人"},
    "POST /alarms/{alarm_id}/review": {"cause": "busy", "note": "夜里只有一个人"},
    "POST /service-users/{person_id}/family-links": {"relation": "女儿"},
    "POST /emergency-openings": {"alarm": "{alarm_id}", "reason": "独自在家，电话没人接"},
    "POST /emergency-openings/{opening_id}/review": {"decision": "justified"},
    "PATCH /me/passkeys/{passkey_id}": {"name": "手机"},
    "POST /gateways/{gateway_id}/revoke": {"reason": "lost"},
    "POST /tasks": {"kind": "routine", "home": "{home_id}", "due_at": LATER},
    "POST /tasks/{task_id}/complete": {"finding": "都好"},
    "POST /tasks/{task_id}/assign": {"assignee": "{username}"},
    "POST /service-users/{person_id}/phoned": {"answered": True},
    "POST /assessments/criteria": {"period": "2027-Q1", "criteria": [], "why": "调整"},
    "POST /assessments/marks": {
        **_MARK,
        "criterion": "inspection",
        "points": 1,
        "text": "档案不全",
    },
    "POST /assessments/feedback": {**_MARK, "text": "请补齐"},
    "POST /assessments/answers": {**_MARK, "text": "已补齐"},
    "POST /assessments/settle": {**_MARK, "period": "2026-Q3", "text": "定了"},
    "POST /visits": {
        "home": "{home_id}",
        "service_user": "{person_id}",
        "way": "phone",
        "visited_at": VISITED,
    },
    "POST /visits/{visit_id}/corrections": {"reason": "写错了", "way": "video"},
    "POST /visits/{visit_id}/void": {"reason": "写错了"},
    "POST /visits/{visit_id}/decision": {"other": "{visit_id}"},
    "POST /visits/{visit_id}/concerns": {"concern": "health"},
    "POST /providers": {"name": "新的服务中心", "services": ["meals"]},
    "POST /referrals": {"person": "{person_id}", "service": "bathing", "need": "行动不便"},
    "POST /referrals/{referral_id}/{move}": {"reason": "老人不愿意"},
    "POST /care-lines": {
        "person": "{person_id}",
        "service": "meals",
        "served_at": VISITED,
        "who": "陈护工",
    },
    "POST /money": {
        "year": 2026,
        "region": "{town}",
        "kind": "granted",
        "amount_fen": 100,
        "what": "拨款",
    },
    "POST /plan/moves": {"service_user": "{person_id}", "date": "2026-11-30", **_WHY},
    "POST /plan/bad-weather": {"region": "{code}", "start": DAY, "end": DAY, **_WHY},
    "POST /plan/start": {"service_user": "{person_id}"},
    "POST /service-users/{person_id}/tier/raise": {"tier": "weekly", "until": "2026-12-20", **_WHY},
    "POST /homes": {"region": "{code}", "address": "新房"},
    "POST /homes/{home_id}/stays": {"kind": "visitors", "until": LATER},
    "POST /service-users": {"home": "{home_id}", "name": "新来的"},
    "POST /service-users/{person_id}/return": {"on": DAY, "reason": "回村"},
    "PATCH /service-users/{person_id}/file": {"file": {"children": 2}, "reason": "村委会告知"},
    "POST /service-users/{person_id}/file/reveal": {"reason": "寻人，配合公安"},
    "POST /service-users/{person_id}/contact/open": {"reason": "家属来访，要联系儿子"},
    "POST /service-users/{person_id}/consents": {
        "purpose": "sharing",
        "given_by": "本人",
        "relation": "self",
        "how": "signed",
        "given_on": DAY,
    },
    "POST /service-users/{person_id}/consents/{consent_id}/withdraw": {"withdrawn_by": "本人"},
    "POST /service-users/{person_id}/erase": {"reason": "保存期满", "confirm": "nothing"},
    "POST /person-imports/{import_id}/decisions": {"rows": {}},
    "POST /regions": {
        "code": "{code}99",
        "name": "新组",
        "level": "group",
        "parent": "{code}",
        **_WHY,
    },
    "PATCH /regions/{code}": {"name": "新名字", **_WHY},
    "POST /regions/{code}/close": _WHY,
    "POST /regions/{code}/reopen": _WHY,
    "POST /devices": {"gateway": "{gateway}", "device": "new-0001"},
    "POST /enrolment": {"token": "x" * 43, "request": "-"},
    "POST /enrolment/renewal": {"serial": "1", "request": "-", "signature": "-"},
    "POST /gateways": {"id": "gw-new-{home_id}", "region": "{code}"},
    "POST /export-requests": {
        "subject": "persons",
        "ending": "csv",
        "region": "{code}",
        **_WHY,
    },
    "POST /export-requests/{request_id}/approve": _WHY,
    "POST /export-requests/{request_id}/refuse": _WHY,
    "POST /export-orders": {
        "name": "订单",
        "account": "{department}",
        "region": "{town}",
        "tables": {"persons": ["id"]},
        "every": "month",
        **_WHY,
    },
    "PATCH /export-orders/{order_id}": {"active": True, **_WHY},
    "POST /export-orders/{order_id}/run": _WHY,
    "PUT /exchange/persons/{external_id}": {"version": 1, "fields": {}},
    "POST /rules/tries": {"homes": "{code}", "changes": [{"rule": "sos"}]},
    "PATCH /rules/{name}": {"scope": "", "params": {}, **_WHY},
    "POST /rules/{name}/preview": {"scope": "", "params": {}},
    "POST /users": {
        "username": "new-{home_id}",
        "name": "新人",
        "role": "visitor",
        "password": "correct horse battery",
        "region": "{code}",
    },
    "PATCH /users/{username}": {"name": "新名字"},
    "POST /me/password": {"old": "wrong wrong wrong", "new": "correct horse battery 2"},
    "POST /users/{username}/contact-points": {"channel": "aliyun_sms", "address": "13511110000"},
    "POST /users/{username}/contact-points/{point_id}/verify": {"code": "000000"},
    "POST /replies/{token}": {"answer": "accept"},
    "POST /rota/shifts": {"shift": "{shift}", "people": [], **_WHY},
    "POST /rota/leaves": {"from": "2026-12-01T00:00:00Z", "until": "2026-12-02T00:00:00Z", **_WHY},
    "POST /rota/leaves/{leave_id}/end": _WHY,
    "POST /rota/swaps": {"given": "{shift}", "other": "manager-1"},
    "PATCH /rota/days": {"days": [{"date": "2026-12-31", "kind": "off"}], **_WHY},
    "POST /rota": {"id": "new-{home_id}", "name": "新台", "region": "{code}", **_WHY},
    "PATCH /rota/{desk_id}": {"name": "改名", **_WHY},
    "POST /rota/{desk_id}/patterns": {
        "id": "more-{home_id}",
        "from": "2026-12-01",
        "cycle_days": 1,
        "shifts": [{"name": "standby", "start": "18:00", "end": "20:00"}],
        "turns": [{"day": 0, "shift": "standby", "people": ["{username}"]}],
        **_WHY,
    },
    "POST /screens/asked": {"code": "{screen_code}"},
    "POST /screens": {"code": "{screen_code}", "name": "值班室", "region": "{code}"},
    "POST /handovers": {"desk": "{desk_id}"},
    "POST /handovers/{sheet_id}/notes": {"text": "三组停水"},
    "POST /handovers/{sheet_id}/sign": {"lines": [1]},
    "POST /handovers/{sheet_id}/lines/{number}/remark": {"remark": "电话没人接"},
    "POST /login": {"username": "admin-1", "password": "correct horse battery"},
}
QUERIES: Final[Mapping[str, Any]] = {
    "GET /readings": {"device": "{gateway}/{device}"},
    "GET /reports/people": {"figure": "made"},
    "GET /reports/rows": {"subject": "visit", "group": "way", "word": "phone"},
    "GET /assessments/rows": {**_MARK, "measure": "visits_done"},
    "GET /assessments/facts": _MARK,
    "GET /money": {"year": "2026"},
    "GET /money/people": {"year": "2026"},
    "POST /visits/{visit_id}/attachments": {"kind": "photo"},
}
CONTENTS: Final[Mapping[str, bytes]] = {
    "PUT /service-users/{person_id}/photo": picture(),
    "POST /visits/{visit_id}/attachments": picture(),
    "POST /person-imports": b"nothing",
    "POST /rota/import": b"nothing",
    "POST /activations": b"{}",
}


def filled(shape: Any, ids: Mapping[str, str]) -> Any:
    """The same with its names filled in."""
    if isinstance(shape, str):
        return shape.format_map({**CHOSEN, **ids})
    if isinstance(shape, Mapping):
        return {key: filled(value, ids) for key, value in shape.items()}
    if isinstance(shape, list):
        return [filled(value, ids) for value in shape]
    return shape

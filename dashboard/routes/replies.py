"""Answers from outside the login: the link of a notification, and short messages that people send.

Whoever has the link may answer this one alarm for this one person, for some hours; it shows nothing
about the person in need. Reading it changes nothing: messengers look at links by themselves.
"""

import hmac
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Request
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from alarms.channel import phone_number
from alarms.lifecycle import IllegalMove
from alarms.replies import TOKEN_LENGTH_MAX, Answered
from alarms.telling import CONTACT_PREFIX, digest_of
from alarms.wording import kind_word
from contract.errors import ContractError
from contract.moment import to_iso
from dashboard.answers import answer
from dashboard.asked import Body, PathId
from dashboard.callers import REPLY_TOKEN, UPLINK_TOKEN, Hub
from dashboard.ports import Deps
from dashboard.problems import Problem, not_found
from dashboard.reads import one
from ledger.schema import ALARM, REGION, REPLY_LINK
from ledger.views import Document

router = APIRouter(tags=["replies"])

# Messages in one delivery of a provider, and the longest of them.
MESSAGES_MAX: Final = 200


class Reply(Body):
    answer: Literal["accept", "decline", "going", "with_person"]
    way: Literal["link", "push"] = "link"


@router.get("/replies/{token}")
async def get_reply(token: PathId, hub: Hub, _public: Annotated[None, REPLY_TOKEN]) -> Response:
    """What this link is about. Changes nothing."""
    return answer(await run_in_threadpool(_document, hub, token))


@router.post("/replies/{token}")
async def reply(
    token: PathId, body: Reply, hub: Hub, _public: Annotated[None, REPLY_TOKEN]
) -> Response:
    """Accept or decline, as in the page; the same answer again changes nothing."""
    try:
        await hub.replies.by_link(token, body.answer, body.way)
    except KeyError:
        raise not_found("link, or it is over") from None
    return answer(await run_in_threadpool(_document, hub, token))


@router.post("/uplink/{provider}/{secret}")
async def uplink(
    provider: Literal["aliyun", "tencent"],
    secret: PathId,
    request: Request,
    hub: Hub,
    _public: Annotated[None, UPLINK_TOKEN],
) -> Response:
    """Short messages that people sent, as providers deliver them (上行短信)."""
    if not hub.notices.uplink or not hmac.compare_digest(
        secret.encode(), hub.notices.uplink.encode()
    ):
        raise not_found("route")
    try:
        document = await request.json()
    except ValueError:
        raise Problem(422, "not_json", "the body is not JSON", field="body") from None
    if provider == "aliyun":
        found = document if isinstance(document, list) else []
        await _take(hub, [(m.get("phone_number"), m.get("content")) for m in found if _is(m)])
        return answer({"code": 0, "msg": "ok"})
    if _is(document):
        await _take(hub, [(document.get("mobile"), document.get("text"))])
    return answer({"result": 0, "errmsg": "OK"})


async def _take(hub: Deps, messages: list[tuple[Any, Any]]) -> None:
    """Each for itself; what is no answer is not ours to judge, and is not kept."""
    for phone, text in messages[:MESSAGES_MAX]:
        if isinstance(phone, str) and isinstance(text, str):
            await _sms(hub, phone, text)


async def _sms(hub: Deps, phone: str, text: str) -> Answered | None:
    try:
        return await hub.replies.by_sms(phone_number(phone), text)
    except (ContractError, IllegalMove, KeyError):
        # The provider would bring it again and again; who has the alarm is in the page.
        return None


def _is(document: Any) -> bool:
    return isinstance(document, dict)


def _document(hub: Deps, token: str) -> Document:
    """The alarm in neutral words, and what became of the link."""
    if not 0 < len(token) <= TOKEN_LENGTH_MAX or not token.isascii():
        raise not_found("link, or it is over")
    with hub.engine.connect() as connection:
        found = one(connection, select(REPLY_LINK).where(REPLY_LINK.c.digest == digest_of(token)))
        if found is None or hub.clock.now_ms() >= found["expires_at_ms"]:
            raise not_found("link, or it is over")
        alarm = one(connection, select(ALARM).where(ALARM.c.id == found["alarm"]))
        if alarm is None:
            raise not_found("link, or it is over")
        place = connection.scalar(select(REGION.c.name).where(REGION.c.code == alarm["region"]))
    return {
        "number": alarm["number"],
        "severity": alarm["severity"],
        "word": kind_word(alarm["kind"], alarm["severity"]),
        "place": place or "",
        "state": alarm["state"],
        "raised_at": to_iso(alarm["raised_at_ms"]),
        "contact": found["responder"].startswith(CONTACT_PREFIX),
        "yours": found["responder"] in (alarm["acknowledged_by"], alarm["assignee"]),
        "answer": found["answer"],
        "expires_at": to_iso(found["expires_at_ms"]),
        "timezone": hub.timezone,
    }

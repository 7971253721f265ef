"""Calls of Alibaba Cloud's RPC interfaces, signed by ACS3-HMAC-SHA256 (signature method V3).

Source: help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature; the parameters
go in the query, the body is empty, so its hash is that of nothing. The answer's `Code` tells, with
status 200 and with 4xx alike. Limits: help.aliyun.com/zh/sms (短信发送频率限制).
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import quote, urlsplit

import httpx2

from alarms.notifier import Delivered, Refused, Result, RetryLater
from alarms.providers.exchange import Json, ask, told
from contract.moment import EPOCH

ALGORITHM: Final = "ACS3-HMAC-SHA256"
_EMPTY: Final = hashlib.sha256(b"").hexdigest()

# Limits of a number (a minute, an hour, a day) and of the account; what passes with time.
_LATER: Final = {
    "isv.BUSINESS_LIMIT_CONTROL": 60.0,
    "isv.HOUR_LIMIT_CONTROL": 600.0,
    "isv.DAY_LIMIT_CONTROL": 3600.0,
    "isv.MONTH_LIMIT_CONTROL": 3600.0,
    "isp.SYSTEM_ERROR": 2.0,
    "isv.SYSTEM_ERROR": 2.0,
    "isp.GATEWAY_ERROR": 2.0,
    "ServiceUnavailable": 2.0,
    "InternalError": 2.0,
}
# What somebody has to mend in the account; messages wait for that and are not lost.
_ACCOUNT: Final = frozenset(
    {
        "isv.OUT_OF_SERVICE",
        "isv.AMOUNT_NOT_ENOUGH",
        "isv.ACCOUNT_ABNORMAL",
        "isp.RAM_PERMISSION_DENY",
        "isv.RAM_PERMISSION_DENY",
        "SignatureDoesNotMatch",
        "SignatureNonceUsed",
        "InvalidTimeStamp.Expired",
    }
)
_ACCOUNT_AGAIN_S: Final = 60.0
# 空号、非法号码、黑名单: nothing should be sent to this number.
_DEAD: Final = frozenset(
    {
        "isv.MOBILE_NUMBER_ILLEGAL",
        "isv.BLACK_KEY_CONTROL_LIMIT",
        "isv.VOICE_NUMBER_ILLEGAL",
        "isv.INVALID_CALLED_NUMBER",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Account:
    key_id: str
    key_secret: str
    api: str


async def call(  # noqa: PLR0917 - one request in its parts
    client: httpx2.AsyncClient,
    account: Account,
    action: str,
    version: str,
    parameters: Mapping[str, str],
    now_ms: int,
    nonce: str,
) -> Result:
    """One call; Delivered with the provider's number of it."""
    query = canonical_query(parameters)
    headers = {
        "host": urlsplit(account.api).netloc,
        "x-acs-action": action,
        "x-acs-content-sha256": _EMPTY,
        "x-acs-date": _iso(now_ms),
        "x-acs-signature-nonce": nonce,
        "x-acs-version": version,
    }
    headers["authorization"] = authorization(account.key_id, account.key_secret, query, headers)
    answer = await ask(client, "POST", f"{account.api}/?{query}", headers=headers)
    return answer if isinstance(answer, RetryLater | Refused) else result(answer)


def result(answer: Json) -> Result:
    code = answer.get("Code")
    if code == "OK":
        return Delivered(detail=str(answer.get("BizId") or answer.get("CallId") or "")[:100])
    detail = told(answer, "Code", "Message")
    if not isinstance(code, str):
        return RetryLater(detail="an answer without Code")
    if code in _LATER:
        return RetryLater(detail=detail, after_s=_LATER[code])
    if code in _ACCOUNT or code.startswith(("Throttling", "InvalidAccessKeyId", "Forbidden")):
        return RetryLater(detail=detail, after_s=_ACCOUNT_AGAIN_S)
    return Refused(detail=detail, dead_contact=code in _DEAD)


def authorization(key_id: str, key_secret: str, query: str, headers: Mapping[str, str]) -> str:
    """The header, over all headers given."""
    names = sorted(headers)
    signed = ";".join(names)
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in names)
    request = f"POST\n/\n{query}\n{lines}\n{signed}\n{_EMPTY}"
    to_sign = f"{ALGORITHM}\n{hashlib.sha256(request.encode()).hexdigest()}"
    mac = hmac.new(key_secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    return f"{ALGORITHM} Credential={key_id},SignedHeaders={signed},Signature={mac}"


def canonical_query(parameters: Mapping[str, str]) -> str:
    """Sorted, with everything encoded but the unreserved characters of RFC 3986."""
    pairs = sorted(parameters.items())
    return "&".join(f"{quote(name, safe='~')}={quote(text, safe='~')}" for name, text in pairs)


def number(phone: str) -> str:
    """A mainland number without its country, any other as digits."""
    return phone.removeprefix("+86") if phone.startswith("+86") else phone.removeprefix("+")


def _iso(now_ms: int) -> str:
    return (EPOCH + timedelta(milliseconds=now_ms)).strftime("%Y-%m-%dT%H:%M:%SZ")


Nonce = Callable[[], str]

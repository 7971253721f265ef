"""Calls of Tencent Cloud's API 3.0, signed by TC3-HMAC-SHA256.

Source: cloud.tencent.com/document/api/382/52072 (签名方法 v3, with a worked example), …/382/55981
(SendSms), …/1128/51558 (SendTtsVoice). The status is 200 whatever happened: `Response.Error`
tells what concerns the whole call, and for short messages each number has a `Code` of its own.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
import msgspec

from alarms.notifier import Refused, Result, RetryLater
from alarms.providers.exchange import Json, ask
from contract.moment import EPOCH

ALGORITHM: Final = "TC3-HMAC-SHA256"
CONTENT_TYPE: Final = "application/json; charset=utf-8"
_SIGNED: Final = "content-type;host;x-tc-action"

_LATER: Final = {
    "LimitExceeded.PhoneNumberThirtySecondLimit": 30.0,
    "LimitExceeded.DeliveryFrequencyLimit": 60.0,
    "LimitExceeded.PhoneNumberOneHourLimit": 600.0,
    "LimitExceeded.PhoneNumberDailyLimit": 3600.0,
    "LimitExceeded.PhoneNumberSameContentDailyLimit": 3600.0,
    "LimitExceeded.AppDailyLimit": 3600.0,
    "LimitExceeded.AppMainlandChinaDailyLimit": 3600.0,
    "LimitExceeded.DailyLimit": 3600.0,
    "RequestLimitExceeded": 1.0,
    "ResourceUnavailable": 2.0,
    "FailedOperation.CalledNumberInFrequencyLimit": 60.0,
}
# What somebody has to mend in the account; messages wait for that and are not lost.
_ACCOUNT: Final = (
    "AuthFailure",
    "UnauthorizedOperation",
    "FailedOperation.InsufficientBalance",
    "FailedOperation.SignatureIncorrectOrUnapproved",
    "FailedOperation.TemplateIncorrectOrUnapproved",
)
_ACCOUNT_AGAIN_S: Final = 60.0
_DEAD: Final = frozenset(
    {
        "FailedOperation.PhoneNumberInBlacklist",
        "InvalidParameterValue.IncorrectPhoneNumber",
        "InvalidParameterValue.CalledNumberVerifyFail",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Account:
    secret_id: str
    secret_key: str
    region: str
    api: str


async def call(  # noqa: PLR0917 - one request in its parts
    client: httpx2.AsyncClient,
    account: Account,
    service: str,
    action: str,
    version: str,
    payload: Mapping[str, Any],
    now_ms: int,
) -> Json | RetryLater | Refused:
    """The inner `Response` of one call, when it names no error."""
    body = msgspec.json.encode(payload)
    at_s = now_ms // 1000
    host = urlsplit(account.api).netloc
    headers = {
        "authorization": authorization(
            account.secret_id, account.secret_key, service, host, action, body, at_s
        ),
        "content-type": CONTENT_TYPE,
        "host": host,
        "x-tc-action": action,
        "x-tc-timestamp": str(at_s),
        "x-tc-version": version,
        "x-tc-region": account.region,
    }
    answer = await ask(client, "POST", f"{account.api}/", content=body, headers=headers)
    if isinstance(answer, RetryLater | Refused):
        return answer
    inner = answer.get("Response")
    if not isinstance(inner, dict):
        return RetryLater(detail="an answer without Response")
    error = inner.get("Error")
    if isinstance(error, dict):
        return refusal(str(error.get("Code", "")), str(error.get("Message", "")))
    return inner


def refusal(code: str, message: str) -> RetryLater | Refused:
    """What a code other than Ok means; longer codes are kinds of shorter ones."""
    detail = f"{code} {message}"[:240]
    if code in _LATER:
        return RetryLater(detail=detail, after_s=_LATER[code])
    if code.startswith(("InternalError", "LimitExceeded", "RequestLimitExceeded")):
        return RetryLater(detail=detail)
    if code.startswith(_ACCOUNT):
        return RetryLater(detail=detail, after_s=_ACCOUNT_AGAIN_S)
    return Refused(detail=detail, dead_contact=code in _DEAD)


def authorization(  # noqa: PLR0917 - the parts that are signed
    secret_id: str,
    secret_key: str,
    service: str,
    host: str,
    action: str,
    body: bytes,
    at_s: int,
) -> str:
    date = (EPOCH + timedelta(seconds=at_s)).strftime("%Y-%m-%d")
    head = f"content-type:{CONTENT_TYPE}\nhost:{host}\nx-tc-action:{action.lower()}\n"
    request = f"POST\n/\n\n{head}\n{_SIGNED}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{date}/{service}/tc3_request"
    hashed = hashlib.sha256(request.encode()).hexdigest()
    to_sign = f"{ALGORITHM}\n{at_s}\n{scope}\n{hashed}"
    key = f"TC3{secret_key}".encode()
    for part in (date, service, "tc3_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    mac = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    return f"{ALGORITHM} Credential={secret_id}/{scope}, SignedHeaders={_SIGNED}, Signature={mac}"


def unread(answer: object) -> Result:
    """A shape that this provider does not promise: as good as no answer."""
    return RetryLater(detail=f"an answer of another shape: {type(answer).__name__}")

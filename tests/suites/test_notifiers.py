"""Every notifier against its folder of provider's answers, and against what all must bear."""

import json
from pathlib import Path

import httpx2
import pytest

from alarms.notifier import Delivered, Refused, RetryLater
from alarms.notifiers.webhook import Webhook
from alarms.registry import NOTIFIERS
from contract.config import ConfigError
from tests.adapters.notices import (
    NOW_MS,
    SECRET,
    TABLES,
    body_of,
    built,
    notification,
    secrets_in,
    settings,
)

CASES = Path(__file__).parents[1] / "alarms" / "notifiers"
OUTCOMES = {"delivered": Delivered, "later": RetryLater, "refused": Refused}
# Over HTTP; the others have tests of their own.
HTTP = sorted({path.parent.name for path in CASES.glob("*/*.json")})
HOOK = "https://hook.example/in"


def cases() -> dict[str, dict]:
    return {
        f"{path.parent.name}/{path.stem}": json.loads(path.read_text())
        for path in sorted(CASES.glob("*/*.json"))
    }


def answering(case: dict) -> httpx2.AsyncClient:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("/gettoken"):
            return httpx2.Response(
                200, json={"errcode": 0, "access_token": "t", "expires_in": 7200}
            )
        headers = case.get("headers")
        return httpx2.Response(case["status"], headers=headers, content=body_of(case["body"]))

    return httpx2.AsyncClient(transport=httpx2.MockTransport(answer))


def notifier(channel: str, client: httpx2.AsyncClient, folder: Path):
    if channel == "webhook":
        return Webhook(client, {HOOK: "whsec_c2VjcmV0"}, lambda: NOW_MS // 1000, {HOOK})
    return built(channel, client, folder)


def asked(channel: str):
    wanted = notification(channel)
    if channel != "webhook":
        return wanted
    return type(wanted)(id=wanted.id, target=HOOK, body="{}", urgent=True)


@pytest.mark.parametrize(("name", "case"), list(cases().items()), ids=list(cases()))
async def test_an_answer_of_the_provider_is_read(name: str, case: dict, tmp_path: Path) -> None:
    async with answering(case) as client:
        channel = name.partition("/")[0]
        result = await notifier(channel, client, tmp_path).send(asked(channel))
    assert type(result) is OUTCOMES[case["expect"]], result
    if isinstance(result, RetryLater):
        assert result.after_s == case.get("after_s")
    if isinstance(result, Refused):
        assert result.dead_contact == case.get("dead_contact", False)
    assert case.get("detail", "") in result.detail
    assert SECRET not in result.detail


@pytest.mark.parametrize("channel", HTTP)
@pytest.mark.parametrize(
    "trouble",
    [
        httpx2.ConnectError(f"no way to {SECRET}"),
        httpx2.ReadTimeout(f"{SECRET} is slow"),
        httpx2.RemoteProtocolError("closed"),
    ],
    ids=lambda e: type(e).__name__,
)
async def test_a_provider_that_is_not_there_is_tried_again(channel, trouble, tmp_path) -> None:
    def fail(_request: httpx2.Request) -> httpx2.Response:
        raise trouble

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(fail)) as client:
        result = await notifier(channel, client, tmp_path).send(asked(channel))
    assert isinstance(result, RetryLater)
    assert SECRET not in result.detail


@pytest.mark.parametrize("channel", HTTP)
async def test_nothing_of_a_person_leaves(channel, tmp_path) -> None:
    """Neither the whole name nor what is measured, in whatever encoding."""
    seen: list[bytes] = []

    def keep(request: httpx2.Request) -> httpx2.Response:
        seen.append(str(request.url).encode() + request.content)
        return httpx2.Response(500)

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(keep)) as client:
        await notifier(channel, client, tmp_path).send(asked(channel))
    for text in ("张桂英", "桂英", "血压", "blood_pressure"):
        forms = {text, json.dumps(text)[1:-1], str(httpx2.QueryParams({"a": text}))[2:]}
        assert not [f for f in forms for body in seen if f.encode() in body]


def test_every_channel_has_cases() -> None:
    """Of success, of refusal, of patience; and of a refusal that comes with HTTP 200."""
    other = {"gateway_command", "gsm_modem", "smtp", "apprise"}
    assert set(HTTP) == set(NOTIFIERS) - other
    for channel in HTTP:
        found = [json.loads(path.read_text()) for path in (CASES / channel).glob("*.json")]
        assert {case["expect"] for case in found} == {"delivered", "later", "refused"}, channel
        lies = [c for c in found if c["status"] == 200 and c["expect"] != "delivered"]
        assert lies or channel in ("web_push", "webhook")


@pytest.mark.parametrize("channel", sorted(TABLES))
def test_settings_are_checked_and_secrets_never_shown(channel, tmp_path) -> None:
    secrets_in(tmp_path)
    spec = NOTIFIERS[channel]
    config = spec.read(settings(channel, tmp_path))
    assert SECRET not in repr(config)
    with pytest.raises(ConfigError, match="unknown key"):
        spec.read(settings(channel, tmp_path, nonsense=1))


@pytest.mark.parametrize(
    "channel", [name for name in TABLES if name not in ("web_push", "smtp", "gsm_modem")]
)
def test_a_missing_secret_names_its_key(channel, tmp_path, monkeypatch) -> None:
    secrets_in(tmp_path)
    for path in tmp_path.iterdir():
        path.write_text("")
    with pytest.raises(ConfigError, match="_file"):
        NOTIFIERS[channel].read(settings(channel, tmp_path))


def test_only_apprise_may_carry_nothing_urgent() -> None:
    assert [name for name, spec in NOTIFIERS.items() if not spec.urgent] == ["apprise"]

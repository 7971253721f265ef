"""Real connections to receivers that look at what arrived: mail, push, signed webhook, modem."""

import asyncio
import base64
import email
import email.policy
import hashlib
import hmac
import json
from pathlib import Path

import httpx2
import pytest
from cryptography.exceptions import InvalidTag

from alarms.message import encode
from alarms.notifier import Delivered, Notification, Refused, RetryLater
from alarms.notifiers.apprise import Apprise
from alarms.notifiers.gsm_modem import GsmModem
from alarms.notifiers.smtp import Config, Smtp
from alarms.notifiers.web_push import WebPush
from alarms.notifiers.webhook import Webhook
from alarms.own_keys import public_bytes, reply_key, vapid_key
from alarms.public_target import NotPublic, pin
from alarms.wording import code_message
from hearthwatch.hub_modem import HubModem
from tests.adapters.mail_server import MailServer, mail_server
from tests.adapters.modem_line import ModemOnALine
from tests.adapters.notices import NOW_MS, notification
from tests.adapters.processes import until
from tests.adapters.push_service import Browser, claims_of
from tests.adapters.scripted_http import scripted_server


def smtp(port: int) -> Smtp:
    return Smtp(
        Config(
            host="127.0.0.1",
            port=port,
            security="none",
            username="",
            password="",
            sender="hub@county.example",
        )
    )


async def test_a_mail_arrives_as_it_was_meant() -> None:
    with mail_server(MailServer()) as server:
        sent = notification("smtp")
        assert await smtp(server.port).send(sent) == Delivered()
    [(sender, to, raw)] = server.mails
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert (sender, to) == ("hub@county.example", ["li@county.example"])
    assert mail["Subject"] == "紧急：健康提醒"
    assert mail["Message-ID"] == f"<{sent.id}@county.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "龙头村" in mail.get_content()


@pytest.mark.parametrize(
    ("answer", "wanted", "dead"),
    [
        ("451 4.7.1 greylisted, try again later", RetryLater, None),
        ("550 5.1.1 no such user", Refused, True),
        ("552 5.2.2 mailbox full", Refused, False),
        ("554 5.7.1 relay denied", Refused, False),
    ],
)
async def test_a_mail_server_says_later_or_no(answer, wanted, dead) -> None:
    with mail_server(MailServer(refuses={"li@county.example": answer})) as server:
        result = await smtp(server.port).send(notification("smtp"))
    assert type(result) is wanted
    assert dead is None or result.dead_contact is dead
    assert not server.mails


async def test_a_mail_server_that_is_not_there_or_not_ready() -> None:
    with mail_server(MailServer(greeting="421 4.3.2 shutting down")) as server:
        assert isinstance(await smtp(server.port).send(notification("smtp")), RetryLater)
        port = server.port
    assert isinstance(await smtp(port).send(notification("smtp")), RetryLater)


async def test_a_browser_reads_what_was_pushed_and_knows_from_whom(tmp_path: Path) -> None:
    with scripted_server(lambda _request: (201, {}, b"")) as server:
        # Registered with https, as all are; the line here is plain.
        browser = Browser("https://push.example/v1/abc")
        key = vapid_key(tmp_path)

        async def to_server(request: httpx2.Request) -> httpx2.Response:
            async with httpx2.AsyncClient() as plain:
                return await plain.post(
                    f"{server.url}{request.url.path}",
                    content=request.content,
                    headers={**request.headers, "host": request.url.host},
                )

        async with httpx2.AsyncClient(transport=httpx2.MockTransport(to_server)) as client:
            pusher = WebPush("mailto:a@county.example", key, client, lambda: NOW_MS, True)
            sent = notification("web_push")
            told = Notification(id=sent.id, target=browser.subscription, body=sent.body)
            assert isinstance(await pusher.send(told), Delivered)
    [request] = server.requests
    shown = json.loads(browser.read(request.body))
    assert shown["title"] == "紧急：健康提醒"
    assert shown["alarm"] == "alarm-1"
    assert "桂英" not in json.dumps(shown, ensure_ascii=False)
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert headers["content-encoding"] == "aes128gcm"
    assert headers["urgency"] == "high"
    assert int(headers["ttl"]) > 0
    claims, point = claims_of(headers["authorization"])
    assert claims["aud"] == "https://push.example"
    assert point == public_bytes(key)
    other = Browser("https://push.example/v1/abc")
    with pytest.raises(InvalidTag):
        other.read(request.body)


async def test_a_webhook_is_signed_for_who_has_the_secret() -> None:
    key = base64.b64encode(b"a secret of 24 bytes ...").decode()
    with scripted_server(lambda _request: (204, {}, b"")) as server:
        url = f"{server.url}/hook"
        async with httpx2.AsyncClient() as client:
            hook = Webhook(client, {url: f"whsec_{key}"}, lambda: 1_700_000_000, {url})
            sent = Notification(id="msg-1", target=url, body='{"type":"alarm"}')
            assert isinstance(await hook.send(sent), Delivered)
            stranger = Notification(id="msg-1", target=f"{url}2", body="{}")
            assert isinstance(await hook.send(stranger), Refused)
    [request] = server.requests
    headers = {name.lower(): value for name, value in request.headers.items()}
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + request.body
    mac = hmac.new(base64.b64decode(key), signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(mac).decode()}"


async def test_nothing_in_our_own_network_is_asked() -> None:
    """Not by name, not by number, not hidden in IPv6."""
    for url in (
        "https://127.0.0.1/",
        "https://localhost/",
        "https://10.1.2.3/x",
        "https://[::1]/",
        "https://[::ffff:192.168.1.1]/",
        "https://[64:ff9b::a00:1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://0.0.0.0/",
        "https://[fe80::1]/",
        "https://[2002:a01:203::1]/",
        "https://100.64.0.1/",
        "http://93.184.215.14/",
        "ftp://93.184.215.14/",
    ):
        with pytest.raises(NotPublic):
            await pin(url, allow_private=False)
    pinned = await pin("https://93.184.215.14:8443/x?y=1", allow_private=False)
    assert pinned.url == "https://93.184.215.14:8443/x?y=1"
    assert pinned.headers == {"host": "93.184.215.14:8443"}
    async with httpx2.AsyncClient() as client:
        hook = Webhook(client, {"https://127.0.0.1/": "whsec_c2VjcmV0"}, lambda: 1)
        sent = Notification(id="1", target="https://127.0.0.1/", body="{}")
        assert isinstance(await hook.send(sent), Refused)


async def test_the_hubs_modem_sends_what_people_read(tmp_path: Path) -> None:
    line = ModemOnALine(tmp_path / "modem")
    said: list[str] = []
    try:
        modem = HubModem(
            str(tmp_path / "modem"), "", tmp_path / "mark", lambda e, _d: said.append(e)
        )
        results = await asyncio.gather(
            GsmModem(modem).send(notification("gsm_modem")),
            GsmModem(modem).send(
                Notification(
                    id="2", target="+8613900000002", body=encode(code_message("654321", "zh-CN"))
                )
            ),
        )
        assert all(isinstance(result, Delivered) for result in results), results
        first, second = line.sent
        assert first.number == "+8613800000001"
        assert first.text.startswith("【紧急】12号 健康提醒 龙头村")
        assert "654321" in second.text
        bad = Notification(id="3", target="nonsense", body=encode(code_message("1", "en")))
        assert isinstance(await GsmModem(modem).send(bad), Refused)
        # What no second try mends (27.005, 3.2.5), and what one does.
        line.modem.results += ["+CMS ERROR: 28", "+CMS ERROR: 38"]
        assert isinstance(await GsmModem(modem).send(notification("gsm_modem")), Refused)
        assert isinstance(await GsmModem(modem).send(notification("gsm_modem")), RetryLater)
    finally:
        line.close()
    # Unplugged: later, and said so.
    assert isinstance(await GsmModem(modem).send(notification("gsm_modem")), RetryLater)
    assert said == ["modem_lost"]


async def test_the_hubs_modem_hears_what_people_answer(tmp_path: Path) -> None:
    line = ModemOnALine(tmp_path / "modem")
    heard: list[tuple[str, str]] = []

    async def on_text(number: str, text: str) -> None:
        heard.append((number, text))
        if text == "boom":
            raise RuntimeError("boom")

    modem = HubModem(str(tmp_path / "modem"), "", tmp_path / "mark", lambda *_said: None)
    listening = asyncio.create_task(modem.listen(on_text))
    try:
        await until(lambda: "AT+CNMI=2,2,0,1,0" in line.modem.commands, "an inbox")
        line.say(deliver("+8613700000001", "boom"), b"\r\n+CMT: ,5\r\nnonsense\r\n")
        line.say(deliver("+8613700000001", "1 12"), deliver("+8613700000002", "不能去 12"))
        wanted = [
            ("+8613700000001", "boom"),
            ("+8613700000001", "1 12"),
            ("+8613700000002", "不能去 12"),
        ]
        await until(lambda: heard == wanted, "three messages")
        # And sends between them.
        assert isinstance(await GsmModem(modem).send(notification("gsm_modem")), Delivered)
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        line.close()


def deliver(number: str, text: str) -> bytes:
    """+CMT and an SMS-DELIVER (3GPP TS 23.040, 9.2.2.1), in UCS-2."""
    digits = number.removeprefix("+")
    padded = digits + "F" * (len(digits) % 2)
    swapped = "".join(b + a for a, b in zip(padded[::2], padded[1::2], strict=True))
    data = text.encode("utf-16-be")
    pdu = (
        f"0004{len(digits):02X}91{swapped}0008" + "62111200000023" + f"{len(data):02X}{data.hex()}"
    )
    return f"\r\n+CMT: ,{len(pdu) // 2 - 1}\r\n{pdu.upper()}\r\n".encode()


async def test_apprise_is_believed_only_where_nobodys_safety_hangs_on_it() -> None:
    class Library:
        def __init__(self) -> None:
            self.notified: list[str] = []

        def Apprise(self):  # noqa: N802 - the library's own name
            return self

        def add(self, url: str) -> None:
            self.notified.append(url)

        def notify(self, title: str, body: str) -> bool:
            return "fails" not in self.notified[-1]

    library = Library()
    channel = Apprise({"a": "json://a", "b": "json://fails"}, library)
    sent = notification("smtp")
    calm = [Notification(id="1", target=name, body=sent.body) for name in ("a", "b", "gone")]
    results = [await channel.send(one) for one in calm]
    assert [type(result) for result in results] == [Delivered, RetryLater, Refused]
    urgent = Notification(id="1", target="a", body=sent.body, urgent=True)
    assert isinstance(await channel.send(urgent), Refused)
    assert library.notified == ["json://a", "json://fails"]


def test_keys_are_made_once_and_for_the_hub_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    assert reply_key(folder) == reply_key(folder)
    assert public_bytes(vapid_key(folder)) == public_bytes(vapid_key(folder))
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert sorted(path.name for path in folder.iterdir()) == ["reply.key", "vapid.pem"]

"""A webhook's address is somebody else's choice: it leads nowhere into our own network, however it
is written, whatever its name says at the second look, wherever its answer points."""

import asyncio
import ipaddress
import socket
from typing import Any

import httpx2
import pytest

from alarms.notifier import Notification, Refused
from alarms.notifiers.webhook import Webhook
from alarms.public_target import NotPublic, is_public, pin
from tests.adapters.scripted_http import scripted_server


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "2400:3200::1", "::ffff:93.184.215.14", "64:ff9b::5db8:d70e"]
)
def test_what_is_public_is_asked(address: str) -> None:
    """The last by a translator, as where a county's line has IPv6 alone."""
    assert is_public(ipaddress.ip_address(address))


SECRET = "whsec_" + "c2VjcmV0IG9mIDI0IGJ5dGVzIC4u"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.0.0.1.",
        "0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[::127.0.0.1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::127.0.0.1]",
        "[64:ff9b:1::127.0.0.1]",
        "[2002:7f00:1::]",
        "[2001:0:7f00:1::]",
        "[fc00::1]",
        "[fe80::1]",
        "[fec0::1]",
        "[ff02::1]",
        "localhost",
        "user@127.0.0.1",
        "public.example@127.0.0.1",
    ],
)
async def test_no_spelling_leads_inside(host: str) -> None:
    with pytest.raises((NotPublic, OSError)):
        await pin(f"https://{host}/hook", allow_private=False)


@pytest.mark.parametrize(
    "metadata",
    [
        "169.254.169.254",  # most providers
        "[::ffff:169.254.169.254]",
        "[fd00:ec2::254]",  # Amazon by IPv6
        "100.100.100.200",  # Alibaba
        "169.254.0.23",  # Tencent
        "192.0.0.192",  # Oracle
        "168.63.129.16",  # Azure, an address that looks public
    ],
)
async def test_no_providers_secrets_are_asked_for(metadata: str) -> None:
    with pytest.raises(NotPublic):
        await pin(f"https://{metadata}/latest/meta-data", allow_private=False)


def resolver(*answers: list[str]) -> Any:
    """A name whose addresses change with every look."""
    looks = iter(answers)

    async def getaddrinfo(_host: str, port: int, **_more: Any) -> list[Any]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in next(looks)
        ]

    return getaddrinfo


async def test_a_name_is_looked_up_once_and_its_address_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At the second look it would be ours; the client is given the first one's address."""
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "getaddrinfo", resolver(["93.184.215.14"], ["127.0.0.1"]))
    pinned = await pin("https://rebinding.example:8443/hook", allow_private=False)
    assert pinned.url == "https://93.184.215.14:8443/hook"
    assert pinned.headers == {"host": "rebinding.example:8443"}
    assert pinned.extensions == {"sni_hostname": "rebinding.example"}


async def test_one_inner_address_among_public_ones_is_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "getaddrinfo", resolver(["93.184.215.14", "10.0.0.1"]))
    with pytest.raises(NotPublic):
        await pin("https://both.example/", allow_private=False)


@pytest.mark.parametrize("scheme", ["http", "ftp", "file", "gopher", "unix"])
async def test_only_https_leaves_the_house(scheme: str) -> None:
    with pytest.raises(NotPublic):
        await pin(f"{scheme}://93.184.215.14/", allow_private=False)


async def test_an_answer_that_points_elsewhere_is_followed_nowhere() -> None:
    """Also with the client that a hub gives its notifiers."""
    from hearthwatch.notices import Notices

    with scripted_server(lambda _request: (200, {}, b"inner secrets")) as inner:
        away = {"Location": f"{inner.url}/metadata"}
        for status in (301, 302, 303, 307, 308):
            with scripted_server(lambda _r, s=status: (s, away, b"")) as outer:
                async with Notices.client(None) as client:  # type: ignore[arg-type]  # needs none
                    hook = Webhook(client, {outer.url: SECRET}, lambda: 1, {outer.url})
                    sent = Notification(id="1", target=outer.url, body="{}")
                    assert isinstance(await hook.send(sent), Refused), status
        assert not inner.requests


async def test_a_refused_address_is_refused_and_not_tried_for_ever() -> None:
    async with httpx2.AsyncClient() as client:
        hook = Webhook(client, {"https://[::1]/": SECRET}, lambda: 1)
        sent = Notification(id="1", target="https://[::1]/", body="{}")
        assert isinstance(await hook.send(sent), Refused)

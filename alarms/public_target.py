"""Addresses that somebody else has chosen: nothing inside our own network is asked by us.

The name is resolved here, every address it has must be public, and the request goes to the very
address that was looked at, so that a second look by the resolver can't lead elsewhere.
"""

import asyncio
import ipaddress
import socket
from dataclasses import dataclass, field
from typing import Any

import httpx2


class NotPublic(ValueError):  # noqa: N818 - the reason itself
    """This address lies in a private network, or is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """What to give to the client: where to connect, and for which name."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)
    extensions: dict[str, Any] = field(default_factory=dict)


async def pin(url: str, *, allow_private: bool) -> Pinned:
    """NotPublic or OSError (no such name) say why not."""
    try:
        parts = httpx2.URL(url)
    except httpx2.InvalidURL:
        raise NotPublic("this is no address") from None
    if parts.scheme not in ("http", "https") or not parts.host:
        raise NotPublic("expected https://…")
    if allow_private:
        return Pinned(url=url)
    if parts.scheme != "https":
        raise NotPublic("expected https://…")
    port = parts.port or 443
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(parts.host, port, type=socket.SOCK_STREAM)
    addresses = [ipaddress.ip_address(info[4][0]) for info in found]
    if not addresses or not all(is_public(address) for address in addresses):
        raise NotPublic("this name leads into a private network")
    return Pinned(
        url=str(parts.copy_with(host=str(addresses[0]))),
        headers={"host": parts.netloc.decode("ascii")},
        extensions={"sni_hostname": parts.host},
    )


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Also what hides in IPv6: an IPv4 address mapped into it, or reached by 6to4 or NAT64."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is not None:
            return is_public(inner)
        if address in _NAT64:
            return is_public(ipaddress.IPv4Address(address.packed[-4:]))
        # Beside these there are only addresses of one's own, of the past, and of experiments.
        if address not in _GIVEN_OUT:
            return False
    refused = any(address in network for network in _OF_PROVIDERS)
    return address.is_global and not address.is_multicast and not refused


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_GIVEN_OUT = ipaddress.IPv6Network("2000::/3")
# Look public, and answer every machine of a provider (Azure, Oracle) with what only it should know.
_OF_PROVIDERS = (
    ipaddress.IPv4Network("168.63.129.16/32"),
    ipaddress.IPv4Network("192.0.0.0/24"),
)

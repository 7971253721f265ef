"""How many requests somebody may send: a bucket that fills with time, one request a drop. Pure."""

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

# Names and addresses remembered; a flood of new ones pushes out the oldest, whose buckets are full.
REMEMBERED_MAX: Final = 20_000
# A household or an office has as many addresses of IPv6 as it likes behind one of these.
IPV6_PREFIX: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """`per_s` for ever, and `burst` at once after a rest."""

    per_s: float
    burst: int


# A page asks for about fifteen things when it opens, and for five every ten seconds where it gets
# no stream; a visitor's telephone that was out of reach sends a day's visits with photos at once.
ACCOUNT: Final = Rate(per_s=50, burst=1_000)
# A county's office behind one address, or a proxy that doesn't tell whose requests it passes on.
ADDRESS: Final = Rate(per_s=200, burst=4_000)


def rate_of(usual: Rate, per_s: int) -> Rate | None:
    """As much more or less at once as for ever; None: as much as they like."""
    if per_s == 0:
        return None
    return Rate(per_s=per_s, burst=max(1, round(usual.burst * per_s / usual.per_s)))


@dataclass(slots=True)
class _Bucket:
    drops: float
    at_ms: int


class Buckets:
    """One bucket for each name. `now_ms` is real time; a clock set back fills nothing."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def wait_ms(self, who: str, now_ms: int) -> int:
        """0: one request of theirs goes on. Else milliseconds until the next would."""
        bucket = self._buckets.get(who)
        if bucket is None:
            bucket = self._buckets[who] = _Bucket(self._rate.burst, now_ms)
            if len(self._buckets) > REMEMBERED_MAX:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(who)
        filled = max(0, now_ms - bucket.at_ms) / 1000 * self._rate.per_s
        bucket.drops = min(self._rate.burst, bucket.drops + filled)
        bucket.at_ms = now_ms
        if bucket.drops >= 1:
            bucket.drops -= 1
            return 0
        return max(1, round((1 - bucket.drops) / self._rate.per_s * 1000))


def who_is_at(address: str) -> str:
    """What counts as one sender: an IPv4 address, or what one line has of IPv6."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((found, IPV6_PREFIX), strict=False))

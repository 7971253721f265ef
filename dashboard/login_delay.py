"""How long somebody who keeps getting the password wrong has to wait. Pure.

The wait grows with the failures of an account and of an address, and it has an end: nobody is
locked out for good, least of all the duty desk by a stranger who keeps trying its name. Where an
account has signed in before, strangers' failures elsewhere don't count against it.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

# People mistype; the first failures cost nothing.
FREE_FAILURES: Final = 5
# An office behind one address has many typists.
FREE_FAILURES_ADDRESS: Final = 20
FIRST_WAIT_MS: Final = 1_000
# A guess a minute is hopeless against 12 characters, and a minute is bearable in an emergency.
WAIT_MAX_MS: Final = 60_000
# Failures are forgotten after a quiet quarter of an hour.
MEMORY_MS: Final = 15 * 60_000
# Names and addresses remembered; a flood of invented ones pushes out the oldest.
REMEMBERED_MAX: Final = 20_000


@dataclass(slots=True)
class _Failures:
    count: int
    last_ms: int


class LoginDelay:
    """Failures by account and by address. `now_ms` is real time.

    An attempt counts as failed until it succeeds, so that guesses made at once count too.
    """

    def __init__(self) -> None:
        self._accounts: OrderedDict[str, _Failures] = OrderedDict()
        self._addresses: OrderedDict[str, _Failures] = OrderedDict()
        self._trusted: OrderedDict[tuple[str, str], None] = OrderedDict()

    def attempt(self, username: str, address: str, now_ms: int) -> int:
        """0: go on and verify. Else: refused, milliseconds until the next attempt is heard."""
        wait = _wait_ms(self._addresses.get(address), FREE_FAILURES_ADDRESS, now_ms)
        if (username, address) not in self._trusted:
            account_wait = _wait_ms(self._accounts.get(username), FREE_FAILURES, now_ms)
            wait = max(wait, account_wait)
        if wait == 0:
            _count(self._accounts, username, now_ms)
            _count(self._addresses, address, now_ms)
        return wait

    def succeeded(self, username: str, address: str) -> None:
        self._accounts.pop(username, None)
        self._addresses.pop(address, None)
        self._trusted[(username, address)] = None
        self._trusted.move_to_end((username, address))
        if len(self._trusted) > REMEMBERED_MAX:
            self._trusted.popitem(last=False)


def _wait_ms(failures: _Failures | None, free: int, now_ms: int) -> int:
    if failures is None or failures.count < free or now_ms - failures.last_ms > MEMORY_MS:
        return 0
    # The exponent is bounded first: two to the power of a flood is a very long number.
    doublings = min(failures.count - free, 16)
    wait = min(FIRST_WAIT_MS << doublings, WAIT_MAX_MS)
    return max(0, failures.last_ms + wait - now_ms)


def _count(book: OrderedDict[str, _Failures], key: str, now_ms: int) -> None:
    failures = book.get(key)
    if failures is None or now_ms - failures.last_ms > MEMORY_MS:
        book[key] = _Failures(1, now_ms)
    else:
        failures.count += 1
        failures.last_ms = now_ms
    book.move_to_end(key)
    if len(book) > REMEMBERED_MAX:
        book.popitem(last=False)

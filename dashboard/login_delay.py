"""How long somebody who keeps getting the password wrong has to wait. Pure.

The wait grows with the failures of an account and of an address, and it has an end: nobody is
locked out for good, least of all the duty desk by a stranger who keeps trying its name. What the
stranger does counts neither against a device where the account has signed in before (it has a
cookie that says so, and failures of its own), nor against who signs in by a passkey.

    known device        its own failures
    anybody else        the account's failures and the address's
    where the account   the address's
    came in before
    a code after the    the account's wrong codes, which only who has its password can make; of a
    right password      known device its own
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from dashboard.request_rate import who_is_at

# People mistype; the first failures cost nothing.
FREE_FAILURES: Final = 5
# An office behind one address has many typists.
FREE_FAILURES_ADDRESS: Final = 20
FIRST_WAIT_MS: Final = 1_000
# A guess a minute is hopeless against 12 characters, and a minute is bearable in an emergency.
WAIT_MAX_MS: Final = 60_000
# Six digits are guessed sooner than a password: of a thousand a day, each good for three steps,
# one in three hundred days comes in. Who makes them has the password already.
CODE_WAIT_MAX_MS: Final = 300_000
# Failures are forgotten after a quiet quarter of an hour.
MEMORY_MS: Final = 15 * 60_000
# Wrong codes: after a day without one.
CODE_MEMORY_MS: Final = 24 * 3_600_000
# Names and addresses remembered; a flood of invented ones pushes out the oldest.
REMEMBERED_MAX: Final = 20_000


@dataclass(slots=True)
class _Failures:
    count: int
    last_ms: int


class _Counts:
    """Failures by what they count against."""

    def __init__(self, free: int, wait_max_ms: int, memory_ms: int) -> None:
        self._free = free
        self._wait_max_ms = wait_max_ms
        self._memory_ms = memory_ms
        self._of: OrderedDict[str, _Failures] = OrderedDict()

    def wait_ms(self, key: str, now_ms: int) -> int:
        failures = self._of.get(key)
        if failures is None or failures.count < self._free or self._is_old(failures, now_ms):
            return 0
        # The exponent is bounded first: two to the power of a flood is a very long number.
        doublings = min(failures.count - self._free, 16)
        wait = min(FIRST_WAIT_MS << doublings, self._wait_max_ms)
        return max(0, failures.last_ms + wait - now_ms)

    def count(self, key: str, now_ms: int) -> None:
        failures = self._of.get(key)
        if failures is None or self._is_old(failures, now_ms):
            self._of[key] = _Failures(1, now_ms)
        else:
            failures.count += 1
            failures.last_ms = now_ms
        self._of.move_to_end(key)
        if len(self._of) > REMEMBERED_MAX:
            self._of.popitem(last=False)

    def take_back(self, key: str) -> None:
        """One of them was none."""
        failures = self._of.get(key)
        if failures is not None:
            failures.count -= 1

    def forget(self, key: str) -> None:
        self._of.pop(key, None)

    def forget_devices(self, username: str) -> None:
        """Names of devices begin with their account's."""
        for key in [key for key in self._of if key.startswith(f"{username} ")]:
            del self._of[key]

    def _is_old(self, failures: _Failures, now_ms: int) -> bool:
        return now_ms - failures.last_ms > self._memory_ms


class LoginDelay:
    """Failures by account, address and known device. `now_ms` is real time.

    An attempt counts as failed until it succeeds, so that guesses made at once count too.
    """

    def __init__(self) -> None:
        self._accounts = _Counts(FREE_FAILURES, WAIT_MAX_MS, MEMORY_MS)
        self._devices = _Counts(FREE_FAILURES, WAIT_MAX_MS, MEMORY_MS)
        self._addresses = _Counts(FREE_FAILURES_ADDRESS, WAIT_MAX_MS, MEMORY_MS)
        self._codes = _Counts(FREE_FAILURES, CODE_WAIT_MAX_MS, CODE_MEMORY_MS)
        self._trusted: OrderedDict[tuple[str, str], None] = OrderedDict()

    def attempt(self, username: str, address: str, now_ms: int, device: str = "") -> int:
        """0: go on and verify. Else: refused, milliseconds until the next attempt is heard.
        `device`: the account has signed in with it before. An address of IPv6 stands for its
        line, which has as many as it likes."""
        address = who_is_at(address)
        if device:
            wait = self._devices.wait_ms(device, now_ms)
            if wait == 0:
                self._devices.count(device, now_ms)
            return wait
        wait = self._addresses.wait_ms(address, now_ms)
        if (username, address) not in self._trusted:
            wait = max(wait, self._accounts.wait_ms(username, now_ms))
        if wait == 0:
            self._accounts.count(username, now_ms)
            self._addresses.count(address, now_ms)
        return wait

    def succeeded(self, username: str, address: str, device: str = "") -> None:
        """Of the address only this attempt is taken back: who has an account of his own must not
        wipe out with it what he tries with others'."""
        address = who_is_at(address)
        if device:
            self._devices.forget(device)
            self._codes.forget(device)
        else:
            self._addresses.take_back(address)
        self._accounts.forget(username)
        self._codes.forget(username)
        self._trusted[(username, address)] = None
        self._trusted.move_to_end((username, address))
        if len(self._trusted) > REMEMBERED_MAX:
            self._trusted.popitem(last=False)

    def half_way(self, username: str, address: str, device: str = "") -> None:
        """The password was right, and something is still to be shown: neither a failure nor in."""
        if device:
            self._devices.take_back(device)
        else:
            self._addresses.take_back(who_is_at(address))
            self._accounts.take_back(username)

    def code_attempt(self, username: str, now_ms: int, device: str = "") -> int:
        """As `attempt`, for a code by somebody who has the password."""
        of = device or username
        wait = self._codes.wait_ms(of, now_ms)
        if wait == 0:
            self._codes.count(of, now_ms)
        return wait

    def code_succeeded(self, username: str, device: str = "") -> None:
        self._codes.forget(device or username)

    def free(self, username: str) -> None:
        """An administrator says that these failures were no attack, or that they are over."""
        self._accounts.forget(username)
        self._codes.forget(username)
        self._devices.forget_devices(username)
        self._codes.forget_devices(username)

"""Too many requests of one sender are refused before they cost anything: 429.

What gateways send is never counted. A press comes in whoever else floods the hub: on its way it
takes no thread and no connection to the book that a flood could have taken (`callers.GatewayKey`).
"""

from collections.abc import Callable
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard.problems import Problem, problem_response
from dashboard.request_rate import Buckets, Rate, who_is_at


class Rates:
    """Of accounts and of addresses; None: these are not counted."""

    def __init__(self, account: Rate | None, address: Rate | None) -> None:
        self._accounts = None if account is None else Buckets(account)
        self._addresses = None if address is None else Buckets(address)

    def check_account(self, username: str, now_ms: int) -> None:
        """Problem: this account has asked too often."""
        if self._accounts is not None and (wait := self._accounts.wait_ms(username, now_ms)):
            raise _too_many(wait)

    def refusal_of_address(self, address: str, now_ms: int) -> Problem | None:
        if self._addresses is None:
            return None
        wait = self._addresses.wait_ms(who_is_at(address), now_ms)
        return _too_many(wait) if wait else None


class Flood:
    """`never_counted`: paths of gateways, and those by which the hub itself is watched."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        rates: Rates,
        wall_ms: Callable[[], int],
        never_counted: frozenset[str],
    ) -> None:
        self.app = app
        self._rates = rates
        self._wall_ms = wall_ms
        self._never_counted = never_counted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in self._never_counted:
            client = scope.get("client")
            address = client[0] if client else "unknown"
            refused = self._rates.refusal_of_address(address, self._wall_ms())
            if refused is not None:
                await problem_response(refused)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _too_many(wait_ms: int) -> Problem:
    seconds = -(-wait_ms // 1000)
    headers = {"Retry-After": str(seconds), **CLOSE}
    return Problem(429, "too_many_requests", "too many requests; send fewer", headers=headers)


# Who floods gets no open connection for it.
CLOSE: Final = {"Connection": "close"}

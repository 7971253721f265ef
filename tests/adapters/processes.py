"""Waiting for other processes: on the condition itself, with a deadline, never for a time."""

import asyncio
from collections.abc import Callable
from typing import Final

# A machine busy with other test runs takes seconds for what is done in milliseconds.
DEADLINE_S: Final = 30.0


async def until(condition: Callable[[], bool], what: str) -> None:
    """Return as soon as the condition holds; AssertionError when it does not in time."""
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not condition():  # noqa: ASYNC110 - other processes have no event
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"not within {DEADLINE_S} s: {what}") from None

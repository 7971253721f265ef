"""What costs seconds of computing, in a process of its own: presses go on meanwhile."""

import asyncio
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

T = TypeVar("T")


async def in_a_process(work: Callable[[bytes], T], payload: bytes) -> T:
    """In one that starts afresh, for a copy of a hub full of threads could not be trusted. What
    becomes of it there, be it that it takes all memory, is that process's and not the hub's."""
    pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
    try:
        return await asyncio.get_running_loop().run_in_executor(pool, work, payload)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)

"""Homes played by several processes; the order of what comes back is that of the homes.

Each process is a copy of this one (fork), so that the past is there without being sent. Process n
plays every home whose number is n modulo their count, and waits while nobody reads its answers.
"""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


class CrewError(RuntimeError):
    """A process ended before its work was done."""


def in_turn(work: Callable[[T], R], items: Sequence[T], processes: int) -> Iterator[R]:
    """`work` of each item, in their order."""
    if processes <= 1 or len(items) < 2 or "fork" not in multiprocessing.get_all_start_methods():
        yield from map(work, items)
        return
    context = multiprocessing.get_context("fork")
    crew = []
    try:
        for number in range(processes):
            mine, theirs = context.Pipe(duplex=False)
            share = items[number::processes]
            process = context.Process(target=_work, args=(theirs, work, share), daemon=True)
            process.start()
            theirs.close()
            crew.append((process, mine))
        for number in range(len(items)):
            yield _answer(crew[number % processes][1])
    finally:
        for process, pipe in crew:
            pipe.close()
            process.terminate()
            process.join()


def _answer(pipe: Connection) -> R:  # type: ignore[type-var]
    try:
        answer: R | Exception = pipe.recv()
    except EOFError as error:
        raise CrewError("a process ended before its homes were played") from error
    if isinstance(answer, Exception):
        raise answer
    return answer


def _work(pipe: Connection, work: Callable[[T], R], share: Sequence[T]) -> None:
    for item in share:
        try:
            pipe.send(work(item))
        except BrokenPipeError:
            return
        except Exception as error:  # noqa: BLE001 - raised again where the answers are read
            pipe.send(error)
            return

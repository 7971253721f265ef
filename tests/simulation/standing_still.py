"""A loop in which one machine's processes can stand still while all others go on (SIGSTOP, a
hypervisor that moves it, a swap to death): its callbacks wait, its timers come late, clocks run.

A callback belongs to the machine in whose context it was scheduled.
"""

import collections
import contextvars
from asyncio import Handle
from typing import Any, Protocol

from tests.simulation.virtual_loop import VirtualLoop


class Standing(Protocol):
    """`held`: what would have run meanwhile, in order."""

    frozen: bool
    held: list[Handle]


MACHINE: contextvars.ContextVar[Standing | None] = contextvars.ContextVar("MACHINE", default=None)


def context_of(machine: Standing) -> contextvars.Context:
    context = contextvars.copy_context()
    context.run(MACHINE.set, machine)
    return context


class _Ready(collections.deque[Handle]):
    def __init__(self, nothing: Handle) -> None:
        super().__init__()
        self._nothing = nothing

    def popleft(self) -> Handle:
        handle = super().popleft()
        machine = handle._context.get(MACHINE)
        if machine is None or not machine.frozen:
            return handle
        machine.held.append(handle)
        return self._nothing


class HaltingLoop(VirtualLoop):
    def __init__(self) -> None:
        super().__init__()
        nothing = Handle(lambda: None, (), self)
        nothing._cancelled = True
        self._ready: Any = _Ready(nothing)

    def go_on(self, machine: Standing) -> None:
        held, machine.held = machine.held, []
        machine.frozen = False
        self._ready.extend(held)

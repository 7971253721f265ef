"""Who can be told in a test, and by which clocks."""

from collections.abc import Callable, Mapping, Sequence

from alarms.book import Escalating
from alarms.escalation.defaults import default_policies
from alarms.escalation.plan import Now
from alarms.escalation.policy import Policies
from alarms.responders import ContactPoint, Responder, Target


class Staff:
    """Responders by target, in order; everybody is known by name."""

    def __init__(self, targets: Mapping[Target, Sequence[Responder]] | None = None) -> None:
        self.targets = dict(targets or {})

    def of(self, target: Target, alarm, now_ms: int) -> Sequence[Responder]:
        return self.targets.get(target, ())

    def named(self, username: str) -> Responder | None:
        for people in self.targets.values():
            for person in people:
                if person.id == username:
                    return person
        return None


def person(name: str, *channels: str, role: str = "duty") -> Responder:
    points = tuple(ContactPoint(channel=c, address=f"{c}:{name}", verified=True) for c in channels)
    return Responder(id=name, name=name, role=role, points=points)


def one_clock(now_ms: Callable[[], int]) -> Callable[[], Now]:
    """A wall that nobody sets, in one boot."""
    return lambda: Now(wall_ms=now_ms(), boot="boot-1", running_ms=now_ms())


def escalating(
    clocks: Callable[[], Now],
    responders: Staff | None = None,
    policies: Policies | None = None,
) -> Escalating:
    """One duty officer who only looks at the board, when nothing else is said."""
    return Escalating(
        responders=responders or Staff({Target.DUTY: [person("duty0")]}),
        policies=policies or default_policies(),
        clocks=clocks,
        log=lambda event, text: None,
    )

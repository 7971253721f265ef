"""Whom the rules of a lane watch: everybody, or those of a shard (`ingest.shard_subjects`)."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from ingest.marks import SpoolMark
from ledger.register_changes import Touched
from rules.rule import Observation


class Handed(NamedTuple):
    """What another shard has heard of somebody who is watched here."""

    subject: str
    observation: Observation
    gateway: str | None


class Turn(NamedTuple):
    """`came`: who is watched here from now on, with the newest activation that their last shard has
    seen; 0: they have not been anywhere."""

    came: Mapping[str, int]
    handed: Sequence[Handed]


NOTHING_NEW: Final = Turn({}, ())


class Watched(Protocol):
    """Of one lane's or shard's thread. A subject is a home, `gateway:<id>` or `region:<code>`."""

    def load(self) -> Mapping[str, int]:
        """Begin with what is stored. Returns who has seen other activations than this shard has,
        and through which."""
        ...

    def watches(self, subject: str) -> bool: ...

    def roster_changed(self, touched: Touched | None) -> None: ...

    def turn(self, now_ms: int) -> Turn:
        """At the beginning of a batch: who has come and gone."""
        ...

    def seen(self, subject: str) -> int:
        """Up to which activation another shard has told them; 0: none but this one has."""
        ...

    def touching(self, subjects: Mapping[str, int]) -> Touched: ...

    def states_of(self, subjects: Mapping[str, int]) -> Sequence[tuple[str, str, bytes]]: ...

    def heard(self, gateway: str) -> None: ...

    def mark_of(self, spool: str, gateway: str, known: bool) -> SpoolMark | None:
        """What another shard has of a spool that is heard here now, if anything may be there."""
        ...

    def pass_on(self, subject: str, observation: Observation, gateway: str | None) -> None:
        """To whoever watches them."""
        ...

    def village_of(self, home: str) -> str | None:
        """The region that hears what this home is told, and that is watched elsewhere or here."""
        ...

    def seal(self, through: int) -> bool:
        """Everything above goes into the store's batch; whether there is anything. `through`: the
        newest activation that this shard has seen."""
        ...

    def committed(self) -> Sequence[str]:
        """Who is watched elsewhere from now on."""
        ...


class Everybody:
    """A hub's that hears all gateways by itself."""

    def load(self) -> Mapping[str, int]:
        return {}

    def watches(self, _subject: str) -> bool:
        return True

    def roster_changed(self, _touched: Touched | None) -> None:
        return

    def turn(self, _now_ms: int) -> Turn:
        return NOTHING_NEW

    def seen(self, _subject: str) -> int:
        return 0

    def touching(self, _subjects: Mapping[str, int]) -> Touched:
        return Touched()

    def states_of(self, _subjects: Mapping[str, int]) -> Sequence[tuple[str, str, bytes]]:
        return ()

    def heard(self, _gateway: str) -> None:
        return

    def mark_of(self, _spool: str, _gateway: str, _known: bool) -> SpoolMark | None:
        return None

    def pass_on(self, _subject: str, _observation: Observation, _gateway: str | None) -> None:
        return  # a home bound a moment ago; the roster's reload adds it

    def village_of(self, _home: str) -> str | None:
        return None

    def seal(self, _through: int) -> bool:
        return False

    def committed(self) -> Sequence[str]:
        return ()

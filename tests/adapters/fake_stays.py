"""Stays of the fake hub: who is away, as docs/http.md tells it."""

from collections.abc import Callable
from typing import Any

from contract.moment import to_iso
from tests.adapters.fake_county import Document


class Stays:
    def __init__(
        self,
        now_ms: Callable[[], int],
        publish: Callable[[str, str, str, Document], None],
    ) -> None:
        self._now_ms = now_ms
        self._publish = publish
        self._stays: list[Document] = []

    def of(self, home: str) -> list[Document]:
        mine = [stay for stay in self._stays if stay["home"] == home]
        return sorted(mine, key=lambda stay: stay["ended_at"] is not None)

    def now(self, home: str) -> list[str]:
        return sorted({s["kind"] for s in self.of(home) if s["ended_at"] is None})

    def set(self, home: str, who: Document, asked: Document) -> Document:
        now = to_iso(self._now_ms())
        stay: dict[str, Any] = {
            "id": f"stay-{len(self._stays) + 1}",
            "home": home,
            "person": None,
            "person_name": None,
            "kind": asked["kind"],
            "from": now,
            "until": asked["until"],
            "note": asked["note"],
            "created_at": now,
            "created_by": who,
            "ended_at": None,
            "ended_how": None,
            "ended_by": None,
        }
        self._stays.append(stay)
        self._publish("stay", stay["id"], "set", stay)
        return stay

    def end(self, home: str, stay_id: str, who: Document | None, how: str = "user") -> Document:
        """`how` activity: somebody is there."""
        stay = next(s for s in self.of(home) if s["id"] == stay_id)
        stay.update(ended_at=to_iso(self._now_ms()), ended_how=how, ended_by=who)
        self._publish("stay", stay_id, "ended", stay)
        return stay

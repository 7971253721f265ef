"""Rounds of the escalation in the fake hub: who was told by what, and what became of it."""

from collections.abc import Mapping, Sequence

from tests.adapters.fake_cases import Cases


def tell(
    cases: Cases,
    alarm_id: str,
    at: tuple[int, int],
    to: Mapping[str, Sequence[str]],
    fates: Mapping[str, str] | None = None,
) -> None:
    """`at`: round and step. `to`: channels of each that is told; `fates`: what became of the
    notification of each."""
    round_, step = at
    told = [[who, list(channels)] for who, channels in to.items()]
    notices = cases.notices.setdefault(alarm_id, [])
    for who, state in (fates or {}).items():
        place = {"round": round_, "step": step, "state": state}
        notices.append({"to": who, "channel": to[who][0], **place})
    data = {"policy": "urgent", "round": round_, "step": step, "to": told}
    cases.note(alarm_id, "told", "not_taken", data)

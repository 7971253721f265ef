"""What a session may do, by how it began and what its account has. Pure.

nothing asked of it          -> everything that its role may
asked, none yet, in grace    -> everything; the page says until when
asked, none yet, grace over  -> "enrol": nothing but setting a second factor up; of a session that
                                began before, nothing: no board goes dark in the middle of a shift
has one, not shown           -> "factor": nothing but showing it
shown, but long ago          -> everything but what asks for it anew (`STEPPED_UP`)
"""

from dataclasses import dataclass
from typing import Final, Literal

from dashboard.permissions import Permission
from dashboard.signing_in.settings import SigningIn

Limit = Literal["", "enrol", "factor"]
# How a session began.
Method = Literal["password", "code", "recovery", "passkey", "sign_on"]

# Programs show no second factor, and an office abroad is no staff of ours.
NOT_STAFF: Final = frozenset({"exchange", "department"})
# What is asked for anew before somebody takes data out, opens what is closed, or gives power.
STEPPED_UP: Final[frozenset[Permission]] = frozenset(
    {
        "data.export",
        "export.order",
        "person.erase",
        "person.reveal",
        "user.write",
    }
)
# What one signs in by is changed only shortly after having shown it (ASVS 5.0, 7.5.1).
OWN_FRESH_MS: Final = 15 * 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known of a session and its account. Times are real."""

    role: str
    has_factor: bool
    factor_at_ms: int | None
    proved_at_ms: int | None
    due_from_ms: int | None
    begun_at_ms: int


def is_asked(settings: SigningIn, role: str) -> bool:
    return settings.second_factor == "staff" and role not in NOT_STAFF


def due_at_ms(settings: SigningIn, standing: Standing) -> int | None:
    """Until when it may come without one; None: one is not asked of it, or it has one."""
    if standing.has_factor or not is_asked(settings, standing.role):
        return None
    # The first time it is there its grace begins.
    return (standing.due_from_ms or 0) + settings.grace_ms


def limit_of(settings: SigningIn, standing: Standing) -> Limit:
    if standing.factor_at_ms is not None:
        # Its own, or one that the identity provider saw.
        return ""
    if standing.has_factor:
        return "factor"
    due_ms = due_at_ms(settings, standing)
    if due_ms is None or standing.due_from_ms is None or standing.begun_at_ms < due_ms:
        return ""
    return "enrol"


def must_step_up(settings: SigningIn, standing: Standing, now_ms: int) -> bool:
    """Whether its second factor was shown too long ago. Who has none is not asked for it."""
    if not standing.has_factor:
        return False
    shown_ms = standing.factor_at_ms
    return shown_ms is None or now_ms - shown_ms > settings.step_up_ms


def is_fresh(standing: Standing, now_ms: int) -> bool:
    """Whether its owner has just shown that it is she: with the second factor where there is one,
    else with the password."""
    shown_ms = standing.factor_at_ms if standing.has_factor else standing.proved_at_ms
    return shown_ms is not None and now_ms - shown_ms <= OWN_FRESH_MS

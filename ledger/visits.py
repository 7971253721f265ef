"""Visits as somebody reports them, and what of two reports is one visit. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from ledger.forms.services import SERVICE_BY_NUMBER
from ledger.forms.visit_form import NOBODY_MET, SERVICES_DONE

VisitWay = Literal["home_visit", "phone", "video", "other"]
WAYS: Final[frozenset[str]] = frozenset(get_args(VisitWay))

# A filled form of the field set has about 60 answers; a tenfold leaves room for remarks.
RECORD_BYTES_MAX: Final = 32 * 1024
# Two who went together write down times that differ by as long as a visit takes.
SAME_VISIT_MS: Final = 30 * 60_000
# Somebody looks again after a visit that found nobody.
NOBODY_MET_DAYS: Final = 2

# Six photos tell a home; a county's visits of a year must fit the book's disk.
PHOTOS_MAX: Final = 6
AttachmentKind = Literal["photo", "signature_person", "signature_visitor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVisit:
    """A contact with a service user. `visitor` is the account that made it.

    id: chosen by the caller and the same when one report is sent twice, so that recording it
    again changes nothing. visited_at_ms: when it was made, by the hub's clock as far as the
    telephone knew it. record: the answers of the form, by field name. form: `annex4` when it was
    filled in as that form. phone: the telephone's own id; clock_offset_ms: how far its clock was
    ahead of the hub's. completes_task: the visit is what its task was for.
    """

    id: str
    home: str
    service_user: str | None
    way: VisitWay
    visitor: str
    visited_at_ms: int
    record: Mapping[str, object]
    task: str | None = None
    alarm: str | None = None
    form: str | None = None
    phone: str | None = None
    clock_offset_ms: int | None = None
    completes_task: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What was written wrong. `record`: answers by field name, None takes one back.

    version: the visit as the corrector saw it; None: as it is.
    """

    id: str
    visit: str
    reason: str
    way: VisitWay | None = None
    visited_at_ms: int | None = None
    record: Mapping[str, object] | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAttachment:
    """`content` as it is kept; `source_sha256` of what was sent, so that the same again is one."""

    id: str
    visit: str
    kind: AttachmentKind
    mime: str
    content: bytes
    sha256: str
    source_sha256: str
    width: int
    height: int


def is_met(record: Mapping[str, object]) -> bool:
    return record.get(NOBODY_MET) is not True


# In the record of a call: who was called said that all is well.
SAID_WELL: Final = "said_well"
_CALLS: Final = frozenset({"phone", "video"})


def says_well(way: str, met: bool, record: Mapping[str, object]) -> bool:
    """Whether somebody answered a call and said so."""
    return met and way in _CALLS and record.get(SAID_WELL) is True


def services_of(record: Mapping[str, object]) -> list[int]:
    """Numbers of annex 2 that were done; what is no such number is nothing."""
    done = record.get(SERVICES_DONE)
    if not isinstance(done, list):
        return []
    return sorted({n for n in done if type(n) is int and n in SERVICE_BY_NUMBER})


def corrected(record: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    return {name: v for name, v in {**record, **changes}.items() if v is not None}


def differences(
    before: Mapping[str, object], after: Mapping[str, object]
) -> dict[str, dict[str, object]]:
    """By name what was and what is; a name that was not there, or is no more, is None."""
    return {
        name: {"before": before.get(name), "after": after.get(name)}
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    }


def may_be_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two reports (rows of `visit`) may be of one visit, so that a human must say.

    Symmetric: whichever telephone was heard first, the same pairs come out. A report that names
    nobody of the home may be of anybody there.
    """
    if one["home"] != other["home"]:
        return False
    if None not in (one["service_user"], other["service_user"]) and (
        one["service_user"] != other["service_user"]
    ):
        return False
    if one["task"] is not None and one["task"] == other["task"]:
        return True
    apart_ms = abs(int(one["visited_at_ms"]) - int(other["visited_at_ms"]))
    # Somebody calls before he goes, and a colleague calls meanwhile: those are two.
    alike = bool(one["visitor"] == other["visitor"] or one["way"] == other["way"])
    return alike and apart_ms <= SAME_VISIT_MS

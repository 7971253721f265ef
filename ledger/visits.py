"""A visit as somebody reports it, before it has its place in the book. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

VisitWay = Literal["home_visit", "phone", "video", "other"]
WAYS: Final[frozenset[str]] = frozenset(get_args(VisitWay))

# A filled form of the field set has about 60 answers; a tenfold leaves room for remarks.
RECORD_BYTES_MAX: Final = 32 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVisit:
    """A contact with a service user. `visitor` is the account that made it.

    id: chosen by the caller and the same when one report is sent twice, so that recording it
    again changes nothing. record: the answers of the form, by field name.
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

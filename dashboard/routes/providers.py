"""The register of providers: who does what, where, by which licence."""

import datetime
import uuid
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Request
from pydantic import Field
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dashboard.answers import CREATED, answer
from dashboard.asked import REGISTER_LIMIT_MAX, Body, Line, Note, PathId, QueryWord, Word
from dashboard.callers import Caller, Hub, needs
from dashboard.care_reads import provider_object
from dashboard.once import HEADER, once
from dashboard.ports import Deps
from dashboard.problems import Problem, bad_field, not_found
from dashboard.reads import one, rows
from dashboard.register_reads import find_region
from ledger.care.book import CareBook
from ledger.care.services import CARE_WORDS
from ledger.schema import PROVIDER
from ledger.unit_of_work import compact
from ledger.views import Document

router = APIRouter(tags=["care"])

# Towns of a county that one provider serves.
REGIONS_MAX: Final = 50
_NAMESPACE: Final = uuid.UUID("9c0a8c2e-6f0b-5c35-8f4e-0a5b6f5d2b11")
_DOCUMENTS: Final = ("services", "regions")


class ProviderFields(Body):
    """What may be said and changed; what is left out of a change stays."""

    name: Word = ""
    kind: Literal["institution", "company", "organisation", "individual"] = "institution"
    services: Annotated[list[Word], Field(default_factory=list, max_length=len(CARE_WORDS))]
    regions: Annotated[list[Word], Field(default_factory=list, max_length=REGIONS_MAX)]
    contact: Line = ""
    phone: Annotated[Line, Field(max_length=32)] = ""
    licence: Line = ""
    licence_until: Annotated[Line, Field(max_length=10)] = ""
    note: Note = ""
    active: bool = True


class NewProvider(ProviderFields):
    name: Word
    services: Annotated[list[Word], Field(min_length=1, max_length=len(CARE_WORDS))]


@router.get("/providers")
def list_providers(
    *,
    hub: Hub,
    _caller: Annotated[Caller, needs("care.read")],
    service: QueryWord = None,
    region: QueryWord = None,
    active: bool | None = None,
) -> Response:
    """By name. `region`: those that serve it, or what lies around it."""
    wanted = select(PROVIDER).order_by(PROVIDER.c.name, PROVIDER.c.id).limit(REGISTER_LIMIT_MAX)
    if active is not None:
        wanted = wanted.where(PROVIDER.c.active.is_(active))
    with hub.engine.connect() as connection:
        documents = [provider_object(row) for row in rows(connection, wanted)]
    if service:
        documents = [document for document in documents if service in document["services"]]
    if region:
        documents = [document for document in documents if serves(document, region)]
    return answer({"items": documents})


def serves(provider: Document, region: str) -> bool:
    """A provider without regions serves the whole county."""
    return not provider["regions"] or any(region.startswith(r) for r in provider["regions"])


@router.post("/providers", status_code=CREATED)
async def write_provider(
    body: NewProvider,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("provider.write")],
) -> Response:
    """Add a provider."""
    fields = body.model_dump()
    key = request.headers.get(HEADER)
    name = uuid.uuid5(_NAMESPACE, f"{caller.username}:{key}") if key else uuid.uuid4()

    async def work() -> Document:
        await run_in_threadpool(_check, hub, fields)
        given = {**_row(fields), "id": str(name)}
        await hub.writer.change(
            lambda unit: CareBook().write_provider(unit, given, caller.username)
        )
        return await run_in_threadpool(_document, hub, str(name))

    return await once(request, caller, work, CREATED)


@router.patch("/providers/{provider_id}")
async def change_provider(
    provider_id: PathId,
    body: ProviderFields,
    request: Request,
    hub: Hub,
    caller: Annotated[Caller, needs("provider.write")],
) -> Response:
    """Change what is named; the book keeps what was."""
    fields = body.model_dump(exclude_unset=True)

    async def work() -> Document:
        await run_in_threadpool(_document, hub, provider_id)
        await run_in_threadpool(_check, hub, fields)
        await hub.writer.change(
            lambda unit: CareBook().change_provider(
                unit, provider_id, _row(fields), caller.username
            )
        )
        return await run_in_threadpool(_document, hub, provider_id)

    return await once(request, caller, work)


def _check(hub: Deps, fields: dict[str, Any]) -> None:
    if not set(fields.get("services", ())) <= CARE_WORDS:
        raise bad_field("services", f"of {', '.join(sorted(CARE_WORDS))}")
    with hub.engine.connect() as connection:
        for code in fields.get("regions", ()):
            if find_region(connection, code) is None:
                raise bad_field("regions", "there is no such region")
    if fields.get("licence_until"):
        try:
            datetime.date.fromisoformat(fields["licence_until"])
        except ValueError:
            raise bad_field("licence_until", "an ISO date, as 2027-12-31") from None
    if fields.get("name") == "":
        raise Problem(422, "invalid", "a provider has a name", field="name")


def _row(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: compact(value) if name in _DOCUMENTS else value for name, value in fields.items()}


def _document(hub: Deps, provider_id: str) -> Document:
    with hub.engine.connect() as connection:
        row = one(connection, select(PROVIDER).where(PROVIDER.c.id == provider_id))
    if row is None:
        raise not_found("provider")
    return provider_object(row)

"""Requests made from the interface's own description by schemathesis, with ids that are there; what
is wrong with the answers to them."""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import hypothesis
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.adapters.access_county import API, HOUSEHOLDS
from tests.openapi.served import TIMEOUT_S, Served

CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# The first never ends, the second says 503 of a hub without a broker; the others end the session
# that asks, or take its password.
LEFT_OUT: Final = r"/(stream|readyz|logout|me/password|me/sessions|login)$"
# So many of ten requests name things that are there; the others what was made up.
REAL_OF_TEN: Final = 7
# What an answer says of a failure, for the report.
TOLD_MAX: Final = 400
# By the field of a body or query, which id of a household it takes.
_FIELDS: Final[Mapping[str, str]] = {
    "home": "home_id",
    "service_user": "person_id",
    "person": "person_id",
    "region": "code",
    "task": "task_id",
    "alarm": "alarm_id",
    "visit": "visit_id",
    "desk": "desk_id",
    "gateway": "gateway_id",
    "assignee": "username",
    "visitor": "username",
    "provider": "provider_id",
    "referral": "referral_id",
}


@dataclass(slots=True, kw_only=True)
class Found:
    """What a run found. `statuses` by class of answer."""

    requests: int = 0
    operations: set[str] = field(default_factory=set)
    statuses: Counter[str] = field(default_factory=Counter)
    faults: dict[str, str] = field(default_factory=dict)

    def fault(self, kind: str, told: str) -> None:
        self.faults.setdefault(kind, told[:TOLD_MAX])


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """An account that asks, and the marks that no answer to it may hold."""

    username: str
    secrets: Sequence[str]


def operations(served: Served) -> list[Any]:
    """What there is to ask."""
    schema = schemathesis.openapi.from_dict(served.app.openapi())
    schema.config.update(base_url=served.address)
    # What opens a record of elsewhere would make the marks of it allowed.
    chosen = schema.exclude(path_regex=LEFT_OUT).exclude(
        path=f"{API}/emergency-openings", method="POST"
    )
    return [result.ok() for result in chosen.get_all_operations()]


def ask_everything(
    served: Served, who: Visitor, token: str, found: Found, *, each: int, seed: int
) -> None:
    """`each` requests to every operation with one account's token."""
    rng = random.Random(f"{seed}:{who.username}")
    for operation in operations(served):
        _ask(served, operation, who, token, found, rng, each)


def _ask(  # noqa: PLR0917 - one caller
    served: Served,
    operation: Any,
    who: Visitor,
    token: str,
    found: Found,
    rng: random.Random,
    each: int,
) -> None:
    found.operations.add(operation.label)

    def one(case: Any) -> None:
        _name_what_is_there(case, served.county.ids, rng)
        answer = case.call(headers={"Authorization": f"Bearer {token}"}, timeout=TIMEOUT_S)
        found.requests += 1
        found.statuses[f"{answer.status_code // 100}xx"] += 1
        cell = f"{who.username} {operation.label}"
        text = answer.content.decode(errors="replace")
        for mark in who.secrets:
            if mark in text:
                found.fault(f"{cell}: tells {mark}", text)
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as group:
            for failure in group.exceptions:
                kind = f"{operation.label}: {type(failure).__name__} {answer.status_code}"
                found.fault(kind, f"{failure} {case.as_curl_command()} -> {text}")

    _run(operation.as_strategy(), one, each, rng.getrandbits(32))


def _run(strategy: Any, one: Callable[[Any], None], each: int, seed: int) -> None:
    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=each,
        database=None,
        deadline=None,
        # What fails is written down and the run goes on; nothing is made smaller.
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(strategy)
    def examples(case: Any) -> None:
        one(case)

    examples()


def _name_what_is_there(
    case: Any, ids: Mapping[str, Mapping[str, str]], rng: random.Random
) -> None:
    if rng.randrange(10) >= REAL_OF_TEN:
        return
    of = ids[rng.choice(HOUSEHOLDS).home]
    for name in case.path_parameters or {}:
        if name in of:
            case.path_parameters[name] = of[name]
    for part in _parts(case):
        for name, key in _FIELDS.items():
            if name in part:
                part[name] = of[key]


def _parts(case: Any) -> Iterator[dict[str, Any]]:
    yield from (part for part in (case.body, case.query) if isinstance(part, dict))

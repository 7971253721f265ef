"""`./dev schemathesis`: requests made from the description of the interface, as every role.

./dev schemathesis                      20,000 requests, and docs/results/schemathesis.json
./dev schemathesis --requests 2000 --role visitor --seed 7 --no-report

A hub is served with the county of the matrix (`tests/adapters/access_county.py`). No answer may be
a fault of the hub (5xx), differ from the description (status, form, headers, schema), or hold a
mark of a household that is not for who asked.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Final

from tests.adapters.access_askers import ASKERS, Asker
from tests.openapi.requests import Found, Visitor, ask_everything, operations
from tests.openapi.served import Served, serving_county
from tests.results import RESULTS, write_result

REQUESTS: Final = 20_000
RESULT: Final = RESULTS / "schemathesis.json"
# What can make the marks of others allowed asks last: an administrator moves homes and people.
_LAST: Final = ("manager", "admin")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def in_order(askers: list[Asker]) -> list[Asker]:
    return sorted(askers, key=lambda one: _LAST.index(one.role) if one.role in _LAST else -1)


def run(served: Served, askers: list[Asker], requests: int, seed: int) -> Found:
    found = Found()
    each = max(1, -(-requests // (len(askers) * len(operations(served)))))
    for asker in in_order(askers):
        before, began_s = found.requests, time.perf_counter()
        who = Visitor(username=asker.username, secrets=list(asker.secrets()))
        token = asyncio.run(served.token(asker.username))
        ask_everything(served, who, token, found, each=each, seed=seed)
        took_s = time.perf_counter() - began_s
        say(f"{asker.username}: {found.requests - before:,} requests, {took_s:.0f} s")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="requests made from the OpenAPI description")
    parser.add_argument("--requests", type=int, default=REQUESTS)
    parser.add_argument("--role", help="one role alone")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-report", action="store_true")
    asked = parser.parse_args()
    askers = [one for one in ASKERS if one.role and asked.role in (None, one.role)]
    if not askers:
        parser.error(f"no account has the role {asked.role}")
    with tempfile.TemporaryDirectory() as folder, serving_county(Path(folder)) as served:
        found = run(served, askers, asked.requests, asked.seed)
    for kind, told in sorted(found.faults.items()):
        say(f"FAULT {kind}\n      {told}")
    say(
        f"{found.requests:,} requests to {len(found.operations)} operations as {len(askers)}"
        f" accounts: {dict(sorted(found.statuses.items()))}, {len(found.faults)} faults"
    )
    if not asked.no_report:
        write_result(
            RESULT,
            command=f"./dev schemathesis --requests {asked.requests} --seed {asked.seed}",
            seed=asked.seed,
            versions={"schemathesis": version("schemathesis")},
            counts={
                "requests": found.requests,
                "operations": len(found.operations),
                "accounts": len(askers),
                "statuses": dict(sorted(found.statuses.items())),
                "faults": sorted(found.faults),
            },
        )
    return 1 if found.faults else 0


if __name__ == "__main__":
    sys.exit(main())

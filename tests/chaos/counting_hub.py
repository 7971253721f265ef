"""The hub as it is, which also writes down what came to it again: without redeliveries a run of
kills proves nothing. Run in the place of `hearthwatch`; the file is named by the environment."""

import os
import sys

from hearthwatch.__main__ import main
from ingest.urgent_lane import UrgentLane

_is_known = UrgentLane._is_known
_seen_again = os.open(os.environ["CHAOS_REDELIVERED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def is_known(unit, item_id: str) -> bool:
    known = _is_known(unit, item_id)
    if known:
        os.write(_seen_again, f"{item_id}\n".encode())
    return known


UrgentLane._is_known = staticmethod(is_known)

if __name__ == "__main__":
    sys.exit(main())

"""The names of leases of a book on PostgreSQL (`ledger/pg_lease.py`), for who has no psycopg."""

from typing import Final

# Of a hub that has its book for itself, or of all processes together that share it.
HUB: Final = "hub"
# Due steps, dispatcher, housekeeping: of one process among those that share a book.
ESCALATION: Final = "escalation"
# Hearing gateways: rules must hear all of a home in one place.
HEARING: Final = "hearing"

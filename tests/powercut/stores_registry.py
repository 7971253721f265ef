"""What `./dev powercut` knows."""

from tests.powercut.postgres_store import PostgresStore
from tests.powercut.stores import BookStore, SpoolStore, Store

STORES: dict[str, Store] = {
    store.name: store for store in (SpoolStore(), BookStore(), PostgresStore())
}

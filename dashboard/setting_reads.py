"""Settings of rules with the names of who made them and of whom they are for."""

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import Connection, select

from dashboard.reads import roster_for, rows
from ledger.schema import HOME, SERVICE_USER
from ledger.views import Document


def named(connection: Connection, settings: Sequence[Document]) -> list[Document]:
    """`actor_name`, and `scope_name`: the person's name, the home's address, the category. Of
    settings that the caller may see."""
    accounts = roster_for(connection, usernames={s["actor"] for s in settings}).accounts
    scopes = scope_names(connection, {s["scope"] for s in settings})
    return [
        {
            **setting,
            "actor_name": (accounts.get(setting["actor"]) or {}).get("name") or setting["actor"],
            "scope_name": scopes.get(setting["scope"], ""),
        }
        for setting in settings
    ]


def scope_names(connection: Connection, scopes: Collection[str]) -> dict[str, str]:
    homes = select(HOME.c.id, HOME.c.address.label("name")).where(
        HOME.c.id.in_(_about("home", scopes))
    )
    persons = select(SERVICE_USER.c.id, SERVICE_USER.c.name).where(
        SERVICE_USER.c.id.in_(_about("person", scopes))
    )
    found = {f"category:{name}": name for name in _about("category", scopes)}
    found.update({f"home:{row['id']}": row["name"] for row in rows(connection, homes)})
    found.update({f"person:{row['id']}": row["name"] for row in rows(connection, persons)})
    return found


def _about(kind: str, scopes: Iterable[str]) -> set[str]:
    prefix = f"{kind}:"
    return {scope.removeprefix(prefix) for scope in scopes if scope.startswith(prefix)}

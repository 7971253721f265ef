"""An account that somebody names for a job: whether it may do that, and may see the home."""

from sqlalchemy import select

from dashboard.permissions import permissions_of
from dashboard.ports import Deps
from dashboard.problems import bad_field
from dashboard.reads import one
from ledger.schema import ACCOUNT


def check_named(hub: Deps, region: str | None, username: str, field: str, permission: str) -> None:
    """Nothing, or the problem with `field`; `region`: the home's; None, of no place."""
    with hub.engine.connect() as connection:
        account = one(connection, select(ACCOUNT).where(ACCOUNT.c.username == username))
    if account is None or account["disabled"]:
        raise bad_field(field, "there is no such account")
    if permission not in permissions_of(account["role"]):
        detail = "takes no tasks" if permission == "task.move" else "takes no alarms"
        raise bad_field(field, f"the role {account['role']} {detail}")
    if region is not None and not region.startswith(account["region"]):
        raise bad_field(field, "this account does not cover the home's region")

"""[TEST] messages sent at once, beside a hub that may be running: what does the provider say?"""

import asyncio
import uuid
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select

from alarms.message import encode
from alarms.notifier import Notification, Refused, Result, RetryLater
from alarms.wording import example_message
from hearthwatch.hub_config import HubConfig
from hearthwatch.notices import Notices
from ledger.place import Place
from ledger.schema import CONTACT_POINT


class Way(NamedTuple):
    channel: str
    address: str


def ways_of(book: Place, username: str) -> list[Way]:
    """Those that are verified and live, in their order."""
    table = CONTACT_POINT
    wanted = select(table.c.channel, table.c.address).where(
        table.c.owner == username,
        table.c.verified_at_ms.is_not(None),
        table.c.dead_since_ms.is_(None),
    )
    reader = book.open_reader()
    try:
        with reader.connect() as connection:
            found = connection.execute(wanted.order_by(table.c.place)).all()
    finally:
        reader.dispose()
    return [Way(channel, address) for channel, address in found]


def send_tests(config: HubConfig, ways: Sequence[Way]) -> list[tuple[Way, Result]]:
    """One message each, one after the other."""
    return asyncio.run(_send(config, ways))


async def _send(config: HubConfig, ways: Sequence[Way]) -> list[tuple[Way, Result]]:
    notices = Notices(config)
    body = encode(example_message(config.notify.telling.language))
    found: list[tuple[Way, Result]] = []
    async with notices.client() as http:
        notifiers = notices.notifiers(http)
        for way in ways:
            notifier = notifiers.get(way.channel)
            if notifier is None:
                found.append((way, Refused(detail="no such channel is configured")))
                continue
            sent = Notification(id=str(uuid.uuid4()), target=way.address, body=body)
            try:
                result = await notifier.send(sent)
            except Exception as error:  # noqa: BLE001 - the others are to be tried as well
                result = RetryLater(detail=type(error).__name__)
            found.append((way, result))
    return found

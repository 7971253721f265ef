"""The feed of a hub that is one of several processes."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hearthwatch.joined_feed import JoinedFeed
from hearthwatch.logs import say
from hearthwatch.rule_views import described
from ledger.feed import FeedEvent

if TYPE_CHECKING:
    from hearthwatch.hub import Hub


def joined_feed(hub: "Hub") -> JoinedFeed | None:
    """Where others write this book as well. Who serves nobody only wants to know of it."""
    if not hub.config.book.shared:
        return None
    side = hub.side

    def entries(seq: int) -> Sequence[FeedEvent]:
        # Whoever serves nobody does without the pages, which this is a part of.
        from dashboard.stream import entries_behind

        def rules() -> Sequence[Mapping[str, object]]:
            return described(side.settings.current)

        return entries_behind(hub.reader, seq, rules, hub.clock.now_ms())

    joined = JoinedFeed(
        hub.config.book.open_ear(),
        last_seq=hub.feed.last_seq,
        read_behind=entries if hub.role.serves else lambda _seq: (),
        publish=side.tell_all,
        others_wrote=hub.writer.look,
        log=say,
    )
    if hub.role.serves:
        side.joined = joined
    return joined

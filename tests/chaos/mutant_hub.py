"""The hub with a planted mistake: it acknowledges what it received before it has committed it.

Run in the place of `hearthwatch` by the test that must see presses lost. Commits wait a moment,
as they do on a slow card, so that the mistake shows within a few kills.
"""

import sys
import threading

from contract import topics
from contract.codec import encode_ack
from contract.envelope import Ack
from hearthwatch.__main__ import main
from ingest import urgent_lane
from ingest.quarantine import Unreadable

COMMIT_DELAY_S = 0.5
_honest = urgent_lane.UrgentLane.on_messages


def on_messages(self, messages, link, acker) -> None:
    for topic, payload, _packet_id in messages:
        decoded = urgent_lane.decode_message(topic, payload)
        if not isinstance(decoded, Unreadable):
            ack = Ack(spool=decoded.spool, ids=[item.id for item in decoded.items])
            acker.publish_soon(topics.topic(decoded.gateway, "ack"), encode_ack(ack))
    timer = threading.Timer(
        COMMIT_DELAY_S, lambda: self._call_soon(lambda: _honest(self, messages, link, acker))
    )
    timer.daemon = True
    timer.start()
    link.ack([packet_id for _topic, _payload, packet_id in messages if packet_id])


urgent_lane.UrgentLane.on_messages = on_messages

if __name__ == "__main__":
    sys.exit(main())

"""The gateway with a planted mistake: it believes a PUBACK, which the broker's memory gives."""

import sys

from contract.envelope import Ack
from gateway.__main__ import main
from gateway.uplink.uplink import LaneUplink

_honest = LaneUplink.confirmed


def confirmed(self, mid: int, reason: int) -> None:
    sent = self._unconfirmed.get(mid)
    _honest(self, mid, reason)
    if sent is not None and reason == 0:
        self.acked(Ack(spool=self.spool, ids=list(sent.ids)))


LaneUplink.confirmed = confirmed

if __name__ == "__main__":
    sys.exit(main())

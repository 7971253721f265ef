"""Contact points and reply links of the fake hub, as docs/http.md tells them."""

from collections.abc import Callable
from typing import Any

from contract.moment import to_iso
from tests.adapters.fake_cases import Refused
from tests.adapters.fake_county import Document

CODE = "123456"
TOKEN = "0123456789abcdef"
# A P-256 point as browsers want it.
PUSH_KEY = "BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM"
OFFERED = [
    {"channel": "aliyun_sms", "form": "phone", "names": None, "urgent": True},
    {"channel": "smtp", "form": "mail", "names": None, "urgent": True},
    {"channel": "web_push", "form": "subscription", "names": None, "urgent": True},
    {"channel": "wecom_bot", "form": "name", "names": ["duty"], "urgent": True},
]


class Notices:
    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self.points: list[Document] = []
        self.replies: list[Document] = []
        self.failed: list[Document] = []
        self.reply: Document = {
            "number": 12,
            "severity": "urgent",
            "word": "call",
            "place": "龙头村",
            "state": "open",
            "raised_at": to_iso(now_ms()),
            "contact": False,
            "yours": False,
            "answer": None,
            "expires_at": to_iso(now_ms() + 3_600_000),
        }

    def channels(self) -> Document:
        return {"items": OFFERED, "push_key": PUSH_KEY}

    def listed(self) -> Document:
        return {"items": sorted(self.points, key=lambda point: point["place"])}

    def add(self, asked: Document) -> Document:
        point: dict[str, Any] = {
            "id": f"point-{len(self.points) + 1}",
            "channel": asked["channel"],
            "address": asked["address"],
            "label": asked["label"],
            "language": asked["language"],
            "place": len(self.points) + 1,
            "created_at": to_iso(self._now_ms()),
            "verified_at": None,
            "dead_since": None,
            "dead_reason": "",
            "code_until": None,
        }
        self.points.append(point)
        return point

    def change(self, point_id: str, asked: Document) -> Document:
        self._find(point_id).update(asked)
        return self._find(point_id)

    def remove(self, point_id: str) -> Document:
        self.points.remove(self._find(point_id))
        return {}

    def send_code(self, point_id: str) -> Document:
        self._find(point_id)["code_until"] = to_iso(self._now_ms() + 600_000)
        return {"sent": True}

    def verify(self, point_id: str, code: str) -> Document:
        if code.strip() != CODE:
            raise Refused(422, "wrong_code")
        point = self._find(point_id)
        point.update(verified_at=to_iso(self._now_ms()), dead_since=None, code_until=None)
        return point

    def fail(self, row_id: str, channel: str, state: str, detail: str, **more: Any) -> None:
        """A notification that did not arrive."""
        at = to_iso(self._now_ms())
        row = {
            "id": row_id,
            "channel": channel,
            "address": "+86138****0001",
            "recipient": "duty-1",
            "recipient_name": "李明",
            "alarm": None,
            "number": None,
            "urgent": True,
            "state": state,
            "attempts": 3,
            "detail": detail,
            "created_at": at,
            "tried_at": at,
        }
        self.failed.append({**row, **more})

    def undelivered(self, method: str, path: list[str], asked: Document) -> Document:
        failed = [row for row in self.failed if row["state"] in ("refused", "dead")]
        if method == "POST":
            row = next(row for row in failed if row["id"] == path[0])
            row.update(state="pending", attempts=0)
            return row
        if not path:
            chosen = [row for row in failed if asked.get("channel") in (None, row["channel"])]
            return {"items": chosen, "next": None}
        items = []
        for channel in dict.fromkeys(row["channel"] for row in failed):
            mine = [row for row in failed if row["channel"] == channel]
            reasons = dict.fromkeys((row["state"], row["detail"]) for row in mine)
            items.append(
                {
                    "channel": channel,
                    "refused": sum(row["state"] == "refused" for row in mine),
                    "dead": sum(row["state"] == "dead" for row in mine),
                    "reasons": [
                        {
                            "state": state,
                            "detail": detail,
                            "count": sum(
                                (r["state"], r["detail"]) == (state, detail) for r in mine
                            ),
                            "newest_at": to_iso(self._now_ms()),
                        }
                        for state, detail in reasons
                    ],
                }
            )
        return {"items": items}

    def look(self, token: str) -> Document:
        if token != TOKEN:
            raise Refused(404, "not_found")
        return self.reply

    def answer(self, token: str, asked: Document) -> Document:
        self.look(token)
        self.replies.append(dict(asked))
        accepted = asked["answer"] == "accept"
        state = "acknowledged" if accepted else self.reply["state"]
        self.reply.update(answer=asked["answer"], yours=accepted, state=state)
        return self.reply

    def _find(self, point_id: str) -> Document:
        return next(point for point in self.points if point["id"] == point_id)

"""What must be sent is written in the transaction that decided it, and sent from the table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from alarms.responders import ContactPoint, Responder
from alarms.rows import AskedAt
from alarms.telling import INSERT, NAMESPACE, Step, Telling, TellingSettings
from contract.codec import decode_command, encode_command
from contract.envelope import Command
from contract.ids import name_uuid
from contract.item import Scalar
from contract.kinds import ACTIVATION_KINDS
from contract.moment import to_iso
from ledger.unit_of_work import UnitOfWork, compact

_DROP: Final = (
    "UPDATE outbox SET state = 'dead', done_at_ms = ?, detail = 'the question is over'"
    " WHERE id = ? AND state = 'pending'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookTarget:
    """Where alarms of these severities are announced. `private`: it may lie in our own network."""

    url: str
    severities: frozenset[str]
    private: bool = False


class TableOutbox:
    """Writes outbox rows; ids are made of what they are about, so nothing is written twice."""

    def __init__(
        self,
        webhooks: Sequence[WebhookTarget] = (),
        on_written: Callable[[], None] | None = None,
        telling: Telling | None = None,
    ) -> None:
        """`on_written` is called in the writer's thread, before the commit."""
        self._webhooks = webhooks
        self._telling = telling or Telling(TellingSettings())
        self._on_written = on_written

    def alarm_raised(self, unit: UnitOfWork, alarm: Mapping[str, Any]) -> None:
        for target in self._webhooks:
            if alarm["severity"] not in target.severities:
                continue
            body = {
                "type": "alarm",
                "alarm": alarm["id"],
                "number": alarm["number"],
                "kind": alarm["kind"],
                "severity": alarm["severity"],
                "reason": alarm["reason"],
                "region": alarm["region"],
                "times_heard": alarm["event_count"],
            }
            key = f"{alarm['id']}|{alarm['event_count']}|{target.url}"
            urgent = alarm["severity"] == "urgent"
            self._write(unit, key, "webhook", target.url, compact(body), alarm["id"], urgent)

    def reassure(self, unit: UnitOfWork, alarm: Mapping[str, Any]) -> None:
        """Tell the elder at the device that was pressed; other alarms have nobody waiting, and
        nobody hears of what is wrong with a thing."""
        if alarm["severity"] == "technical":
            return
        key = f"{alarm['id']}|reassure|{alarm['version']}"
        self._reassure(unit, alarm, key, {"alarm": str(alarm["id"])})

    def on_the_way(self, unit: UnitOfWork, alarm: Mapping[str, Any], task: str) -> None:
        """Tell the elder that somebody has set out; once for a task, whoever sets out again."""
        if alarm["severity"] == "technical":
            return
        args: dict[str, Scalar] = {"alarm": str(alarm["id"]), "stage": "on_the_way"}
        self._reassure(unit, alarm, f"{task}|on_the_way", args)

    def _reassure(
        self, unit: UnitOfWork, alarm: Mapping[str, Any], key: str, args: Mapping[str, Scalar]
    ) -> None:
        if alarm["gateway"] is None or alarm["kind"] not in ACTIVATION_KINDS:
            return
        command = Command(
            id=name_uuid(NAMESPACE, key), command="reassure", device=alarm["device"], args=args
        )
        body = encode_command(command).decode()
        self._write(unit, key, "gateway_command", alarm["gateway"], body, alarm["id"])

    def send(self, unit: UnitOfWork, key: str, channel: str, target: str, body: str) -> None:
        """What belongs to no alarm; the same key is sent once."""
        self._write(unit, key, channel, target, body, "")

    def row_id(self, key: str) -> str:
        return name_uuid(NAMESPACE, key)

    def notify(
        self,
        unit: UnitOfWork,
        alarm: Mapping[str, Any],
        responder: Responder,
        point: ContactPoint,
        *,
        step: int,
        round: int,
        urgent: bool,
        wakes: bool = False,
        news: str = "",
    ) -> None:
        """Tell one person by one way; who is told when is the policy's business."""
        told = Step(
            recipient=responder.id,
            channel=point.channel,
            address=point.address,
            round=round,
            step=step,
            urgent=urgent,
            wakes=wakes,
            news=news,
        )
        if self._telling.tell(unit, alarm, told) and self._on_written is not None:
            self._on_written()

    def ask(self, unit: UnitOfWork, alarm: Mapping[str, Any], at: AskedAt) -> None:
        """Have the elder asked; `for_s` beside `until` for a gateway whose clock is doubtful."""
        args: dict[str, Scalar] = {
            "alarm": str(alarm["id"]),
            "until": to_iso(alarm["ask_until_ms"]),
            "for_s": (alarm["ask_until_ms"] - unit.now_ms) // 1000,
            "devices": ",".join(at.devices),
        }
        self._ask(unit, f"{alarm['id']}|ask", at.gateway, at.device, args)

    def ask_over(self, unit: UnitOfWork, alarm: Mapping[str, Any]) -> None:
        """The question is over: not sent any more, and taken back where it was put."""
        row_id = name_uuid(NAMESPACE, f"{alarm['id']}|ask")
        unit.execute(_DROP, (unit.now_ms, row_id))
        found = unit.execute("SELECT target, body FROM outbox WHERE id = ?", (row_id,)).fetchone()
        if found is not None:
            device = decode_command(found[1].encode()).device or ""
            args: dict[str, Scalar] = {
                "alarm": str(alarm["id"]),
                "until": to_iso(unit.now_ms),
                "for_s": 0,
            }
            self._ask(unit, f"{alarm['id']}|ask_over", found[0], device, args)

    def _ask(
        self, unit: UnitOfWork, key: str, gateway: str, device: str, args: Mapping[str, Scalar]
    ) -> None:
        command = Command(id=name_uuid(NAMESPACE, key), command="ask", device=device, args=args)
        body = encode_command(command).decode()
        self._write(unit, key, "gateway_command", gateway, body, str(args["alarm"]))

    def _write(  # noqa: PLR0917 - one private insert
        self,
        unit: UnitOfWork,
        key: str,
        channel: str,
        target: str,
        body: str,
        alarm: str,
        urgent: bool = True,
    ) -> None:
        """A command to a gateway is urgent: the elder waits for it."""
        row_id = name_uuid(NAMESPACE, key)
        now_ms = unit.now_ms
        row = (row_id, channel, target, body, alarm, "pending", 0, now_ms, now_ms, 0, "")
        # The address of a system is nobody's own and stands in clear: it needs no code, and may be
        # longer than one. (PostgreSQL would refuse the row, and with it the press.)
        unit.execute(INSERT, (*row, urgent, "always", False, None, None, None, ""))
        if self._on_written is not None:
            self._on_written()

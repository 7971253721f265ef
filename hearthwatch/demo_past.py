"""The four weeks before a demonstration begins, sent as a gateway sends what it kept: over MQTT, in
envelopes, until the hub has said that it stored them. The rules then know every home, and the
charts reach back.
"""

import time
import uuid
from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from typing import Final

from contract import topics
from contract.codec import decode_ack, encode_envelope
from contract.envelope import Envelope
from contract.ids import item_id
from contract.item import Item
from device_sims.past import PAST_DAYS, past_registers
from device_sims.roster import METER_POLL_S, Household
from hearthwatch.embedded_broker import Broker
from ingest.mqtt.asyncio_client import BrokerAddress
from ingest.mqtt.blocking_client import BlockingClient
from ingest.mqtt.session import SessionConfig

_NAMESPACE: Final = uuid.UUID("5d0a2f6e-8b52-5c1f-9f55-6a0e3f2b7c48")
# About 60 kB a message: every broker takes it.
ITEMS_PER_ENVELOPE: Final = 250
# Envelopes on their way at a time; the embedded broker of pure Python is slow with more.
WINDOW: Final = 16
# 24 homes take a few seconds; after this the demonstration begins with what has arrived.
DEADLINE_S: Final = 60.0


def send_past(broker: Broker, homes: Sequence[Household], began_ms: int) -> int:
    """Send and wait; returns the number of readings the hub has acknowledged."""
    client = BlockingClient(
        BrokerAddress(host="127.0.0.1", port=broker.port, tls=None),
        SessionConfig(
            client_id="demo-past",
            subscriptions=[topics.topic("+", "ack")],
            protocol=broker.protocol,
            username=broker.username,
            password=broker.password_file.read_text(),
        ),
        time.monotonic,
    )
    deadline_s = time.monotonic() + DEADLINE_S
    waiting: dict[str, str] = {}  # an envelope's last item id -> its spool
    stored = 0
    client.connect()
    try:
        envelopes = _envelopes(homes, began_ms)
        more = True
        while (more or waiting) and time.monotonic() < deadline_s:
            for envelope in islice(envelopes, max(0, WINDOW - len(waiting))):
                waiting[envelope.items[-1].id] = envelope.spool
                client.publish(
                    topics.topic(envelope.gateway, "telemetry"), encode_envelope(envelope)
                )
            more = len(waiting) >= WINDOW
            received = client.receive(1.0)
            for _topic, payload, _packet_id in received.messages:
                ids = decode_ack(payload).ids
                stored += len(ids)
                for item in ids:
                    waiting.pop(item, None)
            client.ack([packet_id for _t, _p, packet_id in received.messages if packet_id])
    finally:
        client.close()
    return stored


def _envelopes(homes: Sequence[Household], began_ms: int) -> Iterator[Envelope]:
    readings = past_registers(homes, began_ms, PAST_DAYS, METER_POLL_S)
    for gateway, of_gateway in groupby(readings, key=lambda reading: reading[0].gateway):
        spool = uuid.uuid5(_NAMESPACE, f"{gateway}|{began_ms}")
        seq = 0
        while chunk := list(islice(of_gateway, ITEMS_PER_ENVELOPE)):
            items = [
                _item(spool, seq + number, household, at_ms, kwh)
                for number, (household, at_ms, kwh) in enumerate(chunk, start=1)
            ]
            seq += len(items)
            yield Envelope(
                gateway=gateway,
                spool=str(spool),
                sent_at_ms=began_ms,
                clock="synced",
                items=items,
            )


def _item(spool: uuid.UUID, seq: int, household: Household, at_ms: int, kwh: float) -> Item:
    meter = household.fitted("meter")
    return Item(
        id=item_id(spool, seq, at_ms),
        seq=seq,
        device=meter.device if meter is not None else household.home,
        kind="power",
        measured_at_ms=at_ms,
        received_at_ms=at_ms,
        values={"energy_kwh": round(kwh, 2)},
    )

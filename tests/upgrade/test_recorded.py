"""What older programs said to each other, byte by byte, said to this one: an older gateway at this
hub, this gateway at an older hub. `./dev upgrade RECORD=tests/upgrade/recorded` writes it down.

No file here is ever changed or taken away: each is of programs that are out there.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from contract import topics
from contract.codec import (
    decode_ack,
    decode_envelope,
    decode_status,
    encode_ack,
    encode_envelope,
    encode_status,
)
from contract.envelope import Ack
from gateway.uplink.uplink import HubMessages
from ingest import wire
from ledger.place import SqliteBook
from ledger.schema import EVENT, QUARANTINE
from tests.adapters.hub_bench import Bench

RECORDED = sorted((Path(__file__).parent / "recorded").glob("*.json"))


def messages(path: Path, leaf: str) -> list[bytes]:
    heard = json.loads(path.read_text(encoding="utf-8"))["messages"]
    found = [m["payload"].encode() for m in heard if topics.parse(m["topic"])[1] == leaf]
    # Nothing: a gateway that takes its retained message back.
    return [payload for payload in found if payload]


def is_in(older: Any, newer: Any) -> bool:
    """Whether an older program finds in the newer text all that it is used to."""
    if isinstance(older, dict):
        return isinstance(newer, dict) and all(
            key in newer and is_in(value, newer[key]) for key, value in older.items()
        )
    if isinstance(older, list):
        return len(older) == len(newer) and all(map(is_in, older, newer))
    return bool(older == newer)


class Heard:
    """A lane of a gateway, as its messages see it."""

    def __init__(self, spool: str) -> None:
        self.spool = spool
        self.acks: list[Ack] = []

    def acked(self, ack: Ack) -> None:
        self.acks.append(ack)


def test_there_is_something_recorded() -> None:
    assert RECORDED
    for path in RECORDED:
        for leaf in ("activation", "status", "ack"):
            assert messages(path, leaf), (path.name, leaf)


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_an_older_gateway_at_this_hub(path: Path, tmp_path: Path) -> None:
    bench = Bench(tmp_path, SqliteBook(path=tmp_path / "hub" / "hub.db"))
    sent = messages(path, "activation")
    wanted = [[item["id"] for item in json.loads(payload)["items"]] for payload in sent]
    answers = [ack for payload in sent for _gateway, ack in bench.deliver(payload).acks]
    assert [list(ack.ids) for ack in answers] == wanted
    assert bench.count(EVENT) == len({one for ids in wanted for one in ids})
    assert bench.count(QUARANTINE) == 0
    # What it is told is what its own hub told it, and whatever else it passes over.
    older = {tuple(sorted(json.loads(p)["ids"])): json.loads(p) for p in messages(path, "ack")}
    for ack in answers:
        known = older.get(tuple(sorted(ack.ids)))
        assert known is None or is_in(known, json.loads(encode_ack(ack)))
    for payload in messages(path, "status"):
        status = decode_status(payload)
        assert status.gateway == "gw-1"
        assert status.spool == json.loads(payload)["spool"]
    for payload in messages(path, "telemetry"):
        assert wire.decode(payload, "gw-1").items
    bench.hub.close()


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_this_gateway_at_an_older_hub(path: Path) -> None:
    said = messages(path, "ack")
    lane, unread = Heard(json.loads(said[0])["spool"]), []
    hub = HubMessages([lane], unread.append, lambda event, detail: unread.append((event, detail)))
    for payload in said:
        hub.take("hw/v1/gw-1/ack", payload)
    assert unread == []
    of_lane = [json.loads(payload) for payload in said]
    of_lane = [ack["ids"] for ack in of_lane if ack["spool"] == lane.spool]
    assert [list(ack.ids) for ack in lane.acks] == of_lane
    assert all(decode_ack(payload).ids for payload in said)
    commands = messages(path, "command")
    for payload in commands:
        hub.take("hw/v1/gw-1/command", payload)
    assert len(unread) == len(commands)
    # And it is told what its own gateway would have told it.
    for leaf in ("activation", "telemetry"):
        for payload in messages(path, leaf):
            ours = encode_envelope(decode_envelope(payload))
            assert is_in(json.loads(payload), json.loads(ours))
    for payload in messages(path, "status"):
        assert is_in(json.loads(payload), json.loads(encode_status(decode_status(payload))))

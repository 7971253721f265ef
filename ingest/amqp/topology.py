"""What the hub needs at RabbitMQ, as values, and how topics are written there.

  gateways -MQTT-> amq.topic -hw.v1.#.activation-> hw.activation (hash) -> hw.activation.0 ... N-1
                             -hw.v1.#.telemetry--> hw.telemetry  (hash) -> hw.telemetry.0  ... N-1
                             -hw.v1.#.status-----> hw.status    (hash) -> hw.status.0 ... N-1
  hw.status.n -whoever has hw.telemetry.n-> hw.telemetry, under the gateway's key there
  workers -AMQP-> hw.telemetry.workers (fanout) -> every shard, and each worker's own queue

The hash is over the routing key, which holds the gateway and the leaf: so heartbeats go on under
the key of telemetry, or they would be in another shard than the readings of their gateway.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from contract import topics

# Of the MQTT plugin (`mqtt.exchange`): what gateways say and hear goes through it.
EXCHANGE: Final = "amq.topic"
HASH: Final = "x-consistent-hash"
STATUS: Final = "hw.status"
# What a message is marked with that was a heartbeat: MQTT 3.1.1 has no way to say it.
STATUS_TYPE: Final = "status"
# And one of a worker's, by which whoever has a shard knows it where nobody speaks.
TICK_TYPE: Final = "tick"
# A county needs one, a province some dozens of workers; more shards than workers cost little.
SHARDS: Final = 8
# Each is a Raft group with a log on three nodes; and a message's number holds its shard.
_SHARD_BITS: Final = 7
SHARDS_MAX: Final = 1 << _SHARD_BITS
# A delivery tag of AMQP is a number of 64 bits, of which the sign is not used.
_TAG_BITS: Final = 63
# Of each queue. What waits for a hub that is away is bounded; what does not fit is lost here and
# costs nothing: gateways send again until the hub itself has acknowledged.
QUEUE_BYTES_MAX: Final = 256 << 20

_HEAD: Final = topics.PREFIX.replace("/", ".") + "."


@dataclass(frozen=True, slots=True)
class Stream:
    """One kind of messages in shards."""

    name: str
    shards: int

    def queue(self, shard: int) -> str:
        return queue_of(self.name, shard)

    @property
    def queues(self) -> tuple[str, ...]:
        return tuple(self.queue(shard) for shard in range(self.shards))

    @property
    def workers(self) -> str:
        """The exchange by which workers tell shards and each other that they are there."""
        return f"{self.name}.workers"


def queue_of(name: str, shard: int) -> str:
    return f"{name}.{shard}"


ACTIVATION: Final = "hw.activation"
TELEMETRY: Final = "hw.telemetry"
# The leaf of a gateway's topic that goes into it.
LEAF: Final[Mapping[str, str]] = MappingProxyType(
    {ACTIVATION: "activation", TELEMETRY: "telemetry", STATUS: "status"}
)


def queue_arguments() -> Mapping[str, str | bool | int]:
    """No limit of deliveries is among them: a press that comes again and again is never dropped."""
    return {
        # On a majority of the nodes before the gateway has its PUBACK.
        "x-queue-type": "quorum",
        # One worker at a time has it, and the broker moves it when that one is gone.
        "x-single-active-consumer": True,
        "x-max-length-bytes": QUEUE_BYTES_MAX,
        "x-overflow": "drop-head",
    }


def key_of(topic: str) -> str:
    """A topic as a routing key: the plugin writes `/` as `.`, and leaves a `.` as it is."""
    return topic.replace("/", ".")


def binding_of(name: str) -> str:
    """Which routing keys go into this stream, of any gateway; `#`, for a name with dots
    is several words there."""
    return key_of(topics.topic("+", LEAF[name])).replace("+", "#")


def topic_of(key: str, kind: str | None) -> bytes:
    """The topic that a message was sent to, dots in the gateway's name and all; `kind`: its type,
    where it was sent on. What is no key of ours stays what it is: the lanes quarantine it."""
    head, _dot, leaf = key.rpartition(".")
    if not head.startswith(_HEAD):
        return key.encode()
    leaf = STATUS_TYPE if kind == STATUS_TYPE else leaf
    return f"{topics.PREFIX}/{head[len(_HEAD) :]}/{leaf}".encode()


def number_of(tag: int, shard: int, opening: int = 0) -> int:
    """A delivery's number on this side: by it a batch knows of which shards it is. `opening`: which
    of the shard's channels it came by; each counts its tags from one."""
    return (opening << _TAG_BITS | tag) << _SHARD_BITS | shard


def tag_of(number: int) -> int:
    return number >> _SHARD_BITS & ((1 << _TAG_BITS) - 1)


def shard_of(number: int) -> int:
    return number & (SHARDS_MAX - 1)


def opening_of(number: int) -> int:
    return number >> (_SHARD_BITS + _TAG_BITS)

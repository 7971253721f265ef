"""Who may do what at RabbitMQ, asked by its plugin `rabbitmq_auth_backend_http`, and answered from
the name alone: a gateway's is in its certificate, which the broker has checked. So no gateway is a
row in the broker's database, and a new one is let in as soon as it has its certificate. [pure]

  user      may connect, without a password
  vhost     the one of the configuration, under its own client id: with another's it would end that
            one's connection
  resource  the plugin's exchange; queues of its own subscriptions
  topic     writes activation and status, as `name/telemetry` telemetry; reads ack and command
"""

import re
from collections.abc import Mapping
from typing import Final

from contract import topics
from contract.errors import ContractError
from hearthwatch.authority.certificates import TELEMETRY, check_gateway

EXCHANGE: Final = "amq.topic"
# The plugin names the queue of a subscription after the client.
_QUEUE: Final = re.compile(r"mqtt-subscription-(.+)qos[01]\Z")
_WRITES: Final = ("activation", "status")
_READS: Final = ("ack", "command")
PATHS: Final = ("user", "vhost", "resource", "topic")


def allowed(path: str, asked: Mapping[str, str], virtual_host: str = "/") -> bool:
    """`asked`: the form of one question. What is not known is refused."""
    gateway, is_telemetry = _named(asked.get("username", ""))
    if gateway is None:
        return False
    client = telemetry_client(gateway) if is_telemetry else gateway
    if path == "user":
        # By its certificate: whoever says a name and a password, be it an empty one, is believed
        # to be that name before the certificate is looked at.
        return "password" not in asked
    if asked.get("vhost") != virtual_host:
        return False
    if path == "vhost":
        return asked.get("client_id") == client
    if path == "resource":
        return _resource(asked, client)
    return path == "topic" and _topic(asked, gateway, is_telemetry)


def telemetry_client(gateway: str) -> str:
    """The client id of a gateway's second connection."""
    return f"{gateway}-t"


def _named(username: str) -> tuple[str | None, bool]:
    name = username.removesuffix(TELEMETRY)
    try:
        return check_gateway(name), name != username
    except ContractError:
        return None, False


def _resource(asked: Mapping[str, str], client: str) -> bool:
    name, permission = asked.get("name", ""), asked.get("permission")
    if asked.get("resource") == "exchange":
        return name == EXCHANGE and permission in ("write", "read")
    if asked.get("resource") == "queue":
        found = _QUEUE.match(name)
        return found is not None and found[1] == client
    return False


def _topic(asked: Mapping[str, str], gateway: str, is_telemetry: bool) -> bool:
    leaves = {"write": ("telemetry",) if is_telemetry else _WRITES}
    if not is_telemetry:
        leaves["read"] = _READS
    own = [
        topics.topic(gateway, leaf).replace("/", ".")
        for leaf in leaves.get(asked.get("permission", ""), ())
    ]
    return asked.get("name") == EXCHANGE and asked.get("routing_key") in own

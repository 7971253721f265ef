"""mosquitto's configuration for gateways with certificates, made from hub.toml.

Every line is here for a reason that stands beside it, and `tests/ops/test_broker_lines.py` takes
each of them away once and sees what it kept out.
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from hearthwatch.broker_config import BrokerConfig
from hearthwatch.enrolment_config import EnrolmentConfig

# mosquitto's own cost; the passwords have 192 bits, a slow hash would protect nothing.
_ROUNDS: Final = 101
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})

_CONF: Final = """\
# Made by `hearthwatch admin broker-config`: change hub.toml and make it again.

# Users, passwords and rights hold for both listeners.
per_listener_settings false
# Nobody without a certificate or a password.
allow_anonymous false
# The hub's password; gateways have none.
password_file {folder}/passwd
# Who may say and hear what.
acl_file {folder}/acl
# An empty name would be given one by the broker, beside the one that the certificate says.
allow_zero_length_clientid false

# The hub's, inside the machine or the container network. Never publish this port.
listener {hub_port}{hub_bind}

# The gateways', from outside.
listener {tls_port}
# Whom it believes: the hub's own authority and no other.
cafile {folder}/ca.pem
certfile {folder}/server.pem
keyfile {folder}/server.key
# What the authority has revoked; read again on SIGHUP.
crlfile {crl_file}
# No certificate, no connection.
require_certificate true
# The name in the certificate is the user: rights are by it.
use_identity_as_username true
# And the client's id: nobody takes another's session, or empties the hub's queue.
use_username_as_clientid true
tls_version tlsv1.2
# Forward secrecy, no SHA-1, no CBC.
ciphers ECDHE+AESGCM:ECDHE+CHACHA20

# Without it a message waits 20 to 40 ms for the acknowledgement of the one before.
set_tcp_nodelay true
# A dead gateway is noticed, whatever it asks for.
max_keepalive 60
# The hub acknowledges after its commit, in batches: it needs room for what is under way.
max_inflight_messages 5000
# What waits for a hub that is away is bounded by bytes, not by number. What does not fit is lost
# here and costs nothing: gateways send again until the hub itself has acknowledged.
max_queued_messages 0
max_queued_bytes 268435456
# An envelope has at most 256 KiB.
max_packet_size 307200
# Far above what it needs; a leak ends here and not in the hub's memory.
memory_limit 1073741824
# Gateways that are gone for good.
persistent_client_expiration 60d
# Nothing that matters is kept here (docs/adr/0002-acknowledgement.md): no file to corrupt, none to
# fill the disk. Retained heartbeats come again within half a minute.
persistence false

log_dest stderr
log_type error
log_type warning
log_type notice
connection_messages true
"""

_ACL: Final = """\
# Who may say and hear what. A gateway's user name is the name in its certificate: its id, and for
# its second connection its id and `/telemetry`.

pattern write hw/v1/%u/activation
pattern write hw/v1/%u/status
pattern read hw/v1/%u/ack
pattern read hw/v1/%u/command
# As user `gw-0001/telemetry` this is hw/v1/gw-0001/telemetry.
pattern write hw/v1/%u
# Of the hub's own test gateway, which has one name for both connections.
pattern write hw/v1/%u/telemetry

user {hub}
topic read hw/v1/+/activation
topic read hw/v1/+/telemetry
topic read hw/v1/+/status
topic write hw/v1/+/ack
topic write hw/v1/+/command
"""


def files(
    folder: Path, broker: BrokerConfig, enrolment: EnrolmentConfig, passwords: Mapping[str, str]
) -> dict[str, str]:
    """Name and text of each file; `passwords` by the user of the broker."""
    bind = " 127.0.0.1" if broker.host in _LOOPBACK else ""
    conf = _CONF.format(
        folder=folder,
        hub_port=broker.port,
        hub_bind=bind,
        tls_port=enrolment.broker_port,
        crl_file=enrolment.crl_file,
    )
    lines = [f"{user}:{hashed(word)}\n" for user, word in sorted(passwords.items())]
    return {
        "mosquitto.conf": conf,
        "acl": _ACL.format(hub=broker.username or "hub"),
        "passwd": "".join(lines),
    }


def hashed(word: str) -> str:
    """mosquitto's `$7$` form: PBKDF2-HMAC-SHA512 over a 12-byte salt."""
    salt = secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", word.encode(), salt, _ROUNDS, 64)
    return f"$7${_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"

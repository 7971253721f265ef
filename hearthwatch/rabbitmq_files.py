"""RabbitMQ's configuration for gateways with certificates, made from hub.toml.

Every line is here for a reason that stands beside it; `tests/ops/test_rabbitmq_lines.py` holds
them against a real server.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.x509.name import _ASN1Type

from hearthwatch.broker_config import BrokerConfig
from hearthwatch.enrolment_config import EnrolmentConfig

# Where `hearthwatch broker-rights` answers beside each node.
RIGHTS_PORT: Final = 15670
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})

_CONF: Final = """\
# Made by `hearthwatch admin broker-config`: change hub.toml and make it again.

# The hub's, inside the machine or a network of its own. Never publish this port.
listeners.tcp.1 = {hub_bind}:{hub_port}
# Passwords only: a gateway's certificate is no way in by AMQP.
auth_mechanisms.1 = PLAIN

# The gateways', from outside; none without TLS.
mqtt.listeners.tcp = none
mqtt.listeners.ssl.1 = {tls_port}
# TLS's own lines are in advanced.config: this file knows no lists of revoked certificates.
# The name in the certificate is the user: rights are by it.
mqtt.ssl_cert_login = true
ssl_cert_login_from = common_name
# Nobody without a certificate or a password.
mqtt.allow_anonymous = false

# The hub is a user here; gateways are judged by their names, by a program beside this node.
auth_backends.1 = internal
auth_backends.2 = http
auth_http.http_method = post
auth_http.user_path = http://127.0.0.1:{rights_port}/user
auth_http.vhost_path = http://127.0.0.1:{rights_port}/vhost
auth_http.resource_path = http://127.0.0.1:{rights_port}/resource
auth_http.topic_path = http://127.0.0.1:{rights_port}/topic
# The hub and its rights; with this file the user `guest` is not made.
load_definitions = {folder}/definitions.json

mqtt.vhost = {virtual_host}
mqtt.exchange = amq.topic
# Without it a message waits 20 to 40 ms for the acknowledgement of the one before.
mqtt.tcp_listen_options.nodelay = true
# Retained heartbeats come again within half a minute, and each node would keep others.
mqtt.retained_message_store = rabbit_mqtt_retained_msg_store_noop
# An envelope has at most 256 KiB.
max_message_size = 307200
# A broker without room stops those who publish, and says so, before it has none.
disk_free_limit.absolute = 2GB
vm_memory_high_watermark.relative = 0.5
# In three nodes the two that see each other go on; the third waits.
cluster_partition_handling = pause_minority
"""

# What stands here stands in place of every `ssl_options` of rabbitmq.conf.
_ADVANCED: Final = """\
%% Made by `hearthwatch admin broker-config`: change hub.toml and make it again.
[{{rabbit, [{{ssl_options, [
  %% Whom it believes: the hub's own authority and no other.
  {{cacertfile, "{folder}/ca.pem"}},
  {{certfile, "{folder}/server.pem"}},
  {{keyfile, "{folder}/server.key"}},
  {{verify, verify_peer}},
  %% No certificate, no connection.
  {{fail_if_no_peer_cert, true}},
  {{versions, ['tlsv1.3', 'tlsv1.2']}},
  %% Forward secrecy, no SHA-1, no CBC.
  {{ciphers, [{ciphers}]}},
  %% A certificate on the list is refused. The list is read for each new connection, so that there
  %% is nothing to reload; where there is none, nobody comes in.
  {{crl_check, peer}},
  {{crl_cache, {{ssl_crl_hash_dir, {{internal, [{{dir, "{folder}/{lists}"}}]}}}}}},
  %% A session of TLS 1.2 that is taken up again would show no certificate.
  {{reuse_sessions, false}}
]}}]}}].
"""

# TLS 1.3's, then 1.2's, as OpenSSL writes them.
_CIPHERS: Final = (
    "TLS_AES_256_GCM_SHA384",
    "TLS_AES_128_GCM_SHA256",
    "TLS_CHACHA20_POLY1305_SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
)
# Where the list of revoked certificates is, under the name by which Erlang looks for it.
LISTS: Final = "revoked"
PLUGINS: Final = ("rabbitmq_auth_backend_http", "rabbitmq_consistent_hash_exchange",
                  "rabbitmq_mqtt", "rabbitmq_prometheus")  # fmt: skip


def files(
    folder: Path,
    broker: BrokerConfig,
    enrolment: EnrolmentConfig,
    passwords: Mapping[str, str],
    rights_port: int = RIGHTS_PORT,
) -> dict[str, str]:
    """Name and text of each file; `passwords` by the user of the broker."""
    virtual_host = broker.rabbitmq.virtual_host if broker.rabbitmq is not None else "/"
    conf = _CONF.format(
        folder=folder,
        hub_bind="127.0.0.1" if broker.host in _LOOPBACK else "0.0.0.0",
        hub_port=broker.port,
        tls_port=enrolment.broker_port,
        rights_port=rights_port,
        virtual_host=virtual_host,
    )
    advanced = _ADVANCED.format(
        folder=_erlang(str(folder)),
        ciphers=", ".join(f'"{name}"' for name in _CIPHERS),
        lists=LISTS,
    )
    return {
        "rabbitmq.conf": conf,
        "advanced.config": advanced,
        "enabled_plugins": f"[{','.join(PLUGINS)}].\n",
        "definitions.json": _definitions(virtual_host, broker.username or "hub", passwords),
    }


def link_list(folder: Path, authority: x509.Name, crl_file: Path) -> None:
    """So that the broker finds the list at `crl_file` under its authority's name, whoever writes a
    newer one there."""
    lists = folder / LISTS
    lists.mkdir(mode=0o755, exist_ok=True)
    link = lists / f"{_hash(authority)}.r0"
    link.unlink(missing_ok=True)
    link.symlink_to(crl_file.absolute())


def _hash(name: x509.Name) -> str:
    """As `openssl x509 -subject_hash` says it: SHA-1 over the name's parts, as UTF-8 whatever they
    were, ASCII's letters small and its spaces one at a time; its first four bytes from behind. An
    index of files, no protection."""
    parts = [
        x509.NameAttribute(part.oid, _canonical(str(part.value)), _ASN1Type.UTF8String)
        for part in name
    ]
    der = x509.Name(parts).public_bytes()
    # Without the head of the sequence, which is of two bytes up to 127 and longer beyond.
    more = der[1] & 0x7F if der[1] & 0x80 else 0
    digest = hashlib.sha1(der[2 + more :], usedforsecurity=False).digest()
    return digest[3::-1].hex()


def _canonical(text: str) -> str:
    return b" ".join(text.encode().lower().split()).decode()


def _erlang(text: str) -> str:
    """Within the quotes of a string of Erlang's."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _definitions(virtual_host: str, hub: str, passwords: Mapping[str, str]) -> str:
    """The hub makes its own queues and exchanges, and says what a hub says; any other user is a
    gateway of its own (the daily press), which has no certificate."""
    users, permissions, topic_permissions = [], [], []
    for user, word in sorted(passwords.items()):
        users.append(
            {
                "name": user,
                "password_hash": hashed(word),
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": "",
            }
        )
        of = {"user": user, "vhost": virtual_host}
        own = "hw\\." if user == hub else ""
        made = f"^({own}|amq\\.gen)" if own else "^amq\\.gen"
        both = f"^({own}|amq\\.gen|amq\\.topic$)" if own else "^(amq\\.gen|amq\\.topic$)"
        permissions.append({**of, "configure": made, "write": both, "read": both})
        said = _said(user, is_hub=user == hub)
        topic_permissions.append({**of, "exchange": "amq.topic", **said})
    return json.dumps(
        {
            "users": users,
            "vhosts": [{"name": virtual_host}],
            "permissions": permissions,
            "topic_permissions": topic_permissions,
        },
        indent=1,
    )


def _said(user: str, *, is_hub: bool) -> dict[str, str]:
    if is_hub:
        return {"write": "^hw\\.v1\\..+\\.(ack|command)$", "read": "^hw\\.v1\\."}
    name = user.replace(".", "\\.")
    return {
        "write": f"^hw\\.v1\\.{name}\\.activation$",
        "read": f"^hw\\.v1\\.{name}\\.(ack|command)$",
    }


def hashed(word: str) -> str:
    """As definitions hold it: base64 of a salt and SHA-256 over salt and password, which has 192
    bits: a slow hash would protect nothing."""
    salt = secrets.token_bytes(4)
    return base64.b64encode(salt + hashlib.sha256(salt + word.encode()).digest()).decode()

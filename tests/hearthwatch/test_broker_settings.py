"""[broker] of hub.toml: MQTT or RabbitMQ, and what belongs to which."""

from pathlib import Path

import pytest

from contract.config import ConfigError
from hearthwatch.broker_config import BrokerConfig, RabbitConfig
from hearthwatch.hub_config import load

RABBIT = 'kind = "rabbitmq"\nusername = "hub"\npassword_file = "password"\n'


def broker(folder: Path, text: str) -> BrokerConfig:
    (folder / "password").write_text("secret")
    path = folder / "hub.toml"
    path.write_text(f'data_dir = "hub"\n[broker]\n{text}')
    return load(path).broker


def test_without_a_word_it_is_mqtt(tmp_path: Path) -> None:
    assert broker(tmp_path, "") == BrokerConfig()
    assert broker(tmp_path, 'kind = "mqtt"\n').rabbitmq is None


def test_rabbitmq_has_its_ports_and_shards(tmp_path: Path) -> None:
    found = broker(tmp_path, RABBIT)
    assert (found.port, found.rabbitmq) == (5672, RabbitConfig(shards=8))
    assert found.password == "secret"
    assert broker(tmp_path, RABBIT + 'ca_file = "ca.pem"\n').port == 5671
    more = '[broker.rabbitmq]\nshards = 16\nvirtual_host = "county"\n'
    more += 'nodes = ["mq-2.example:5671", "[::1]:5673"]\n'
    assert broker(tmp_path, RABBIT + "port = 1\n" + more).rabbitmq == RabbitConfig(
        shards=16, virtual_host="county", nodes=(("mq-2.example", 5671), ("::1", 5673))
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('kind = "rabbit"\n', "broker.kind"),
        ('kind = "rabbitmq"\n', "broker.username: RabbitMQ wants a user"),
        (f'{RABBIT}protocol = "5"\n', "broker.protocol: only with kind"),
        ("[broker.rabbitmq]\nshards = 8\n", "broker.rabbitmq: only with kind"),
        (f"{RABBIT}[broker.rabbitmq]\nshards = 0\n", "rabbitmq.shards: is 0, expected 1 to 128"),
        (f"{RABBIT}[broker.rabbitmq]\nshards = 129\n", "rabbitmq.shards: is 129"),
        (f"{RABBIT}[broker.rabbitmq]\nshard = 8\n", "did you mean 'shards'"),
        (f'{RABBIT}[broker.rabbitmq]\nnodes = ["mq-2"]\n', "rabbitmq.nodes: 'mq-2', expected"),
        (f'{RABBIT}[broker.rabbitmq]\nnodes = ["mq-2:0"]\n', "not a TCP port"),
        (f"{RABBIT}port = 70000\n", "not a TCP port"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as told:
        broker(tmp_path, text)
    assert said in str(told.value)

"""What a gateway may do at RabbitMQ, by its name alone."""

import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator

import pytest

from hearthwatch.broker_rights import allowed
from hearthwatch.broker_rights_command import serve

GW, SECOND = {"username": "gw.1", "vhost": "/"}, {"username": "gw.1/telemetry", "vhost": "/"}
WRITE = {"name": "amq.topic", "permission": "write"}
READ = {"name": "amq.topic", "permission": "read"}


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("user", {"username": "gw.1"}),
        ("user", {"username": "gw.1/telemetry"}),
        ("vhost", GW | {"client_id": "gw.1"}),
        ("vhost", SECOND | {"client_id": "gw.1-t"}),
        ("resource", GW | WRITE | {"resource": "exchange"}),
        ("resource", GW | READ | {"resource": "exchange"}),
        ("resource", GW | {"resource": "queue", "name": "mqtt-subscription-gw.1qos1"}),
        ("topic", GW | WRITE | {"routing_key": "hw.v1.gw.1.activation"}),
        ("topic", GW | WRITE | {"routing_key": "hw.v1.gw.1.status"}),
        ("topic", GW | READ | {"routing_key": "hw.v1.gw.1.ack"}),
        ("topic", GW | READ | {"routing_key": "hw.v1.gw.1.command"}),
        ("topic", SECOND | WRITE | {"routing_key": "hw.v1.gw.1.telemetry"}),
    ],
)
def test_what_a_gateway_has_to(path: str, asked: dict[str, str]) -> None:
    assert allowed(path, asked)
    # A dot is a dot, and not any letter.
    own = "gw.1" in " ".join(value for key, value in asked.items() if key != "username")
    assert allowed(path, asked | {"username": asked["username"].replace(".", "-")}) is not own
    assert not allowed(path, asked | {"username": "hub"})


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("user", {}),
        ("vhost", GW),
        ("vhost", GW | {"client_id": "gw.1-t"}),
        ("vhost", SECOND | {"client_id": "gw.1"}),
        ("vhost", GW | {"client_id": "hub-urgent"}),
        # Who has any certificate may say any name with any password: RabbitMQ believes that first.
        ("user", GW | {"password": "guess"}),
        ("user", GW | {"password": ""}),
        ("user", {"username": "hub"}),
        ("user", {"username": "HUB"}),
        ("user", {"username": "a b"}),
        ("vhost", GW | {"vhost": "another", "client_id": "gw.1"}),
        ("vhost", {"username": "gw.1", "client_id": "gw.1"}),
        ("resource", GW | WRITE | {"resource": "exchange", "permission": "configure"}),
        ("resource", GW | {"resource": "exchange", "name": "hw.activation", "permission": "write"}),
        ("resource", GW | {"resource": "exchange", "name": "", "permission": "write"}),
        ("resource", GW | {"resource": "queue", "name": "hw.activation.0", "permission": "read"}),
        ("resource", GW | {"resource": "queue", "name": "mqtt-subscription-gw-2qos1"}),
        ("resource", SECOND | {"resource": "queue", "name": "mqtt-subscription-gw.1qos1"}),
        ("resource", GW | {"name": "amq.topic"}),
        ("topic", GW | WRITE | {"routing_key": "hw.v1.gw-1.activation"}),
        ("topic", GW | WRITE | {"routing_key": "hw.v1.gw.1.telemetry"}),
        ("topic", GW | WRITE | {"routing_key": "hw.v1.gw.1.ack"}),
        ("topic", GW | READ | {"routing_key": "#"}),
        ("topic", GW | READ | {"routing_key": "hw.v1.*.ack"}),
        ("topic", SECOND | WRITE | {"routing_key": "hw.v1.gw.1.activation"}),
        ("topic", SECOND | READ | {"routing_key": "hw.v1.gw.1.ack"}),
        ("topic", GW | WRITE | {"name": "other", "routing_key": "hw.v1.gw.1.status"}),
        ("else", GW),
    ],
)
def test_what_nobody_may(path: str, asked: dict[str, str]) -> None:
    assert not allowed(path, asked)


@pytest.fixture
def address() -> Iterator[str]:
    server = serve(0, "/")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("path", "body", "answer"),
    [
        ("user", "username=gw-1&client_id=gw-1", b"allow"),
        ("user", "username=gw-1&client_id=gw-1&password=x", b"deny"),
        ("user", "username=gw-1&client_id=gw-1&password=", b"deny"),
        # Twice the same word: which of them would count?
        ("user", "username=gw-1&client_id=gw-1&client_id=x", b"deny"),
        ("../user", "username=gw-1&client_id=gw-1", b"deny"),
        ("user", "", b"deny"),
        ("user", "x=" + "y" * 20_000, b"deny"),
    ],
)
def test_the_answers(address: str, path: str, body: str, answer: bytes) -> None:
    url = f"{address}/{path}"
    with urllib.request.urlopen(url, body.encode(), timeout=30) as said:  # noqa: S310 - our own
        assert said.read() == answer


def test_a_place_that_is_taken(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    from hearthwatch.__main__ import main

    port = urllib.parse.urlsplit(address).port
    assert main(["broker-rights", "--port", str(port)]) == 1
    assert "in use" in capsys.readouterr().err

"""A real RabbitMQ with the generated configuration, a hub at it, and what it tells of itself."""

import asyncio
import contextlib
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
import yaml

from hearthwatch import rabbitmq_files
from hearthwatch.authority import certificates
from hearthwatch.broker_config import BrokerConfig, RabbitConfig
from hearthwatch.broker_rights_command import serve
from hearthwatch.broker_sources import urgent_source
from hearthwatch.embedded_broker import free_port
from hearthwatch.enrolment_config import EnrolmentConfig
from ingest.mqtt.session import Message
from ledger.gateway_certificates import Issued
from tests.acceptance.rig import wait_until
from tests.adapters.broker_line import Line, Proof
from tests.adapters.rabbitmq import Node, PortMapper
from tests.ops.broker_site import NOW, Site
from tests.ops.test_compose import DEPLOY


@dataclass
class Broker:
    node: Node
    config: BrokerConfig
    enrolment: EnrolmentConfig
    figures: int

    @property
    def tls(self) -> int:
        return self.enrolment.broker_port

    def line(self, proof: Proof, client_id: str, *, host: str = "127.0.0.1") -> Line:
        return Line(self.tls, proof, client_id, host=host, protocol="3.1.1")


def as_one_node(text: str, name: str, figures: int) -> str:
    """The lines for a cluster, of which one node is here."""
    lines = [line for line in text.splitlines() if "nodes.2" not in line and "nodes.3" not in line]
    text = "\n".join(lines).replace("rabbit@rabbit-1", f"{name}@localhost")
    assert "prometheus.tcp.port = 15692" in text
    return text.replace("15692", f"{figures}\nprometheus.tcp.ip = 127.0.0.1") + "\n"


@pytest.fixture(scope="module")
def broker(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    out = tmp_path_factory.mktemp("rabbitmq")
    config = BrokerConfig(
        port=free_port(), username="hub", password="secret", rabbitmq=RabbitConfig(shards=2)
    )
    enrolment = EnrolmentConfig(
        authority=out / "none", url="https://127.0.0.1", broker_host="127.0.0.1",
        broker_port=free_port(), crl_file=out / "crl.pem",
    )  # fmt: skip
    rights = serve(0, "/")
    thread = threading.Thread(target=rights.serve_forever, daemon=True)
    thread.start()
    words = {"hub": "secret", "gw.test": "another"}
    made = rabbitmq_files.files(out, config, enrolment, words, rights.server_port)
    for name in ("ca.pem", "server.pem", "server.key", "crl.pem"):
        shutil.copy(site.folder / name, out / name)
    rabbitmq_files.link_list(out, site.authority.certificate.subject, enrolment.crl_file)
    text = made.pop("rabbitmq.conf")
    # A test's disk is small.
    text = text.replace("disk_free_limit.absolute = 2GB\n", "")
    text = text.replace("vm_memory_high_watermark.relative = 0.5\n", "")
    plugins = made.pop("enabled_plugins").strip("[].\n").split(",")
    figures = free_port()
    text += as_one_node((DEPLOY / "rabbitmq" / "cluster.conf").read_text(), "lines", figures)
    mapper = PortMapper()
    node = Node(
        out, "lines", mapper, text, (config.port, enrolment.broker_port), files=made,
        plugins=plugins,
    )  # fmt: skip
    node.start()
    try:
        node.wait()
        yield Broker(node, config, enrolment, figures)
    finally:
        node.close()
        mapper.close()
        rights.shutdown()
        rights.server_close()
        thread.join()


@contextlib.asynccontextmanager
async def hub(broker: Broker, came: list[Message]):
    """The hub's own urgent side, as hub.toml would have it."""

    def take(messages, link) -> None:
        came.extend(messages)
        link.ack([number for _topic, _payload, number in messages])

    source = urgent_source(broker.config, take, lambda *_words: None)
    task = asyncio.create_task(source.run())
    try:
        await until(source.connected.is_set, "the hub is connected")
        yield source
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition, what: str) -> None:
    await asyncio.to_thread(wait_until, condition, 60, what)


class SiteAuthority:
    def __init__(self, site: Site) -> None:
        self._site = site

    def certificate(self) -> str:
        return certificates.pem_of(self._site.authority.certificate)

    def sign(self, gateway: str, request: str) -> Issued:
        return certificates.for_gateway(*self._site.authority, gateway, request.encode(), NOW)


def figures(broker: Broker) -> str:
    """As Prometheus asks for them."""
    config = yaml.safe_load((DEPLOY / "prometheus" / "cluster.yml").read_text())
    told = ""
    for job in config["scrape_configs"]:
        if job["job_name"].startswith("rabbitmq"):
            asked = urlencode(job.get("params", {}), doseq=True)
            path = f"{job.get('metrics_path', '/metrics')}?{asked}"
            with urlopen(f"http://127.0.0.1:{broker.figures}{path}", timeout=30) as answer:
                told += answer.read().decode()
    return told

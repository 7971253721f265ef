"""docker-compose.cluster.yml says only what is true: its parts find each other by the names that it
gives them. What it starts runs elsewhere in the tests with paths changed: PostgreSQL's node.sh
(tests/ledger/test_standby.py), RabbitMQ's lines (test_rabbitmq_lines.py), the balancer here."""

import contextlib
import json
import re
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from compose_spec import ComposeSpecification

from hearthwatch.__main__ import COMMANDS, main
from hearthwatch.authority import keys
from hearthwatch.embedded_broker import free_port
from hearthwatch.hub_config import HubConfig, load
from hearthwatch.roles import ROLES
from ledger.place import PostgresBook
from tests.acceptance.rig import Program, wait_until
from tests.ops.broker_site import NOW
from tests.ops.test_compose import DEPLOY, MADE, ROOT

COMPOSE = yaml.safe_load((ROOT / "docker-compose.cluster.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
BALANCER = (DEPLOY / "balancer" / "haproxy.cfg").read_text()
HUBS = [name for name, service in SERVICES.items() if (service.get("command") or [""])[0] == "hub"]
CONFIG = "/etc/hearthwatch/cluster.toml"


def mounts(service: str) -> dict[str, str]:
    """Path inside, and what is there; a volume without a name is its own."""
    parts = [volume.split(":") for volume in SERVICES[service].get("volumes", [])]
    return {one[1]: one[0] for one in parts if len(one) > 1}


def names(of: str) -> list[str]:
    return sorted(name for name in SERVICES if re.fullmatch(rf"{of}-\d", name))


@pytest.fixture
def config(tmp_path: Path) -> HubConfig:
    """cluster.toml, with secrets that are there."""
    for secret in ("broker-password", "postgres-password"):
        (tmp_path / secret).write_text("word\n")
    path = tmp_path / "cluster.toml"
    text = (DEPLOY / "config" / "cluster.toml").read_text()
    path.write_text(text.replace("/run/secrets", str(tmp_path)))
    return load(path)


def test_it_follows_the_specification() -> None:
    ComposeSpecification.model_validate(COMPOSE)


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_hardened_pinned_and_names_what_exists(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+(\.\d+)?", service["image"])
    for there in mounts(name).values():
        known = MADE.fullmatch(there) or there.endswith("/erlang-cookie") or (ROOT / there).exists()
        assert known if there.startswith("./") else there in COMPOSE["volumes"], there
    for network in service.get("networks", []):
        assert network in COMPOSE["networks"]
    for secret in service.get("secrets", []):
        assert MADE.fullmatch(COMPOSE["secrets"][secret]["file"])
    for other, how in service.get("depends_on", {}).items():
        healthy = how["condition"] == "service_healthy"
        assert not healthy or "healthcheck" in SERVICES[other]


# Folders that others' images have made for the user who writes there. A volume that is mounted
# elsewhere belongs to root, and nobody here is.
OF_IMAGES = {
    "rabbitmq": {"/var/lib/rabbitmq"},
    "postgres": {"/var/lib/postgresql/data"},
    "prom/prometheus": {"/prometheus"},
    "grafana/grafana": {"/var/lib/grafana"},
}


@pytest.mark.parametrize("name", SERVICES)
def test_every_volume_lies_where_its_image_has_a_folder_for_its_user(name: str) -> None:
    service = SERVICES[name]
    image = service["image"].partition(":")[0]
    ours = set(re.findall(r"install -d -o \S+ -g \S+ -m \d+ (/\S+)", DOCKERFILE))
    made = OF_IMAGES.get(image, ours if image == "hearthwatch" else set())
    for volume in service.get("volumes", []):
        place, _, rest = volume.partition(":")
        if place in COMPOSE["volumes"] and not rest.endswith(":ro"):
            assert rest in made, rest


def test_every_secret_is_made_by_prepare() -> None:
    text = (DEPLOY / "prepare.py").read_text()
    for secret in [*COMPOSE["secrets"], "erlang-cookie"]:
        assert f'folder / "{secret}"' in text, secret
    uid = SERVICES["rabbit-1"]["user"].partition(":")[0]
    assert f"RABBIT_UID = {uid}" in text
    assert f"useradd --system --uid {uid} --gid rabbitmq" in DOCKERFILE
    assert f"PROXY_UID = {SERVICES['balancer']['user'].partition(':')[0]}" in text


def test_nothing_without_tls_is_published() -> None:
    for name, service in SERVICES.items():
        for port in service.get("ports", []):
            local = port.startswith("127.0.0.1:")
            assert local or (name == "balancer" and port.endswith((":443:8443", ":8883:8883")))


def test_processes_have_the_roles_of_the_page_about_them() -> None:
    found = [SERVICES[name]["command"] for name in HUBS]
    assert {command[2] for command in found} == {"worker", "web", "escalation"} <= set(ROLES)
    assert all(command[3:] == ["--config", CONFIG] for command in found)
    assert (len(names("web")), len(names("escalation"))) == (2, 2)
    for name in HUBS:
        assert mounts(name)["/keys"] == "keys"
        assert mounts(name)["/etc/hearthwatch"] == "./deploy/config"
    # Workers are as many as somebody wants, each with a folder of its own; the others share one.
    assert "/var/lib/hearthwatch" in SERVICES["worker"]["volumes"]
    shared = {mounts(n)["/var/lib/hearthwatch"] for n in (*names("web"), *names("escalation"))}
    assert shared == {"office"}
    assert re.search(r"install -d -o hearthwatch -g hearthwatch -m 0700 /keys", DOCKERFILE)


def test_hubs_know_every_server_of_the_book_and_every_node(config: HubConfig) -> None:
    assert isinstance(config.book, PostgresBook)
    assert config.book.shared
    servers = list(config.book.url.query["host"])
    assert servers == [f"{name}:5432" for name in names("postgres")]
    for name in names("postgres"):
        env = SERVICES[name]["environment"]
        assert (env["NODES"].split(), env["NODE"]) == (servers, name)
        assert {Path(env[k]).name for k in env if k.endswith("_FILE")} == set(
            SERVICES[name]["secrets"]
        )
        assert mounts(name)["/node.sh"] == "./deploy/postgres/node.sh"
        assert env["PGDATA"].startswith("/var/lib/postgresql/data/")
    assert config.readings.store == "postgresql"
    assert config.broker.rabbitmq is not None
    nodes = [(config.broker.host, config.broker.port), *config.broker.rabbitmq.nodes]
    assert nodes == [(name, 5672) for name in names("rabbit")]
    text = (DEPLOY / "rabbitmq" / "cluster.conf").read_text()
    peers = re.findall(r"classic_config\.nodes\.\d = (\S+)", text)
    assert peers == [SERVICES[n]["environment"]["RABBITMQ_NODENAME"] for n in names("rabbit")]
    assert peers == [f"rabbit@{SERVICES[n]['hostname']}" for n in names("rabbit")]
    for number, name in enumerate(names("rights"), 1):
        assert SERVICES[name]["network_mode"] == f"service:rabbit-{number}"
        assert SERVICES[name]["command"][0] in COMMANDS
    for name in HUBS:
        assert {"broker", "book"} <= set(SERVICES[name]["networks"])


def test_the_nodes_configuration_is_made_where_they_read_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """rabbit-files, with the command of the file."""
    secrets = tmp_path / "secrets"
    keys.init(secrets, "127.0.0.1", NOW)
    for secret in ("broker-password", "postgres-password"):
        (secrets / secret).write_text("word\n")
    toml = (DEPLOY / "config" / "cluster.toml").read_text()
    (tmp_path / "cluster.toml").write_text(toml.replace("/run/secrets", str(secrets)))
    places = {
        CONFIG: str(tmp_path / "cluster.toml"),
        "=/authority": f"={secrets}",
        "=/broker": f"={tmp_path / 'broker'}",
        "=/revoked/": f"={tmp_path}/",
    }
    words = SERVICES["rabbit-files"]["command"]
    for old, new in places.items():
        words = [word.replace(old, new) for word in words]
    assert main(words) == 0, capsys.readouterr().err
    made = {path.name for path in (tmp_path / "broker").iterdir()}
    env = SERVICES["rabbit-1"]["environment"]
    for key in ("CONFIG_FILE", "ADVANCED_CONFIG_FILE", "ENABLED_PLUGINS_FILE"):
        folder, _, name = env[f"RABBITMQ_{key}"].rpartition("/")
        assert (mounts("rabbit-1")[folder], name in made) == ("broker", True)
    assert config_of_lists(tmp_path) == "/revoked/crl.pem"
    assert all(mounts(name)["/revoked"] == "revoked" for name in names("rabbit"))
    conf = (tmp_path / "broker" / "rabbitmq.conf").read_text()
    assert "mqtt.listeners.ssl.1 = 8883\n" in conf
    assert "listeners.tcp.1 = 0.0.0.0:5672\n" in conf


def config_of_lists(folder: Path) -> str:
    """Where a node looks for what the hub has revoked."""
    [link] = (folder / "broker" / "revoked").iterdir()
    return f"/revoked/{link.readlink().relative_to(folder)}"


def test_the_balancer_has_everybody_and_finds_its_files(config: HubConfig) -> None:
    servers = re.findall(r"^    server (\S+) (\S+)", BALANCER, flags=re.MULTILINE)
    pages = [(name, f"{name}:{config.http.port}") for name in names("web")]
    nodes = [(name, f"{name}:8883") for name in names("rabbit")]
    assert servers == [*pages, *pages, *nodes]
    assert config.enrolment is not None
    assert config.enrolment.broker_port == 8883
    assert f"tcp-check connect port {config.broker.port}\n" in BALANCER
    for path in re.findall(r" crt (\S+)", BALANCER):
        assert {path, path.replace(".crt", ".key")} <= set(mounts("balancer"))
    assert "/usr/local/etc/haproxy/haproxy.cfg" in mounts("balancer")
    for name in (*names("web"), *names("rabbit")):
        assert set(SERVICES[name]["networks"]) & set(SERVICES["balancer"]["networks"])


def test_prometheus_asks_everybody() -> None:
    text = (DEPLOY / "prometheus" / "cluster.yml").read_text()
    jobs = {job["job_name"]: job for job in yaml.safe_load(text)["scrape_configs"]}
    [hubs] = jobs["hearthwatch"]["static_configs"]
    fixed = [f"{name}:8080" for name in (*names("escalation"), *names("web"))]
    assert sorted(hubs["targets"]) == sorted(fixed)
    [found] = jobs["hearthwatch"]["dns_sd_configs"]
    assert (found["names"], found["type"], found["port"]) == (["worker"], "A", 8080)
    for job in ("rabbitmq", "rabbitmq-queues"):
        [nodes] = jobs[job]["static_configs"]
        assert nodes["targets"] == [f"{name}:15692" for name in names("rabbit")]
    for rules in yaml.safe_load(text)["rule_files"]:
        assert (DEPLOY / "prometheus" / rules).exists()
        assert f"/etc/prometheus/{rules}" in mounts("prometheus")
    for name in (*HUBS, *names("rabbit"), "grafana"):
        assert set(SERVICES[name]["networks"]) & set(SERVICES["prometheus"]["networks"]), name


def test_grafana_s_page_of_the_cluster_asks_the_same_source_and_nothing_overlaps() -> None:
    folder = DEPLOY / "grafana" / "dashboards"
    hub, cluster = (json.loads((folder / f"{n}.json").read_text()) for n in ("hub", "cluster"))
    assert hub["uid"] != cluster["uid"]
    source = {panel["datasource"]["uid"] for panel in (*hub["panels"], *cluster["panels"])}
    assert len(source) == 1
    taken: set[tuple[int, int]] = set()
    for panel in cluster["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in cluster["panels"]}) == len(cluster["panels"])


@pytest.mark.skipif(shutil.which("vmalert") is None, reason="no victoria-metrics on this machine")
def test_alarms_are_what_a_reader_of_them_takes(tmp_path: Path) -> None:
    """Debian's vmalert reads Prometheus's rules, expressions and templates."""
    for rules in ("alerts.yml", "cluster-alerts.yml"):
        done = vmalert(DEPLOY / "prometheus" / rules)
        assert done.returncode == 0, done.stderr
    wrong = tmp_path / "wrong.yml"
    text = (DEPLOY / "prometheus" / "cluster-alerts.yml").read_text()
    wrong.write_text(text.replace("sum(rate(", "sum(rate((", 1))
    assert vmalert(wrong).returncode != 0


def vmalert(rules: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["vmalert", "-dryRun", f"-rule={rules}"], capture_output=True, text=True, check=False
    )


@pytest.mark.skipif(shutil.which("haproxy") is None, reason="no haproxy on this machine")
def test_the_balancer_keeps_a_browser_where_it_is_and_leaves_out_who_is_not_well(
    tmp_path: Path,
) -> None:
    """The real program with the file's own lines; names, paths and the node's port are changed."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", "proxy.key",
         "-out", "proxy.crt"], cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    one, two = Page("one"), Page("two")
    https, mqtt = free_port(), free_port()
    text = BALANCER.replace("/etc/haproxy/tls", str(tmp_path))
    for old, new in (
        (":8443", f"127.0.0.1:{https}"), ("bind :8883", f"bind 127.0.0.1:{mqtt}"),
        ("web-1:8080", f"127.0.0.1:{one.port}"), ("web-2:8080", f"127.0.0.1:{two.port}"),
        ("rabbit-", "127.0.0."), ("maxconn 100000", "maxconn 100"),
        ("inter 2s fastinter 1s", "inter 100ms fastinter 50ms"),
    ):  # fmt: skip
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "haproxy.cfg").write_text(text)
    balancer = Program(["haproxy", "-f", str(tmp_path / "haproxy.cfg")], tmp_path / "log")
    balancer.start()
    client = httpx2.Client(verify=False, base_url=f"https://127.0.0.1:{https}", timeout=5)

    def got(path: str = "/") -> "httpx2.Response | None":
        try:
            return client.get(path, headers={"X-Forwarded-For": "6.6.6.6"})
        except httpx2.HTTPError:
            return None

    def names(who: str) -> bool:
        answer = got()
        return answer is not None and answer.text == who

    try:
        wait_until(lambda: getattr(got(), "text", "") in ("one", "two"), 60, "a page")
        first = got()
        assert first is not None
        mine = {"one": one, "two": two}[first.text]
        other = two if mine is one else one
        assert {getattr(got(), "text", "") for _ in range(6)} == {mine.name}
        assert mine.heard["X-Forwarded-Proto"] == "https"
        assert mine.heard["X-Forwarded-For"] == "127.0.0.1"
        mine.well = False
        wait_until(lambda: names(other.name), 60, "the other one answers")
        other.well = False
        wait_until(lambda: getattr(got("/readyz"), "status_code", 0) == 503, 60,
                   "where none is ready each says what is wrong")  # fmt: skip
        wait_until(lambda: names("one") or names("two"), 60, "a page of one that is alive")
    finally:
        client.close()
        balancer.stop()
        one.close()
        two.close()


class Page:
    """A process that serves pages; `well`: whether it is ready."""

    def __init__(self, name: str) -> None:
        self.name, self.well = name, True
        self.heard: dict[str, str] = {}
        page = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if self.path == "/":
                    page.heard = {k.title(): v for k, v in self.headers.items()}
                self.send_response(200 if page.well or self.path != "/readyz" else 503)
                body = page.name.encode()
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                # The balancer hangs up on whom it leaves out.
                with contextlib.suppress(OSError):
                    self.wfile.write(body)

            def log_message(self, *_words: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

"""docker-compose.yml says only what is true: files, commands, settings and figures that exist."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import ComposeSpecification
from compose_spec.models import Service

from hearthwatch.__main__ import COMMANDS
from hearthwatch.hub_config import load as load_hub
from ledger.place import PostgresBook

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
# Files that deploy/prepare.py makes, and the roster that the installer writes.
MADE = re.compile(r"\./deploy/(secrets/[\w-]+(\.pem|\.key)?|config/homes\.toml)")


def mounted(service: str) -> dict[str, str]:
    """What is bound into a container: path inside, and path here."""
    pairs = [v.split(":") for v in SERVICES[service].get("volumes", []) if v.startswith("./")]
    return {inside: here for here, inside, *_ in pairs}


def test_it_follows_the_specification() -> None:
    ComposeSpecification.model_validate(COMPOSE)
    known = {field.alias or name for name, field in Service.model_fields.items()}
    for name, service in SERVICES.items():
        assert set(service) <= known, name


@pytest.mark.parametrize("name", SERVICES)
def test_service_is_hardened_and_pinned(name) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+(\.\d+)?", service["image"])


@pytest.mark.parametrize("name", SERVICES)
def test_everything_it_names_exists(name) -> None:
    service = SERVICES[name]
    for here in mounted(name).values():
        assert MADE.fullmatch(here) or (ROOT / here).exists(), here
    for network in service["networks"]:
        assert network in COMPOSE["networks"]
    for secret in service.get("secrets", []):
        assert MADE.fullmatch(COMPOSE["secrets"][secret]["file"])
    for volume in service.get("volumes", []):
        assert volume.startswith("./") or volume.split(":")[0] in COMPOSE["volumes"]
    for other in service.get("depends_on", {}):
        assert "healthcheck" in SERVICES[other]


def test_no_listener_without_tls_is_published() -> None:
    for name, service in SERVICES.items():
        for port in service.get("ports", []):
            local = port.startswith("127.0.0.1:")
            assert local or (name == "mosquitto" and port.endswith(":8883:8883")), (name, port)


def test_no_password_is_written_down() -> None:
    """Wherever a setting is called so, its value is a file or a variable."""
    for path in (ROOT / "docker-compose.yml", *DEPLOY.rglob("*")):
        if not path.is_file() or DEPLOY / "secrets" in path.parents or path.suffix == ".py":
            continue
        for line in path.read_text().splitlines():
            found = re.search(r"(?i)(?:password|secret|token)\w*\s*[:=]\s*[\"']?(\S+)", line)
            if found is None or line.lstrip().startswith(("#", "secrets:")):
                continue
            # "none" is what a unit gives where there is none.
            assert re.match(r"\$\{|/run/|/etc/|/mosquitto/|\{file:$|none$", found[1]), line


def test_image_runs_commands_that_exist() -> None:
    [command] = re.findall(r"^CMD (\[.*\])$", DOCKERFILE, flags=re.MULTILINE)
    assert SERVICES["hub"]["command"] == json.loads(command)
    assert json.loads(command)[0] in COMMANDS
    assert 'ENTRYPOINT ["hearthwatch"]' in DOCKERFILE
    assert "deploy/homes.sh /usr/local/bin/hearthwatch-homes" in DOCKERFILE
    assert SERVICES["homes"]["entrypoint"] == ["hearthwatch-homes"]


def test_image_copies_what_exists_and_is_let_in() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    for name in let_in:
        assert (ROOT / name).exists(), name
    for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, flags=re.MULTILINE):
        for name in shlex.split(line)[:-1]:
            assert name == "." or (ROOT / name).exists(), name
            assert name == "." or name.rstrip("/") in let_in, name
    for lock in re.findall(r"requirements/\w+\.txt", DOCKERFILE):
        assert (ROOT / lock).exists(), lock


def test_hub_finds_its_settings_where_they_are_mounted(tmp_path) -> None:
    assert mounted("hub")["/etc/hearthwatch"] == "./deploy/config"
    assert "hub:/var/lib/hearthwatch" in SERVICES["hub"]["volumes"]
    text = (DEPLOY / "config" / "hub.toml").read_text()
    assert "/run/secrets/broker-password" in text
    path = tmp_path / "hub.toml"
    path.write_text(text.replace("/run/secrets", str(tmp_path)))
    (tmp_path / "broker-password").write_text("from a file\n")
    config = load_hub(path)
    assert config.data_dir == Path("/var/lib/hearthwatch")
    assert config.homes == tmp_path / "homes.toml"
    assert (config.broker.host, config.broker.port) == ("mosquitto", 1883)
    assert config.broker.password == "from a file"
    assert config.http.port == int(SERVICES["hub"]["ports"][0].rsplit(":", 1)[1])


def explained(text: str) -> str:
    """hub.toml with the keys that are commented out let in."""
    lines = []
    for line in text.splitlines():
        bare = line.removeprefix("# ")
        lines.append(bare if re.match(r"\[\[?[\w.]+\]\]?( |$)|\w+ = ", bare) else line)
    return "\n".join(lines)


# Secrets that are looked at.
SHAPED = {
    "heartbeat-url": "https://heartbeat.example/k",
    "uplink": "a" * 24,
    "wecom-duty": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k",
}


def test_every_key_that_hub_toml_explains_is_one(tmp_path) -> None:
    text = (DEPLOY / "config" / "hub.toml").read_text()
    for secret in re.findall(r'"/run/secrets/([\w-]+)"', text):
        (tmp_path / secret).write_text(SHAPED.get(secret, "word"))
    policies = tmp_path / "policies.toml"
    policies.write_text((ROOT / "alarms" / "escalation" / "default.toml").read_text())
    text = text.replace("/etc/hearthwatch/policies.toml", str(policies))
    # One of the brokers, one of the stores: a table can stand in a file once.
    rabbitmq = "# [broker]" + text.partition("\n# [broker]")[2].partition("\n\n")[0]
    rabbit = tmp_path / "rabbit.toml"
    table = explained(rabbitmq).replace("/run/secrets", str(tmp_path))
    rabbit.write_text(f'data_dir = "."\n{table}')
    assert load_hub(rabbit).broker.host == "mq-1.county.example"
    text = text.replace(rabbitmq, "")
    tables = re.findall(r"(?:# )?\[readings\].*?(?=\n\n)", text, re.DOTALL)
    for store, table in zip(("sqlite", "postgresql", "influxdb"), tables, strict=True):
        path, one = tmp_path / "hub.toml", text
        for other in tables:
            one = one if other == table else one.replace(other, "")
        path.write_text(explained(one).replace("/run/secrets", str(tmp_path)))
        config = load_hub(path)
        assert config.readings.store == store
        assert config.clock_plan is not None
        assert config.broker.ca_file is not None
        assert len(config.webhooks) == 1
        assert set(config.notify.channels) == {"wecom_bot"}
        assert isinstance(config.book, PostgresBook)
    book, records = config.book.url, SERVICES["postgres"]
    assert (book.host, book.port, book.password) == ("postgres", 5432, "word")
    assert book.username == records["environment"]["POSTGRES_USER"]
    assert book.database == records["environment"]["POSTGRES_DB"]
    assert "postgres-password" in records["secrets"]
    assert "postgres-password" in SERVICES["hub"]["secrets"]
    assert set(records["networks"]) & set(SERVICES["hub"]["networks"])
    influx = config.readings.influx
    assert influx is not None
    server = SERVICES["influxdb"]
    assert influx.url == "http://influxdb:8086"
    assert influx.org == server["environment"]["DOCKER_INFLUXDB_INIT_ORG"]
    assert influx.bucket == server["environment"]["DOCKER_INFLUXDB_INIT_BUCKET"]
    assert "influx-token" in server["secrets"]
    assert "influx-token" in SERVICES["hub"]["secrets"]
    assert set(server["networks"]) & set(SERVICES["hub"]["networks"])


def test_broker_finds_its_files_where_they_are_mounted() -> None:
    text = (DEPLOY / "mosquitto" / "mosquitto.conf").read_text()
    named = set(re.findall(r"^\w+ (/mosquitto/\S+)$", text, flags=re.MULTILINE))
    assert named
    assert named <= set(mounted("mosquitto"))
    assert SERVICES["mosquitto"]["command"][-1] in mounted("mosquitto")


def test_prometheus_asks_the_hub_and_grafana_prometheus() -> None:
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    [job] = config["scrape_configs"]
    assert job["static_configs"][0]["targets"] == ["hub:8080"]
    for rules in config["rule_files"]:
        assert (DEPLOY / "prometheus" / rules).exists()
    source = yaml.safe_load(
        (DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text()
    )["datasources"][0]
    assert source["url"] == "http://prometheus:9090"
    provider = yaml.safe_load(
        (DEPLOY / "grafana/provisioning/dashboards/hearthwatch.yml").read_text()
    )["providers"][0]
    assert provider["options"]["path"] in mounted("grafana")
    board = json.loads((DEPLOY / "grafana/dashboards/hub.json").read_text())
    assert {panel["datasource"]["uid"] for panel in board["panels"]} == {source["uid"]}
    shared = set(SERVICES["hub"]["networks"]) & set(SERVICES["prometheus"]["networks"])
    assert shared & set(SERVICES["grafana"]["networks"])
